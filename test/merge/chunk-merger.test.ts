import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type MkvReaderOptions,
  OutputSegmentMerger,
  type OutputSegmentMergerOptions,
  StreamingMkvReader,
} from '../../src/index.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { noise } from '../support/bytes.js';
import { arbitraryChunking, type Chunking, split } from '../support/chunking.js';
import { arbitraryDocuments } from '../support/ebml-generator.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';
import { chunksOf } from '../support/read-all.js';

type Options = OutputSegmentMergerOptions & MkvReaderOptions;

/** Takes down what is told, and what is thrown. */
function listener(options: Options) {
  const told: string[] = [];
  const listening: Options = {
    ...options,
    onNewDocument: (document) => {
      told.push(`${document.offset} ${document.message}`);
      options.onNewDocument?.(document);
    },
    onGap: ({ offset, length, reason }) => told.push(`gap ${offset} ${length} ${reason}`),
    onWarning: ({ message }) => told.push(message),
  };
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      told.push(String(error));
    }
  };
  return { told, listening, attempt };
}

/** Merges as streams do. */
function mergeChunks(chunks: readonly Uint8Array[], options: Options, close = true) {
  const { told, listening, attempt } = listener(options);
  const parts: Uint8Array[] = [];
  const chunkMerger = new ChunkMerger(listening);
  for (const chunk of chunks) attempt(() => void parts.push(...chunkMerger.push(chunk)));
  attempt(() => void parts.push(...chunkMerger.end()));
  if (close) attempt(() => void parts.push(...chunkMerger.closeTruncated()));
  const { counters, stopped, truncated } = chunkMerger.merger;
  return { bytes: concatBytes(parts), parts, told, counters, stopped: stopped?.message, truncated };
}

/** Merges the elements of a reader, one by one. */
function mergeElements(chunks: readonly Uint8Array[], options: Options, close = true) {
  const { told, listening, attempt } = listener(options);
  const parts: Uint8Array[] = [];
  const merger = new OutputSegmentMerger((bytes) => void parts.push(bytes), listening);
  const reader = new StreamingMkvReader(listening);
  const drain = () => {
    while (!merger.isDone()) {
      const element = reader.nextIfAvailable();
      if (element === undefined) return;
      element.accept(merger);
    }
  };
  for (const chunk of chunks) {
    attempt(() => {
      reader.push(chunk);
      drain();
    });
  }
  attempt(() => {
    reader.end();
    drain();
  });
  if (close) attempt(() => void merger.closeTruncated());
  const { counters, stopped, truncated } = merger;
  return { bytes: concatBytes(parts), parts, told, counters, stopped: stopped?.message, truncated };
}

/** Both must give the same in everything but the pieces. */
function same(one: ReturnType<typeof mergeChunks>, other: ReturnType<typeof mergeElements>) {
  expect(one.told).toEqual(other.told);
  expect({ ...one, bytes: 0, parts: 0 }).toEqual({ ...other, bytes: 0, parts: 0 });
  // What an error cuts short may have been on its way out.
  const length = failed(one) ? one.bytes.length : undefined;
  expect(Buffer.compare(one.bytes, other.bytes.subarray(0, length))).toBe(0);
}

function failed({ told }: { readonly told: readonly string[] }): boolean {
  return told.some((line) => line.includes('MkvParseError'));
}

/** Each chunk in a buffer of its own, as sockets give them. */
function separate(bytes: Uint8Array, chunking: Chunking): Uint8Array[] {
  return split(bytes, chunking).map((chunk) => chunk.slice());
}

const OPTIONS: fc.Arbitrary<Options> = fc.record({
  packClusters: fc.boolean(),
  keepPositions: fc.boolean(),
  stopAtFirstNonMatchingSegment: fc.boolean(),
  mergeOn: fc.constantFrom(undefined, undefined, undefined, [], [Mkv.Segment], [Mkv.Info, Mkv.TrackEntry]),
  recover: fc.boolean(),
  verifyCrc: fc.boolean(),
  strict: fc.nat(4).map((n) => n === 0),
  copyChunks: fc.nat(4).map((n) => n === 0),
  maxElementSize: fc.constantFrom(undefined, undefined, undefined, 100, 3000),
});
const STREAMS = fc.oneof(
  arbitraryKvsStream({ largestFrame: 12_000 }),
  arbitraryKvsStream({ largestFrame: 12_000, oneProducer: true, minFragments: 2, withMetadata: true }),
  arbitraryDocuments(),
);
const CHUNKINGS = fc.oneof(
  arbitraryChunking(),
  fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1000, max: 9000 })), { minLength: 1 }),
);
/** Bytes to write over others, from a place on. */
const DAMAGE = fc.option(fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 40 })), { freq: 2 });
const CUT = fc.option(fc.nat(), { freq: 2 });

