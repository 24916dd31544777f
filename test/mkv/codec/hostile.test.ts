import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adtsHeader, parseAudioSpecificConfig } from '../../../src/mkv/codec/aac.js';
import { BitReader } from '../../../src/mkv/codec/bit-reader.js';
import { CodecDataError } from '../../../src/mkv/codec/codec-error.js';
import { codecStringOf, decoderDescription } from '../../../src/mkv/codec/codec-string.js';
import { parseAvcC, parseH264Sps, writeAvcC } from '../../../src/mkv/codec/h264.js';
import { parseH265Sps, parseHvcC, writeHvcC } from '../../../src/mkv/codec/h265.js';
import { joinNals, splitNals } from '../../../src/mkv/codec/nal.js';
import { isNalKeyframe, nalConfigOf } from '../../../src/mkv/codec/nal-config.js';
import { parseWaveFormat } from '../../../src/mkv/codec/wave-format.js';

/** Bytes that get past the first checks: with likely beginnings, and with many zeros and ones. */
const hostile = fc
  .tuple(
    fc.constantFrom(
      [],
      [1],
      [1, 100, 0, 31, 255],
      [0, 0, 0, 1, 0x67],
      [0, 0, 1, 0x42, 1],
      [0x67, 100],
      [0x42, 1, 1],
      [0x67, 66],
    ),
    fc.array(fc.oneof(fc.constantFrom(0, 0, 1, 3, 255), fc.integer({ min: 0, max: 255 })), { maxLength: 80 }),
  )
  .map(([start, rest]) => Uint8Array.from([...start, ...rest]));

/** Runs it; only the documented error may come out. */
function onlyCodecErrors(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(CodecDataError);
  }
}

describe('hostile bytes', () => {
  test.each<[string, (data: Uint8Array) => unknown]>([
    ['AVCC', parseAvcC],
    ['HVCC', parseHvcC],
    ['H.264 SPS', parseH264Sps],
    ['H.265 SPS', parseH265Sps],
    ['AVCC made', (data) => writeAvcC([data], [data])],
    ['HVCC made', (data) => writeHvcC([data], [data], [data])],
    ['AudioSpecificConfig', (data) => adtsHeader(parseAudioSpecificConfig(data), data.length)],
    ['WAVEFORMATEX', parseWaveFormat],
    ['NAL units', (data) => [0, 1, 2, 3, 4].map((size) => splitNals(data, size))],
    ['key frames', (data) => isNalKeyframe('h265', data, (data[0] ?? 0) & 3)],
  ])('%s: give a result or a CodecDataError', (_, parse) => {
    fc.assert(
      fc.property(hostile, (data) => onlyCodecErrors(() => parse(data))),
      { numRuns: 500 },
    );
  });

  test('codec strings and descriptions never throw', () => {
    const ids = fc.constantFrom(
      'V_MPEG4/ISO/AVC',
      'V_MPEGH/ISO/HEVC',
      'V_VP9',
      'V_AV1',
      'A_AAC',
      'A_MS/ACM',
      'A_OPUS',
      '',
    );
    fc.assert(
      fc.property(ids, hostile, hostile, (codecId, codecPrivate, keyframe) => {
        expect(codecStringOf({ codecId, codecPrivate }, keyframe) ?? '').not.toMatch(/undefined|NaN|null/);
        decoderDescription({ codecId, codecPrivate });
        onlyCodecErrors(() => nalConfigOf({ codecId, codecPrivate }));
      }),
      { numRuns: 1000 },
    );
  });

  test('a picture larger than a file can say is refused', () => {
    // Identifier, frame number, picture order 2, references, no gaps, 2^31 macroblocks wide, two high, frames only.
    const bits = `1${'1'}${'011'}${'1'}${'0'}${'0'.repeat(31)}${'1'.padEnd(32, '0')}${'011'}${'1'}00000000`;
    const sps = Uint8Array.from([0x67, 66, 0, 30, ...bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2))]);
    expect(() => parseH264Sps(sps)).toThrow('a picture of');
  });
});

