import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Discontinuity, Mkv, writeElement, writeMaster } from '../../src/index.js';
import type { BlockInput } from '../../src/testing/block-writer.js';
import {
  type GetMediaFragmentInput,
  type GetMediaWriteOptions,
  writeGetMediaFragment,
} from '../../src/testing/get-media-writer.js';
import type { TrackInput } from '../../src/testing/track-writer.js';
import { cluster, documentHead } from '../support/kvs-documents.js';
import { chunksOf, readChunks } from '../support/read-all.js';
import { checkAll, framesOf, merge } from './merging.js';

const VIDEO: TrackInput = { number: 1, codecId: 'V_MPEG4/ISO/AVC', video: { pixelWidth: 160, pixelHeight: 120 } };
const AUDIO: TrackInput = { number: 2, codecId: 'A_AAC', audio: { samplingFrequency: 48000, channels: 2 } };
const VIDEO_30 = { ...VIDEO, defaultDuration: 33_333_333 };
const AUDIO_48 = { ...AUDIO, defaultDuration: 21_333_333 };
const FRAME = Uint8Array.of(1, 2, 3);

/** Blocks of one frame each, at these milliseconds. */
function blocks(track: number, times: readonly number[], more: Partial<BlockInput> = {}): BlockInput[] {
  return times.map((time) => ({ track, timestamp: time * 1000, frames: [FRAME], keyframe: true, ...more }));
}

function fragment(
  tracks: readonly TrackInput[],
  list: readonly BlockInput[],
  at?: number,
  options?: GetMediaWriteOptions,
) {
  const timestamp = at === undefined ? undefined : at * 1000;
  return writeGetMediaFragment({ tracks, blocks: list, timestamp }, options);
}

/** The Timestamps of the Clusters. */
function timestamps(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (const element of readChunks([bytes])) {
    if (element.kind === 'data' && element.is(Mkv.Timestamp)) found.push(element.value);
  }
  return found;
}

function pack(...fragments: Uint8Array[]): Uint8Array {
  const { bytes } = merge(concatBytes(fragments), { packClusters: true });
  checkAll(bytes);
  return bytes;
}

/** Two seconds of a camera: the frames whose time begins in them, by track, in the order of their times. */
function twoSeconds(index: number): BlockInput[] {
  const within = (number: number, period: number) => {
    const times: number[] = [];
    for (let n = Math.ceil((index * 2000) / period); n * period < (index + 1) * 2000; n++) {
      times.push(Math.round(n * period));
    }
    return blocks(number, times);
  };
  const all = [...within(1, 1000 / 30), ...within(2, 1024 / 48)];
  return all.sort((a, b) => a.timestamp - b.timestamp || a.track - b.track);
}

it('keeps audio and video in step over 1,000 sparse fragments', () => {
  const input = concatBytes(
    Array.from({ length: 1000 }, (_, i) => fragment([VIDEO_30, AUDIO_48], twoSeconds(i * 3), i * 6000)),
  );
  const before = framesOf(input);
  const bytes = pack(input);
  const [after = []] = framesOf(bytes);
  expect(timestamps(bytes)[0]).toBe(0);
  const ends = new Map<number, number>();
  let at = 0;
  for (const [index, frames] of before.entries()) {
    const packed = after.slice(at, at + frames.length);
    at += frames.length;
    // Within a fragment nothing moves against anything else.
    const shift = (packed[0]?.time ?? 0n) - (frames[0]?.time ?? 0n);
    expect(packed.map(({ time }) => time - shift)).toEqual(frames.map(({ time }) => time));
    for (const [track, duration] of [
      [1, 1000 / 30],
      [2, 1024 / 48],
    ] as const) {
      const times = packed.filter((frame) => frame.track === track).map(({ time }) => Number(time));
      const gap = Math.min(...times) - (ends.get(track) ?? 0);
      // No frame begins before the one before has ended, and no gap is longer than a frame.
      if (index > 0 && !(gap > -1.01 && gap < 1000 / 30)) throw new Error(`fragment ${index} track ${track}: ${gap}`);
      ends.set(track, Math.max(...times) + duration);
    }
  }
  expect(Math.abs((ends.get(1) ?? 0) - (ends.get(2) ?? 0))).toBeLessThan(1000 / 30);
});