describe('merging chunks', () => {
  it('gives what merging elements gives, for every chunking, of whole, damaged and cut streams', () => {
    fc.assert(
      fc.property(
        STREAMS,
        OPTIONS,
        CHUNKINGS,
        DAMAGE,
        CUT,
        fc.boolean(),
        (stream, options, chunking, harm, cut, close) => {
          const bytes = stream.bytes.slice(0, cut === null ? undefined : cut % (stream.bytes.length + 1));
          if (harm !== null && bytes.length > 0) {
            const at = harm[0] % bytes.length;
            bytes.set(harm[1].subarray(0, bytes.length - at), at);
          }
          const chunks = separate(bytes, chunking);
          const merged = mergeChunks(chunks, options, close);
          same(merged, mergeElements(chunks, options, close));
          const whole = mergeElements([bytes], options, close);
          // Once an error has been thrown, it is thrown for every further chunk.
          expect([...new Set(merged.told)]).toEqual([...new Set(whole.told)]);
          expect(merged.counters).toEqual(whole.counters);
          if (!failed(merged)) {
            expect(Buffer.compare(merged.bytes, whole.bytes)).toBe(0);
          }
        },
      ),
      { numRuns: 120 },
    );
  });

  it.each([{}, { crc: true }])(
    'goes on where it stood when it is told of a new document and the listener throws (%o)',
    (crc) => {
      const input = concatBytes(
        [0, 1, 0, 2].map((index) =>
          writeGetMediaFragment(
            {
              tracks: [{ number: 1, codecId: 'V_MPEG4/ISO/AVC' }],
              fragmentNumber: String(index),
              // A duration makes it a BlockGroup, with which the head of a Cluster with CRC-32 is complete.
              blocks: [0, 1].map((i) => ({
                track: 1,
                timestamp: (index * 10 + i) * 100_000,
                frames: [noise(3000, index)],
                duration: 100_000,
              })),
            },
            crc,
          ),
        ),
      );
      const options: Options = {
        onNewDocument: () => {
          throw new Error('no more documents');
        },
      };
      for (const size of [1000, input.length]) {
        const chunks = [...chunksOf(input, size)];
        const merged = mergeChunks(chunks, options);
        expect(merged.told).toContain('Error: no more documents');
        same(merged, mergeElements(chunks, options));
      }
    },
  );

  /** Fragments of their own tracks each, with a Cluster or without. */
  const fragments = (withClusters: boolean, ...codecs: string[]) =>
    codecs.map((codecId, index) =>
      writeGetMediaFragment({
        tracks: [{ number: 1, codecId }],
        fragmentNumber: String(index),
        blocks: withClusters ? [{ track: 1, timestamp: index * 1_000_000, frames: [noise(2000, index)] }] : undefined,
      }),
    );

  it('throws what the listener throws, once, also where the end of a document makes it known', () => {
    const options: Options = {
      onNewDocument: () => {
        throw new Error('no more documents');
      },
    };
    for (const withClusters of [true, false]) {
      const chunks = fragments(withClusters, 'A', 'B', 'A', 'C');
      const merged = mergeChunks(chunks, options);
      expect(merged.told.filter((line) => line === 'Error: no more documents')).toHaveLength(2);
      same(merged, mergeElements(chunks, options));
    }
  });

  it('reads nothing behind the document that it stops at, in its chunk or in others', () => {
    const [first, second] = fragments(true, 'A', 'B').map((bytes) => Buffer.from(bytes));
    const wrong = new Uint8Array(50);
    for (const chunks of [
      [first, second, wrong],
      [concatBytes([first ?? wrong, second ?? wrong, wrong]), wrong],
    ]) {
      const merger = new ChunkMerger({ stopAtFirstNonMatchingSegment: true });
      // Were each push to read but one element, these would be enough to get there.
      const more = Array.from({ length: 20 }, () => wrong);
      const pieces = [...chunks, ...more].flatMap((chunk) => merger.push(chunk ?? wrong));
      pieces.push(...merger.end());
      expect(merger.merger.stopped?.offset).toBe(first?.length);
      expect(Buffer.compare(concatBytes(pieces), first ?? wrong)).toBe(0);
      expect(() => new ChunkMerger().push(wrong)).toThrow();
    }
  });
});

describe('what leaves a merger of chunks', () => {
  const FRAMES = [0, 1, 2].map((index) =>
    Array.from({ length: 8 }, (_, i) => ({
      track: 1,
      timestamp: index * 3_000_000 + i * 100_000,
      frames: [noise(20_000 + i * 1000, index * 10 + i)],
    })),
  );
  const BODY = concatBytes(
    FRAMES.map((blocks, index) =>
      writeGetMediaFragment({ tracks: [{ number: 1, codecId: 'V_VP9' }], fragmentNumber: String(index), blocks }),
    ),
  );

  it('lies in the chunks that went in, also where elements span them', () => {
    for (const size of [5000, 16_384, 65_536]) {
      const chunks = separate(BODY, [size]);
      const buffers = new Set<ArrayBufferLike>(chunks.map(({ buffer }) => buffer));
      const { parts } = mergeChunks(chunks, {});
      const copied = parts.filter(({ buffer }) => !buffers.has(buffer)).reduce((sum, { length }) => sum + length, 0);
      expect(copied).toBeLessThan(BODY.length / 10);
      // And in pieces about as large.
      expect(parts.length).toBeLessThan(3 * chunks.length + 20);
    }
  });

  it('comes in pieces worth having, however small the chunks are', () => {
    const { parts, bytes } = mergeChunks(separate(BODY, [1]), {});
    expect(parts.length).toBeLessThan(200);
    expect(Buffer.compare(bytes, mergeElements([BODY], {}).bytes)).toBe(0);
  });

  it('does not change when the caller uses its buffer again', () => {
    const buffer = Buffer.alloc(3000);
    const merger = new ChunkMerger({ copyChunks: true });
    const parts: Uint8Array[] = [];
    for (const chunk of chunksOf(BODY, buffer.length)) {
      buffer.set(chunk);
      parts.push(...merger.push(buffer.subarray(0, chunk.length)));
      buffer.fill(0xee);
    }
    parts.push(...merger.end());
    expect(Buffer.compare(concatBytes(parts), mergeElements([BODY], {}).bytes)).toBe(0);
  });
});