describe('NAL units', () => {
  /** No unit ends in a zero, or holds what could be taken for a start code. */
  const unit = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .filter(
      (data) => data.at(-1) !== 0 && !/000000|000001/.test(Buffer.from(data).toString('hex').replace(/(..)/g, '$1')),
    )
    .filter(
      (data) => Buffer.from(data).indexOf(Buffer.of(0, 0, 1)) < 0 && Buffer.from(data).indexOf(Buffer.of(0, 0, 0)) < 0,
    )
    .map((data) => Uint8Array.from(data));

  test('go through every length size and back', () => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), fc.constantFrom(0, 1, 2, 3, 4), (units, size) => {
        expect(splitNals(joinNals(units, size), size)).toEqual(units);
      }),
    );
  });

  test('are found behind start codes of 3 and 4 bytes, and before zeros at the end', () => {
    const zeros = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(zeros, unit), { minLength: 1, maxLength: 8 }), zeros, (parts, end) => {
        const bytes = parts.flatMap(([count, data]) => [...new Array<number>(count + 2).fill(0), 1, ...data]);
        const data = Uint8Array.from([...bytes, ...new Array<number>(end).fill(0)]);
        expect(splitNals(data, 0)).toEqual(parts.map(([, own]) => own));
      }),
    );
  });

  test('are views, not copies', () => {
    const data = Uint8Array.of(0, 0, 0, 2, 9, 9, 0, 0, 0, 1, 7);
    expect(splitNals(data, 4).map(({ buffer, byteOffset }) => [buffer === data.buffer, byteOffset])).toEqual([
      [true, 4],
      [true, 10],
    ]);
  });

  test('whose lengths do not add up are an InvalidMediaFrame', () => {
    for (const [bytes, size] of [
      [[0, 0, 0, 2, 9], 4],
      [[0, 0, 0], 4],
      [[3, 1, 1], 1],
      [[0, 1, 9, 0, 1], 2],
      [[5, 0, 0, 1, 9], 0],
    ] as const) {
      expect(() => splitNals(Uint8Array.from(bytes), size)).toThrow(
        expect.objectContaining({ name: 'CodecDataError', code: 'InvalidMediaFrame' }),
      );
    }
  });

  test('too long for the width of their length are refused', () => {
    expect(() => joinNals([new Uint8Array(256)], 1)).toThrow(CodecDataError);
    expect(joinNals([new Uint8Array(255).fill(1)], 1).length).toBe(256);
  });
});

describe('BitReader', () => {
  test('says that there are no more bits, how many there are, and that a code is too long', () => {
    const reader = new BitReader(Uint8Array.of(0, 0xff), 1);
    expect([reader.remaining, reader.bits(3), reader.remaining]).toEqual([8, 7, 5]);
    expect(() => reader.bits(6)).toThrow('codec data ends too early');
    expect(() => new BitReader(new Uint8Array(9)).ue()).toThrow('codec data has a code of more than 32 bits');
  });

  test('reads Exp-Golomb codes, with escapes taken out', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 32 - 2 }), { maxLength: 20 }), (values) => {
        const bits = values.map((value) => (value + 1).toString(2)).map((code) => '0'.repeat(code.length - 1) + code);
        const raw = (
          bits
            .join('')
            .padEnd(Math.ceil(bits.join('').length / 8) * 8, '0')
            .match(/.{8}/g) ?? []
        ).map((byte) => Number.parseInt(byte, 2));
        const escaped: number[] = [];
        let zeros = 0;
        for (const byte of raw) {
          if (zeros >= 2 && byte <= 3) {
            escaped.push(3);
            zeros = 0;
          }
          escaped.push(byte);
          zeros = byte === 0 ? zeros + 1 : 0;
        }
        const reader = new BitReader(Uint8Array.from(escaped), 0, true);
        expect(values.map(() => reader.ue())).toEqual(values);
        const plain = new BitReader(Uint8Array.from(raw));
        expect(values.map(() => plain.se())).toEqual(
          values.map((v) => (v % 2 === 1 ? (v + 1) / 2 : v === 0 ? -0 : -v / 2)),
        );
      }),
    );
  });
});
