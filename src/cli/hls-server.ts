import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { toNodeListener } from '../hls/node.js';
import type { Packager } from '../hls/packager.js';
import { AccessControl, type AccessOptions, LOOPBACK } from '../testing/access-control.js';
import { ServiceError } from '../testing/service-error.js';
import { interrupted, interruption } from './interrupt.js';
import { listen } from './listen.js';
import type { PlaybackSource } from './playback-source.js';
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
  source: PlaybackSource,
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
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const fed = feed(packager, source, begin).finally(() => source.progress.end());
    fed.catch(() => {});
    // What is no stream at all is told in place of an address.
    if (!source.isLive) await Promise.race([stopped, begun, fed]);
    if (interruption.aborted) return;
    await announce(url, options.json === true);
    await Promise.race([stopped, fed]);
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
  explain('Press Ctrl-C to stop');
}

/**
 * Has the packager take all of a source. What is there of a stream that ends with an error can be played on.
 *
 * @param begin is called when bytes have come that may be Matroska
 * @throws the error of one of which there is nothing
 */
async function feed(packager: Packager, source: PlaybackSource, begin: () => void): Promise<void> {
  const bytes = async function* () {
    for await (const chunk of source.bytes) {
      if (!source.isForeign()) begin();
      yield chunk;
    }
  };
  try {
    await packager.feed(bytes());
  } catch (error) {
    if (interruption.aborted) return;
    if (!packager.hasMedia) throw error;
    tell(`the stream stopped: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!packager.hasMedia && !interruption.aborted) throw source.nothing();
}
