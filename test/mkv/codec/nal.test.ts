import { describe, expect, test } from 'vitest';
import { joinNals, type NalCodec, type NalKind, nalKind, splitNals } from '../../../src/mkv/codec/nal.js';
import { isNalKeyframe, nalConfigOf, parameterSets, writeDecoderConfig } from '../../../src/mkv/codec/nal-config.js';

/** nal_unit_type of the kinds that are told apart (H.264 table 7-1, H.265 table 7-1). */
const KINDS: readonly [NalCodec, (type: number) => number, number, NalKind, number[]][] = [
  ['h264', (type) => 0x60 | type, 32, 'slice', [1, 2, 3, 4]],
  ['h264', (type) => type, 32, 'key', [5]],
  ['h264', (type) => 0x20 | type, 32, 'sps', [7]],
  ['h264', (type) => 0x60 | type, 32, 'pps', [8]],
  ['h264', (type) => type, 32, 'vps', []],
  ['h264', (type) => type, 32, 'other', [0, 6, ...Array(23).keys()].map((type, i) => (i < 2 ? type : type + 9))],
  ['h265', (type) => type << 1, 64, 'other', [...Array(29).keys()].map((type) => type + 35)],
  ['h265', (type) => type << 1, 64, 'slice', [...Array(16).keys(), 24, 25, 26, 27, 28, 29, 30, 31]],
  ['h265', (type) => (type << 1) | 1, 64, 'key', [16, 17, 18, 19, 20, 21, 22, 23]],
  ['h265', (type) => type << 1, 64, 'vps', [32]],
  ['h265', (type) => type << 1, 64, 'sps', [33]],
  ['h265', (type) => type << 1, 64, 'pps', [34]],
];

test.each(KINDS)('in %s the first byte tells the kind', (codec, firstByte, count, kind, types) => {
  const found = [...Array(count).keys()].filter((type) => nalKind(codec, firstByte(type)) === kind);
  expect(found).toEqual(types);
});

const SPS = Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4);
const PPS = Uint8Array.of(0x68, 0xce, 0x38);
const SEI = Uint8Array.of(0x06, 5);
const annexB = (...units: Uint8Array[]) => Uint8Array.from(units.flatMap((unit) => [0, 0, 1, ...unit]));

describe('the configuration of a track', () => {
  test('in Annex B has the parameter sets of CodecPrivate, each once, and nothing else', () => {
    const other = Uint8Array.of(0x68, 0xce, 0x39);
    const config = nalConfigOf({ codecId: 'V_MPEG/ISO/AVC', codecPrivate: annexB(SEI, SPS, PPS, SPS, other, PPS) });
    expect(config).toEqual({ codec: 'h264', lengthSize: 0, vps: [], sps: [SPS], pps: [PPS, other] });
    const [vps, sps] = [Uint8Array.of(0x40, 1), Uint8Array.of(0x42, 1)];
    expect(parameterSets('h265', [sps, vps, Uint8Array.of(0x4e, 1), sps, new Uint8Array(0)])).toEqual({
      vps: [vps],
      sps: [sps],
      pps: [],
    });
  });

  test('without CodecPrivate is Annex B without parameter sets', () => {
    for (const codecPrivate of [undefined, new Uint8Array(0)]) {
      const config = nalConfigOf({ codecId: 'V_MPEGH/ISO/HEVC', codecPrivate });
      expect(config).toEqual({ codec: 'h265', lengthSize: 0, vps: [], sps: [], pps: [] });
    }
  });

  test('in AVCC or HVCC has theirs, and goes back into them', () => {
    const h264 = nalConfigOf({ codecId: 'V_MPEG/ISO/AVC', codecPrivate: annexB(SPS, PPS) });
    if (h264 === undefined) throw new Error('no configuration');
    const avcC = writeDecoderConfig(h264);
    expect([...avcC]).toEqual([1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 8, ...SPS, 1, 0, 3, ...PPS]);
    expect(nalConfigOf({ codecId: 'V_MPEG4/ISO/AVC', codecPrivate: avcC })).toMatchObject({
      codec: 'h264',
      lengthSize: 4,
      vps: [],
      sps: [SPS],
      pps: [PPS],
    });
    expect(writeDecoderConfig(h264, 2)[4]).toBe(0xfd);
    // Version 1, 20 bytes of zeros here, lengths of 4 bytes, one array of one VPS.
    const hvcC = Uint8Array.of(1, ...Array<number>(20).fill(0), 3, 1, 0x20, 0, 1, 0, 2, 0x40, 1);
    expect(nalConfigOf({ codecId: 'V_MPEGH/ISO/HEVC', codecPrivate: hvcC })).toMatchObject({
      codec: 'h265',
      lengthSize: 4,
      vps: [Uint8Array.of(0x40, 1)],
      sps: [],
    });
    expect(() => writeDecoderConfig({ ...h264, codec: 'h265' })).toThrow('no H.265 sequence parameter set');
  });

  test('is there for these codecs only, and must be what its CodecID says', () => {
    expect(nalConfigOf({ codecId: 'V_VP8', codecPrivate: annexB(SPS) })).toBeUndefined();
    expect(nalConfigOf({ codecId: 'X' })).toBeUndefined();
    for (const codecId of ['V_MPEG4/ISO/AVC', 'V_MPEGH/ISO/HEVC']) {
      expect(() => nalConfigOf({ codecId, codecPrivate: Uint8Array.of(3, 4) })).toThrow(
        expect.objectContaining({ code: 'InvalidCodecPrivateData' }),
      );
    }
  });
});

