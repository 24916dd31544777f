import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Fragment, type Frame, readFragments, readFrames } from '../../src/index.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { pairs } from '../support/fragment-facts.js';
import { arbitraryKvsStream, type GeneratedFragment } from '../support/kvs-generator.js';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What can be told of a frame, as a line, so that lists of them compare quickly and differ legibly. */
function line(frame: {
  readonly track: number;
  readonly timestamp: number;
  readonly duration: number | undefined;
  readonly keyframe: boolean;
  readonly invisible: boolean;
  readonly discardable: boolean;
  readonly data: Uint8Array;
}): string {
  const { track, timestamp, duration, keyframe, invisible, discardable, data } = frame;
  const flags = `${keyframe ? 'K' : ''}${invisible ? 'I' : ''}${discardable ? 'D' : ''}`;
  return `track ${track} at ${timestamp.toFixed(2)} for ${duration?.toFixed(2)} ${flags} ${Buffer.from(data).toString('hex')}`;
}

function foundLine(frame: Frame): string {
  const { timestamp, duration, keyframeFlag: keyframe, invisible, discardable, parts, size, data } = frame;
  expect(size).toBe(data.length);
  expect(Buffer.compare(concatBytes(parts), data)).toBe(0);
  return line({ track: frame.track.number, timestamp, duration, keyframe, invisible, discardable, data });
}

function expectedLines({ input, frames }: GeneratedFragment): string[] {
  const laces = (input.blocks ?? []).flatMap(({ frames: all }) => all.map(() => all.length));
  return frames.map((frame, index) => {
    const stored = input.tracks.find(({ number }) => number === frame.track)?.defaultDuration;
    const duration =
      frame.blockDuration === undefined
        ? stored === undefined
          ? undefined
          : stored / 1000
        : frame.blockDuration / (laces[index] ?? 1);
    return line({ ...frame, duration, timestamp: frame.timestamp + frame.lace * (duration ?? 0) });
  });
}

function foundFragment(fragment: Fragment) {
  const { metadata, tracks, tags, truncated, error } = fragment;
  return {
    known: metadata !== undefined,
    number: metadata?.fragmentNumber,
    server: metadata?.serverTimestamp?.getTime(),
    producer: metadata?.producerTimestamp?.getTime(),
    behind: metadata?.millisBehindNow,
    token: metadata?.continuationToken,
    tags: pairs(tags),
    tracks: tracks.map(({ number, uid, name, codecId, codecPrivate }) => ({
      number,
      uid,
      name,
      codecId,
      codecPrivate,
    })),
    frames: fragment.frames.map(foundLine),
    truncated,
    error,
  };
}

/** @param before the fragments before it: where one had trailing Tags, a fragment without is not whole */
function expectedFragment(fragment: GeneratedFragment, before: readonly GeneratedFragment[]) {
  const { input } = fragment;
  const known = input.fragmentNumber !== undefined;
  return {
    known,
    number: input.fragmentNumber,
    server: known ? Number(input.serverTimestamp) : undefined,
    producer: known ? Number(input.producerTimestamp) : undefined,
    behind: input.millisBehindNow,
    token: input.continuationToken,
    tags: input.tags,
    tracks: input.tracks.map(({ number, uid, name, codecId, codecPrivate }) => ({
      number,
      uid,
      name,
      codecId,
      codecPrivate,
    })),
    frames: expectedLines(fragment),
    truncated:
      input.continuationToken === undefined && before.some((each) => each.input.continuationToken !== undefined),
    error: undefined,
  };
}

describe('streams as GetMedia sends them, of every producer and in any chunks', () => {
  it('give their fragments, with everything in them', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryKvsStream(), arbitraryChunking(), async ({ fragments, bytes }, chunking) => {
        const found = await collect(readFragments(split(bytes, chunking)));
        expect(found.map(foundFragment)).toEqual(
          fragments.map((fragment, index) => expectedFragment(fragment, fragments.slice(0, index))),
        );
        for (const { frames, metadata } of found) {
          expect(frames.filter((frame) => frame.fragment !== metadata)).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('give their frames, each with what is known of its fragment by then', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryKvsStream(), arbitraryChunking(), async ({ fragments, bytes }, chunking) => {
        const found: string[] = [];
        for await (const frame of readFrames(split(bytes, chunking))) {
          const { fragment } = frame;
          const { fragmentNumber, serverTimestamp, continuationToken } = fragment ?? {};
          const tags = JSON.stringify(pairs(fragment?.tags ?? []));
          found.push(
            `${fragmentNumber} ${serverTimestamp?.getTime()} ${continuationToken} ${tags} ${foundLine(frame)}`,
          );
        }
        const expected = fragments.flatMap((fragment) => {
          const { fragmentNumber, serverTimestamp, tags = [] } = fragment.input;
          const known = JSON.stringify(fragmentNumber === undefined ? [] : tags);
          return expectedLines(fragment).map(
            (each) => `${fragmentNumber} ${serverTimestamp?.valueOf()} undefined ${known} ${each}`,
          );
        });
        expect(found).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});
