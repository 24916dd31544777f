import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecDataError } from '../../../src/mkv/codec/codec-error.js';
import { parseAvcC, parseH264Sps, writeAvcC } from '../../../src/mkv/codec/h264.js';
import { parseH265Sps, parseHvcC, writeHvcC } from '../../../src/mkv/codec/h265.js';
import { escapeNal, packBits, se, u, ue } from '../../support/bits.js';

/** Parameter sets are written here field by field as the standards list them, with any values; what is read must be those. */

const byte = fc.integer({ min: 0, max: 255 });
const flag = fc.integer({ min: 0, max: 1 });
const upTo = (max: number) => fc.integer({ min: 0, max });
const code = fc.oneof(upTo(6), upTo(2 ** 32 - 2));
const signedCode = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }));
/** Bits that mean nothing to a reader but are there. */
const fill = (count: number) =>
  fc.array(fc.constantFrom('0', '1'), { minLength: count, maxLength: count }).map((bits) => bits.join(''));
/** A flag that says whether something follows. */
const optional = (what: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.constant('0'),
    what.map((bits) => `1${bits}`),
  );
const joined = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((list) => list.join(''));
const ues = (count: number) =>
  fc.array(code, { minLength: count, maxLength: count }).map((list) => list.map(ue).join(''));
const crop = fc.option(fc.tuple(upTo(3), upTo(3), upTo(3), upTo(3)), { nil: undefined });

/** Of a chroma format: how many pixels a unit of cropping is, across and down (SubWidthC and SubHeightC). */
const UNITS = [
  [1, 1],
  [2, 2],
  [2, 1],
  [1, 1],
] as const;

/** A scaling list of which `values` are said before it ends in a delta that makes the next one 0 (H.264 section 7.3.2.1.1.1). */
function scalingList(size: number, values: readonly number[]): string {
  let bits = '';
  let last = 8;
  const delta = (value: number) => ((((value - last) % 256) + 384) % 256) - 128;
  for (const value of values.slice(0, size)) {
    bits += se(delta(value));
    last = value;
  }
  return values.length < size ? bits + se(delta(0)) : bits;
}

const scale = fc.integer({ min: 1, max: 255 });
const scales = fc.oneof(
  fc.array(scale, { maxLength: 64, size: 'max' }),
  fc.array(scale, { minLength: 64, maxLength: 64 }),
);

const chroma264 = fc
  .record({
    format: upTo(3),
    separate: flag,
    luma: upTo(6),
    chroma: upTo(6),
    bypass: flag,
    matrix: flag,
    lists: fc.array(scales, { minLength: 12, maxLength: 12 }),
    present: fc.array(flag, { minLength: 12, maxLength: 12 }),
  })
  .map((c) => {
    const lists = c.present
      .slice(0, c.format === 3 ? 12 : 8)
      .map((present, i) => (present ? `1${scalingList(i < 6 ? 16 : 64, c.lists[i]!)}` : '0'));
    return {
      format: c.format,
      planes: c.format === 3 && c.separate === 1,
      luma: 8 + c.luma,
      chroma: 8 + c.chroma,
      bits: [
        ue(c.format),
        c.format === 3 ? u(1, c.separate) : '',
        ue(c.luma),
        ue(c.chroma),
        u(1, c.bypass),
        c.matrix ? `1${lists.join('')}` : '0',
      ].join(''),
    };
  });

const order264 = fc.oneof(
  code.map((value) => ({ type: 0, bits: ue(0) + ue(value) })),
  fc
    .tuple(
      flag,
      signedCode,
      signedCode,
      fc.oneof(fc.array(signedCode, { maxLength: 4 }), fc.constant(Array<number>(255).fill(1))),
    )
    .map(([always, a, b, cycle]) => ({
      type: 1,
      bits: [ue(1), u(1, always), se(a), se(b), ue(cycle.length), ...cycle.map(se)].join(''),
    })),
  fc.constant({ type: 2, bits: ue(2) }),
);

