import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { toNodeListener } from '../hls/node.js';
import type { Packager } from '../hls/packager.js';
import { AccessControl, type AccessOptions, LOOPBACK } from '../testing/access-control.js';
import { ServiceError } from '../testing/service-error.js';
import { interrupted, interruption } from './interrupt.js';
import { listen } from './listen.js';
import type { PageFile } from './player-page.js';
import { explain, tell, writeOut } from './terminal.js';

/** Where and for whom a presentation is served. */
export interface ServeOptions extends AccessOptions {
  readonly port: number;
  readonly json?: boolean | undefined;
}

/** Serves what a packager makes of a source, and a page that plays it, until the process is told to stop. */
export async function servePlayback(
  packager: Packager,
  source: AsyncIterable<Uint8Array>,
  page: ReadonlyMap<string, PageFile>,
  options: ServeOptions,
): Promise<void> {
  const { port, host = LOOPBACK } = options;
  const access = new AccessControl(options);
  const play = toNodeListener(packager.handler);
  const server = createServer((request, response) => {
    if (!admit(access, request, response)) return;
    const file = page.get((request.url ?? '/').replace(/^\//, '').replace(/\?.*$/, '') || 'index.html');
    if (file === undefined) {
      play(request, response);
      return;
    }
    response.writeHead(200, {
      'content-type': file.type,
      'content-length': file.bytes.length,
      'cache-control': 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : file.bytes);
  });
  const url = `${await listen(server, port, host)}/`;
  const stopped = interrupted();
  try {
    const fed = packager.feed(source);
    fed.catch(() => {});
    await announce(url, options.json === true);
    // What is there of a stream that ends with an error can be played on; one of which there is nothing cannot.
    await Promise.race([stopped, fed.catch((error: unknown) => report(packager, error))]);
    await stopped;
  } finally {
    packager.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Whether a request may be answered; else it is refused here. */
function admit(access: AccessControl, request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader('Vary', 'Origin');
  try {
    const origin = access.check(request);
    if (origin !== undefined) response.setHeader('Access-Control-Allow-Origin', origin);
    return true;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    response.writeHead(error.status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${error.message}\n`);
    return false;
  }
}

async function announce(url: string, json: boolean): Promise<void> {
  if (json) {
    await writeOut(`${JSON.stringify({ page: url, hls: `${url}main.m3u8`, dash: `${url}manifest.mpd` })}\n`);
    return;
  }
  await writeOut(`page: ${url}\nHLS:  ${url}main.m3u8\nDASH: ${url}manifest.mpd\n`);
  explain('Ctrl-C ends it');
}

async function report(packager: Packager, error: unknown): Promise<void> {
  if (interruption.aborted) return;
  const { status } = await packager.handler(new Request('http://localhost/main.m3u8'));
  if (status !== 200) throw error;
  tell(`the stream ends here: ${error instanceof Error ? error.message : String(error)}`);
}
