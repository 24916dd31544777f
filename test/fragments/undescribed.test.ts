import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { readFragments, readFrames } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { chunksOf } from '../support/read-all.js';

/** A fragment of one described track and Blocks of others as well. */
function fragment(index: number, others: readonly number[]): Uint8Array {
  return writeGetMediaFragment({
    tracks: [{ number: 1, codecId: 'V_VP8' }],
    fragmentNumber: String(index + 1),
    continuationToken: String(index + 1),
    blocks: [1, ...others, 1, ...others].map((track, i) => ({
      track,
      timestamp: (index * 100 + i) * 10_000,
      frames: [Uint8Array.of(index, i)],
      group: i > 2,
    })),
  });
}

async function read(bytes: Uint8Array, chunkSize: number) {
  const warnings: string[] = [];
  const onWarning = ({ code, message }: { code: string; message: string }) => warnings.push(`${code} ${message}`);
  const frames: number[] = [];
  for await (const { track } of readFrames(chunksOf(bytes, chunkSize), { onWarning })) frames.push(track.number);
  const streamed = warnings.splice(0);
  const gathered: number[] = [];
  for await (const each of readFragments(chunksOf(bytes, chunkSize), { onWarning })) {
    for (const { track } of each.frames) gathered.push(track.number);
  }
  expect(warnings).toEqual(streamed);
  expect(gathered).toEqual(frames);
  return { warnings, frames };
}

it.each([7, 1 << 20])(
  'frames of tracks that no TrackEntry describes are given, and told once a track: %i',
  async (size) => {
    const first = fragment(0, [9]);
    const bytes = concatBytes([first, fragment(1, [9, 12]), fragment(2, [])]);
    const { warnings, frames } = await read(bytes, size);
    expect(warnings.map((text) => text.replace(/byte \d+/, 'byte N'))).toEqual([
      'TrackMismatch byte N: track 9: there are frames of it, and no TrackEntry describes it',
      'TrackMismatch byte N: track 12: there are frames of it, and no TrackEntry describes it',
    ]);
    expect(Number(/byte (\d+)/.exec(warnings[0] ?? '')?.[1])).toBeLessThan(first.length);
    expect(frames.filter((number) => number !== 1)).toEqual([9, 9, 9, 12, 9, 12]);
  },
);

it('of any number of such tracks, no more than 64 are told and remembered', async () => {
  const numbers = Array.from({ length: 300 }, (_, index) => index + 2);
  const { warnings, frames } = await read(fragment(0, numbers), 1 << 20);
  expect(frames).toHaveLength(602);
  expect(warnings).toHaveLength(64);
  expect(warnings.at(-1)).toMatch(/track 65: .*; no more such tracks are told of$/);
});
