import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodecDataError } from '../../../src/mkv/codec/codec-error.js';
import { parseWaveFormat } from '../../../src/mkv/codec/wave-format.js';

const u16 = fc.integer({ min: 0, max: 0xffff });
const some16 = fc.integer({ min: 1, max: 0xffff });

test('a WAVEFORMATEX is read, wherever it lies, with all of its fields or without the last ones', () => {
  fc.assert(
    fc.property(
      u16.filter((tag) => tag !== 0xfffe),
      some16,
      fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      u16,
      u16,
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(3),
      (formatTag, channels, samplingFrequency, blockAlign, bitsPerSample, extra, before) => {
        const whole = Buffer.alloc(before + 18 + extra.length + 2, 0x5a);
        whole.writeUInt16LE(formatTag, before);
        whole.writeUInt16LE(channels, before + 2);
        whole.writeUInt32LE(samplingFrequency, before + 4);
        whole.writeUInt16LE(blockAlign, before + 12);
        whole.writeUInt16LE(bitsPerSample, before + 14);
        whole.writeUInt16LE(extra.length, before + 16);
        whole.set(extra, before + 18);
        const data = new Uint8Array(whole.buffer, whole.byteOffset + before, whole.length - before);
        const fields = { formatTag, channels, samplingFrequency, blockAlign };
        expect(parseWaveFormat(data)).toEqual({ ...fields, bitsPerSample, extra });
        expect(parseWaveFormat(data.subarray(0, 18))).toMatchObject({ bitsPerSample, extra: new Uint8Array(0) });
        expect(parseWaveFormat(data.subarray(0, 16))).toMatchObject({ ...fields, bitsPerSample });
        expect(parseWaveFormat(data.subarray(0, 14))).toMatchObject({ ...fields, bitsPerSample: 0 });
        expect(() => parseWaveFormat(data.subarray(0, 13))).toThrow('a WAVEFORMATEX of 13 bytes');
      },
    ),
  );
});

test('a WAVEFORMATEXTENSIBLE has the tag that its SubFormat begins with', () => {
  const data = new Uint8Array(40);
  data.set([0xfe, 0xff, 1, 0, 0x40, 0x1f]);
  data.set([0x02, 0x16], 24);
  expect(parseWaveFormat(data).formatTag).toBe(0x1602);
  expect(parseWaveFormat(data.subarray(0, 24)).formatTag).toBe(0);
});

test('a WAVEFORMATEX without channels or frequency is refused', () => {
  const data = Uint8Array.of(7, 0, 1, 0, 0x40, 0x1f, 0, 0, 0, 0, 0, 0, 1, 0);
  expect(parseWaveFormat(data)).toMatchObject({ formatTag: 7, channels: 1, samplingFrequency: 8000 });
  const silent = Uint8Array.from(data, (byte, at) => (at === 2 ? 0 : byte));
  const still = Uint8Array.from(data, (byte, at) => (at === 4 || at === 5 ? 0 : byte));
  for (const broken of [silent, still]) {
    expect(() => parseWaveFormat(broken)).toThrow(CodecDataError);
    expect(() => parseWaveFormat(broken)).toThrow('without channels or frequency');
  }
});
