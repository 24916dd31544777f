import { describe, expect, it, test } from 'vitest';
import { ClusterPacker } from '../../src/merge/cluster-packer.js';

const VIDEO = { number: 1, type: 1, defaultDuration: 40_000_000 };
const AUDIO = { number: 2, type: 2, defaultDuration: 20_000_000 };
const MS = 1_000_000;

/** A Block: track, time, frames, BlockDuration. */
type BlockTimes = readonly [track: number, timestamp: number, frames?: number, duration?: number];

interface Input {
  readonly scale?: number;
  readonly tracks?: ConstructorParameters<typeof ClusterPacker>[1];
  readonly blocks: readonly BlockTimes[];
}

/** How far from a Cluster of these Blocks the next one is put, whose Timestamp is so much later. */
function distance({ scale = MS, tracks = [VIDEO], blocks }: Input, later: number): number {
  const packer = new ClusterPacker(scale, tracks);
  expect(packer.place(1000n)).toBe(0n);
  for (const [track, timestamp, frames = 1, duration] of blocks) packer.block(track, timestamp, frames, duration);
  return Number(packer.place(BigInt(1000 + later)));
}

const noDuration = (number: number, type: number | undefined) => ({ number, type, defaultDuration: undefined });

test('the first Cluster is at 0, and one without Blocks takes no time', () => {
  expect(distance({ blocks: [] }, 500)).toBe(0);
});

describe('where the frames say how long they last', () => {
  const blocks: BlockTimes[] = [
    [1, 0],
    [1, 40],
  ];

  // The frames end at 80.
  it.each([
    [8000, 80],
    [82, 80],
    [81, 81],
    [80, 80],
    [79, 79],
    [78, 80],
    [0, 80],
    [-5000, 80],
  ])('%i later becomes %i: a distance stays that differs by no more than a tick', (later, expected) => {
    expect(distance({ blocks }, later)).toBe(expected);
  });

  it('goes by the latest end, in whatever order they come', () => {
    expect(
      distance(
        {
          blocks: [
            [1, 0],
            [1, 120],
            [1, 40],
            [1, 80],
          ],
        },
        9000,
      ),
    ).toBe(160);
    expect(
      distance(
        {
          blocks: [
            [1, 0, 1, 500],
            [1, 40, 1, 30],
          ],
        },
        9000,
      ),
    ).toBe(500);
  });

  it('counts the frames of a Block, and believes BlockDuration more than DefaultDuration', () => {
    expect(distance({ blocks: [[1, 0, 3]] }, 9000)).toBe(120);
    expect(distance({ blocks: [[1, 0, 3, 50]] }, 9000)).toBe(50);
  });

  it('rounds to whole ticks', () => {
    const tracks = [{ ...VIDEO, defaultDuration: 33_333_333 }];
    expect(
      distance(
        {
          tracks,
          blocks: [
            [1, 0],
            [1, 33],
          ],
        },
        9000,
      ),
    ).toBe(66);
    expect(
      distance(
        {
          tracks,
          blocks: [
            [1, 0],
            [1, 34],
          ],
        },
        9000,
      ),
    ).toBe(67);
    expect(distance({ scale: 10 * MS, tracks, blocks: [[1, 0]] }, 9000)).toBe(3);
  });

  it('moves by a tick at least', () => {
    expect(distance({ scale: 40 * MS, blocks: [[1, 0]] }, 0)).toBe(1);
    expect(distance({ scale: 1000 * MS, blocks: [[1, 0]] }, 90)).toBe(1);
    expect(distance({ blocks: [[1, -100]] }, 9000)).toBe(1);
  });
});

describe('where they do not', () => {
  const tracks = [noDuration(1, 1)];

  // Three Blocks, a hundred apart: the last one ends at 300, give or take half of that.
  it.each([
    [9000, 300],
    [351, 300],
    [350, 350],
    [250, 250],
    [249, 300],
  ])('%i later becomes %i, by the distance of the Blocks', (later, expected) => {
    expect(
      distance(
        {
          tracks,
          blocks: [
            [1, 0],
            [1, 200],
            [1, 100],
          ],
        },
        later,
      ),
    ).toBe(expected);
    expect(
      distance(
        {
          tracks: [],
          blocks: [
            [7, 0],
            [7, 200],
            [7, 100],
          ],
        },
        later,
      ),
    ).toBe(expected);
  });

  it('counts from their first Block, wherever that is', () => {
    const later: BlockTimes[] = [
      [1, 100],
      [1, 150],
    ];
    expect(distance({ tracks, blocks: later }, 9000)).toBe(200);
  });

  it('lets be what nothing tells about', () => {
    expect(distance({ tracks, blocks: [[1, 0]] }, 5000)).toBe(5000);
    expect(distance({ tracks, blocks: [[1, 0]] }, 0)).toBe(40);
    expect(distance({ tracks, blocks: [[1, 0]] }, -7)).toBe(40);
    expect(distance({ scale: 1000 * MS, tracks, blocks: [[1, 0]] }, -7)).toBe(1);
    expect(distance({ scale: 0, blocks: [[1, 0]] }, 45)).toBe(45);
    expect(distance({ tracks: [{ ...VIDEO, number: undefined }], blocks: [[1, 0]] }, 45)).toBe(45);
  });

  it('remembers the distance of the Blocks from Clusters before', () => {
    const packer = new ClusterPacker(MS, tracks);
    packer.place(0n);
    for (const time of [0, 100]) packer.block(1, time, 1, undefined);
    expect(packer.place(9000n)).toBe(200n);
    packer.block(1, 0, 1, undefined);
    expect(packer.place(20_000n)).toBe(300n);
    expect(packer.place(30_000n)).toBe(300n);
  });

  it('takes a Block that says it for what it says, the others for what they are apart', () => {
    const blocks: BlockTimes[] = [
      [1, 0, 1, 40],
      [1, 40],
    ];
    expect(distance({ tracks, blocks }, 9000)).toBe(80);
    expect(distance({ tracks, blocks }, 100)).toBe(100);
    expect(distance({ tracks, blocks }, 101)).toBe(80);
    const even: BlockTimes[] = [
      [1, 0, 1, 80],
      [1, 40],
    ];
    expect(distance({ tracks, blocks: even }, 100)).toBe(80);
    const sure: BlockTimes[] = [
      [1, 0],
      [1, 40, 1, 60],
    ];
    expect(distance({ tracks, blocks: sure }, 102)).toBe(100);
    expect(distance({ tracks, blocks: sure }, 101)).toBe(101);
  });
});

