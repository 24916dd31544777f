import { type MkvElement, type MkvReaderOptions, StreamingMkvReader } from '../../src/index.js';
import { below, random } from './random.js';

/** All elements of the chunks, by a reader of their own. */
export function* readChunks(chunks: Iterable<Uint8Array>, options?: MkvReaderOptions): Generator<MkvElement, void> {
  const reader = new StreamingMkvReader(options);
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable())
      yield element;
  }
  reader.end();
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) yield element;
}

/** The bytes in chunks of one size; the last may be smaller. */
export function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The bytes in chunks of 0 to `most` bytes, always the same for one seed. */
export function* randomChunks(bytes: Uint8Array, most: number, seed: number): Generator<Uint8Array, void> {
  const next = random(seed);
  for (let at = 0; at < bytes.length; ) {
    const size = below(next, most + 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
