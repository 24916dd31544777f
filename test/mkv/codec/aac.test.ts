import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AacConfig, adtsHeader, parseAudioSpecificConfig } from '../../../src/mkv/codec/aac.js';
import { CodecDataError } from '../../../src/mkv/codec/codec-error.js';
import { packBits, u } from '../../support/bits.js';

/** samplingFrequencyIndex (ISO/IEC 14496-3 table 1.18). */
const FREQUENCIES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
/** How many channels a channelConfiguration has (table 1.19). */
const CHANNELS = [undefined, 1, 2, 3, 4, 5, 6, 8, undefined, undefined, undefined];

const flag = fc.integer({ min: 0, max: 1 });
const upTo = (max: number) => fc.integer({ min: 0, max });
const typeBits = (type: number) => (type < 31 ? u(5, type) : u(5, 31) + u(6, type - 32));
const frequency = fc.oneof(fc.constantFrom(...FREQUENCIES), fc.integer({ min: 1, max: 2 ** 24 - 1 }));
const frequencyBits = (value: number) => {
  const index = FREQUENCIES.indexOf(value);
  return index < 0 ? u(4, 15) + u(24, value) : u(4, index);
};

/** program_config_element (section 4.4.1.1): which channels there are where no configuration says so. */
const program = fc
  .record({
    head: upTo(1023),
    groups: fc.array(fc.array(flag, { maxLength: 15 }), { minLength: 3, maxLength: 3 }),
    low: upTo(3),
    associated: upTo(7),
    coupling: upTo(15),
    mixdowns: fc.array(flag, { minLength: 3, maxLength: 3 }),
  })
  .map(({ head, groups, low, associated, coupling, mixdowns }) => ({
    channels: groups.flat().reduce((sum, pair) => sum + 1 + pair, low) || undefined,
    bits: [
      u(10, head),
      ...groups.map(({ length }) => u(4, length)),
      u(2, low),
      u(3, associated),
      u(4, coupling),
      ...mixdowns.map((present, i) => (present ? `1${u(i === 2 ? 3 : 4, 5)}` : '0')),
      ...groups.flat().map((pair) => u(1, pair) + u(4, 9)),
      u(4 * low, 0),
    ].join(''),
  }));

const config = fc.record({
  type: fc
    .oneof(upTo(4), fc.constantFrom(17, 23, 39), upTo(30), fc.integer({ min: 32, max: 95 }))
    .filter((type) => type !== 5 && type !== 29),
  frequency,
  channels: upTo(10),
  short: flag,
  core: fc.option(upTo(2 ** 14 - 1), { nil: undefined }),
  extension: flag,
  program,
  // None, before the core, behind it; with parametric stereo or without.
  signalling: fc.constantFrom('none', 'before', 'behind', 'behind, absent', 'behind, no room for PS'),
  outer: frequency,
  ps: fc.boolean(),
});

interface Config {
  type: number;
  frequency: number;
  channels: number;
  short: number;
  core: number | undefined;
  extension: number;
  program: { channels: number | undefined; bits: string };
  signalling: string;
  outer: number;
  ps: boolean;
}

/** Of the error-resilient types: samples in a frame, and in a short one. */
const RESILIENT: { readonly [type: number]: readonly [number, number] } = {
  17: [1024, 960],
  23: [512, 480],
  39: [512, 480],
};

function write(c: Config): Uint8Array {
  const general = c.type >= 1 && c.type <= 4;
  const before = c.signalling === 'before';
  const bits = [
    before ? u(5, c.ps ? 29 : 5) : typeBits(c.type),
    frequencyBits(c.frequency),
    u(4, c.channels),
    before ? frequencyBits(c.outer) + typeBits(c.type) : '',
    general ? u(1, c.short) + (c.core === undefined ? '0' : `1${u(14, c.core)}`) + u(1, c.extension) : '',
    general && c.channels === 0 ? c.program.bits : '',
    c.type in RESILIENT ? u(1, c.short) : '',
  ];
  if (general && c.channels !== 0 && c.signalling.startsWith('behind')) {
    if (c.signalling === 'behind, absent') bits.push(u(11, 0x2b7), u(5, 5), '0');
    else bits.push(u(11, 0x2b7), u(5, 5), '1', frequencyBits(c.outer));
    if (c.signalling === 'behind') bits.push(u(11, 0x548), u(1, Number(c.ps)));
  }
  return packBits(bits.join(''));
}

function facts(c: Config): AacConfig {
  const general = c.type >= 1 && c.type <= 4;
  const before = c.signalling === 'before';
  const behind = general && c.channels !== 0 && c.signalling.startsWith('behind') && c.signalling !== 'behind, absent';
  const ps = c.ps && (before || (behind && c.signalling === 'behind'));
  return {
    objectType: before ? (c.ps ? 29 : 5) : c.type,
    coreObjectType: c.type,
    samplingFrequency: c.frequency,
    outputSamplingFrequency: before || behind ? c.outer : c.frequency,
    channelConfiguration: c.channels,
    channels: general && c.channels === 0 ? c.program.channels : CHANNELS[c.channels],
    sbr: before || behind,
    ps,
    frameLength: RESILIENT[c.type]?.[c.short] ?? (general && c.short === 1 ? 960 : 1024),
  };
}

