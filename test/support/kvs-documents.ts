import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv, writeElement, writeHeader, writeMaster } from '../../src/index.js';
import { type BlockInput, writeBlock } from '../../src/testing/block-writer.js';
import {
  type GetMediaFragmentInput,
  type TagPair,
  writeEbmlHeader,
  writeServiceTags,
  writeTags,
  writeTrailingTags,
} from '../../src/testing/get-media-writer.js';
import { type TrackInput, writeTrackEntry } from '../../src/testing/track-writer.js';

/** A video track and an audio track. */
export const TRACKS: readonly TrackInput[] = [
  { number: 1, codecId: 'V_MPEG4/ISO/AVC', video: { pixelWidth: 64, pixelHeight: 48 } },
  { number: 2, codecId: 'A_AAC', audio: { samplingFrequency: 48_000, channels: 2 } },
];

/** The number of the fragment with this index. */
export function numberOf(index: number): string {
  return String(91343852333181432392682062607743920146270339185n + BigInt(index) * 1_000_000n);
}

/** A fragment as GetMedia sends it, with a key frame and another on track 1 and a frame on track 2; all depends on its index. */
export function fragmentInput(index: number, more: Partial<GetMediaFragmentInput> = {}): GetMediaFragmentInput {
  const start = 1_600_000_000_000_000 + index * 2_000_000;
  return {
    tracks: TRACKS,
    fragmentNumber: numberOf(index),
    serverTimestamp: start / 1000 + 13,
    producerTimestamp: start / 1000 + 7,
    tags: [['Index', String(index)]],
    timestamp: start,
    blocks: [
      { track: 1, timestamp: start, keyframe: true, frames: [Uint8Array.of(index, 1, 2, 3)] },
      { track: 2, timestamp: start, keyframe: true, frames: [Uint8Array.of(index, 4)] },
      { track: 1, timestamp: start + 40_000, frames: [Uint8Array.of(index, 5, 6)] },
    ],
    millisBehindNow: 1000 - index,
    continuationToken: numberOf(index),
    ...more,
  };
}

/** The EBML header and the beginning of a Segment of unknown size: what follows is in it. */
export function documentHead(tracks: readonly TrackInput[] = TRACKS, timestampScale?: number): Uint8Array {
  return concatBytes([
    writeEbmlHeader(),
    writeHeader(Mkv.Segment, undefined, { sizeLength: 8 }),
    timestampScale === undefined
      ? new Uint8Array(0)
      : writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, timestampScale)]),
    writeMaster(Mkv.Tracks, tracks.map(writeTrackEntry)),
  ]);
}

/** A Cluster. @param timestamp in microseconds, like those of the blocks */
export function cluster(timestamp: number, blocks: readonly BlockInput[], scale = 1_000_000): Uint8Array {
  const ticks = Math.round((timestamp * 1000) / scale);
  return writeMaster(Mkv.Cluster, [
    writeElement(Mkv.Timestamp, ticks),
    ...blocks.map((block) => writeBlock(block, ticks, scale)),
  ]);
}

/** What stands before a fragment's Cluster: the producer's tags and the service's. */
export function leadingTags(input: GetMediaFragmentInput): Uint8Array {
  return concatBytes([input.tags === undefined ? new Uint8Array(0) : writeTags(input.tags), writeServiceTags(input)]);
}

/** A fragment's Cluster. */
export function clusterOf(input: GetMediaFragmentInput): Uint8Array {
  return cluster(input.timestamp ?? 0, input.blocks ?? []);
}

/** Several fragments in one Segment, as a merger writes them. */
export function mergedDocument(inputs: readonly GetMediaFragmentInput[]): Uint8Array {
  return concatBytes([
    documentHead(),
    ...inputs.flatMap((input) => [leadingTags(input), clusterOf(input), writeTrailingTags(input)]),
  ]);
}

/** A Tags element of the service's with any names; they are given without AWS_KINESISVIDEO_. */
export function serviceTags(...tags: readonly TagPair[]): Uint8Array {
  return writeTags(tags.map(([name, value]) => [`AWS_KINESISVIDEO_${name}`, value]));
}
