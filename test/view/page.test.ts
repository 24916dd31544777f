import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkStream } from '../../src/check/check-stream.js';
import { readFragments, readFrames } from '../../src/fragments/read.js';
import { readDocuments } from '../../src/fragments/read-documents.js';
import { writeGetMediaError, writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { psnr } from '../decode/media.js';
import { type BrowserSession, openBrowser, type Route } from '../support/browser.js';
import { CAPTURES, captureBytes, captureFacts } from '../support/captures.js';
import { fragmentInput } from '../support/kvs-documents.js';
import { runMkvinfo } from '../support/mkvinfo.js';
import { describeNeeding, findTool, tools } from '../support/tools.js';
import { startView } from '../support/view-command.js';

const CAPTURE = 'output_get_media.mkv';
/** How long a page on a busy machine may take for what it does at once on an idle one. */
const WAIT = { timeout: 30_000 };
const CASES = 'test/cases';

/** The page as it is built, at the addresses of a static host. */
async function pageRoutes(): Promise<Record<string, Route>> {
  const config = fileURLToPath(new URL('../../vite.view.config.ts', import.meta.url));
  const result = await build({ configFile: config, build: { write: false }, logLevel: 'error' });
  if (Array.isArray(result) || !('output' in result)) throw new Error('the page is one build');
  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css' };
  const routes: Record<string, Route> = {};
  for (const file of result.output) {
    const type = types[file.fileName.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    routes[`/${file.fileName}`] = { type, body: file.type === 'chunk' ? file.code : file.source };
  }
  const index = routes['/index.html'];
  if (index === undefined) throw new Error('there is no page');
  return { ...routes, '/': index };
}

describeNeeding("the inspector's page", [tools('chromium', 'ffmpeg', 'mkvinfo'), CAPTURES], () => {
  let session: BrowserSession;
  let page: Page;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-page-'));
    session = await openBrowser(await pageRoutes());
    page = session.page;
    await page.setViewportSize({ width: 1300, height: 900 });
  });
  afterAll(async () => {
    await session?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  /** Opens bytes as a file that a user has chosen, on a page that is new. */
  async function open(bytes: Uint8Array, name = 'file.mkv'): Promise<void> {
    await page.goto(`${session.origin}/`);
    await page
      .locator('.file input')
      .first()
      .setInputFiles({ name, mimeType: '', buffer: Buffer.from(bytes) });
    await page.waitForFunction(() => {
      const progress = document.querySelector('.progress');
      return progress !== null && progress.querySelector('progress') === null;
    });
  }

  const tab = (name: string) => page.getByRole('tab', { name }).click();
  /** Cells of the rows that are drawn of a table. */
  const rowsOf = async (name: string): Promise<string[][]> => {
    await page.locator(`[aria-label="${name}"] [data-index]`).first().waitFor();
    return page.evaluate(
      (label) =>
        [...document.querySelectorAll(`[aria-label="${label}"] [role="row"][data-index]`)]
          .sort((a, b) => Number(a.getAttribute('data-index')) - Number(b.getAttribute('data-index')))
          .map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
      name,
    );
  };
  /** Numbers as the page groups them. */
  const plain = (text: string | undefined) => Number(text?.replaceAll('\u2009', ''));
  const cursor = () => page.getByTestId('cursor').textContent();

  describe('shows the facts of a capture', () => {
    beforeAll(() => open(captureBytes(CAPTURE), CAPTURE));
    const facts = captureFacts().find(({ file }) => file === CAPTURE);

    it('its fragments', async () => {
      await tab('Fragments');
      const rows = await rowsOf('Fragments');
      expect(rows.map((row) => row.at(-1))).toEqual(facts?.fragments.map(({ kvs }) => kvs['FRAGMENT_NUMBER']));
      expect(rows.map((row) => [row[4], row[5]])).toEqual(Array(5).fill(['60', '1']));
      const moment = (seconds: string | undefined) =>
        new Date(Math.round(Number(seconds) * 1000)).toISOString().replace('T', ' ').replace('Z', '');
      expect(rows.map((row) => row[1])).toEqual(facts?.fragments.map(({ kvs }) => moment(kvs['PRODUCER_TIMESTAMP'])));
      expect(rows.map((row) => row[7])).toEqual(facts?.fragments.map(({ kvs }) => moment(kvs['SERVER_TIMESTAMP'])));
      expect(await page.locator('.axis .tools').textContent()).toContain('5 fragments, 300 frames, 0 gaps, 0 overlaps');
    });

    it('its tags, with their values', async () => {
      await tab('Tags');
      const wanted = facts?.fragments.flatMap(({ producerTags, kvs }, index) => [
        // A TagString ends at its first NUL.
        ...producerTags.map(([name, value]) => [String(index + 1), name, value.split('\0')[0]]),
        ...Object.entries(kvs).map(([name, value]) => [String(index + 1), `AWS_KINESISVIDEO_${name}`, value]),
      ]);
      const found: string[][] = [];
      for (const kind of ['producer', 'service']) {
        await page.getByLabel('Tags of').selectOption(kind);
        await page.locator('[aria-label="Tags"][role="grid"]').focus();
        for (const [key, place] of [
          ['Home', 0],
          ['End', kind === 'producer' ? 34 : 24],
        ] as const) {
          await page.keyboard.press(key);
          await page.locator(`[aria-label="Tags"] [data-index="${place}"][aria-selected="true"]`).waitFor();
          found.push(...(await rowsOf('Tags')));
        }
      }
      for (const tag of wanted ?? []) expect(found.map((row) => row.slice(0, 3))).toContainEqual(tag);
      expect(await page.locator('.pane .tools').textContent()).toContain('35 of the producer, 25 of the service');
    });

    it('its track and what the decoder is told', async () => {
      await tab('Tracks');
      const text = await page.locator('.pane').textContent();
      expect(text).toContain('avc1.4d401e');
      expect(text).toContain('77 (Main)');
      expect(text).toContain('Sequence parameter set');
      expect(text).toContain('640x360');
    });

    it('its elements, at the offsets that mkvinfo finds', async () => {
      await tab('Elements');
      const path = join(folder, 'first.mkv');
      const bytes = captureBytes(CAPTURE);
      const second = Buffer.from(bytes).indexOf(Buffer.from([0x1a, 0x45, 0xdf, 0xa3]), 4);
      writeFileSync(path, bytes.subarray(0, second));
      const info = runMkvinfo(path);
      const blocks = info.filter(({ label }) => label === 'Simple block').map(({ offset }) => offset);
      expect(blocks).toHaveLength(60);
      await page.getByRole('searchbox').fill('SimpleBlock');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('.search [role="status"]').textContent(), WAIT).toContain('1 of 300 found');
      await expect.poll(async () => (await rowsOf('Elements')).map((row) => plain(row[1])), WAIT).toContain(blocks[0]);
      const rows = await rowsOf('Elements');
      for (const [label, name] of [
        ['Segment', 'Segment'],
        ['Tracks', 'Tracks'],
        ['Cluster', 'Cluster'],
      ]) {
        const line = info.find((each) => each.label === label);
        expect(rows.find((row) => row[0]?.endsWith(name ?? ''))?.[1]).toSatisfy(
          (text: string) => plain(text) === line?.offset,
        );
      }
      // The last Block of the first fragment, and the bytes there.
      const last = blocks.at(-1) ?? 0;
      await page.getByLabel('Find by').selectOption('offset');
      await page.getByRole('searchbox').fill(String(last));
      await page.keyboard.press('Enter');
      await expect.poll(cursor, WAIT).toContain('frame 59,');
      const header = await page.locator('.hex pre .header').first().textContent();
      expect(header).toBe(
        [...bytes.subarray(last, last + 3)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      );
    });

    it('and goes from a Block to its frame and back', async () => {
      await page.getByRole('button', { name: 'Show frame' }).click();
      const chosen = page.locator('[aria-label="Frames"] [aria-selected="true"]');
      await expect.poll(() => chosen.locator('[role="gridcell"]').first().textContent(), WAIT).toBe('59');
      await page.locator('[aria-label="Frames"][role="grid"]').focus();
      await page.keyboard.press('ArrowDown');
      await expect.poll(cursor, WAIT).toContain('Fragment 2 · frame 60, key frame');
      await page.getByRole('button', { name: 'Show Block' }).click();
      const element = page.locator('[aria-label="Elements"] [aria-selected="true"]');
      await expect.poll(() => element.textContent(), WAIT).toContain('SimpleBlock');
    });
  });

  describe('shows the picture of a frame', () => {
    const WIDTH = 640;
    const HEIGHT = 360;
    /** Numbers of the frames that ffmpeg decodes too, in the order in which it gives them. */
    const COMPARED = [119, 135, 136, 137, 298, 299];
    let decoded: Uint8Array;
    const frameOfFfmpeg = (frame: number) => {
      const at = COMPARED.indexOf(frame) * WIDTH * HEIGHT * 3;
      return decoded.subarray(at, at + WIDTH * HEIGHT * 3);
    };
    /** What is on the page's canvas, as RGB. */
    const shown = async () => {
      const base64 = await page.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('.screen canvas');
        return canvas?.toDataURL('image/png').split(',')[1] ?? '';
      });
      const { default: sharp } = await import('sharp');
      return new Uint8Array(await sharp(Buffer.from(base64, 'base64')).removeAlpha().raw().toBuffer());
    };
    beforeAll(async () => {
      const path = join(folder, CAPTURE);
      writeFileSync(path, captureBytes(CAPTURE));
      const select = `select=${COMPARED.map((frame) => `eq(n\\,${frame})`).join('+')}`;
      const args = ['-v', 'fatal', '-i', path, '-vf', select, '-fps_mode', 'passthrough'];
      decoded = execFileSync(findTool('ffmpeg') ?? '', [...args, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
        maxBuffer: WIDTH * HEIGHT * 3 * (COMPARED.length + 1),
      });
      expect(decoded).toHaveLength(WIDTH * HEIGHT * 3 * COMPARED.length);
      await open(captureBytes(CAPTURE), CAPTURE);
    });

    it.each([137, 136, 299])('%s, and no other', async (frame) => {
      await tab('Frames');
      const grid = page.locator('[aria-label="Frames"][role="grid"]');
      await grid.evaluate((element, top) => {
        element.scrollTop = top;
      }, frame * 26);
      await page.locator(`[aria-label="Frames"] [data-index="${frame}"]`).click();
      await page.locator(`.screen canvas[data-frame="${frame}"]`).waitFor();
      const picture = await shown();
      expect(psnr(picture, frameOfFfmpeg(frame))).toBeGreaterThan(38);
      // The frames beside it differ by more than colour conversion does.
      const beside = psnr(picture, frameOfFfmpeg(frame - 1));
      expect(beside).toBeLessThan(psnr(picture, frameOfFfmpeg(frame)) - 1);
    });

    it('of a stream whose pictures are stored out of order', async () => {
      const path = join(folder, 'reordered.mkv');
      // Without colours: which matrix unlabelled ones are turned into RGB with is left to each decoder.
      const source = ['-f', 'lavfi', '-i', `testsrc=s=${WIDTH}x${HEIGHT}:r=25:d=4,hue=s=0`];
      const codec = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50', '-bf', '3', '-pix_fmt', 'yuv420p'];
      execFileSync(findTool('ffmpeg') ?? '', ['-v', 'error', ...source, ...codec, path]);
      const bytes = readFileSync(path);
      const times: number[] = [];
      for await (const { timestamp } of readFrames(new Uint8Array(bytes))) times.push(timestamp);
      const stored = times.findIndex((time, index) => index > 60 && time < (times[index - 1] ?? 0));
      expect(stored).toBeGreaterThan(60);
      const shownAt = times.filter((time) => time < (times[stored] ?? 0)).length;
      const select = `select=between(n\\,${shownAt - 1}\\,${shownAt + 1})`;
      const args = ['-v', 'fatal', '-i', path, '-vf', select, '-fps_mode', 'passthrough', '-f', 'rawvideo'];
      const maxBuffer = 1 << 24;
      const all = execFileSync(findTool('ffmpeg') ?? '', [...args, '-pix_fmt', 'rgb24', '-'], { maxBuffer });
      await open(bytes);
      await tab('Frames');
      await page.locator('[aria-label="Frames"][role="grid"]').evaluate((element, top) => {
        element.scrollTop = top;
      }, stored * 26);
      const row = page.locator(`[aria-label="Frames"] [data-index="${stored}"]`);
      await row.click();
      const frame = await row.locator('[role="gridcell"]').first().textContent();
      await page.locator(`.screen canvas[data-frame="${frame}"]`).waitFor();
      const picture = await shown();
      const [before, same, after] = [0, 1, 2].map((at) => {
        const size = WIDTH * HEIGHT * 3;
        return psnr(picture, new Uint8Array(all.subarray(at * size, (at + 1) * size)));
      });
      expect(same).toBeGreaterThan(38);
      expect(Math.max(before ?? 0, after ?? 0)).toBeLessThan((same ?? 0) - 3);
    });

    it('of a producer whose timestamps begin anew', async () => {
      await open(readFileSync(join(CASES, 'time-restart--restart-4.mkv')));
      await tab('Frames');
      const pictures = new Set<string>();
      // The first frame of each of the first fragments has the timestamp 0.
      for (const frame of [0, 4, 8]) {
        await page.locator(`[aria-label="Frames"] [data-index="${frame}"]`).click();
        await page.locator(`.screen canvas[data-frame="${frame}"]`).waitFor();
        pictures.add(Buffer.from(await shown()).toString('base64'));
      }
      expect(pictures.size).toBe(3);
      await open(captureBytes(CAPTURE), CAPTURE);
    });

    it('after steps by the keyboard', async () => {
      await page.locator('.axis [role="slider"]').focus();
      await page.keyboard.press('Home');
      await page.locator('.screen canvas[data-frame="0"]').waitFor();
      await page.keyboard.press('ArrowRight');
      await page.locator('.screen canvas[data-frame="1"]').waitFor();
      await page.keyboard.press('k');
      await page.locator('.screen canvas[data-frame="60"]').waitFor();
      await page.keyboard.press('PageDown');
      await page.locator('.screen canvas[data-frame="120"]').waitFor();
      await page.keyboard.press('ArrowLeft');
      await page.locator('.screen canvas[data-frame="119"]').waitFor();
      expect(psnr(await shown(), frameOfFfmpeg(119))).toBeGreaterThan(38);
    });
  });

  describe('shows what a stream says as text', () => {
    const HTML = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';
    const BIDI = 'left\u202egnp.exe\u202c\u2066isolated';
    const CONTROLS = 'a\x1b[31mb\u009bc\u0000d\u200be';
    const LONG = `${'x'.repeat(1_000_000)}THE END`;

    beforeAll(async () => {
      const tags: [string, string][] = [
        [HTML, HTML],
        ['bidi', BIDI],
        ['controls', CONTROLS],
        ['long', LONG],
      ];
      await open(writeGetMediaFragment(fragmentInput(0, { tags })), `${HTML}.mkv`);
      await tab('Tags');
    });

    it('HTML', async () => {
      const rows = await rowsOf('Tags');
      expect(rows[0]?.slice(1, 3)).toEqual([HTML, HTML]);
      expect(await page.title()).toBe('kvs view');
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(await page.locator('header .name').textContent()).toBe(`${HTML}.mkv`);
    });

    it('characters that nobody sees or that turn others around', async () => {
      const rows = await rowsOf('Tags');
      expect(rows[1]?.[2]).toBe('leftU+202Egnp.exeU+202CU+2066isolated');
      // A string ends at its first NUL.
      expect(rows[2]?.[2]).toBe('aESC[31mbU+009Bc');
      const body = await page.evaluate(() => document.body.textContent ?? '');
      const unseen = [...body].filter((character) => /[\p{Cc}\p{Cf}]/u.test(character) && character !== '\n');
      expect(unseen).toEqual([]);
    });

    it('a value of a million characters, cut, and more of it on demand', async () => {
      const rows = await rowsOf('Tags');
      expect(rows[3]?.[2]?.length).toBeLessThan(300);
      expect(plain(rows[3]?.[3])).toBe(LONG.length);
      await page.locator('[aria-label="Tags"] [data-index="3"]').click();
      const value = page.locator('.details .long-text .stream-text');
      const before = (await value.textContent())?.length ?? 0;
      expect(before).toBeLessThan(5000);
      await page.getByRole('button', { name: 'Show more' }).click();
      await expect.poll(async () => (await value.textContent())?.length, WAIT).toBeGreaterThan(10_000);
      expect(await page.locator('.details').textContent()).toContain('1,000,007 characters');
    });
  });

  describe('says what a file is that is none', () => {
    const problem = () => page.locator('main [role="alert"]').first().textContent();

    it('an empty one', async () => {
      await open(new Uint8Array(0), 'empty.mkv');
      expect(await problem()).toMatch(/empty/i);
    });

    it('another kind', async () => {
      await open(new TextEncoder().encode('%PDF-1.7 not a recording '.repeat(100)), 'paper.pdf');
      expect(await problem()).toMatch(/not|no /i);
      expect(await page.locator('main').textContent()).not.toContain('undefined');
    });

    it('one that is cut short: what is there is shown', async () => {
      const bytes = captureBytes(CAPTURE);
      await open(bytes.subarray(0, 700_000), 'cut.mkv');
      await tab('Findings');
      expect((await rowsOf('Findings')).map((row) => row[1])).toContain('Truncated');
      await tab('Fragments');
      expect(await rowsOf('Fragments')).toHaveLength(2);
    });
  });

  describe('can be used', () => {
    /** The panes, each with what it shows last. */
    const PANES = [
      ['Fragments', '[data-index]'],
      ['Frames', '[data-index]'],
      ['Tags', '[data-index]'],
      ['Tracks', '.track'],
      ['Findings', '.playable'],
      ['Elements', '.hex pre'],
    ] as const;
    let axe: string;
    beforeAll(async () => {
      axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
      await open(captureBytes('output_get_media_sparse_fragments.mkv'), 'sparse.mkv');
    });
    beforeEach(async () => {
      await page.setViewportSize({ width: 1300, height: 900 });
      await page.emulateMedia({ colorScheme: 'light' });
    });

    it.each([
      ['light', 1300],
      ['dark', 1300],
      ['light', 400],
    ] as const)('axe finds no serious fault: %s, %s pixels', async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      for (const [name, last] of PANES) {
        await tab(name);
        await page.locator(`#pane-${name.toLowerCase()} ${last}`).first().waitFor();
        await page.evaluate(axe);
        const { violations } = await page.evaluate<AxeResults>('axe.run()');
        const faults = violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`);
        expect(faults, name).toEqual([]);
      }
      // Nothing makes the page itself wider than its window.
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(wide).toBeLessThanOrEqual(room ?? 0);
    });

    it('with the keyboard alone', async () => {
      await page.locator('#tab-elements').focus();
      await page.keyboard.press('Home');
      expect(await page.locator('[role="tab"][aria-selected="true"]').getAttribute('id')).toBe('tab-fragments');
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('tab-frames');
      const seen = new Set<string>();
      for (let i = 0; i < 12; i++) {
        await page.keyboard.press('Tab');
        seen.add(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? ''));
      }
      expect(seen).toContain('Frames');
      const outline = await page.evaluate(() => {
        document.querySelector<HTMLElement>('[role="grid"]')?.focus();
        return getComputedStyle(document.activeElement ?? document.body).outlineStyle;
      });
      expect(outline).toBe('solid');
    });

    it('zooms and moves by keys, and shows all again', async () => {
      const view = page.getByTestId('view');
      await page.locator('.axis [role="slider"]').focus();
      await page.keyboard.press('Home');
      for (let i = 0; i < 4; i++) await page.keyboard.press('+');
      await expect.poll(() => view.textContent(), WAIT).toMatch(/^In sight: 2\.0\d s$/);
      await page.keyboard.press('Shift+ArrowRight');
      await page.keyboard.press('End');
      await expect.poll(cursor, WAIT).toContain('frame 179,');
      await page.keyboard.press('0');
      await expect.poll(() => view.count(), WAIT).toBe(0);
    });

    it('opens and closes elements by keys', async () => {
      await tab('Elements');
      await page.locator('[aria-label="Elements"]').focus();
      const chosen = page.locator('[aria-label="Elements"] [aria-selected="true"]');
      // The element of the frame at the cursor is chosen when it has been read, which may be after the key.
      const chosenFirst = async () => {
        await page.keyboard.press('Home');
        return chosen.textContent();
      };
      await expect.poll(chosenFirst, WAIT).toContain('EBML');
      await page.keyboard.press('ArrowRight');
      await expect.poll(() => chosen.getAttribute('aria-expanded'), WAIT).toBe('true');
      await page.keyboard.press('ArrowRight');
      await expect.poll(() => chosen.getAttribute('aria-level'), WAIT).toBe('2');
      await page.keyboard.press('ArrowLeft');
      await expect.poll(() => chosen.getAttribute('aria-level'), WAIT).toBe('1');
      await page.keyboard.press('ArrowLeft');
      await expect.poll(() => chosen.getAttribute('aria-expanded'), WAIT).toBe('false');
    });

    it('and shows the gaps of a sparse stream', async () => {
      expect(await page.locator('.axis .tools').textContent()).toContain('3 fragments, 180 frames, 2 gaps');
      await tab('Fragments');
      expect((await rowsOf('Fragments')).map((row) => row[3])).toEqual(['', '+2 s', '+2 s']);
      await page.locator('[aria-label="Fragments"] [data-index="1"]').click();
      await expect.poll(cursor, WAIT).toContain('after a gap of 2 s');
    });
  });

  describe('hands out what it shows', () => {
    const RECORDING = readFileSync('examples/recording/camera.mkv');
    beforeAll(async () => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await open(RECORDING, 'camera.mkv');
      await tab('Fragments');
      await page.locator('[aria-label="Fragments"] [data-index="2"]').click();
    });
    const saved = async (button: string) => {
      const coming = page.waitForEvent('download');
      await page.getByRole('button', { name: button, exact: true }).click();
      const download = await coming;
      return { name: download.suggestedFilename(), bytes: new Uint8Array(readFileSync(await download.path())) };
    };

    it('a fragment as a file of its own', async () => {
      const { name, bytes } = await saved('Save fragment');
      expect(name).toMatch(/\.mkv$/);
      const documents = [];
      for await (const document of readDocuments(new Uint8Array(RECORDING))) documents.push(document);
      const path = join(folder, 'fragment.mkv');
      writeFileSync(path, bytes);
      const blocks = (file: string) => runMkvinfo(file).filter(({ label }) => label === 'Simple block').length;
      writeFileSync(join(folder, 'third.mkv'), documents[2]?.bytes ?? new Uint8Array());
      expect(blocks(path)).toBe(blocks(join(folder, 'third.mkv')));
    });

    it('a frame, as its codec has it', async () => {
      await tab('Frames');
      const { name, bytes } = await saved('Save frame');
      expect(name).toMatch(/^frame-\d+\.h264$/);
      // Annex B: a start code, then a parameter set or the picture.
      expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
    });

    it('a picture', async () => {
      const canvas = page.locator('.screen canvas[data-frame]');
      await canvas.waitFor();
      const { name, bytes } = await saved('Save picture');
      expect(name).toBe(`frame-${await canvas.getAttribute('data-frame')}.png`);
      const { default: sharp } = await import('sharp');
      expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 320, height: 240 });
    });

    it('a table as JSON', async () => {
      await tab('Fragments');
      await page.getByRole('button', { name: 'Copy all as JSON' }).click();
      await page.locator('.notice', { hasText: 'copied' }).waitFor();
      const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
      const wanted: unknown[] = [];
      for await (const { metadata, frames } of readFragments(new Uint8Array(RECORDING))) {
        const { fragmentNumber, producerTimestamp, tags } = metadata ?? { tags: [] };
        wanted.push({
          fragmentNumber,
          producerTimestamp: producerTimestamp?.toISOString(),
          frames: frames.length,
          tags: tags.map(({ name, value }) => [name, value]),
        });
      }
      expect(copied).toMatchObject(wanted);
    });
  });

  describe('shows what went wrong', () => {
    beforeAll(async () => {
      const good = [0, 1, 2].map((index) => writeGetMediaFragment(fragmentInput(index)));
      good[1]?.fill(0, 300, 340);
      const error = { id: 4506, code: 'STREAM_NOT_FOUND' } as const;
      const failed = writeGetMediaError({ ...fragmentInput(3), error });
      await open(Buffer.concat([...good, failed]), 'bad.mkv');
    });

    it('on the time axis', async () => {
      const label = await page.locator('.axis [role="slider"]').getAttribute('aria-label');
      expect(label).toMatch(/Damage/);
      expect(label).toMatch(/Service errors/);
    });

    it('in the tables, and goes to the place', async () => {
      await tab('Findings');
      const rows = await rowsOf('Findings');
      expect(rows.map((row) => row[1])).toContain('Damage');
      const at = rows.findIndex((row) => row[1] === 'Damage');
      await page.locator(`[aria-label="Findings"] [data-index="${at}"]`).click();
      await expect.poll(cursor, WAIT).toMatch(/^Fragment 2/);
      await page.getByRole('button', { name: 'Show the place' }).click();
      const element = page.locator('[aria-label="Elements"] [aria-selected="true"]');
      await expect.poll(() => element.textContent(), WAIT).toContain(rows[at]?.[3]);
      await tab('Fragments');
      const states = (await rowsOf('Fragments')).map((row) => row[9]);
      expect(states).toEqual(['', expect.stringMatching(/damaged|cut short/), '', 'service error']);
    });
  });

  describe('plays', () => {
    const RECORDING = readFileSync('examples/recording/camera.mkv');
    beforeAll(() => open(RECORDING, 'camera.mkv'));

    it('the wave form of AAC, with what is loud where it is', async () => {
      await page.locator('.strip canvas[data-drawn="2"]').waitFor();
      const heights = await page.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('.strip canvas[data-drawn="2"]');
        const { width, height } = canvas ?? { width: 0, height: 0 };
        const data = canvas?.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
        return Array.from({ length: width }, (_, x) => {
          let painted = 0;
          for (let y = 0; y < height; y++) if ((data[(y * width + x) * 4] ?? 0) > 150) painted++;
          return painted;
        });
      });
      // The recording's sound has a beep each second, as it begins: 10 of them, each much louder than what is between.
      const loud = heights.map((painted) => painted > 12);
      const beeps = loud.filter((isLoud, x) => isLoud && !loud.slice(Math.max(0, x - 20), x).includes(true));
      expect(beeps.length).toBeGreaterThanOrEqual(8);
      expect(beeps.length).toBeLessThanOrEqual(10);
    });

    it('the stream from the fragment of the cursor on, and takes the cursor along', async () => {
      await tab('Fragments');
      await page.locator('[aria-label="Fragments"] [data-index="1"]').click();
      await page.getByLabel('Speed').selectOption('0.5');
      await page.getByRole('button', { name: 'Play' }).click();
      const video = page.locator('.screen video');
      const time = () => video.evaluate((element) => (element as HTMLVideoElement).currentTime);
      await expect.poll(time, WAIT).toBeGreaterThan(1.3);
      const rate = () => video.evaluate((element) => (element as HTMLVideoElement).playbackRate);
      expect(await rate()).toBe(0.5);
      await page.getByLabel('Speed').selectOption('0.25');
      expect(await rate()).toBe(0.25);
      // The second fragment lasts 1.4 s.
      await expect.poll(cursor, WAIT).toMatch(/^Fragment [3-8] /);
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.locator('.screen canvas[data-frame]').waitFor();
    });

    it('and says what it cannot play or show', async () => {
      const track = { number: 1, codecId: 'V_MPEGH/ISO/HEVC', video: { pixelWidth: 64, pixelHeight: 48 } };
      const blocks = [{ track: 1, timestamp: 0, keyframe: true, frames: [Uint8Array.of(0, 0, 0, 2, 0x26, 1)] }];
      await open(writeGetMediaFragment(fragmentInput(0, { tracks: [track], timestamp: 0, blocks })));
      const problem = page.locator('.screen [role="alert"]');
      const problems = async () => (await problem.allTextContents()).join(' ');
      await expect.poll(problems, WAIT).toMatch(/^Frame 0 cannot be shown: /);
      await page.getByRole('button', { name: 'Play' }).click();
      await expect.poll(problems, WAIT).toMatch(/It cannot be played: /);
    });
  });

  it('opens one file after another, and shows the findings of each', async () => {
    await page.goto(`${session.origin}/`);
    for (const name of readdirSync(CASES).filter((each) => /\.(mkv|webm)$/.test(each))) {
      const bytes = readFileSync(join(CASES, name));
      const { findings } = await checkStream([new Uint8Array(bytes)]);
      await page.locator('.file input').first().setInputFiles({ name, mimeType: '', buffer: bytes });
      await page.locator('header .name', { hasText: name }).waitFor();
      const count = page.locator('#tab-findings');
      await expect.poll(() => count.textContent(), { ...WAIT, message: name }).toBe(`Findings ${findings.length}`);
      expect(await page.locator('main > [role="alert"]').count(), name).toBe(0);
    }
  });

  it('follows a live stream', async () => {
    const source = 'examples/recording/camera.mkv';
    const local = await startLocalKinesisVideo({ streams: { door: { source, realtime: true, loop: true } } });
    const server = await startView(['--stream', 'door', '--endpoint', local.endpoint]);
    try {
      await page.goto(server.page);
      const fragments = async () => Number(/\d+/.exec((await page.locator('#tab-fragments').textContent()) ?? '')?.[0]);
      await expect.poll(fragments, WAIT).toBeGreaterThanOrEqual(4);
      await expect.poll(() => page.locator('.progress').textContent(), WAIT).toMatch(/live.*behind/);
      // The cursor goes with the newest fragment, until somebody moves it.
      await expect.poll(cursor, WAIT).toMatch(/^Fragment [3-9] /);
      await page.locator('.axis [role="slider"]').focus();
      await page.keyboard.press('Home');
      await expect.poll(() => page.getByLabel('follow').isChecked(), WAIT).toBe(false);
      const before = await fragments();
      await expect.poll(fragments, WAIT).toBeGreaterThan(before);
      expect(await cursor()).toMatch(/^Fragment 1 /);
      await tab('Connection');
      expect(await page.locator('.connection').textContent()).toContain('Connected');
    } finally {
      await page.goto('about:blank');
      server.child.kill();
      await server.ended;
      await local.close();
    }
  });

  it('draws the rows in sight, of 20,000 fragments and 60,000 frames', async () => {
    const one = (index: number) => writeGetMediaFragment(fragmentInput(index));
    const bytes = Buffer.concat(Array.from({ length: 20_000 }, (_, index) => one(index)));
    await open(bytes, 'long.mkv');
    await expect.poll(() => page.locator('.axis .tools').textContent(), WAIT).toContain('20\u2009000 fragments');
    for (const [name, last] of [
      ['Fragments', 20_000],
      ['Frames', 59_999],
    ] as const) {
      await tab(name);
      await page.locator(`[aria-label="${name}"][role="grid"]`).focus();
      await page.keyboard.press('End');
      await expect.poll(async () => plain((await rowsOf(name)).at(-1)?.[0]), WAIT).toBe(last);
      expect((await rowsOf(name)).length).toBeLessThan(60);
    }
  });

  it('without errors', () => {
    expect(session.errors).toEqual([]);
  });
});
