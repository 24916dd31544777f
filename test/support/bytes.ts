import fc from 'fast-check';
import type { Bytes } from '../../src/ebml/bytes.js';

/** Bytes of a wanted length that look random and follow from a seed, so that large ones cost a generator nothing. */
export function noise(length: number, seed: number): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed | 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Data of elements: none, a few bytes, and now and then more than a chunk holds. */
export function arbitraryData(largest = 3000): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.uint8Array({ maxLength: 10 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.integer({ min: 0, max: largest }), fc.integer())
        .map(([length, seed]) => noise(length, seed)),
    },
  );
}
