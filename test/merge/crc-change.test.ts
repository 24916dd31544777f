import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32 } from '../../src/ebml/crc32.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { crcAfterChange } from '../../src/merge/crc-change.js';

it('tells the CRC-32 of a message whose beginning is replaced', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(bytes, bytes, bytes, (before, after, rest) => {
      const old = crc32(concatBytes([before, rest]));
      expect(crcAfterChange(old, before, after, rest.length)).toBe(crc32(concatBytes([after, rest])));
    }),
  );
});

it('does so for as many bytes as a Cluster may have', () => {
  const rest = new Uint8Array(50_000_001).fill(7);
  const before = Uint8Array.of(0xe7, 0x81, 0);
  const after = Uint8Array.of(0xe7, 0x82, 1, 0);
  const crc = crcAfterChange(crc32(rest, crc32(before)), before, after, rest.length);
  expect(crc).toBe(crc32(rest, crc32(after)));
});
