import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  MkvParseError,
  type MkvReaderOptions,
  OutputSegmentMerger,
  segmentMergerStream,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { writeEbmlHeader } from '../../src/mkv/ebml-header.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { noise } from '../support/bytes.js';
import { documentHead } from '../support/kvs-documents.js';
import { readChunks } from '../support/read-all.js';
import { framesOf, merge } from './merging.js';

const TRACKS = [{ number: 1, codecId: 'V_MPEG4/ISO/AVC' }];

function body(unknownSizeCluster = false): Uint8Array {
  return concatBytes(
    [0, 1, 2, 3].map((index) =>
      writeGetMediaFragment(
        {
          tracks: TRACKS,
          fragmentNumber: String(index + 1),
          continuationToken: String(index + 1),
          blocks: Array.from({ length: 6 }, (_, i) => ({
            track: 1,
            timestamp: (index * 600 + i * 100) * 1000,
            frames: [noise(150, index * 10 + i)],
            ...(i % 2 === 1 ? { duration: 100_000 } : {}),
          })),
        },
        { unknownSizeCluster },
      ),
    ),
  );
}

function mergeDamaged(input: Uint8Array, options: MkvReaderOptions = {}, close = true) {
  const parts: Uint8Array[] = [];
  const merger = new OutputSegmentMerger((bytes) => void parts.push(bytes));
  for (const element of readChunks([input], options)) element.accept(merger);
  const { truncated } = merger;
  if (close) merger.closeTruncated();
  return { bytes: concatBytes(parts), truncated, counters: merger.counters };
}

/** Hashes of the frames, and whether the stream is whole. */
function read(bytes: Uint8Array): { frames: string[]; whole: boolean } {
  let whole = true;
  for (const element of readChunks([bytes])) if (element.kind === 'end' && element.truncated) whole = false;
  return {
    frames: framesOf(bytes)
      .flat()
      .map(({ hash }) => hash),
    whole,
  };
}

describe('a stream that is cut off', () => {
  const BODY = body();

  it('is merged as far as it goes, and does not look whole where a Cluster is cut', () => {
    const all = read(merge(BODY).bytes).frames;
    for (let length = 0; length < BODY.length; length += length % 700 < 250 ? 1 : 7) {
      const input = BODY.subarray(0, length);
      const { bytes, truncated } = mergeDamaged(input, {}, false);
      const result = read(bytes);
      expect(result.frames).toEqual(all.slice(0, result.frames.length));
      // What was cut in a Cluster is cut in the output; any other element that is not whole is not there.
      if (!result.whole) expect(truncated).toBe(true);
      expect(result.frames).toEqual(read(input).frames);
    }
  });

  it('can be closed: whole, with the frames that are', () => {
    for (let length = 0; length < BODY.length; length += length % 700 < 250 ? 1 : 7) {
      const input = BODY.subarray(0, length);
      const { bytes } = mergeDamaged(input);
      expect(read(bytes)).toEqual({ frames: read(input).frames, whole: true });
    }
  });
});

/** The data of the Blocks in Clusters, in whole BlockGroups if in any. What damage makes of them may be no frames. */
function blocksOf(bytes: Uint8Array, options?: MkvReaderOptions): string[] {
  const blocks: string[] = [];
  let before = 0;
  for (const element of readChunks([bytes], options)) {
    const inCluster = element.parent?.type === Mkv.Cluster;
    if (element.kind === 'start' && inCluster) before = blocks.length;
    if (element.kind === 'end' && inCluster && element.truncated) blocks.length = before;
    if (element.kind !== 'data' || !(element.is(Mkv.SimpleBlock) || element.is(Mkv.Block))) continue;
    if (element.path.some(({ type }) => type === Mkv.Cluster)) blocks.push(Buffer.from(element.data).toString('hex'));
  }
  return blocks;
}

