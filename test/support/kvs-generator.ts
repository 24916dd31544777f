import fc from 'fast-check';
import { concatBytes } from '../../src/ebml/writer.js';
import type { BlockInput } from '../../src/testing/block-writer.js';
import {
  type GetMediaFragmentInput,
  type GetMediaWriteOptions,
  type TagPair,
  writeGetMediaFragment,
} from '../../src/testing/get-media-writer.js';
import type { TrackInput } from '../../src/testing/track-writer.js';
import { arbitraryData, noise } from './bytes.js';

/** A frame that a reader has to find. */
export interface ExpectedFrame {
  /** Number of its track. */
  readonly track: number;
  /** Presentation time of the block that holds it, in microseconds. */
  readonly timestamp: number;
  /** Its place among the frames of its block, 0 for the first. */
  readonly lace: number;
  /** Its bytes, with the header that its block may leave out. */
  readonly data: Uint8Array;
  readonly keyframe: boolean;
  readonly invisible: boolean;
  /** `false` for a frame of a BlockGroup, which cannot say it. */
  readonly discardable: boolean;
  /** Duration of the whole block in microseconds, where it has one. */
  readonly blockDuration: number | undefined;
}

/** A fragment with what a reader has to find in it. Its metadata and tags are those of `input`. */
export interface GeneratedFragment {
  readonly input: GetMediaFragmentInput;
  readonly options: GetMediaWriteOptions;
  /** The fragment's document. */
  readonly bytes: Uint8Array;
  /** All frames in the order of the stream. */
  readonly frames: readonly ExpectedFrame[];
}

/** A GetMedia body with what a reader has to find in it. */
export interface GeneratedStream {
  readonly fragments: readonly GeneratedFragment[];
  /** The fragments' documents behind each other. */
  readonly bytes: Uint8Array;
}

/** What is generated. */
export interface KvsStreamConstraints {
  /** Default 0. */
  readonly minFragments?: number | undefined;
  /** Default 5. */
  readonly maxFragments?: number | undefined;
  /** Largest frame in bytes, default 3000. */
  readonly largestFrame?: number | undefined;
  /** Let all fragments have the same tracks and be written in the same way, as one producer's are. Default: some streams. */
  readonly oneProducer?: boolean | undefined;
  /** Only documents in which every fragment has the service's metadata. Default: some have none. */
  readonly withMetadata?: boolean | undefined;
}

/** Producers whose units of time are whole microseconds or not. */
const SCALES = [1_000_000, 1_000_000, 1_000_000, 100_000, 1000, 20_833, 22_676];

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', '47.608013N', 'true', '00:00:10.000000000', 'x'.repeat(256)),
);
const withoutNul = text.map((value) => value.replaceAll('\0', ''));
const tagName = fc
  .oneof(
    fc.constantFrom(
      'Motion',
      'Lat',
      'COMPATIBLE_BRANDS',
      'AWS_KINESISVIDEO_IMAGE_PREFIX',
      'AWS_KINESISVIDEO_NOTIFICATION',
    ),
    withoutNul,
  )
  .filter((name) => name !== '');

const producerTags: fc.Arbitrary<TagPair[]> = fc.array(fc.tuple(tagName, withoutNul), { maxLength: 10 });

const tracks: fc.Arbitrary<TrackInput[]> = fc
  .uniqueArray(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(126, 127, 128, 20_000)), {
    maxLength: 4,
    minLength: 1,
  })
  .chain((numbers) => fc.tuple(...numbers.map(track)));