it('changes no distance where there is no gap', () => {
  const epoch = 1_511_852_108_000;
  const input = Array.from({ length: 300 }, (_, i) =>
    fragment(
      [VIDEO_30, AUDIO_48],
      twoSeconds(i).map((block) => ({ ...block, timestamp: block.timestamp + epoch * 1000 })),
      epoch + i * 2000,
    ),
  );
  expect(timestamps(pack(...input))).toEqual(Array.from({ length: 300 }, (_, i) => i * 2000));
});

it('takes the last frame to last as long as BlockDuration says', () => {
  const first = [...blocks(1, [0, 40]), ...blocks(1, [80], { duration: 500_000 })];
  expect(timestamps(pack(fragment([VIDEO], first), fragment([VIDEO], blocks(1, [9000]))))).toEqual([0, 580]);
});

it('takes it to last as long as DefaultDuration says, times the frames of a laced Block', () => {
  const laced: BlockInput = { track: 2, timestamp: 0, frames: [FRAME, FRAME, FRAME], lacing: 'fixed-size' };
  expect(timestamps(pack(fragment([AUDIO_48], [laced]), fragment([AUDIO_48], blocks(2, [9000]))))).toEqual([0, 64]);
});

it('takes it to last as long as the others did where nothing says so, each track by itself', () => {
  const mixed = [...blocks(1, [0, 100, 200]), ...blocks(2, [0, 10, 20, 30, 40, 50, 60])];
  const tracks = [VIDEO, AUDIO];
  const bytes = pack(
    fragment(tracks, mixed),
    fragment(tracks, blocks(1, [9000])),
    fragment(tracks, blocks(1, [20_000])),
  );
  expect(timestamps(bytes)).toEqual([0, 300, 400]);
});

it('lets a distance be of which nothing tells how much is a gap', () => {
  const bytes = pack(...[5000, 7000, 20_000].map((time) => fragment([VIDEO], blocks(1, [time]))));
  expect(timestamps(bytes)).toEqual([0, 2000, 15_000]);
});

it('counts B-frames by the latest, not the last', () => {
  const times = [0, 120, 40, 80];
  const track = { ...VIDEO, defaultDuration: 40_000_000 };
  const bytes = pack(fragment([track], blocks(1, times)), fragment([track], blocks(1, [9000])));
  expect(timestamps(bytes)).toEqual([0, 160]);
});

it('begins at 0 again in a new document', () => {
  const one = [VIDEO_30];
  const other = [{ ...VIDEO_30, codecPrivate: FRAME }];
  const { bytes, newDocuments } = merge(
    concatBytes([
      fragment(one, blocks(1, [5000, 5033])),
      fragment(one, blocks(1, [9000])),
      fragment(other, blocks(1, [10_000, 10_033])),
      fragment(other, blocks(1, [20_000])),
    ]),
    { packClusters: true },
  );
  expect(framesOf(bytes)).toHaveLength(2);
  expect(timestamps(bytes)).toEqual([0, 66, 0, 66]);
  expect(newDocuments.map(({ message }) => message)).toEqual(['CodecPrivate in Tracks is not the same']);
});

