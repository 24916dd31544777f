import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecStringOf, decoderDescription } from '../../../src/mkv/codec/codec-string.js';
import { joinNals } from '../../../src/mkv/codec/nal.js';
import { escapeNal, packBits, u } from '../../support/bits.js';

describe('codec strings', () => {
  const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

  test.each([
    ['V_MPEG4/ISO/AVC', '0142c01effe1', 'avc1.42c01e'],
    ['V_MPEG/ISO/AVC', '0142c01effe1', 'avc1.42c01e'],
    ['V_MPEG4/ISO/AVC', '02640028', undefined],
    ['V_MPEG4/ISO/AVC', '0164', undefined],
    ['V_MPEG4/ISO/AVC', '', undefined],
    // The examples of ISO/IEC 14496-15: a level 3.1 stream of the Main tier, and one in profile space 1.
    ['V_MPEGH/ISO/HEVC', '0101600000009000000000005d', 'hvc1.1.6.L93.90'],
    ['V_MPEGH/ISO/HEVC', '0164200000009000010000005d', 'hvc1.A4.4.H93.90.0.1'],
    ['V_MPEGH/ISO/HEVC', '01016000000090000000', undefined],
    ['V_VP9', '01010202012903010a'.slice(0, 18), 'vp09.02.41.10'],
    ['V_AV1', '81094e00', 'av01.0.09M.10'],
    ['A_AAC', '1190', 'mp4a.40.2'],
    ['A_AAC', '2b920800', 'mp4a.40.5'],
    ['A_AAC', 'f9428000', 'mp4a.40.42'],
    ['A_AAC', '', undefined],
    ['A_AAC/MPEG4/LC/SBR', '', 'mp4a.40.5'],
    ['A_AAC/MPEG2/LC', '', 'mp4a.40.2'],
    ['A_MPEG/L3', '', 'mp3'],
    ['A_MS/ACM', '', undefined],
    ['A_PCM/INT/BIG', '', undefined],
    ['V_MJPEG', '', undefined],
    ['constructor', '', undefined],
  ])('%s %s: %s', (codecId, hex, expected) => {
    expect(codecStringOf({ codecId, codecPrivate: bytes(hex) })).toBe(expected);
  });
});

describe('the string of H.264', () => {
  const SPS = Uint8Array.of(0x67, 0x64, 0x0a, 0x28, 0xac);
  const PPS = Uint8Array.of(0x68, 1);
  const track = (codecPrivate?: Uint8Array) => ({ codecId: 'V_MPEG4/ISO/AVC', codecPrivate });

  test('is that of the first SPS in Annex B: in CodecPrivate, else in the key frame', () => {
    const second = Uint8Array.of(0x67, 0x42, 0, 0x1e);
    expect(codecStringOf(track(joinNals([PPS, SPS, second], 0)))).toBe('avc1.640a28');
    expect(codecStringOf(track(joinNals([SPS], 0)), joinNals([second], 0))).toBe('avc1.640a28');
    expect(codecStringOf(track(joinNals([PPS], 0)), joinNals([second], 0))).toBe('avc1.42001e');
    expect(codecStringOf(track(), joinNals([PPS, SPS], 0))).toBe('avc1.640a28');
    expect(codecStringOf(track(joinNals([PPS], 0)), joinNals([PPS], 0))).toBeUndefined();
  });

  test('is not made of too few bytes, nor of a key frame that is not in Annex B', () => {
    expect(codecStringOf(track(joinNals([SPS.subarray(0, 4)], 0)))).toBe('avc1.640a28');
    expect(codecStringOf(track(joinNals([SPS.subarray(0, 3)], 0)))).toBeUndefined();
    expect(codecStringOf(track(Uint8Array.of(1, 0x64, 0, 0x28)))).toBe('avc1.640028');
    expect(codecStringOf(track(Uint8Array.of(1, 0x64, 0)))).toBeUndefined();
    expect(codecStringOf(track(), joinNals([SPS], 4))).toBeUndefined();
  });
});

