import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findTool } from './tools.js';

/** What the server of a {@link BrowserSession} answers at a path. */
export interface Route {
  readonly type: string;
  /** All of it, or pieces that are sent one after another, as they come. */
  readonly body: string | Uint8Array | (() => AsyncIterable<Uint8Array>);
}

/** A page in a real Chromium, served from loopback. */
export interface BrowserSession {
  readonly page: Page;
  /** Where the page was loaded from, without a slash at the end. */
  readonly origin: string;
  /** What the page logged as an error or failed to catch, and what it could not load. */
  readonly errors: readonly string[];
  /** Ends browser and server. */
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A bundle for browsers of what `code` exports; it may import from `./src/…` and from packages. */
export async function bundleForBrowser(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  return outputFiles.map(({ text }) => text).join('\n');
}

/**
 * Opens `/` of `routes` in headless Chromium; without such a route it is an empty page. To be used in a suite that needs the tool
 * `chromium`.
 */
export async function openBrowser(routes: Readonly<Record<string, Route>>): Promise<BrowserSession> {
  const executablePath = findTool('chromium');
  if (executablePath === undefined) throw new Error('chromium is not on PATH');
  const { server, origin } = await serve({ '/': { type: 'text/html', body: '<!doctype html>' }, ...routes });
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({
      executablePath,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    page.on('requestfailed', (request) => {
      // A download that the page itself ends is told as one that failed.
      const text = request.failure()?.errorText;
      if (text !== 'net::ERR_ABORTED') errors.push(`${request.url()}: ${text}`);
    });
    await page.goto(`${origin}/`);
    const opened = browser;
    return {
      page,
      origin,
      errors,
      async close() {
        await opened.close();
        await stop(server);
      },
    };
  } catch (error) {
    await browser?.close();
    await stop(server);
    throw error;
  }
}

async function serve(routes: Readonly<Record<string, Route>>): Promise<{ server: Server; origin: string }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const route = routes[path];
    if (route === undefined) {
      // Browsers ask for an icon by themselves.
      response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
      return;
    }
    response.writeHead(200, { 'content-type': route.type, 'cache-control': 'no-store' });
    const { body } = route;
    if (typeof body !== 'function') {
      response.end(body);
      return;
    }
    const send = async () => {
      for await (const piece of body()) {
        if (response.destroyed) return;
        if (!response.write(piece)) {
          await new Promise<void>((resolve) => {
            const go = () => {
              response.off('drain', go).off('close', go);
              resolve();
            };
            response.on('drain', go).on('close', go);
          });
        }
      }
      response.end();
    };
    send().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, origin: `http://127.0.0.1:${address.port}` };
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
