import { createHash } from 'node:crypto';
import type { Fragment } from '../../../src/fragments/fragment.js';
import {
  type GetMediaWriteOptions,
  writeGetMediaFragment,
  writeServiceTags,
} from '../../../src/testing/get-media-writer.js';
import { noise } from '../../support/bytes.js';

/** A fragment that a fake service keeps. */
export interface StoredFragment {
  readonly number: string;
  readonly token: string | undefined;
  /** When the service has it, in milliseconds of the fake clock. */
  readonly availableAt: number;
  readonly producedAt: number;
  readonly receivedAt: number;
  readonly bytes: Uint8Array;
  readonly frames: number;
  /** Its number and the hashes of its frames. */
  readonly identity: string;
}

/**
 * The same fragments with other numbers (`undefined`: none), and times of the service in milliseconds since 1970.
 *
 * @param bare leave out all of the service's Tags
 */
export function renumber(
  fragments: readonly StoredFragment[],
  numbers: readonly (string | undefined)[],
  times?: (index: number) => number,
  bare = false,
): StoredFragment[] {
  return fragments.map((fragment, index) => {
    const number = numbers[index];
    const receivedAt = times?.(index) ?? fragment.receivedAt;
    const bytes = Buffer.from(fragment.bytes);
    const tags = bytes.indexOf(Buffer.of(0x12, 0x54, 0xc3, 0x67));
    const cluster = bytes.indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
    const own = writeServiceTags({
      fragmentNumber: number,
      serverTimestamp: receivedAt,
      producerTimestamp: fragment.producedAt,
    });
    const end = bare ? bytes.indexOf(Buffer.of(0x12, 0x54, 0xc3, 0x67), cluster) : -1;
    const head = bytes.subarray(0, tags);
    const tail = bytes.subarray(cluster, end < 0 ? bytes.length : end);
    return {
      ...fragment,
      number: number ?? '',
      receivedAt,
      bytes: Buffer.concat(bare ? [head, tail] : [head, own, tail]),
      identity: [String(number), ...fragment.identity.split(' ').slice(1)].join(' '),
    };
  });
}

/** What {@link storedStream} makes. */
export interface StoredStreamOptions extends GetMediaWriteOptions {
  readonly count: number;
  /** Milliseconds from one fragment to the next; 0: all are there at the beginning. */
  readonly intervalMs?: number;
  /** Leave out the Tags behind the frames. */
  readonly bare?: boolean;
  /** Frames of each fragment. Default: 1 to 4. */
  readonly framesEach?: number;
  /** Bytes of a frame at most. */
  readonly frameSize?: number;
  /** The fragments' numbers. Default: as long as the service's, one behind the other. */
  readonly number?: (index: number) => string;
  /** When the first one was received, in milliseconds since 1970. */
  readonly epoch?: number;
  /** Bytes that each fragment's first frame is longer. */
  readonly padding?: number;
}

const EPOCH = 1_700_000_000_000;

/** Random numbers that follow from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fragments of one stream, each with some frames of its own. */
export function storedStream(options: StoredStreamOptions): StoredFragment[] {
  const { count, intervalMs = 0, bare = false, frameSize = 300, padding = 0, epoch = EPOCH } = options;
  return Array.from({ length: count }, (_, index) => {
    // As long as the service's, so that no number fits a JavaScript one.
    const number = options.number?.(index) ?? `9134385233318150666908441904${String(index + 1).padStart(19, '0')}`;
    const receivedAt = epoch + index * (intervalMs === 0 ? 1000 : intervalMs);
    const token = bare ? undefined : `token-${number}`;
    const frames = Array.from({ length: options.framesEach ?? 1 + (index % 4) }, (_, frame) =>
      noise(1 + ((index * 7 + frame * 131) % frameSize) + (frame === 0 ? padding : 0), index * 8 + frame),
    );
    const bytes = writeGetMediaFragment(
      {
        fragmentNumber: number,
        producerTimestamp: receivedAt - 50,
        serverTimestamp: receivedAt,
        ...(bare ? {} : { millisBehindNow: (count - index) * 1000, continuationToken: token }),
        tracks: [{ number: 1, codecId: 'V_MPEG4/ISO/AVC' }],
        timestamp: index * 1_000_000,
        blocks: frames.map((data, frame) => ({
          track: 1,
          timestamp: index * 1_000_000 + frame * 40_000,
          keyframe: frame === 0,
          frames: [data],
        })),
      },
      options,
    );
    return {
      number,
      token,
      availableAt: index * intervalMs,
      producedAt: receivedAt - 50,
      receivedAt,
      bytes,
      frames: frames.length,
      identity: identityOf(number, frames),
    };
  });
}

/** Tells a fragment that was handed out from every other, and from itself with a byte wrong. */
export function identify(fragment: Fragment): string {
  return identityOf(
    String(fragment.fragmentNumber),
    fragment.frames.map((frame) => frame.data),
  );
}

function identityOf(number: string, frames: readonly Uint8Array[]): string {
  return [number, ...frames.map((data) => createHash('sha1').update(data).digest('base64'))].join(' ');
}
