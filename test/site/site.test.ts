import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, posix } from 'node:path';
import type { AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GUIDES } from '../../site/navigation.mjs';
import { type BrowserSession, openBrowser, type Route } from '../support/browser.js';
import { describeNeeding, type Need, tools } from '../support/tools.js';

const DIST = 'site/dist';
const AXE = 'node_modules/axe-core/axe.min.js';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** The site, which `npm run docs` builds. */
const site: Need = {
  missing: existsSync(join(DIST, 'index.html')) ? undefined : 'the site is not built: npm run docs',
};

it('the side bar has every page of docs', () => {
  const listed = GUIDES.flatMap(({ items }) => items.map(({ source }) => source));
  const docs = readdirSync('docs').filter((name) => name.endsWith('.md'));
  expect(docs.filter((name) => !listed.includes(`docs/${name}`))).toEqual([]);
});

describeNeeding('the built site', [site], () => {
  const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' })
    .map((file) => file.split('\\').join('/'))
    .filter((file) => statSync(join(DIST, file)).isFile());
  const pages = new Map(
    files
      .filter((file) => file.endsWith('.html') && file !== '404.html')
      .map((file) => [file, readFileSync(join(DIST, file), 'utf8')]),
  );

  it('has the guides and a page for each export', () => {
    for (const { items } of GUIDES) for (const { page } of items) expect([...pages.keys()]).toContain(`${page}.html`);
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
    for (const path of Object.keys(exports).filter((name) => name !== './package.json'))
      expect([...pages.keys()]).toContain(posix.join('api/kvs-parser', path, 'index.html'));
    expect(pages.has('api/kvs-parser/client/classes/GetMediaConsumer.html')).toBe(true);
    expect(pages.size).toBeGreaterThan(300);
  });

  it('has no link to a page, a file or an anchor that is not there', () => {
    const ids = new Map([...pages].map(([file, html]) => [file, idsOf(html)]));
    const known = new Set(files);
    const dead: string[] = [];
    let links = 0;
    for (const [page, html] of pages) {
      for (const [, attribute = ''] of html.matchAll(/<(?:a|link|img|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g)) {
        const target = attribute.replaceAll('&amp;', '&');
        if (/^(?:https?:|mailto:|data:)/.test(target)) continue;
        links++;
        const [path = '', hash = ''] = target.split('#');
        const file = path === '' ? page : fileOf(path, page);
        const isThere = known.has(file) && (hash === '' || ids.get(file)?.has(decodeURIComponent(hash)) === true);
        if (!isThere) dead.push(`${page}: ${target}`);
      }
    }
    expect(links).toBeGreaterThan(10_000);
    expect([...new Set(dead)]).toEqual([]);
  });

  describeNeeding('in Chromium', [tools('chromium')], () => {
    let browser: BrowserSession;
    beforeAll(async () => {
      const routes: Record<string, Route> = {};
      for (const file of files) {
        const type = TYPES[extname(file)] ?? 'application/octet-stream';
        const route: Route = { type, body: readFileSync(join(DIST, file)) };
        routes[encodeURI(`/${file}`)] = route;
        if (posix.basename(file) === 'index.html') routes[`/${file.slice(0, -'index.html'.length)}`] = route;
      }
      browser = await openBrowser(routes);
    });
    afterAll(() => browser?.close());

    it.each([
      ['continuationToken', 'FragmentMetadata'],
      ['CrcMismatch', 'Error catalogue'],
      ['Amazon Connect', 'Amazon Connect'],
    ])('the search finds %s', async (words, found) => {
      const { page, origin } = browser;
      await page.goto(`${origin}/index.html`);
      await page.locator('.VPNavBarSearch button').first().click();
      await page.locator('#localsearch-input').fill(words);
      // The list may still have what was found for the words before.
      const result = page.locator('#localsearch-list .result', { hasText: found }).first();
      await result.waitFor();
      await result.click();
      await page.waitForURL((url) => url.pathname !== '/index.html');
      // The address changes before the page does.
      await page.locator('main', { hasText: words }).waitFor();
    });

    const PAGES = ['index', 'getting-started', 'errors', 'analytics', 'api/kvs-parser/client/classes/GetMediaConsumer'];
    describe.each(['light', 'dark'])('in %s colours', (colours) => {
      it.each(PAGES)('%s has no serious fault of accessibility', async (name) => {
        const { page, origin } = browser;
        await page.emulateMedia({ colorScheme: colours === 'dark' ? 'dark' : 'light', reducedMotion: 'reduce' });
        await page.goto(`${origin}/${name}.html`);
        await page.locator('.VPContent h1').first().waitFor();
        expect(await page.locator('html.dark').count()).toBe(colours === 'dark' ? 1 : 0);
        await page.addScriptTag({ path: AXE });
        const { violations } = await page.evaluate(
          (): Promise<AxeResults> => Reflect.get(globalThis, 'axe').run({ resultTypes: ['violations'] }),
        );
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        const told = serious.flatMap(({ id, nodes }) =>
          nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`),
        );
        expect(told).toEqual([]);
      });
    });

    it('the pages that were opened report no error', () => {
      expect(browser.errors).toEqual([]);
    });
  });
});

function idsOf(html: string): Set<string> {
  return new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => id));
}

function fileOf(path: string, page: string): string {
  const from = path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(page), path);
  const file = decodeURIComponent(posix.normalize(from));
  return file === '.' || file === '' || file.endsWith('/') ? posix.join(file, 'index.html') : file;
}
