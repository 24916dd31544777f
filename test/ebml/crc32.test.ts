import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32 } from '../../src/ebml/crc32.js';

it('is that of zlib, for bytes of any length and any part of them, in one go or in steps', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), fc.nat(70), (bytes, a, b) => {
      const start = Math.min(a, b, bytes.length);
      const end = Math.min(Math.max(a, b), bytes.length);
      expect(crc32(bytes)).toBe(zlibCrc32(bytes));
      expect(crc32(bytes, 0, start, end)).toBe(zlibCrc32(bytes.subarray(start, end)));
      expect(crc32(bytes, crc32(bytes, 0, 0, start), start)).toBe(zlibCrc32(bytes));
    }),
    { numRuns: 300 },
  );
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});
