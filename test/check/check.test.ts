import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckReport, checkStream, type Finding, Mkv, readElements } from '../../src/index.js';
import {
  type GetMediaFragmentInput,
  type TagPair,
  writeGetMediaError,
  writeGetMediaFragment,
} from '../../src/testing/get-media-writer.js';
import type { TrackInput } from '../../src/testing/track-writer.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { type Media, readMedia, type WrapOptions, wrapAsGetMedia } from '../support/kvs-media.js';
import { describeNeeding } from '../support/tools.js';

/** Rules of the findings, each with how many there are. */
function rules({ findings }: CheckReport): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { rule } of findings) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}

function caseBytes(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../cases/${file}`, import.meta.url)));
}

const PLAYED = { getClip: true, hls: true, dash: true, getImages: true };
const NOT_PLAYED = { getClip: false, hls: false, dash: false, getImages: false };

describe('checkStream names what is wrong with what producers really send', () => {
  const CASES: readonly (readonly [file: string, found: Record<string, number>, playable: CheckReport['playable']])[] =
    [
      ['connect-5.mkv', { TagsOrder: 5, CodecId: 10, UnsupportedCodec: 10 }, NOT_PLAYED],
      ['connect-l16--connect.mkv', { TagsOrder: 4, CodecId: 8, UnsupportedCodec: 8 }, NOT_PLAYED],
      ['aac-adts--adts-cpd.mkv', { FrameFormat: 2 }, NOT_PLAYED],
      ['aac-adts--adts-nocpd.mkv', { CodecPrivate: 2, FrameFormat: 2 }, NOT_PLAYED],
      ['aac-adts--raw-cpd-noaudio.mkv', { AudioSettings: 2 }, { ...NOT_PLAYED, dash: true }],
      ['nal-mix--h264-cpd_avcc-frames_ab-bare.mkv', { FrameFormat: 2 }, NOT_PLAYED],
      ['nal-mix--h264-cpd_annexb-frames_len-inband.mkv', { CodecPrivate: 2, FrameFormat: 2 }, NOT_PLAYED],
      ['sps-vui--ends-in-timing-avcc.mkv', { Vui: 2 }, PLAYED],
      ['sps-vui--reorder-too-large-annexb.mkv', { CodecPrivate: 2, Vui: 2 }, NOT_PLAYED],
      ['single-frame--fps1.mkv', {}, PLAYED],
      ['silent-audio--never.mkv', { TrackWithoutFrames: 1 }, PLAYED],
      ['silent-audio--first-only.mkv', { TrackWithoutFrames: 1 }, PLAYED],
      ['silent-audio--never-nocpd.mkv', { TrackWithoutFrames: 1 }, { ...NOT_PLAYED, getImages: true }],
      ['cpd-level0--avcc-zero.mkv', { ProfileLevel: 2 }, PLAYED],
      ['cpd-level0--hvcc-level0.mkv', { ProfileLevel: 2 }, PLAYED],
      ['sets-apart--same-time.mkv', { AccessUnits: 2 }, NOT_PLAYED],
      ['nal-per-block--slices-apart-avcc.mkv', { AccessUnits: 2 }, NOT_PLAYED],
      ['time-restart--restart-4.mkv', { FragmentShort: 9, TimeRestart: 9 }, PLAYED],
      ['audio-jitter--aac48-j15.mkv', { TimestampJitter: 5 }, PLAYED],
      ['trailing-zero--annexb-leading-1.mkv', { CodecPrivate: 2, NalPadding: 2 }, NOT_PLAYED],
      ['trailing-zero--len-1-zeros-behind.mkv', { NalPadding: 2 }, PLAYED],
      ['keyflags--all.mkv', { KeyframeFlags: 3 }, PLAYED],
      ['sps-change--stale.mkv', { ParameterSets: 2, VideoSize: 2 }, PLAYED],
      ['sar--sar-vui.mkv', { VideoAspect: 2 }, PLAYED],
      ['muxers--mm-webm.webm', { UnsupportedCodec: 6 }, NOT_PLAYED],
      ['muxers--mm-zlib.mkv', { FrameStorage: 6 }, NOT_PLAYED],
      ['av-codecs--h264+opus.mkv', { UnsupportedCodec: 2 }, { ...NOT_PLAYED, getImages: true }],
      ['alaw-only--alaw.mkv', {}, NOT_PLAYED],
    ];

  it.each(CASES)('%s', async (file, found, playable) => {
    const report = await checkStream(caseBytes(file));
    expect(rules(report)).toEqual(found);
    expect(report.playable).toEqual(playable);
    for (const [operation, reasons] of Object.entries(report.obstacles)) {
      expect(reasons.length === 0, operation).toBe(Reflect.get(report.playable, operation));
    }
  });
});

describeNeeding('checkStream, on the captures', [CAPTURES], () => {
  const FILE = 'output_get_media.mkv';
  const media: Promise<Media> = readMedia(captureBytes(FILE));

  /** The capture's media as fragments that are changed on the way. */
  async function changed(options: WrapOptions): Promise<Uint8Array[]> {
    return wrapAsGetMedia(await media, options).map(({ bytes }) => bytes);
  }

  it('finds nothing wrong with a camera that keeps to the rules', async () => {
    const report = await checkStream(captureBytes(FILE));
    expect(report).toMatchObject({ findings: [], omitted: 0, fragments: 5, frames: 300, playable: PLAYED });
    expect(rules(await checkStream(await changed({})))).toEqual({});
  });

  it('finds a picture size that is not that of the pictures, in each fragment', async () => {
    const bytes = captureBytes(FILE).slice();
    for await (const element of readElements(bytes)) {
      if (element.kind === 'data' && element.is(Mkv.PixelWidth))
        bytes.set([0x05, 0x00], element.offset + element.headerSize);
    }
    const { findings } = await checkStream(bytes);
    const sizes = findings.filter(({ rule }) => rule === 'VideoSize');
    expect(sizes).toHaveLength(5);
    expect(new Set(sizes.map(({ fragmentNumber }) => fragmentNumber)).size).toBe(5);
    for (const { severity, message, track } of sizes) {
      expect({ severity, track }).toEqual({ severity: 'error', track: 1 });
      expect(message).toMatch(/1280x360.*640x360/);
    }
    // The CRC-32 of Tracks tells of the change as well.
    expect(findings.filter(({ rule }) => rule !== 'VideoSize').map(({ rule }) => rule)).toEqual(
      Array(5).fill('CrcMismatch'),
    );
  });

  it.each<[string, WrapOptions, Record<string, number>]>([
    ['CodecPrivate that is missing', { track: ({ codecPrivate: _, ...track }) => track }, { CodecPrivate: 5 }],
    [
      'CodecPrivate that cannot be read',
      { track: (track) => ({ ...track, codecPrivate: Uint8Array.of(1, 2, 3) }) },
      { CodecPrivate: 5 },
    ],
    ['another name of the codec', { track: (track) => ({ ...track, codecId: 'V_TEST' }) }, { UnsupportedCodec: 5 }],
  ])('finds %s, once in each fragment', async (_, options, found) => {
    const report = await checkStream(await changed(options));
    expect(rules(report)).toEqual(found);
    expect(report.playable).toEqual(NOT_PLAYED);
  });

  it('finds that a fragment does not begin with a key frame', async () => {
    const { tracks, frames } = await media;
    const [first] = wrapAsGetMedia({ tracks, frames: frames.slice(1, 60) });
    const report = await checkStream(first!.bytes);
    expect(rules(report)).toEqual({ KeyframeFirst: 1 });
    expect(report.findings[0]).toMatchObject({ severity: 'error', track: 1 });
  });

  it('finds damage, goes on behind it, and says which fragment is not whole', async () => {
    const bytes = captureBytes(FILE).slice();
    let block = 0;
    for await (const element of readElements(bytes)) {
      if (element.kind === 'data' && element.is(Mkv.SimpleBlock) && element.value.frameCount > 0)
        block = element.offset;
      if (element.offset > 1_000_000 && block > 0) break;
    }
    bytes.fill(0xff, block, block + 3);
    const report = await checkStream(bytes);
    expect(rules(report)).toMatchObject({ Damage: 1, Truncated: 1 });
    expect(report.fragments).toBe(5);
  });

  it('finds that a stream ends within a fragment', async () => {
    const bytes = captureBytes(FILE);
    const report = await checkStream(bytes.subarray(0, bytes.length - 100_000));
    expect(rules(report)).toEqual({ Damage: 1, Truncated: 1 });
    expect(report.fragments).toBe(5);
  });
});

/** A plain fragment of one second of PCM-like data, which no rule of codecs is about. */
function fragment(index: number, more: Partial<GetMediaFragmentInput> = {}): GetMediaFragmentInput {
  const start = 1_700_000_000_000_000 + index * 2_000_000;
  return {
    tracks: [track(1)],
    fragmentNumber: String(91343852333181432392682062607743920146270339185n + BigInt(index)),
    serverTimestamp: start / 1000,
    producerTimestamp: start / 1000,
    tags: [],
    timestamp: start,
    blocks: [0, 1, 2, 3].map((frame) => block(1, start + frame * 500_000)),
    millisBehindNow: 0,
    continuationToken: '1',
    ...more,
  };
}

function track(number: number, more: Partial<TrackInput> = {}): TrackInput {
  return { number, type: 'metadata', codecId: 'M_TEST', defaultDuration: 500_000_000, ...more };
}

function block(number: number, timestamp: number) {
  return { track: number, timestamp, keyframe: true, frames: [Uint8Array.of(number, 2, 3)] };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

async function found(...fragments: readonly GetMediaFragmentInput[]): Promise<readonly Finding[]> {
  return (await checkStream(fragments.map((each) => writeGetMediaFragment(each)))).findings;
}

async function foundRules(...fragments: readonly GetMediaFragmentInput[]): Promise<string[]> {
  return (await found(...fragments)).map(({ rule }) => rule);
}

const tags = (count: number): TagPair[] => Array.from({ length: count }, (_, index) => [`Tag${index}`, 'value']);

describe('checkStream holds fragments against the limits of the service', () => {
  it('and finds nothing where all are kept', async () => {
    expect(await found(fragment(0), fragment(1, { tags: tags(10) }), fragment(2))).toEqual([]);
  });

  it.each<[string, Partial<GetMediaFragmentInput>, string]>([
    ['11 tags', { tags: tags(11) }, 'TagCount'],
    ['a name of 129 bytes', { tags: [[`${'é'.repeat(64)}a`, '']] }, 'TagLength'],
    ['a value of 257 bytes', { tags: [['Name', 'v'.repeat(257)]] }, 'TagLength'],
    ['a name that is the service’s', { tags: [['AWS_MINE', '']] }, 'TagName'],
    ['4 tracks', { tracks: [1, 2, 3, 4].map((number) => track(number)) }, 'TrackCount'],
    ['frames of an unknown track', { tracks: [track(2)] }, 'UnknownTrack'],
    ['a number that is none', { fragmentNumber: '12a' }, 'FragmentNumber'],
    ['an error in the stream', { error: { id: 4500, code: 'KMS_KEY_ACCESS_DENIED' } }, 'ServiceError'],
  ])('%s', async (_, more, rule) => {
    const findings = await found(fragment(0, more));
    expect(findings.map((finding) => finding.rule)).toEqual([rule]);
    expect(findings[0]).toMatchObject({ severity: 'error', offset: 0 });
    if (rule !== 'FragmentNumber') expect(findings[0]?.fragmentNumber).toBe(fragment(0).fragmentNumber);
  });

  it('with no more of an error of the service than 100 characters of each text', async () => {
    const long = 'X'.repeat(5000);
    for (const more of [{ error: { id: 4500, code: long } }, { exception: { code: long, message: long } }]) {
      const [finding] = (await checkStream([writeGetMediaError({ fragmentNumber: '7', ...more })])).findings;
      expect(finding?.rule).toBe('ServiceError');
      expect(finding?.message.length).toBeLessThan(300);
    }
  });

  it('but takes the names by which producers ask for images and notifications', async () => {
    const names = ['IMAGE_GENERATION', 'IMAGE_PREFIX', 'NOTIFICATION'];
    expect(await found(fragment(0, { tags: names.map((name) => [`AWS_KINESISVIDEO_${name}`, '']) }))).toEqual([]);
  });

  it('how long they are, but for the last one, which may be cut', async () => {
    const of = (index: number, length: number, frames: number) => {
      const { timestamp = 0 } = fragment(index);
      const blocks = Array.from({ length: frames }, (_, at) => block(1, timestamp + (at * length) / frames));
      return fragment(index, { blocks, tracks: [track(1, { defaultDuration: undefined })] });
    };
    expect(await foundRules(of(0, 900_000, 9), fragment(1))).toEqual(['FragmentShort', 'Gap']);
    expect(await foundRules(fragment(0), of(1, 900_000, 9))).toEqual([]);
    expect(await foundRules(of(0, 20_500_000, 41))).toEqual(['FragmentDuration']);
    expect(await foundRules(of(0, 20_000_000, 40))).toEqual([]);
  });

  it('how large they are', async () => {
    const { timestamp = 0 } = fragment(0);
    const frames = [new Uint8Array(25_000_000)];
    const blocks = [0, 1].map((at) => ({ track: 1, timestamp: timestamp + at * 500_000, keyframe: true, frames }));
    expect(await foundRules(fragment(0, { blocks }), fragment(1))).toEqual(['FragmentSize', 'Gap']);
  });
});

describe('checkStream follows times and numbers', () => {
  it('of a frame that comes again', async () => {
    const { blocks = [] } = fragment(0);
    const findings = await found(fragment(0, { blocks: [...blocks, blocks[1]!] }));
    expect(findings.map(({ rule }) => rule)).toEqual(['TimestampRepeated']);
    expect(findings[0]).toMatchObject({ severity: 'error', track: 1 });
  });

  it('of audio that goes back', async () => {
    const { timestamp = 0 } = fragment(0);
    const audio = track(1, { type: 'audio', codecId: 'A_TEST', audio: { samplingFrequency: 8000, channels: 1 } });
    const blocks = [0, 1_000_000, 500_000, 1_500_000].map((time) => block(1, timestamp + time));
    expect(await foundRules(fragment(0, { tracks: [audio], blocks }))).toContain('TimestampOrder');
  });

  it('of fragments with gaps, overlaps and times that begin again', async () => {
    const { blocks, timestamp } = fragment(3);
    expect(await foundRules(fragment(0), fragment(2))).toEqual(['Gap']);
    const early = {
      timestamp: timestamp! - 1_000_000,
      blocks: blocks!.map((each) => block(1, each.timestamp - 1_000_000)),
    };
    expect(await foundRules(fragment(2), fragment(3, early))).toEqual(['Overlap']);
    const { blocks: first, timestamp: begin } = fragment(0);
    expect(await foundRules(fragment(2), fragment(3, { blocks: first, timestamp: begin }))).toEqual(['TimeRestart']);
  });

  it('of fragments whose numbers do not increase', async () => {
    const { fragmentNumber } = fragment(0);
    expect(await foundRules(fragment(0), fragment(1, { fragmentNumber }))).toEqual(['FragmentNumber']);
    expect(await foundRules(fragment(0), fragment(1, { fragmentNumber: '5' }))).toEqual(['FragmentNumber']);
  });

  it('of tracks that change', async () => {
    const video = (codecId: string) => track(1, { type: 'video', codecId, video: { pixelWidth: 16, pixelHeight: 16 } });
    const change = await foundRules(fragment(0, { tracks: [video('V_A')] }), fragment(1, { tracks: [video('V_B')] }));
    expect(change.filter((rule) => rule !== 'UnsupportedCodec')).toEqual(['TracksChanged']);
  });
});

describe('checkStream', () => {
  it('finds the same in every chunking', async () => {
    const bytes = concat([
      caseBytes('nal-mix--h264-cpd_annexb-frames_len-inband.mkv'),
      caseBytes('sets-apart--same-time.mkv'),
    ]);
    bytes.fill(0xff, 20_000, 20_010);
    const expected = await checkStream(bytes);
    expect(expected.findings.length).toBeGreaterThan(5);
    await fc.assert(
      fc.asyncProperty(arbitraryChunking(), async (chunking) => {
        expect(await checkStream(split(bytes, chunking))).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps so many findings, counts the others and tells of all', async () => {
    const told: Finding[] = [];
    const bytes = fragment(0, { tags: tags(12).map(([name]) => [name, 'v'.repeat(300)]) });
    const report = await checkStream(writeGetMediaFragment(bytes), {
      maxFindings: 3,
      onFinding: (each) => void told.push(each),
    });
    expect(told).toHaveLength(13);
    expect(report.findings).toEqual(told.slice(0, 3));
    expect(report.omitted).toBe(10);
  });

  it('waits for onFinding before it reads on', async () => {
    let open = 0;
    let most = 0;
    const bytes = Array.from({ length: 20 }, (_, index) => writeGetMediaFragment(fragment(index, { tags: tags(11) })));
    let read = 0;
    async function* source() {
      for (const each of bytes) {
        read++;
        expect(open).toBe(0);
        yield each;
      }
    }
    await checkStream(source(), {
      async onFinding() {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 1));
        open--;
      },
    });
    expect(read).toBe(20);
    expect(most).toBe(1);
  });

  it('ends when its signal is aborted', async () => {
    const reason = new Error('enough');
    await expect(checkStream(writeGetMediaFragment(fragment(0)), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  it('says what is no Matroska', async () => {
    const report = await checkStream(new TextEncoder().encode('{"message":"no"}'));
    expect(rules(report)).toEqual({ Damage: 1 });
    expect(report).toMatchObject({ fragments: 0, frames: 0, playable: NOT_PLAYED });
  });
});