/** Frames of a track without DefaultDuration have no duration: their codec is one that tells none. */
function track(number: number): fc.Arbitrary<TrackInput> {
  const size = fc.integer({ min: 1, max: 4000 });
  const any = fc.record({
    number: fc.constant(number),
    uid: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
    name: fc.option(withoutNul, { nil: undefined }),
    codecId: fc.constantFrom('V_MPEG4/ISO/AVC', 'V_MPEGH/ISO/HEVC', 'A_AAC', 'A_MS/ACM', 'S_TEXT/UTF8', 'V_VP9'),
    codecPrivate: fc.option(fc.uint8Array({ maxLength: 60 }), { nil: undefined }),
    codecName: fc.option(withoutNul, { nil: undefined }),
    defaultDuration: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
    codecDelay: fc.option(fc.nat(1e7), { nil: undefined }),
    video: fc.option(fc.record({ pixelWidth: size, pixelHeight: size }), { nil: undefined }),
    audio: fc.option(
      fc.record({ samplingFrequency: fc.constantFrom(8000, 44_100, 48_000), channels: fc.integer({ min: 1, max: 8 }) }),
      { nil: undefined },
    ),
    strippedHeader: fc.option(fc.uint8Array({ minLength: 1, maxLength: 4 }), { nil: undefined, freq: 6 }),
  });
  return any.map((each) =>
    each.defaultDuration === undefined && each.codecId.startsWith('A_') ? { ...each, codecId: 'A_DTS' } : each,
  );
}

const writeOptions: fc.Arbitrary<GetMediaWriteOptions> = fc.record({
  crc: fc.boolean(),
  unknownSizeCluster: fc.nat(4).map((n) => n === 0),
  seekHead: fc.boolean(),
  voidSize: fc.option(fc.integer({ min: 0, max: 150 }), { nil: undefined }),
  tagsFirst: fc.boolean(),
  separateTags: fc.boolean(),
  timestampScale: fc.constantFrom(...SCALES),
  sideTimestamps: fc.nat(3).map((n) => n === 0),
  sizeLength: fc.constantFrom(undefined, undefined, 4, 8),
});

interface RawBlock {
  readonly track: number;
  readonly ticks: number;
  readonly frames: readonly Uint8Array[];
  readonly lacing: 'none' | 'xiph' | 'fixed-size' | 'ebml';
  readonly keyframe: boolean;
  readonly invisible: boolean;
  readonly discardable: boolean;
  readonly durationTicks: number | undefined;
  readonly group: boolean;
}

function rawBlock(trackNumbers: readonly number[], largestFrame: number): fc.Arbitrary<RawBlock> {
  const unlaced = arbitraryData(largestFrame).map((frame) => ({ lacing: 'none' as const, frames: [frame] }));
  const sizes = fc.array(fc.oneof(fc.nat(4), fc.constantFrom(127, 254, 255, 256, 600)), { minLength: 1, maxLength: 5 });
  const laced = fc
    .tuple(fc.constantFrom('xiph' as const, 'ebml' as const, 'fixed-size' as const), sizes, fc.integer())
    .map(([lacing, lengths, seed]) => ({
      lacing,
      frames: lengths.map((length, i) => noise(lacing === 'fixed-size' ? (lengths[0] ?? 0) : length, seed + i)),
    }));
  return fc
    .record({
      track: fc.constantFrom(...trackNumbers),
      ticks: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: -0x8000, max: 0x7fff })),
      content: fc.oneof({ weight: 4, arbitrary: unlaced }, { weight: 1, arbitrary: laced }),
      keyframe: fc.boolean(),
      invisible: fc.nat(5).map((n) => n === 0),
      discardable: fc.nat(5).map((n) => n === 0),
      durationTicks: fc.option(fc.nat(5000), { nil: undefined, freq: 2 }),
      group: fc.nat(4).map((n) => n === 0),
    })
    .map(({ content, ...rest }) => ({ ...rest, ...content }));
}

interface Producer {
  readonly tracks: readonly TrackInput[];
  readonly options: GetMediaWriteOptions;
}

const producer: fc.Arbitrary<Producer> = fc.record({ tracks, options: writeOptions });

/** Milliseconds since 1970 that the service could write, with leading zeros among the decimals. */
const moment = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000_000_000 }),
  fc.constantFrom(1_511_852_109_126, 1_700_000_000_001),
);