describe('a damaged stream', () => {
  it.each([false, true])(
    'is merged with the frames that can be read, all elements whole (unknown sizes: %s)',
    (unknown) => {
      const whole = body(unknown);
      fc.assert(
        fc.property(
          fc.nat(whole.length - 1),
          fc.integer({ min: 1, max: 700 }),
          fc.integer(),
          fc.boolean(),
          (at, length, seed, cutOut) => {
            const input = cutOut ? concatBytes([whole.subarray(0, at), whole.subarray(at + length)]) : whole.slice();
            if (!cutOut) input.set(noise(Math.min(length, input.length - at), seed), at);
            const { bytes, counters } = mergeDamaged(input, { recover: true });
            if (counters.clustersDropped > 0) return;
            expect(blocksOf(bytes)).toEqual(blocksOf(input, { recover: true }));
            for (const element of readChunks([bytes]))
              if (element.kind === 'end') expect(element.truncated).toBe(false);
          },
        ),
        // The example leaves a SimpleBlock of a Cluster that is cut short, without the Timestamp.
        { numRuns: 300, examples: [[179, 179, 0, true]] },
      );
    },
  );

  it.each<[string, Uint8Array[]]>([
    ['a header of which no document comes', [writeEbmlHeader()]],
    ['another document', [documentHead(TRACKS)]],
    ['what is left out', [writeMaster(Mkv.Tag, []), writeEbmlHeader()]],
    ['Tags', [writeMaster(Mkv.Tags, []), writeEbmlHeader()]],
    ['a Void element', [writeElement(Mkv.Void, new Uint8Array(3)), writeEbmlHeader()]],
  ])('is whole where %s follows a Cluster of which bytes are missing', (_, behind) => {
    const block = writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 1, 0x80, 5));
    const content = concatBytes([writeElement(Mkv.Timestamp, 3), block, new Uint8Array(20), block]);
    for (const unknownSize of [false, true]) {
      const cluster = writeMaster(Mkv.Cluster, [content], { unknownSize });
      const input = concatBytes([documentHead(TRACKS), cluster, ...behind]);
      const { bytes, truncated } = mergeDamaged(input, { recover: true }, false);
      expect(truncated).toBe(false);
      expect(() => [...readChunks([bytes], { strict: true })]).not.toThrow();
      expect(read(bytes).whole).toBe(true);
    }
  });

  it('drops a Cluster that is cut short and has no Timestamp left, and says so', () => {
    const whole = body(true);
    const timestamp = Buffer.from(whole).indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75)) + 5;
    // Cut out so that what follows begins with a SimpleBlock, and so that it ends within another.
    const second = Buffer.from(whole).indexOf(Buffer.of(0xa3), timestamp + 160);
    const input = concatBytes([
      whole.subarray(0, timestamp),
      whole.subarray(timestamp + 3, second),
      whole.subarray(second + 90),
    ]);
    const { bytes, counters } = mergeDamaged(input, { recover: true });
    expect(counters).toMatchObject({ clustersDropped: 1, clusters: 3, frames: 18, documentsOut: 1 });
    expect(read(bytes).frames).toHaveLength(18);
  });

  it('drops Clusters before any header, and says so', () => {
    const whole = body();
    const start = Buffer.from(whole).indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
    const { bytes, counters } = mergeDamaged(whole.subarray(start), { recover: true });
    expect(counters).toMatchObject({ clustersDropped: 1, clusters: 3, frames: 18, documentsOut: 1 });
    expect(read(bytes).frames).toHaveLength(18);
  });

  it('does not believe a size that no Cluster has', () => {
    const whole = body();
    const cluster = Buffer.from(whole).indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
    const input = concatBytes([
      whole.subarray(0, cluster + 4),
      Uint8Array.of(0x01, 0, 0, 0x40, 0, 0, 0, 0),
      whole.subarray(cluster + 6),
    ]);
    const { bytes, counters } = mergeDamaged(input, { recover: true });
    expect(bytes.length).toBeLessThan(whole.length);
    expect(counters.clusters).toBe(4);
    expect(read(bytes)).toEqual({ frames: read(whole).frames, whole: true });
  });
});

describe('Clusters that say they are much larger than they are', () => {
  /** A document whose Clusters each say a size and have one frame. */
  function claiming(size: number, count: number): Uint8Array {
    const cluster = (index: number) =>
      concatBytes([
        writeHeader(Mkv.Cluster, size, { sizeLength: 8 }),
        writeElement(Mkv.Timestamp, index),
        writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, index & 0xff)),
      ]);
    return concatBytes([documentHead(), ...Array.from({ length: count }, (_, index) => cluster(index))]);
  }

  it.each([900_000, 5_000_000, 60 * 1024 * 1024])('%i bytes are not made up for each', (size) => {
    for (const count of [1, 20, 400]) {
      const input = claiming(size, count);
      const limit = 2 * input.length + 1024 * 1024 + 100;
      const { bytes, counters } = mergeDamaged(input, { recover: true });
      expect(bytes.length).toBeLessThanOrEqual(limit);
      expect(counters).toMatchObject({ clusters: count, frames: count, documentsOut: 1 });
      expect(read(bytes)).toEqual({ frames: read(bytes).frames, whole: true });
      expect(read(bytes).frames).toHaveLength(count);
      expect(() => [...readChunks([bytes], { strict: true })]).not.toThrow();
      const chunks = new ChunkMerger({ recover: true });
      const pieces = [...chunks.push(input), ...chunks.end(), ...chunks.closeTruncated()];
      expect(Buffer.compare(concatBytes(pieces), bytes)).toBe(0);
      // What is written for what is missing is the same zeros again and again.
      const buffers = new Map(pieces.map(({ buffer }) => [buffer, buffer.byteLength]));
      const held = [...buffers.values()].reduce((sum, length) => sum + length, 0);
      expect(held).toBeLessThan(count * 66_000 + 4 * input.length);
    }
  });

  it('are closed where the stream ends in one, and the output is whole', () => {
    const input = claiming(60 * 1024 * 1024, 1);
    const { bytes } = mergeDamaged(input);
    expect(bytes.length).toBeLessThan(input.length + 20);
    expect(read(bytes).whole).toBe(true);
  });

  it('keep sizes that what has come before makes likely', () => {
    const frame = noise(700_000, 1);
    const clusters = [0, 1, 2].map((time) =>
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, time),
        ...[0, 1, 2].map(() => writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x81, 0, 0, 0), frame]))),
      ]),
    );
    const { bytes } = merge(concatBytes([documentHead(), ...clusters]));
    const sizes = [...readChunks([bytes])].flatMap((each) =>
      each.kind === 'start' && each.is(Mkv.Cluster) ? [each.dataSize === undefined] : [],
    );
    expect(sizes).toEqual([true, false, false]);
  });
});

