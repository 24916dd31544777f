import { setImmediate as turn } from 'node:timers/promises';
import { readFragments, readFrames } from '../../src/fragments/read.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { StreamingMkvReader } from '../../src/mkv/reader.js';
import { mp4SegmentStream } from '../../src/mp4/index.js';
import { isPromised } from './apis.js';
import type { Pattern } from './pattern.js';

/** A stream that has not ended: takes bytes, and holds what it holds. */
interface OpenStream {
  push(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** A way to keep a stream open. */
export interface Holder {
  readonly name: string;
  /** How many bytes it may hold for each byte of input: of what it reads, it keeps what is not whole. */
  readonly most: number;
  open(): OpenStream;
}

const recover = { recover: true, onGap: () => {}, onWarning: () => {} };

/** Runs what iterates over a stream, which takes what is pushed as it comes. */
function iterating(iterate: (source: AsyncIterable<Uint8Array>) => AsyncIterable<unknown>): OpenStream {
  const waiting: Uint8Array[] = [];
  let wake = () => {};
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (closed) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  const work = (async () => {
    try {
      for await (const _ of iterate(source()));
    } catch (error) {
      if (!isPromised(error)) throw error;
    }
  })();
  return {
    push(bytes) {
      waiting.push(bytes);
      wake();
    },
    close() {
      closed = true;
      wake();
      return work;
    },
  };
}

function merging(name: string, packClusters: boolean): Holder {
  return {
    name,
    most: 6,
    open() {
      const merger = new ChunkMerger({ ...recover, packClusters });
      return { push: (bytes) => void merger.push(bytes), close: async () => {} };
    },
  };
}

/** The ways whose memory is looked at. */
export const HOLDERS: readonly Holder[] = [
  {
    name: 'reader',
    most: 4,
    open() {
      const reader = new StreamingMkvReader(recover);
      return {
        push(bytes) {
          reader.push(bytes);
          while (reader.nextIfAvailable() !== undefined);
        },
        close: async () => {},
      };
    },
  },
  { name: 'readFrames', most: 6, open: () => iterating((source) => readFrames(source, recover)) },
  {
    name: 'readFrames, every',
    most: 6,
    open: () => iterating((source) => readFrames(source, { ...recover, every: 2 })),
  },
  // A frame of no bytes is a Block of 6, and an object.
  { name: 'readFragments', most: 80, open: () => iterating((source) => readFragments(source, recover)) },
  {
    name: 'mp4 segments',
    most: 80,
    open: () => iterating((source) => mp4SegmentStream(source, { ...recover, onInvalidFragment: () => {} })),
  },
  merging('merge', false),
  merging('merge, packClusters', true),
];

/** How long the longer of two streams is; the other one has a quarter of it. */
const LENGTH = 128 << 10;

/**
 * How many bytes of memory are held for each further byte of a stream that does not end, in words when it is too much. Needs a process
 * that lets the garbage be collected.
 */
export async function judgeHeld(pattern: Pattern, holder: Holder, collect: () => void): Promise<string | undefined> {
  const each = (pattern.make(400).length - pattern.make(200).length) / 200;
  if (each === 0) return undefined;
  const [short, long] = [
    await held(pattern.make(Math.ceil(LENGTH / 4 / each)), holder, collect),
    await held(pattern.make(Math.ceil(LENGTH / each)), holder, collect),
  ];
  const more = (long - short) / ((LENGTH * 3) / 4);
  return more > holder.most
    ? `holds ${more.toFixed(1)} bytes for each further byte of a stream that does not end`
    : undefined;
}

async function held(bytes: Uint8Array, holder: Holder, collect: () => void): Promise<number> {
  collect();
  const before = memory();
  const stream = holder.open();
  try {
    // Each chunk in memory of its own, as it comes from a socket.
    for (let at = 0; at < bytes.length; at += 4000) stream.push(bytes.slice(at, at + 4000));
  } catch (error) {
    if (!isPromised(error)) throw error;
  }
  for (let turns = 0; turns < 5; turns++) await turn();
  collect();
  const after = memory();
  await stream.close();
  return after - before;
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