function fragment(by: Producer, constraints: KvsStreamConstraints): fc.Arbitrary<(index: number) => GeneratedFragment> {
  const largestFrame = constraints.largestFrame ?? 3000;
  const blocks = fc.array(
    rawBlock(
      by.tracks.map((each) => each.number),
      largestFrame,
    ),
    { maxLength: 8 },
  );
  return fc
    .record({
      tags: producerTags,
      metadata: constraints.withMetadata === true ? fc.constant(true) : fc.nat(9).map((n) => n > 0),
      trailing: fc.nat(9).map((n) => n > 0),
      serverTimestamp: moment,
      producerTimestamp: moment,
      millisBehindNow: fc.nat(1_000_000_000),
      clusterTicks: fc.oneof(fc.nat(100_000), fc.constant(1_511_852_109_126)),
      blocks: fc.option(blocks, { nil: undefined, freq: 6 }),
      step: fc.integer({ min: 1, max: 1_000_000 }),
    })
    .map((parts) => (index: number) => {
      const scale = by.options.timestampScale ?? 1_000_000;
      // With milliseconds since 1970 a product in nanoseconds is beyond what a number holds exactly.
      const toMicroseconds = (ticks: number) => (scale % 1000 === 0 ? ticks * (scale / 1000) : (ticks * scale) / 1000);
      const clusterTicks = by.options.timestampScale === 1_000_000 ? parts.clusterTicks : parts.clusterTicks % 1e8;
      const number = 91343852333181432392682062607743920146270339185n + BigInt(index) * 1_000_000n;
      const inputs = parts.blocks?.map(
        (block): BlockInput => ({
          track: block.track,
          timestamp: toMicroseconds(clusterTicks + block.ticks),
          frames: block.frames,
          lacing: block.lacing,
          keyframe: block.keyframe,
          invisible: block.invisible,
          discardable: block.discardable,
          duration: block.durationTicks === undefined ? undefined : toMicroseconds(block.durationTicks),
          group: block.group,
        }),
      );
      const input: GetMediaFragmentInput = {
        tracks: by.tracks,
        tags: parts.tags,
        blocks: inputs,
        timestamp: toMicroseconds(clusterTicks),
        ...(parts.metadata
          ? {
              fragmentNumber: String(number),
              serverTimestamp: parts.serverTimestamp,
              producerTimestamp: parts.producerTimestamp,
            }
          : {}),
        ...(parts.metadata && parts.trailing
          ? { millisBehindNow: parts.millisBehindNow, continuationToken: String(number + BigInt(parts.step)) }
          : {}),
      };
      const frames = (inputs ?? []).flatMap((block) => expectFrames(block, by.tracks));
      return { input, options: by.options, bytes: writeGetMediaFragment(input, by.options), frames };
    });
}

function expectFrames(block: BlockInput, from: readonly TrackInput[]): ExpectedFrame[] {
  const header = from.find((each) => each.number === block.track)?.strippedHeader;
  const inGroup = block.group === true || block.duration !== undefined;
  return block.frames.map((frame, lace) => ({
    track: block.track,
    timestamp: block.timestamp,
    lace,
    data: header === undefined ? frame : concatBytes([header, frame]),
    keyframe: block.keyframe === true,
    invisible: block.invisible === true,
    discardable: !inGroup && block.discardable === true,
    blockDuration: block.duration,
  }));
}

/**
 * GetMedia bodies: any number of fragments, tracks and tags (duplicates among them), producers' orders and habits, fragments without
 * Cluster or frames, empty frames and frames of several chunks, all lacings, BlockGroups, header-stripping compression.
 */
export function arbitraryKvsStream(constraints: KvsStreamConstraints = {}): fc.Arbitrary<GeneratedStream> {
  const length = { minLength: constraints.minFragments ?? 0, maxLength: constraints.maxFragments ?? 5 };
  const one = producer.chain((by) => fc.array(fragment(by, constraints), length));
  const many = fc.array(
    producer.chain((by) => fragment(by, constraints)),
    length,
  );
  return (constraints.oneProducer === true ? one : fc.oneof(one, many)).map((makers) => {
    const fragments = makers.map((make, index) => make(index));
    return { fragments, bytes: concatBytes(fragments.map((each) => each.bytes)) };
  });
}
