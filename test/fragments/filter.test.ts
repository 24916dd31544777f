import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  BasicMkvTagProcessor,
  Mkv,
  type ReadFramesOptions,
  readFragments,
  readFrames,
  writeElement,
  writeMaster,
} from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { documentHead, fragmentInput } from '../support/kvs-documents.js';

/** In each fragment: video key frame, audio, video, video, audio. The first byte of a frame tells them apart. */
const STREAM = concatBytes(
  [0, 1, 2].map((index) => {
    const frame = (track: number, at: number) => ({
      track,
      timestamp: 1_600_000_000_000_000 + index * 2_000_000 + at * 1000,
      keyframe: at === 0 || track === 2,
      frames: [Uint8Array.of(index * 10 + at)],
    });
    const blocks = [frame(1, 0), frame(2, 1), frame(1, 2), frame(1, 3), frame(2, 4)];
    return writeGetMediaFragment(fragmentInput(index, { blocks }));
  }),
);

const CASES: [string, ReadFramesOptions, number[][]][] = [
  [
    'everything',
    {},
    [
      [0, 1, 2, 3, 4],
      [10, 11, 12, 13, 14],
      [20, 21, 22, 23, 24],
    ],
  ],
  [
    'a track by its number',
    { track: 2 },
    [
      [1, 4],
      [11, 14],
      [21, 24],
    ],
  ],
  ['a track that is not there', { track: 3 }, [[], [], []]],
  [
    'a type of track',
    { track: 'video' },
    [
      [0, 2, 3],
      [10, 12, 13],
      [20, 22, 23],
    ],
  ],
  ['a type that no track is of', { track: 'subtitle' }, [[], [], []]],
  [
    'key frames',
    { keyframesOnly: true },
    [
      [0, 1, 4],
      [10, 11, 14],
      [20, 21, 24],
    ],
  ],
  ['key frames of a type', { keyframesOnly: true, track: 'video' }, [[0], [10], [20]]],
  [
    'every second frame of each track',
    { every: 2 },
    [
      [0, 1, 3],
      [11, 12],
      [20, 21, 23],
    ],
  ],
  ['every third key frame of a track', { every: 3, keyframesOnly: true, track: 2 }, [[1], [14], []]],
  ['what a function says', { filter: (frame) => (frame.data[0] ?? 0) > 12 }, [[], [13, 14], [20, 21, 22, 23, 24]]],
  [
    'what a function says of the others',
    { track: 1, every: 2, filter: ({ keyframe }) => !keyframe },
    [[3], [12], [23]],
  ],
  ['every second frame of a type', { every: 2, track: 'video' }, [[0, 3], [12], [20, 23]]],
];

test.each(CASES)('%s', async (_, options, expected) => {
  const frames: number[] = [];
  for await (const frame of readFrames([STREAM], options)) frames.push(frame.data[0] ?? -1);
  expect(frames).toEqual(expected.flat());
  const fragments: number[][] = [];
  for await (const fragment of readFragments([STREAM], options)) {
    fragments.push(fragment.frames.map((frame) => frame.data[0] ?? -1));
    expect(fragment.tags).toHaveLength(1);
    expect(fragment.truncated).toBe(false);
  }
  expect(fragments).toEqual(expected);
});

describe('options', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('every: %d is refused', (every) => {
    expect(() => readFrames([STREAM], { every })).toThrow(RangeError);
    expect(() => readFragments([STREAM], { every })).toThrow(RangeError);
  });

  it('tagProcessor is shown the producer’s tags', async () => {
    const tagProcessor = new BasicMkvTagProcessor();
    const seen = new Set<string>();
    for await (const frame of readFrames([STREAM], { tagProcessor })) {
      expect(tagProcessor.tags).toEqual(frame.fragment?.tags);
      for (const { value } of tagProcessor.tags) seen.add(value);
    }
    expect([...seen]).toEqual(['0', '1', '2']);
    // The end of a Cluster clears it.
    expect(tagProcessor.tags).toEqual([]);
  });

  it.each([
    ['Uint8Array', () => new Uint8Array(64)],
    ['Buffer', () => Buffer.alloc(64)],
  ])('copyChunks lets the caller use its %s again', async (_, makeBuffer) => {
    async function* reusing() {
      const buffer = makeBuffer();
      for (let at = 0; at < STREAM.length; at += buffer.length) {
        const chunk = STREAM.subarray(at, at + buffer.length);
        buffer.set(chunk);
        yield buffer.subarray(0, chunk.length);
      }
    }
    const frames: number[] = [];
    for await (const fragment of readFragments(reusing(), { copyChunks: true })) {
      frames.push(...fragment.frames.map((frame) => frame.data[0] ?? -1));
    }
    expect(frames).toEqual(CASES[0]?.[2].flat());
  });
});

it('every: counts the tracks after the first 1,024 together, so that they do not fill the memory', async () => {
  const number = (track: number) => Uint8Array.of(0x40 | (track >> 8), track & 0xff);
  const blocks = Array.from({ length: 3000 }, (_, index) =>
    writeElement(Mkv.SimpleBlock, concatBytes([number(index + 1), Uint8Array.of(0, 0, 0, 1)])),
  );
  const body = concatBytes([documentHead(), writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), ...blocks])]);
  const tracks: number[] = [];
  for await (const frame of readFrames([body], { every: 2 })) tracks.push(frame.track.number);
  expect(tracks.slice(0, 1024)).toEqual(Array.from({ length: 1024 }, (_, index) => index + 1));
  expect(tracks.slice(1024)).toEqual(Array.from({ length: 988 }, (_, index) => 1025 + 2 * index));
});