describe('a stream that ends in an element at the top level', () => {
  it.each([
    ['the header of an EBML header', Uint8Array.of(0x1a, 0x45)],
    ['a Void element', writeElement(Mkv.Void, new Uint8Array(20)).subarray(0, 9)],
    ['the size of one', Uint8Array.of(0xec, 0x40)],
  ])('%s, is told', async (_, rest) => {
    const whole = concatBytes([body(), writeMaster(Mkv.EBML, [])]);
    for (const [input, truncated] of [
      [whole, false],
      [concatBytes([whole, rest]), true],
    ] as const) {
      const chunks = new ChunkMerger();
      chunks.push(input);
      chunks.end();
      expect(chunks.truncated).toBe(truncated);
      const stream = segmentMergerStream();
      const read = new Response(stream.readable).arrayBuffer();
      const writer = stream.writable.getWriter();
      await writer.write(input);
      await writer.close();
      await read;
      expect(stream.merger.truncated).toBe(truncated);
      expect(stream.merger.counters.clusters).toBe(4);
      expect(stream.merger.stopped).toBeUndefined();
    }
  });
});

it('what was merged before an error is made whole, wherever the error is', () => {
  const input = concatBytes([body(), documentHead(), body(true)]);
  const frames = read(input).frames;
  for (const { kind, offset: place } of readChunks([input])) {
    if (kind === 'end') continue;
    const damaged = concatBytes([input.subarray(0, place), Uint8Array.of(0), input.subarray(place)]);
    const chunks = new ChunkMerger();
    const pieces: Uint8Array[] = [];
    try {
      pieces.push(...chunks.push(damaged));
      pieces.push(...chunks.end());
    } catch (error) {
      expect(error).toBeInstanceOf(MkvParseError);
    }
    pieces.push(...chunks.closeTruncated());
    const output = concatBytes(pieces);
    const { whole, frames: kept } = read(output);
    expect(whole).toBe(true);
    expect(() => [...readChunks([output], { strict: true })]).not.toThrow();
    const before = read(input.subarray(0, place)).frames;
    expect(kept.slice(0, before.length)).toEqual(frames.slice(0, before.length));
  }
});

it('a master that ends before its size says is written with the size that it has', () => {
  const video = concatBytes([writeHeader(Mkv.Video, 7), writeElement(Mkv.CodecPrivate, noise(40, 1))]);
  const checksum = writeElement(Mkv['CRC-32'], new Uint8Array(4));
  const entry = writeMaster(Mkv.TrackEntry, [checksum, writeElement(Mkv.TrackNumber, 1), video]);
  const rest = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0)]);
  const head = concatBytes([writeEbmlHeader(), writeHeader(Mkv.Segment, undefined)]);
  const input = concatBytes([head, writeMaster(Mkv.Tracks, [entry]), rest]);
  const { bytes } = mergeDamaged(input, { recover: true });
  const elements = [...readChunks([bytes], { strict: true, verifyCrc: true })];
  expect(elements.find((element) => element.is(Mkv.CodecPrivate))?.parent?.type).toBe(Mkv.TrackEntry);
});

it('a Cluster that damage was taken out of is filled where merging stops behind it', () => {
  const at = (time: number, ...children: Uint8Array[]) =>
    writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, time), ...children]);
  const block = writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1));
  const input = concatBytes([documentHead(), at(9, block, Uint8Array.of(0), block), at(3, block)]);
  const chunks = new ChunkMerger({ recover: true, stopAtFirstNonMatchingSegment: true });
  const bytes = concatBytes([...chunks.push(input), ...chunks.end()]);
  expect(chunks.merger.stopped).toBeDefined();
  expect(() => [...readChunks([bytes], { strict: true })]).not.toThrow();
});
