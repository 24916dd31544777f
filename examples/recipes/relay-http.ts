import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FragmentRelay } from './fragment-relay.js';

/**
 * Answers a request with a live stream that does not end, for `fetch` and `MsePlayer` in a browser. Who may watch is decided before.
 *
 * ```ts
 * createServer((request, response) => void relayOverHttp(relay, request, response)).listen(8080);
 * ```
 *
 * @returns settles when the viewer has gone or the stream has ended
 */
export async function relayOverHttp(
  relay: FragmentRelay,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET') {
    response.writeHead(405, { allow: 'GET' }).end();
    return;
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'video/x-matroska', 'cache-control': 'no-store' });
  try {
    // The pipeline waits for a slow viewer; the relay drops what becomes too old meanwhile.
    await pipeline(Readable.from(relay.watch(gone.signal)), response);
  } catch (error) {
    // A viewer who closes the page is no error.
    if (!gone.signal.aborted) throw error;
  }
}