describe('AudioSpecificConfig of every kind', () => {
  test('is read', () => {
    fc.assert(
      fc.property(config, (c) => {
        expect(parseAudioSpecificConfig(write(c))).toEqual(facts(c));
      }),
      { numRuns: 500 },
    );
  });

  test('is refused without a sampling frequency, or cut short', () => {
    for (const bits of [`${u(5, 2)}${u(4, 13)}${u(4, 2)}`, `${u(5, 2)}${u(4, 15)}${u(24, 0)}${u(4, 2)}`]) {
      expect(() => parseAudioSpecificConfig(packBits(`${bits}000`))).toThrow('without sampling frequency');
    }
    for (const bytes of [[], [0x11], [0x17, 0x80, 0, 1], [0xf9]]) {
      expect(() => parseAudioSpecificConfig(Uint8Array.from(bytes))).toThrow(CodecDataError);
    }
  });

  test('ends after its channels where it is of a kind that says no more', () => {
    expect(parseAudioSpecificConfig(Uint8Array.of(0x11, 0x90))).toMatchObject({ objectType: 2, frameLength: 1024 });
    // With SBR in front, cut off behind the type of the core: two bits are left.
    expect(parseAudioSpecificConfig(Uint8Array.of(0x2b, 0x92, 0x08))).toMatchObject({
      objectType: 5,
      coreObjectType: 2,
    });
    // Layer III in MPEG-4: what follows is not of AAC.
    const other = packBits(`${typeBits(34)}${u(4, 3)}${u(4, 2)}${'1'.repeat(40)}`);
    expect(parseAudioSpecificConfig(other)).toMatchObject({ objectType: 34, frameLength: 1024, sbr: false });
  });
});

describe('an ADTS header', () => {
  test('says what the configuration says, bit by bit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(...FREQUENCIES),
        fc.integer({ min: 1, max: 7 }),
        fc.oneof(upTo(8184), fc.constantFrom(0, 8184)),
        (type, rate, channels, size) => {
          const asc = parseAudioSpecificConfig(packBits(u(5, type) + frequencyBits(rate) + u(4, channels) + u(3, 0)));
          // ISO/IEC 13818-7 section 6.2: sync word, MPEG-4, layer, no CRC; …; length, buffer fullness, one frame.
          const bits = [
            u(12, 0xfff),
            u(4, 1),
            u(2, type - 1),
            u(4, FREQUENCIES.indexOf(rate)),
            u(1, 0),
            u(3, channels),
            u(4, 0),
            u(13, size + 7),
            u(11, 0x7ff),
            u(2, 0),
          ];
          expect(adtsHeader(asc, size)).toEqual(packBits(bits.join('')));
        },
      ),
    );
  });

  test.each<[string, Partial<AacConfig>, number]>([
    ['a frame that is too long', {}, 8185],
    ['object type 0', { coreObjectType: 0 }, 10],
    ['object type 5', { coreObjectType: 5 }, 10],
    ['channels listed one by one', { channelConfiguration: 0 }, 10],
    ['channel configuration 8', { channelConfiguration: 8 }, 10],
    ['a frequency of its own', { samplingFrequency: 50000 }, 10],
    ['frames of 960 samples', { frameLength: 960 }, 10],
  ])('does not exist for %s', (_, change, size) => {
    const config44100 = parseAudioSpecificConfig(Uint8Array.of(0x12, 0x10));
    expect(adtsHeader(config44100, 8184)).toHaveLength(7);
    expect(() => adtsHeader({ ...config44100, ...change }, size)).toThrow('this AAC stream does not go into ADTS');
  });
});

describe('AudioSpecificConfig', () => {
  const parse = (hex: string) => parseAudioSpecificConfig(new Uint8Array(Buffer.from(hex, 'hex')));

  test('SBR and PS, signalled before the core', () => {
    expect(parse('2b920800')).toMatchObject({
      objectType: 5,
      coreObjectType: 2,
      samplingFrequency: 22050,
      outputSamplingFrequency: 44100,
      channels: 2,
      sbr: true,
      ps: false,
    });
    expect(parse('eb8a0800')).toMatchObject({ objectType: 29, coreObjectType: 2, channels: 1, sbr: true, ps: true });
  });

  test('SBR and PS, signalled behind the core', () => {
    expect(parse('138856e5a54880')).toMatchObject({
      objectType: 2,
      samplingFrequency: 22050,
      outputSamplingFrequency: 44100,
      channels: 1,
      sbr: true,
      ps: true,
    });
    expect(parse('139056e5a0')).toMatchObject({
      objectType: 2,
      outputSamplingFrequency: 44100,
      channels: 2,
      sbr: true,
      ps: false,
    });
  });

  test('a sampling frequency of its own, frames of 960 samples, eight channels', () => {
    // 00010 1111 (24 bits) 0111 1 0 0
    const bits = `00010${'1111'}${(50000).toString(2).padStart(24, '0')}0111100`;
    const bytes = Uint8Array.from(bits.match(/.{1,8}/g)!, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
    expect(parseAudioSpecificConfig(bytes)).toMatchObject({ samplingFrequency: 50000, channels: 8, frameLength: 960 });
  });
});
