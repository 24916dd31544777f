import type { StreamingMkvReader } from '../mkv/reader.js';

/**
 * The same chunks, shown to a reader as they are taken.
 *
 * @param read takes all elements that the reader has by then
 */
export async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  reader: StreamingMkvReader,
  read: () => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    reader.push(chunk);
    read();
    yield chunk;
  }
  reader.end();
  read();
}