describe('the string of H.265', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const general = fc.record({
    space: fc.integer({ min: 0, max: 3 }),
    tier: fc.integer({ min: 0, max: 1 }),
    profile: fc.integer({ min: 0, max: 31 }),
    compatibility: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    constraints: fc.array(fc.oneof(fc.constant(0), byte), { minLength: 6, maxLength: 6 }),
    level: byte,
  });

  test('has the profile, tier and level of HVCC or of the SPS, as ISO/IEC 14496-15 annex E writes them', () => {
    fc.assert(
      fc.property(general, ({ space, tier, profile, compatibility, constraints, level }) => {
        const bits = [
          u(2, space),
          u(1, tier),
          u(5, profile),
          u(32, compatibility),
          ...constraints.map((each) => u(8, each)),
          u(8, level),
        ].join('');
        const reversed = Number.parseInt([...u(32, compatibility)].reverse().join(''), 2).toString(16);
        const used = constraints.map((each) => `.${each.toString(16).toUpperCase()}`).join('');
        const letters = `${['', 'A', 'B', 'C'][space]}${profile}.${reversed}.${tier ? 'H' : 'L'}${level}`;
        const expected = `hvc1.${letters}${used.replace(/(\.0)+$/, '')}`;

        const hvcC = packBits(u(8, 1) + bits);
        const track = { codecId: 'V_MPEGH/ISO/HEVC' };
        expect(codecStringOf({ ...track, codecPrivate: hvcC })).toBe(expected);
        expect(codecStringOf({ ...track, codecPrivate: hvcC.subarray(0, 12) })).toBeUndefined();
        // Two bytes of header, four bits of VPS, three of layers, one of nesting.
        const sps = escapeNal(packBits(`${u(16, 0x4201)}${u(8, 1)}${bits}${'1'.repeat(300)}`));
        const sets = joinNals([Uint8Array.of(0x40, 1, 9), sps], 0);
        expect(codecStringOf({ ...track, codecPrivate: sets })).toBe(expected);
        expect(codecStringOf(track, sets)).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the string of VP9', () => {
  const of = (pixelWidth: number, pixelHeight: number, keyframe?: number[], codecPrivate: number[] = []) =>
    codecStringOf(
      { codecId: 'V_VP9', codecPrivate: Uint8Array.from(codecPrivate), video: { pixelWidth, pixelHeight } },
      keyframe && Uint8Array.from(keyframe),
    );
  /** Frame marker, profile in two bits of which the lower comes first, for profile 3 a reserved bit; then the sync code. */
  const keyframe = (profile: number, more = '000', next = '00000000') => {
    const first = `10${profile & 1}${profile >> 1}${profile === 3 ? '0' : ''}${more}`.padEnd(8, '0').slice(0, 8);
    return [Number.parseInt(first, 2), 0x49, 0x83, 0x42, Number.parseInt(next, 2)];
  };

  // The largest luma picture of each level (VP9 levels, webmproject.org).
  test.each([
    [36864, '10'],
    [73728, '11'],
    [122880, '20'],
    [245760, '21'],
    [552960, '30'],
    [983040, '31'],
    [2228224, '40'],
    [8912896, '50'],
  ])('has the least level that a picture of %i pixels fits', (pixels, level) => {
    expect(of(pixels / 64, 64, keyframe(0))).toBe(`vp09.00.${level}.08`);
    expect(of(pixels / 64 + 1, 64, keyframe(0))).not.toBe(`vp09.00.${level}.08`);
  });

  test('has the highest level for what is larger than all, the lowest where the size is not known', () => {
    expect(of(16384, 8704, keyframe(0))).toBe('vp09.00.60.08');
    expect(codecStringOf({ codecId: 'V_VP9' }, Uint8Array.from(keyframe(0)))).toBe('vp09.00.10.08');
  });

  test('has profile and depth of the key frame', () => {
    const depths = ['00000000', '01000000', '10000000', '11000000'];
    const found = [0, 1, 2, 3].map((profile) => depths.map((next) => of(64, 64, keyframe(profile, '000', next))));
    expect(found).toEqual([
      Array(4).fill('vp09.00.10.08'),
      Array(4).fill('vp09.01.10.08'),
      // The bit is the first one of the byte; in profile 3 the second one.
      ['vp09.02.10.10', 'vp09.02.10.10', 'vp09.02.10.12', 'vp09.02.10.12'],
      ['vp09.03.10.10', 'vp09.03.10.12', 'vp09.03.10.10', 'vp09.03.10.12'],
    ]);
  });

  test('is not told by a frame that is no key frame, or only repeats another, or is none', () => {
    for (const profile of [0, 1, 2, 3]) {
      expect(of(64, 64, keyframe(profile, '010'))).toBeUndefined();
      expect(of(64, 64, keyframe(profile, '100'))).toBeUndefined();
      expect(of(64, 64, keyframe(profile, '001'))).toBeDefined();
    }
    expect([of(64, 64), of(64, 64, []), of(64, 64, [0xc0, 0, 0, 0, 0])]).toEqual([undefined, undefined, undefined]);
  });

  test('has the features that CodecPrivate lists, in any order', () => {
    expect(of(64, 64, undefined, [3, 1, 12, 2, 1, 31, 1, 1, 2])).toBe('vp09.02.31.12');
    expect(of(64, 64, undefined, [1, 1, 0])).toBe('vp09.00.10.08');
    expect(of(64, 64, undefined, [1, 1, 1, 3, 1])).toBe('vp09.01.10.08');
    expect(of(64, 64, undefined, [1, 1, 2])).toBe('vp09.02.10.10');
    expect(of(64, 64, undefined, [9, 3, 1, 1, 1, 1, 1, 3])).toBe('vp09.03.10.10');
    // What is cut short says nothing.
    expect(of(64, 64, undefined, [1, 1, 2, 1])).toBe('vp09.02.10.10');
    expect(of(64, 64, undefined, [1, 1, 2, 1, 1])).toBe('vp09.02.10.10');
    // A level alone says no profile; the key frame does.
    expect(of(64, 64, keyframe(1), [2, 1, 41])).toBe('vp09.01.41.08');
  });
});

describe('the string of AV1', () => {
  test.each([
    ['81000000', 'av01.0.00M.08'],
    ['813f0000', 'av01.1.31M.08'],
    ['81450000', 'av01.2.05M.08'],
    ['81004000', 'av01.0.00M.10'],
    ['81006000', 'av01.0.00M.12'],
    ['81002000', 'av01.0.00M.08'],
    ['81008000', 'av01.0.00H.08'],
    ['01000000', undefined],
    ['810000', undefined],
  ])('%s: %s', (hex, expected) => {
    const codecPrivate = new Uint8Array(Buffer.from(hex, 'hex'));
    expect(codecStringOf({ codecId: 'V_AV1', codecPrivate })).toBe(expected);
  });
});

describe('the string of audio', () => {
  test.each([
    ['A_PCM/INT/LIT', 8, 'pcm-u8'],
    ['A_PCM/INT/LIT', 16, 'pcm-s16'],
    ['A_PCM/INT/LIT', 24, 'pcm-s24'],
    ['A_PCM/INT/LIT', 32, 'pcm-s32'],
    ['A_PCM/INT/LIT', 20, undefined],
    ['A_PCM/INT/LIT', undefined, undefined],
    ['A_PCM/FLOAT/IEEE', 32, 'pcm-f32'],
    ['A_PCM/FLOAT/IEEE', 64, undefined],
    ['A_PCM/FLOAT/IEEE', 16, undefined],
  ])('%s of %s bits: %s', (codecId, bitDepth, expected) => {
    expect(codecStringOf({ codecId, audio: { bitDepth } })).toBe(expected);
  });

  test.each([
    ['A_PCM/INT/LIT', undefined],
    ['A_OPUS', 'opus'],
    ['A_VORBIS', 'vorbis'],
    ['A_FLAC', 'flac'],
    ['A_MPEG/L3', 'mp3'],
    ['A_AC3', 'ac-3'],
    ['A_EAC3', 'ec-3'],
    ['V_VP8', 'vp8'],
    ['A_AAC/MPEG4/MAIN', 'mp4a.40.1'],
    ['A_AAC/MPEG2/MAIN', 'mp4a.40.1'],
    ['A_AAC/MPEG4/LC', 'mp4a.40.2'],
    ['A_AAC/MPEG2/LC/SBR', 'mp4a.40.5'],
    ['A_AAC/MPEG4/SSR', undefined],
    ['A_AAC', undefined],
    ['A_MPEG/L2', undefined],
    ['toString', undefined],
  ])('%s: %s', (codecId, expected) => {
    expect(codecStringOf({ codecId })).toBe(expected);
  });

  test('of AAC has the object type, also one that does not fit five bits', () => {
    for (let type = 0; type < 96; type++) {
      if (type === 31) continue;
      const codecPrivate = packBits(`${type < 31 ? u(5, type) : u(5, 31) + u(6, type - 32)}01000100`);
      expect(codecStringOf({ codecId: 'A_AAC', codecPrivate })).toBe(`mp4a.40.${type}`);
    }
  });
});

/** A WAVEFORMATEX of a tag, with what follows it; an extensible one has the tag within. */
function waveFormat(tag: number, bits: number, extra: number[] = [], within?: number): Uint8Array {
  const sub = within === undefined ? [] : [0, 0, 0, 0, 0, 0, within & 255, within >> 8, 0, 0, 0, 0, 0x10, 0];
  const rest = [...sub, ...extra];
  return Uint8Array.from([
    ...[tag & 255, tag >> 8, 2, 0, 0x40, 0x1f, 0, 0, 0, 0, 0, 0, 4, 0, bits & 255, bits >> 8],
    ...[rest.length & 255, rest.length >> 8, ...rest],
  ]);
}

describe('A_MS/ACM', () => {
  test.each([
    [1, 16, undefined, 'pcm-s16'],
    [1, 8, undefined, 'pcm-u8'],
    [1, 0x110, undefined, undefined],
    [3, 32, undefined, 'pcm-f32'],
    [3, 16, undefined, undefined],
    [6, 8, undefined, 'alaw'],
    [7, 8, undefined, 'ulaw'],
    [0x107, 8, undefined, undefined],
    [2, 16, undefined, undefined],
    [0xfffe, 24, 1, 'pcm-s24'],
    [0xfffe, 32, 3, 'pcm-f32'],
    [0xfffe, 32, 0x103, undefined],
  ])('of format %i, %i bits, within %s: %s', (tag, bits, within, expected) => {
    const codecPrivate = waveFormat(tag, bits, [], within);
    expect(codecStringOf({ codecId: 'A_MS/ACM', codecPrivate })).toBe(expected);
    expect(decoderDescription({ codecId: 'A_MS/ACM', codecPrivate })).toBeUndefined();
  });

  test('of AAC has the configuration that follows, no more of it than is said', () => {
    const codecPrivate = Uint8Array.of(...waveFormat(0xff, 16, [0x12, 0x10]), 9);
    expect(codecStringOf({ codecId: 'A_MS/ACM', codecPrivate })).toBe('mp4a.40.2');
    expect(decoderDescription({ codecId: 'A_MS/ACM', codecPrivate })).toEqual(Uint8Array.of(0x12, 0x10));
    expect(decoderDescription({ codecId: 'A_MS/ACM', codecPrivate: waveFormat(0xff, 16) })).toBeUndefined();
    const long = waveFormat(0xff, 16, Array<number>(260).fill(0x12));
    expect(decoderDescription({ codecId: 'A_MS/ACM', codecPrivate: long })).toHaveLength(260);
  });
});

describe('the description', () => {
  const codecPrivate = Uint8Array.of(1, 2, 3);

  test.each(['V_MPEG4/ISO/AVC', 'V_MPEGH/ISO/HEVC', 'A_AAC', 'A_AAC/MPEG4/LC', 'A_OPUS', 'A_VORBIS', 'A_FLAC'])(
    'of %s is CodecPrivate, not copied',
    (codecId) => {
      expect(decoderDescription({ codecId, codecPrivate })).toBe(codecPrivate);
      expect(decoderDescription({ codecId, codecPrivate: new Uint8Array(0) })).toBeUndefined();
      expect(decoderDescription({ codecId })).toBeUndefined();
    },
  );

  test.each(['V_VP8', 'V_VP9', 'V_AV1', 'A_AC3', 'A_PCM/INT/LIT', 'V_MJPEG'])('of %s there is none', (codecId) => {
    expect(decoderDescription({ codecId, codecPrivate })).toBeUndefined();
  });

  test.each([
    [[0, 0, 1, 0x67], true],
    [[0, 0, 0, 1, 0x67], true],
    [[0, 0, 2, 1], false],
    [[0, 0, 0, 2], false],
    [[0, 1, 1, 1], false],
    [[1, 0, 1, 1], false],
    [[1, 0, 0, 1], false],
    [[0, 1, 0, 1], false],
  ])('of H.264 whose CodecPrivate begins with %j: in Annex B, which has none: %s', (bytes, annexB) => {
    const data = Uint8Array.from(bytes);
    for (const codecId of ['V_MPEG/ISO/AVC', 'V_MPEGH/ISO/HEVC']) {
      expect(decoderDescription({ codecId, codecPrivate: data })).toBe(annexB ? undefined : data);
    }
  });
});