const hrd264 = fc
  .tuple(fc.oneof(upTo(2), fc.constant(31)), byte)
  .chain(([more, scales]) =>
    joined(
      fc.constant(ue(more) + u(8, scales)),
      ...Array.from({ length: more + 1 }, () => joined(ues(2), fill(1))),
      fill(20),
    ),
  );

/** VUI parameters (H.264 annex E.1.1). */
const vui264 = fc
  .record({
    aspect: optional(
      fc.oneof(
        upTo(254).map((idc) => u(8, idc)),
        fill(32).map((sizes) => u(8, 255) + sizes),
      ),
    ),
    overscan: optional(fill(1)),
    signal: optional(joined(fill(4), optional(fill(24)))),
    location: optional(ues(2)),
    timing: optional(fill(65)),
    nal: optional(hrd264),
    vcl: optional(hrd264),
    lowDelay: fill(1),
    picStruct: fill(1),
    reorder: fc.option(upTo(16), { nil: undefined }),
    restriction: joined(fill(1), ues(4)),
    buffering: code,
  })
  .map((v) => ({
    reorder: v.reorder,
    bits: [
      v.aspect,
      v.overscan,
      v.signal,
      v.location,
      v.timing,
      v.nal,
      v.vcl,
      v.nal[0] === '1' || v.vcl[0] === '1' ? v.lowDelay : '',
      v.picStruct,
      v.reorder === undefined ? '0' : `1${v.restriction}${ue(v.reorder)}${ue(v.buffering)}`,
    ].join(''),
  }));

const sps264 = fc.record({
  header: fc.integer({ min: 0, max: 3 }).map((importance) => (importance << 5) | 7),
  profile: fc.constantFrom<number[]>(66, 77, 88, 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135),
  compatibility: byte,
  level: byte,
  id: upTo(31),
  chroma: chroma264,
  frameNumber: upTo(12),
  order: order264,
  references: upTo(16),
  gaps: flag,
  columns: fc.integer({ min: 2, max: 4095 }),
  rows: fc.integer({ min: 2, max: 2047 }),
  framesOnly: flag,
  adaptive: flag,
  direct: flag,
  crop,
  vui: fc.option(vui264, { nil: undefined }),
});

type Sps264 = (typeof sps264)['generate'] extends (...a: never[]) => { value: infer V } ? V : never;

function write264(s: Sps264): Uint8Array {
  const old = s.profile === 66 || s.profile === 77 || s.profile === 88;
  const bits = [
    u(8, s.header),
    u(8, s.profile),
    u(8, s.compatibility),
    u(8, s.level),
    ue(s.id),
    old ? '' : s.chroma.bits,
    ue(s.frameNumber),
    s.order.bits,
    ue(s.references),
    u(1, s.gaps),
    ue(s.columns - 1),
    ue(s.rows - 1),
    u(1, s.framesOnly),
    s.framesOnly ? '' : u(1, s.adaptive),
    u(1, s.direct),
    s.crop ? `1${s.crop.map(ue).join('')}` : '0',
    s.vui ? `1${s.vui.bits}` : '0',
    '1',
  ];
  return escapeNal(packBits(bits.join('')));
}

function facts264({ profile, compatibility, level, chroma, order, columns, rows, framesOnly, crop: c, vui }: Sps264) {
  const old = profile === 66 || profile === 77 || profile === 88;
  const format = old ? 1 : chroma.format;
  const [across, down] = UNITS[old ? 1 : chroma.planes ? 0 : chroma.format]!;
  const [left, right, top, bottom] = c ?? [0, 0, 0, 0];
  return {
    profile,
    compatibility,
    level,
    chromaFormat: format,
    bitDepthLuma: old ? 8 : chroma.luma,
    bitDepthChroma: old ? 8 : chroma.chroma,
    width: columns * 16 - across * (left + right),
    height: (2 - framesOnly) * (rows * 16 - down * (top + bottom)),
    maxReorder: vui?.reorder ?? (order.type === 2 ? 0 : undefined),
  };
}

