import { expect, it } from 'vitest';
import { decodeString } from '../../src/ebml/text.js';
import { below, random } from '../support/random.js';

it('strings that resemble each other are told apart, wherever they lie and whatever came before', () => {
  const next = random(7);
  const oracle = new TextDecoder('utf-8', { ignoreBOM: true });
  const bytes = new Uint8Array(200);
  for (let i = 0; i < 20_000; i++) {
    const length = next() < 0.5 ? below(next, 4) : 36 + below(next, 50);
    const start = below(next, 100);
    // Few places differ, and the places around belong to no string.
    bytes.fill(0x61);
    for (let n = below(next, 3); n > 0; n--) bytes[start + below(next, length + 2)] = 0x61 + below(next, 3);
    const data = bytes.subarray(start, start + length);
    const found = decodeString(bytes, start, start + length);
    if (found !== oracle.decode(data)) expect(found).toBe(oracle.decode(data));
  }
});