describe('of several tracks', () => {
  const blocks: BlockTimes[] = [
    [2, 0],
    [2, 70],
    [1, 0],
    [1, 40],
  ];

  it('the video tells whether there is a gap, wherever it stands; the end is that of the longest', () => {
    for (const tracks of [
      [VIDEO, AUDIO],
      [AUDIO, VIDEO],
    ]) {
      expect(distance({ tracks, blocks }, 80)).toBe(80);
      expect(distance({ tracks, blocks }, 85)).toBe(90);
      expect(distance({ tracks, blocks }, 9000)).toBe(90);
    }
  });

  it('of two videos the first one does', () => {
    const tracks = [VIDEO, { ...VIDEO, number: 2, defaultDuration: 20_000_000 }];
    expect(distance({ tracks, blocks }, 80)).toBe(80);
  });

  it('without video the first one with Blocks does', () => {
    const tracks = [{ ...AUDIO, number: 3 }, { ...VIDEO, type: 2 }, AUDIO];
    expect(distance({ tracks, blocks }, 80)).toBe(80);
    expect(distance({ tracks, blocks }, 91)).toBe(90);
  });

  it('one of which nothing is known still counts with the time of its last Block', () => {
    const tracks = [VIDEO, noDuration(3, 17)];
    expect(
      distance(
        {
          tracks,
          blocks: [
            [1, 0],
            [3, 500],
          ],
        },
        9000,
      ),
    ).toBe(500);
  });

  it('the video does not tell where its own length is not known', () => {
    const tracks = [noDuration(1, 1), AUDIO];
    expect(
      distance(
        {
          tracks,
          blocks: [
            [1, 0],
            [2, 0],
          ],
        },
        9000,
      ),
    ).toBe(20);
  });
});

describe('of frames that nothing tells the length of', () => {
  /** Clusters with one frame each: their Timestamps, and when they were recorded. */
  function places(clusters: readonly (readonly [bigint, number | undefined])[], blocks = 1): number[] {
    const packer = new ClusterPacker(MS, [noDuration(1, 1)]);
    return clusters.map(([timestamp, recorded]) => {
      const packed = packer.place(timestamp, recorded);
      for (let i = 0; i < blocks; i++) packer.block(1, i * 100, 1, undefined);
      return Number(packed);
    });
  }

  it('the recording of the fragments tells it where time begins anew', () => {
    const recorded = [1000, 2000, 3500].map((time): [bigint, number] => [0n, time]);
    expect(places(recorded)).toEqual([0, 1000, 2500]);
    // Not over what was not recorded, nor where that goes back.
    expect(places([...recorded, [0n, 23_501], [0n, 9]])).toEqual([0, 1000, 2500, 4000, 5500]);
    expect(places([...recorded, [0n, 23_500]])).toEqual([0, 1000, 2500, 22_500]);
  });

  it('the distance before does where nobody says when they were recorded, else a guess', () => {
    const unknown = [0n, 700n, 0n, 0n].map((time): [bigint, undefined] => [time, undefined]);
    expect(places(unknown)).toEqual([0, 700, 1400, 2100]);
    expect(places(unknown.slice(2))).toEqual([0, 40]);
  });

  it('frames that tell it are believed more', () => {
    expect(
      places(
        [
          [0n, 1000],
          [0n, 2000],
        ],
        4,
      ),
    ).toEqual([0, 400]);
  });

  it('no distance leads to times that are no exact numbers', () => {
    const most = 2n ** 64n - 1n;
    expect(places([0n, most, 0n, most].map((time) => [time, undefined]))).toEqual([0, 40, 80, 120]);
    expect(places([0n, 2n ** 52n, 2n ** 53n].map((time) => [time, undefined]))).toEqual([0, 2 ** 52, 2 ** 52 + 40]);
    const packer = new ClusterPacker(1, [noDuration(1, 1)]);
    packer.place(0n);
    packer.block(1, 0, 1, 2 ** 64);
    expect(Number(packer.place(5n))).toBe(40_000_000);
  });
});

describe('of more tracks than a document describes', () => {
  it('those beyond 256 are taken together', () => {
    const packer = new ClusterPacker(MS, [VIDEO]);
    packer.place(0n);
    for (const time of [0, 30]) for (let track = 2; track < 300; track++) packer.block(track, time, 1, undefined);
    // Of the others it is not known how far their Blocks are apart: they are different tracks.
    expect(packer.place(9000n)).toBe(60n);
    packer.block(299, 0, 1, undefined);
    packer.block(299, 500, 1, undefined);
    packer.block(2, 0, 1, undefined);
    packer.block(2, 30, 1, undefined);
    expect(packer.place(20_000n)).toBe(560n);
    packer.block(257, 0, 1, undefined);
    expect(packer.place(30_000n)).toBe(590n);
    packer.block(258, 0, 1, undefined);
    expect(packer.place(40_000n)).toBe(10_590n);
  });
});