describe('time that begins anew with each fragment', () => {
  const restarting = (
    count: number,
    times: readonly number[],
    input: (index: number) => Partial<GetMediaFragmentInput> = () => ({}),
  ) =>
    Array.from({ length: count }, (_, index) =>
      writeGetMediaFragment({ tracks: [VIDEO], timestamp: 0, blocks: blocks(1, times), ...input(index) }),
    );

  it('makes one document, each laid behind the one before, and is told', () => {
    const told: Discontinuity[] = [];
    const fragments = restarting(10, [0, 100, 200, 300]);
    const length = fragments[0]?.length ?? 0;
    const options = { packClusters: true, onDiscontinuity: (each: Discontinuity) => void told.push(each) };
    const { bytes, newDocuments } = merge(concatBytes(fragments), options);
    expect(newDocuments).toEqual([]);
    const frames = framesOf(bytes);
    expect(frames.map((each) => each.map(({ time }) => Number(time)))).toEqual([
      Array.from({ length: 40 }, (_, index) => index * 100),
    ]);
    const message = 'the Timestamp 0 comes after 0';
    expect(told).toEqual(
      Array.from({ length: 9 }, (_, index) => ({
        offset: (index + 1) * length,
        timestamp: 0n,
        previous: 0n,
        message,
      })),
    );
  });

  it.each<[string, (time: number) => Partial<GetMediaFragmentInput>]>([
    ['GetMedia', (producerTimestamp) => ({ fragmentNumber: '1', producerTimestamp })],
    ['GetMediaForFragmentList', (time) => ({ tags: [['AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP', `${time / 1000}`]] })],
  ])('lays fragments of one frame as far apart as they were recorded, by the tags of %s', (_, tags) => {
    const input = concatBytes(restarting(4, [0], (index) => tags(1_700_000_000_000 + index * 1500)));
    const chunked = merge(chunksOf(input, 7), { packClusters: true });
    for (const { bytes, merger } of [merge(input, { packClusters: true }), chunked]) {
      expect(timestamps(bytes)).toEqual([0, 1500, 3000, 4500]);
      expect(merger.counters.documentsOut).toBe(1);
    }
  });

  it('lays tracks behind the longest of them, in step', () => {
    const both = [...blocks(1, [0, 100, 200, 300]), ...blocks(2, [0, 50, 100, 150, 200, 250, 300, 350, 400])];
    const input = concatBytes(restarting(3, [], () => ({ tracks: [VIDEO, AUDIO], blocks: both })));
    const { bytes, newDocuments } = merge(input, { packClusters: true });
    expect(newDocuments).toEqual([]);
    expect(timestamps(bytes)).toEqual([0, 450, 900]);
  });

  it('goes on within a document, too, and does not stop the merger', () => {
    const told: Discontinuity[] = [];
    const input = concatBytes([
      documentHead([VIDEO]),
      ...[5, 7, 6].map((seconds) => cluster(seconds * 1e6, blocks(1, [seconds * 1000, seconds * 1000 + 100]))),
    ]);
    const { bytes, merger } = merge(input, {
      packClusters: true,
      stopAtFirstNonMatchingSegment: true,
      onDiscontinuity: (each) => told.push(each),
    });
    expect(timestamps(bytes)).toEqual([0, 200, 400]);
    expect(merger.stopped).toBeUndefined();
    expect(told).toMatchObject([{ timestamp: 6000n, previous: 7000n }]);
    expect(Buffer.from(input).readUInt32BE(told[0]?.offset)).toBe(Mkv.Cluster.id);
  });

  it('takes the largest time there is', () => {
    const document = (time: bigint) =>
      concatBytes([
        documentHead([VIDEO]),
        writeMaster(Mkv.Cluster, [
          writeElement(Mkv.Timestamp, time),
          writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1)),
        ]),
      ]);
    const { bytes, newDocuments } = merge(concatBytes([0n, 2n ** 64n - 1n, 5n].map(document)), { packClusters: true });
    expect(timestamps(bytes)).toEqual([0, 40, 80]);
    expect(newDocuments).toEqual([]);
  });
});

it.each([
  ['1 byte', undefined],
  ['4 bytes', 4],
])('writes a Timestamp that needs more bytes than there were, in Clusters with sizes of %s', (_, sizeLength) => {
  // The second fragment begins before the first has ended, so that it moves back and its Timestamp grows from one byte to two.
  for (const crc of [false, true]) {
    for (const payload of [3, 100, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 120, 200]) {
      const frame = new Uint8Array(payload);
      const options = { crc, sizeLength };
      const [first, second] = [blocks(1, [0, 300, 600, 900]), blocks(1, [200], { frames: [frame] })];
      const bytes = pack(fragment([VIDEO], first, 0, options), fragment([VIDEO], second, 200, options));
      expect(timestamps(bytes)).toEqual([0, 1200]);
      expect(framesOf(bytes).flat()).toHaveLength(5);
      for (const element of readChunks([bytes], { strict: true })) {
        if (element.kind === 'end') expect(element.truncated).toBe(false);
      }
    }
  }
});
