import fc from 'fast-check';

/** A way to split bytes: the lengths of the chunks, used over and over. */
export type Chunking = readonly number[];

/** The bytes in chunks of these lengths, as views; lengths of 0 give empty chunks. */
export function split(bytes: Uint8Array, chunking: Chunking): Uint8Array[] {
  if (!chunking.some((length) => length > 0)) return [bytes];
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = chunking[i % chunking.length] ?? 1;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

/** Splittings of any bytes: whole, in single bytes, in small pieces, in large ones, with empty chunks between. */
export function arbitraryChunking(): fc.Arbitrary<Chunking> {
  return fc.oneof(
    fc.constant([1]),
    fc.constant([]),
    fc.constant([0, 1, 0]),
    fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 12 }),
    fc.array(fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 2000 })), { minLength: 1, maxLength: 8 }),
  );
}
