/** How many bytes wait for the player at the most. */
const MOST_WAITING = 64 * 1024 * 1024;

/**
 * The bytes that come over a WebSocket as a stream for `MsePlayer`, in browsers:
 *
 * ```ts
 * await new MsePlayer(video, { maxDelay: 5 }).play(webSocketSource('wss://example.com/door'));
 * ```
 *
 * Cancelling the stream closes the connection. A WebSocket cannot hold its sender back: where the player takes too little for too long, the stream fails.
 */
export function webSocketSource(url: string | URL): ReadableStream<Uint8Array> {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const fail = (text: string) => {
          controller.error(new Error(text));
          socket.onmessage = socket.onclose = null;
          socket.close();
        };
        socket.onmessage = ({ data }) => {
          controller.enqueue(new Uint8Array(data));
          if ((controller.desiredSize ?? 0) < 0) fail('the player is too slow');
        };
        socket.onclose = ({ code, reason }) => {
          if (code === 1000) controller.close();
          else fail(`the connection is closed: ${reason || code}`);
        };
      },
      cancel() {
        socket.onmessage = socket.onclose = null;
        socket.close();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING }),
  );
}
