import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Packager, type PackagerSource } from 'kvs-parser/hls';
import { toNodeListener } from 'kvs-parser/hls/node';

/** Where it listens, and how the stream is packaged. */
export interface HlsServerOptions {
  readonly port?: number;
  readonly host?: string;
  /** Ends the server. */
  readonly signal?: AbortSignal;
  /** Is told when the source has failed. What is listed can still be watched. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Serves a live stream as HLS at `/main.m3u8` and as DASH at `/manifest.mpd`. The source is a consumer, or bytes as they come.
 *
 * @returns the server, when it listens
 */
export async function serveHls(
  source: PackagerSource,
  { port = 8080, host = '127.0.0.1', signal, onError = console.error }: HlsServerOptions = {},
): Promise<Server> {
  const packager = new Packager({ playbackMode: 'LIVE', displayFragmentTimestamp: 'ALWAYS' });
  packager.feed(source).catch((error: unknown) => {
    if (signal?.aborted !== true) onError(error);
  });
  const server = createServer(toNodeListener(packager.handler)).listen({ port, host, signal });
  signal?.addEventListener('abort', () => server.closeAllConnections());
  await once(server, 'listening', { signal });
  return server;
}