describe('a frame', () => {
  test('is a key frame when one of its units is of a key', () => {
    const [idr, slice] = [Uint8Array.of(0x65, 1), Uint8Array.of(0x41, 1)];
    expect(isNalKeyframe('h264', annexB(SEI, idr, slice), 0)).toBe(true);
    expect(isNalKeyframe('h264', annexB(SEI, slice), 0)).toBe(false);
    expect(isNalKeyframe('h264', new Uint8Array(0), 4)).toBe(false);
  });

  test.each([
    [
      'a length that is longer than what follows',
      [0, 0, 0, 3, 9],
      4,
      'a NAL unit of 3 bytes ends 2 bytes behind the end',
    ],
    ['no start code', [9, 9, 9, 9], 0, 'no start code at the beginning'],
    ['something before the first start code', [9, 0, 0, 1, 9], 0, 'no start code at the beginning'],
  ])('is refused for %s', (_, bytes, lengthSize, message) => {
    expect(() => splitNals(Uint8Array.from(bytes), lengthSize)).toThrow(
      expect.objectContaining({ code: 'InvalidMediaFrame', message }),
    );
    expect(() => splitNals(Uint8Array.from(bytes), lengthSize, 'InvalidCodecPrivateData')).toThrow(
      expect.objectContaining({ code: 'InvalidCodecPrivateData' }),
    );
  });

  test('has units of any length that its width can say', () => {
    for (const [width, size] of [
      [2, 300],
      [2, 65535],
      [3, 65536],
      [4, 65537],
    ] as const) {
      const unit = new Uint8Array(size).fill(9);
      const frame = joinNals([unit, SEI], width);
      expect([...frame.subarray(0, width)]).toEqual([0, size >> 16, (size >> 8) & 255, size & 255].slice(4 - width));
      expect(splitNals(frame, width).map(({ length }) => length)).toEqual([size, 2]);
    }
    expect(() => joinNals([new Uint8Array(65536)], 2)).toThrow(
      expect.objectContaining({
        code: 'InvalidMediaFrame',
        message: 'a NAL unit of 65536 bytes is too long for a length of 2',
      }),
    );
  });

  test.each([[[9, 5, 0, 1]], [[9, 0, 5, 1]], [[9, 0, 0, 2]], [[9, 1]], [[1]]])(
    'keeps an end that only resembles a start code: %j',
    (unit) => {
      expect(splitNals(Uint8Array.of(0, 0, 1, ...unit), 0)).toEqual([Uint8Array.from(unit)]);
    },
  );

  test('may hold units of no bytes, which are left out', () => {
    expect(splitNals(Uint8Array.of(0, 0, 0, 1, 9, 0, 0), 2)).toEqual([Uint8Array.of(9)]);
    expect(splitNals(Uint8Array.of(0, 0, 1, 0, 0, 1, 9, 0, 0, 1), 0)).toEqual([Uint8Array.of(9)]);
    expect(splitNals(new Uint8Array(0), 0)).toEqual([]);
    expect(splitNals(Uint8Array.of(0, 0, 1), 0)).toEqual([]);
  });
});
