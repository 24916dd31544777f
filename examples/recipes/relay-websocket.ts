import type { WebSocket, WebSocketServer } from 'ws';
import type { FragmentRelay } from './fragment-relay.js';

/**
 * Sends a live stream to everyone who connects, in binary messages. Pages of every origin can open a WebSocket: who may watch is decided in
 * the server's `upgrade` event, by a token or a cookie, and by `Origin`.
 *
 * ```ts
 * relayOverWebSocket(relay, new WebSocketServer({ port: 8081 }));
 * ```
 */
export function relayOverWebSocket(relay: FragmentRelay, server: WebSocketServer): void {
  server.on('connection', (socket) => {
    const gone = new AbortController();
    socket.on('close', () => gone.abort());
    // A connection that breaks is closed as well.
    socket.on('error', () => {});
    void sendAll(relay.watch(gone.signal), socket);
  });
}

async function sendAll(pieces: AsyncIterable<Uint8Array>, socket: WebSocket): Promise<void> {
  try {
    for await (const piece of pieces) {
      // The callback comes when the bytes have left: a slow viewer is waited for.
      await new Promise<void>((resolve, reject) =>
        socket.send(piece, (error) => (error == null ? resolve() : reject(error))),
      );
    }
    socket.close(1000, 'the stream has ended');
  } catch {
    socket.terminate();
  }
}