const set = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 9 }),
  fc.uint8Array({ minLength: 1, maxLength: 600, size: 'max' }),
);

describe('H.264', () => {
  test('sequence parameter sets of every kind are read, and cut short they are refused', () => {
    fc.assert(
      fc.property(sps264, fc.nat(), (s, cut) => {
        const nal = write264(s);
        expect(parseH264Sps(nal)).toMatchObject(facts264(s));
        // Cut within the VUI, whose hints are then not said; before it, there is nothing to decode with.
        const bare = write264({ ...s, vui: undefined });
        const short = nal.subarray(0, cut % nal.length);
        if (short.length < bare.length - 2) expect(() => parseH264Sps(short)).toThrow(CodecDataError);
        else if (short.length > bare.length) {
          const { maxReorder, ...others } = facts264(s);
          const found = parseH264Sps(short);
          expect(found).toMatchObject(others);
          if (found.hintsRead) expect(found.maxReorder).toBe(maxReorder);
          else expect([undefined, s.order.type === 2 ? 0 : undefined]).toContain(found.maxReorder);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('an AVCC holds the parameter sets, and what the first one says', () => {
    fc.assert(
      fc.property(
        sps264.map((s) => ({ ...s, vui: undefined })),
        fc.array(set, { maxLength: 30 }),
        fc.oneof(fc.array(set, { maxLength: 3 }), fc.constant([...Array(255)].map((_, i) => Uint8Array.of(i, 1)))),
        fc.constantFrom(1, 2, 4),
        (s, more, pps, lengthSize) => {
          const sps = [write264(s), ...more];
          const avcC = writeAvcC(sps, pps, lengthSize);
          const { profile, compatibility, level } = s;
          expect(parseAvcC(avcC)).toEqual({ profile, compatibility, level, lengthSize, sps, pps });
          // ISO/IEC 14496-15: the reserved bits are ones.
          expect([avcC[0], avcC[4], avcC[5]]).toEqual([1, 0xfc | (lengthSize - 1), 0xe0 | sps.length]);
          const { chromaFormat, bitDepthLuma, bitDepthChroma } = facts264(s);
          if (profile === 100 || profile === 110 || profile === 122) {
            expect([...avcC.subarray(-4)]).toEqual([
              0xfc | chromaFormat,
              0xf8 | (bitDepthLuma - 8),
              0xf8 | (bitDepthChroma - 8),
              0,
            ]);
          }
          const size = [...sps, ...pps].reduce((sum, { length }) => sum + 2 + length, 7);
          for (const end of [size - 1, 7 + sps[0]!.length, 6]) {
            expect(() => parseAvcC(avcC.subarray(0, end))).toThrow(CodecDataError);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  const SPS = Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4);

  test('an AVCC takes no more than its fields can count', () => {
    expect(parseH264Sps(SPS)).toMatchObject({ profile: 66, width: 320, height: 240 });
    expect(() => writeAvcC([], [SPS])).toThrow('no sequence parameter set');
    expect(writeAvcC(Array<Uint8Array>(31).fill(SPS), [])[5]).toBe(0xff);
    expect(() => writeAvcC(Array<Uint8Array>(32).fill(SPS), [])).toThrow('too many parameter sets');
    expect(() => writeAvcC([SPS], Array<Uint8Array>(256).fill(SPS))).toThrow('too many parameter sets');
    const large = new Uint8Array(0xffff).fill(1);
    expect(parseAvcC(writeAvcC([SPS], [large])).pps).toEqual([large]);
    expect(() => writeAvcC([SPS], [new Uint8Array(0x10000)])).toThrow('a parameter set of 65536 bytes');
  });

  test.each<[string, Partial<Sps264>, string]>([
    [
      'chroma format',
      { chroma: { format: 4, planes: false, luma: 8, chroma: 8, bits: `${ue(4)}${'1'.repeat(8)}` } },
      '4 is more than 3',
    ],
    [
      'bit depth',
      { chroma: { format: 1, planes: false, luma: 15, chroma: 8, bits: `${ue(1)}${ue(7)}${ue(0)}00` } },
      '7 is more than 6',
    ],
    [
      'bit depth',
      { chroma: { format: 1, planes: false, luma: 8, chroma: 15, bits: `${ue(1)}${ue(0)}${ue(7)}00` } },
      '7 is more than 6',
    ],
    [
      'picture order cycle',
      { order: { type: 1, bits: `${ue(1)}0${se(0)}${se(0)}${ue(256)}${'1'.repeat(256)}` } },
      '256 is more than 255',
    ],
  ])('a %s that the standard does not have is refused', (name, change, value) => {
    const [sample] = fc.sample(sps264, { numRuns: 1, seed: 1 });
    const s = { ...sample!, profile: 100, vui: undefined, crop: undefined, ...change };
    expect(() => parseH264Sps(write264(s))).toThrow(new CodecDataError(`${name}: ${value}`));
  });

  test.each([
    [
      'more reordered frames than there are',
      { reorder: 17, bits: `${'0'.repeat(8)}11${'1'.repeat(4)}${ue(17)}${ue(17)}` },
    ],
    ['more buffers than there are', { reorder: 0, bits: `000001${ue(32)}${'1'.repeat(200)}` }],
    ['nothing behind its timing', { reorder: 0, bits: `00001${'0'.repeat(30)}` }],
  ])('a VUI that says %s counts as absent', (_, vui) => {
    const [sample] = fc.sample(sps264, { numRuns: 1, seed: 1 });
    const s = { ...sample!, profile: 66, order: { type: 0, bits: `${ue(0)}${ue(0)}` }, crop: undefined, vui };
    const { width, height } = facts264(s);
    expect(parseH264Sps(write264(s))).toMatchObject({ width, height, maxReorder: undefined, hintsRead: false });
  });

  test.each([
    [4096, 2, true],
    [4095, 2, false],
    [2, 4096, true],
    [2, 4095, false],
  ])('a picture of %i by %i macroblocks: too large: %s', (columns, rows, refused) => {
    const [sample] = fc.sample(sps264, { numRuns: 1, seed: 1 });
    const nal = write264({ ...sample!, profile: 66, columns, rows, framesOnly: 1, crop: undefined, vui: undefined });
    if (refused) expect(() => parseH264Sps(nal)).toThrow(`a picture of ${columns * 16} by ${rows * 16}`);
    else expect(parseH264Sps(nal)).toMatchObject({ width: columns * 16, height: rows * 16 });
  });

  test('a picture that is cropped away is refused', () => {
    const [sample] = fc.sample(sps264, { numRuns: 1, seed: 1 });
    const s = { ...sample!, profile: 66, columns: 1, rows: 1, framesOnly: 1, vui: undefined };
    expect(parseH264Sps(write264({ ...s, crop: [4, 3, 3, 4] }))).toMatchObject({ width: 2, height: 2 });
    expect(() => parseH264Sps(write264({ ...s, crop: [4, 4, 0, 0] }))).toThrow('a picture of 0 by 16');
    expect(() => parseH264Sps(write264({ ...s, crop: [0, 0, 4, 4] }))).toThrow('a picture of 16 by 0');
  });

  test.each([
    ['of another version', [2, 66, 0, 30, 255, 0xe0, 0], 'no AVC configuration of version 1'],
    ['of 6 bytes', [1, 66, 0, 30, 255, 0xe0], 'no AVC configuration of version 1'],
    ['with a parameter set of no bytes', [1, 66, 0, 30, 255, 0xe1, 0, 0, 0], 'ends within a parameter set'],
    ['without a place for PPS', [1, 66, 0, 30, 255, 0xe1, 0, 1, 0x67], 'ends before its picture parameter sets'],
  ])('an AVCC %s is refused', (_, bytes, text) => {
    expect(() => parseAvcC(Uint8Array.from(bytes))).toThrow(text);
  });

  test('an AVCC may have no parameter sets at all, as where they come in the frames', () => {
    expect(parseAvcC(Uint8Array.of(1, 66, 0, 30, 255, 0xe0, 0))).toMatchObject({ sps: [], pps: [], lengthSize: 4 });
  });

  test('a picture as large as a file can say', () => {
    const [sample] = fc.sample(sps264, { numRuns: 1, seed: 1 });
    const chroma = { format: 3, planes: false, luma: 8, chroma: 8, bits: `${ue(3)}0${ue(0)}${ue(0)}00` };
    const large = { ...sample!, profile: 244, chroma, framesOnly: 1, vui: undefined };
    const wide = write264({ ...large, columns: 4096, rows: 2, crop: [1, 0, 0, 0] });
    expect(parseH264Sps(wide)).toMatchObject({ width: 65535, height: 32 });
    const high = write264({ ...large, columns: 2, rows: 4096, crop: [0, 0, 0, 1] });
    expect(parseH264Sps(high)).toMatchObject({ width: 32, height: 65535 });
  });

  test('another NAL unit is no sequence parameter set', () => {
    for (const first of [0x68, 0x65, 0x6f, 0x27 ^ 0x20]) {
      const nal = Uint8Array.from(SPS);
      nal[0] = first;
      if ((first & 31) === 7) expect(parseH264Sps(nal).width).toBe(320);
      else expect(() => parseH264Sps(nal)).toThrow('no H.264 sequence parameter set');
    }
    expect(() => parseH264Sps(new Uint8Array(0))).toThrow('no H.264 sequence parameter set');
  });
});

/** profile_tier_level without the level (H.265 section 7.3.3). */
const profile265 = fc.record({
  profileSpace: upTo(3),
  tier: flag,
  profile: upTo(31),
  compatibility: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  constraints: fc.array(byte, { minLength: 6, maxLength: 6 }),
});

const layer265 = fc.tuple(flag, flag, fill(88), fill(8));

const sps265 = fc.record({
  header: fc
    .tuple(flag, upTo(63), fc.integer({ min: 1, max: 7 }))
    .map(([a, layer, time]) => u(1, a) + u(6, 33) + u(6, layer) + u(3, time)),
  vps: upTo(15),
  nesting: flag,
  general: profile265,
  level: byte,
  layers: fc.array(layer265, { maxLength: 6 }),
  id: upTo(15),
  format: upTo(3),
  separate: flag,
  columns: fc.integer({ min: 16, max: 0xffff }),
  rows: fc.integer({ min: 16, max: 0xffff }),
  crop,
  luma: upTo(8),
  chroma: upTo(8),
  order: upTo(12),
  everyLayer: flag,
  buffers: fc.array(fc.tuple(code, upTo(16), code), { minLength: 7, maxLength: 7 }),
});

type Sps265 = (typeof sps265)['generate'] extends (...a: never[]) => { value: infer V } ? V : never;

function general265(g: Sps265['general']): string {
  const constraints = g.constraints.map((each) => u(8, each)).join('');
  return u(2, g.profileSpace) + u(1, g.tier) + u(5, g.profile) + u(32, g.compatibility) + constraints;
}

function buffers265({ everyLayer, layers, buffers }: Sps265) {
  return everyLayer ? buffers.slice(0, layers.length + 1) : buffers.slice(0, 1);
}

function write265(s: Sps265): Uint8Array {
  const bits = [
    s.header,
    u(4, s.vps),
    u(3, s.layers.length),
    u(1, s.nesting),
    general265(s.general),
    u(8, s.level),
    ...s.layers.map(([profile, level]) => u(1, profile) + u(1, level)),
    s.layers.length > 0 ? '00'.repeat(8 - s.layers.length) : '',
    ...s.layers.map(
      ([profile, level, profileBits, levelBits]) => (profile ? profileBits : '') + (level ? levelBits : ''),
    ),
    ue(s.id),
    ue(s.format),
    s.format === 3 ? u(1, s.separate) : '',
    ue(s.columns),
    ue(s.rows),
    s.crop ? `1${s.crop.map(ue).join('')}` : '0',
    ue(s.luma),
    ue(s.chroma),
    ue(s.order),
    u(1, s.everyLayer),
    ...buffers265(s).map((each) => each.map(ue).join('')),
    '1',
  ];
  return escapeNal(packBits(bits.join('')));
}

function facts265(s: Sps265) {
  const [across, down] = UNITS[s.format === 3 && s.separate ? 0 : s.format]!;
  const [left, right, top, bottom] = s.crop ?? [0, 0, 0, 0];
  return {
    ...s.general,
    level: s.level,
    temporalLayers: s.layers.length + 1,
    temporalNesting: s.nesting,
    chromaFormat: s.format,
    bitDepthLuma: 8 + s.luma,
    bitDepthChroma: 8 + s.chroma,
    width: s.columns - across * (left + right),
    height: s.rows - down * (top + bottom),
    maxReorder: buffers265(s).at(-1)![1],
  };
}

describe('H.265', () => {
  test('sequence parameter sets of every kind are read, and cut short they are refused', () => {
    fc.assert(
      fc.property(sps265, fc.nat(), (s, cut) => {
        const nal = write265(s);
        expect(parseH265Sps(nal)).toMatchObject(facts265(s));
        // Behind the bit depths stand hints only: some 20 bytes at least are before them.
        expect(() => parseH265Sps(nal.subarray(0, cut % 18))).toThrow(CodecDataError);
      }),
      { numRuns: 300 },
    );
  });

  test('an HVCC holds the parameter sets, and what the first one says', () => {
    const sets = fc.array(set, { maxLength: 3 });
    // HVCC has no way to say that samples have 16 bits.
    const sayable = sps265.filter(({ luma, chroma }) => luma < 8 && chroma < 8);
    fc.assert(
      fc.property(sayable, sets, sets, sets, fc.constantFrom(1, 2, 4), (s, vps, more, pps, lengthSize) => {
        const sps = [write265(s), ...more];
        const hvcC = writeHvcC(vps, sps, pps, lengthSize);
        expect(parseHvcC(hvcC)).toEqual({ ...s.general, level: s.level, lengthSize, vps, sps, pps });
        const facts = facts265(s);
        // ISO/IEC 14496-15 section 8.3.3.1.2: reserved bits are ones, what is not known is 0.
        expect(Buffer.from(hvcC.subarray(0, 23))).toEqual(
          Buffer.from(
            packBits(
              [
                u(8, 1),
                general265(s.general),
                u(8, s.level),
                u(4, 15),
                u(12, 0),
                u(6, 63),
                u(2, 0),
                u(6, 63),
                u(2, s.format),
                u(5, 31),
                u(3, facts.bitDepthLuma - 8),
                u(5, 31),
                u(3, facts.bitDepthChroma - 8),
                u(16, 0),
                u(2, 0),
                u(3, facts.temporalLayers),
                u(1, s.nesting),
                u(2, lengthSize - 1),
                u(8, [vps, sps, pps].filter(({ length }) => length > 0).length),
              ].join(''),
            ),
          ),
        );
        for (const end of [hvcC.length - 1, 24, 22]) {
          expect(() => parseHvcC(hvcC.subarray(0, end))).toThrow(CodecDataError);
        }
      }),
      { numRuns: 100 },
    );
  });

  const [SAMPLE] = fc.sample(sps265, { numRuns: 1, seed: 1 });
  const plain: Sps265 = { ...SAMPLE!, format: 1, columns: 64, rows: 64, crop: undefined, layers: [], everyLayer: 1 };

  test('other NAL units in an HVCC are passed over, and its arrays may come in any order', () => {
    const [vps, pps, sei] = [Uint8Array.of(0x40, 1), Uint8Array.of(0x44, 1, 2), Uint8Array.of(0x4e, 1, 5)];
    const sps = write265(plain);
    const head = writeHvcC([], [sps], []).slice(0, 23);
    head[22] = 4;
    const array = (type: number, ...units: Uint8Array[]) => [
      type,
      0,
      units.length,
      ...units.flatMap((unit) => [0, unit.length, ...unit]),
    ];
    const hvcC = [...head, ...array(39, sei, sei), ...array(0xa2, pps, pps), ...array(33, sps), ...array(32, vps)];
    expect(parseHvcC(Uint8Array.from(hvcC))).toMatchObject({ vps: [vps], sps: [sps], pps: [pps, pps] });
    const bare = Uint8Array.from([...head, ...array(33, sps), ...array(34)]);
    bare[22] = 2;
    expect(parseHvcC(bare)).toMatchObject({ sps: [sps], pps: [] });
    const none = head.slice();
    none[22] = 0;
    expect(parseHvcC(none)).toMatchObject({ vps: [], sps: [], pps: [] });
  });

  test('an HVCC of another version, or with a parameter set of no bytes is refused', () => {
    const hvcC = writeHvcC([], [write265(plain)], []);
    expect(() => parseHvcC(Uint8Array.of(2, ...hvcC.subarray(1)))).toThrow('no HEVC configuration');
    expect(() => parseHvcC(Uint8Array.of(...hvcC.subarray(0, 26), 0, 0))).toThrow('ends within a parameter set');
    expect(() => parseHvcC(hvcC.subarray(0, 25))).toThrow('ends early');
    expect(() => writeHvcC([], [], [])).toThrow('no sequence parameter set');
  });

  test('more sets than a byte can count are counted', () => {
    const pps = Array.from({ length: 300 }, (_, i) => Uint8Array.of(0x44, 1, i & 255));
    expect(parseHvcC(writeHvcC([], [write265(plain)], pps)).pps).toEqual(pps);
  });

  test.each<[string, Partial<Sps265>, string]>([
    ['temporal layers', { layers: Array(7).fill([0, 0, '', '']) }, 'number of temporal layers: 7 is more than 6'],
    ['chroma format', { format: 4 }, 'chroma format: 4 is more than 3'],
    ['luma depth', { luma: 9 }, 'bit depth: 9 is more than 8'],
    ['chroma depth', { chroma: 9 }, 'bit depth: 9 is more than 8'],
    ['width', { columns: 0x10000 }, 'a picture of 65536 by 64'],
    ['height', { rows: 0x10000 }, 'a picture of 64 by 65536'],
    ['window', { crop: [16, 16, 0, 0] }, 'a picture of 0 by 64'],
    ['window', { crop: [0, 0, 16, 16] }, 'a picture of 64 by 0'],
  ])('%s that the standard does not have is refused', (_, change, text) => {
    expect(() => parseH265Sps(write265({ ...plain, ...change }))).toThrow(text);
  });

  test('more reordering than the standard has counts as not said', () => {
    expect(parseH265Sps(write265({ ...plain, buffers: [[1, 17, 1]] }))).toMatchObject({
      width: 64,
      maxReorder: undefined,
    });
  });

  test('another NAL unit is no sequence parameter set', () => {
    const nal = write265(plain);
    for (const type of [32, 34, 1]) {
      expect(() => parseH265Sps(Uint8Array.of(type << 1, ...nal.subarray(1)))).toThrow('no H.265 sequence parameter');
    }
    expect(() => parseH265Sps(new Uint8Array(0))).toThrow('no H.265 sequence parameter set');
  });
});
