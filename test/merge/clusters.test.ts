import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/ebml/crc32.js';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  type EbmlElementType,
  Mkv,
  type MkvElement,
  OutputSegmentMerger,
  type OutputSegmentMergerOptions,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { crcData } from '../../src/merge/gathered-element.js';
import { writeEbmlHeader } from '../../src/testing/get-media-writer.js';
import { noise } from '../support/bytes.js';
import { chunksOf, readChunks } from '../support/read-all.js';
import { checkAll, countElements, framesOf, merge } from './merging.js';

/** A document of these elements; its Segment has an unknown size. */
function documentOf(...children: Uint8Array[]): Uint8Array {
  return concatBytes([writeEbmlHeader(), writeMaster(Mkv.Segment, children, { unknownSize: true, sizeLength: 8 })]);
}

function cluster(ms: number, ...children: Uint8Array[]): Uint8Array {
  return writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, ms), ...children]);
}

/** An element whose size takes up `width` bytes. */
function element(type: EbmlElementType, data: Uint8Array, width: number): Uint8Array {
  return concatBytes([writeHeader(type, data.length, { sizeLength: width }), data]);
}

function block(frame: Uint8Array, track = 1, time = 0): Uint8Array {
  return concatBytes([Uint8Array.of(0x80 | track, time >> 8, time & 0xff, 0), frame]);
}

const simpleBlock = (frame: Uint8Array, track = 1, time = 0) =>
  writeElement(Mkv.SimpleBlock, block(frame, track, time));

/** Data of other elements that must not be counted. */
const LIKE_A_BLOCK = block(new Uint8Array(0));

const uint32 = (value: number) => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');

/** Merges as streams do. */
function mergeChunks(chunks: Iterable<Uint8Array>, options: OutputSegmentMergerOptions = {}) {
  const merger = new ChunkMerger({ ...options, recover: true });
  const pieces: Uint8Array[] = [];
  for (const chunk of chunks) pieces.push(...merger.push(chunk));
  pieces.push(...merger.end(), ...merger.closeTruncated());
  return { bytes: concatBytes(pieces), pieces, counters: merger.merger.counters };
}

/** Merges what can be read of damaged bytes, element by element. */
function mergeElements(bytes: Uint8Array, options: OutputSegmentMergerOptions = {}) {
  const pieces: Uint8Array[] = [];
  const merger = new OutputSegmentMerger((piece) => void pieces.push(piece), options);
  for (const each of readChunks([bytes], { recover: true })) each.accept(merger);
  merger.closeTruncated();
  return { bytes: concatBytes(pieces), pieces, counters: merger.counters };
}

/** The children of each Cluster, and what they leave of it. */
function clustersOf(bytes: Uint8Array) {
  const clusters: { length: number; rest: number; children: MkvElement[] }[] = [];
  for (const each of readChunks([bytes])) {
    if (each.kind === 'start' && each.is(Mkv.Cluster)) {
      const size = each.dataSize ?? Number.NaN;
      clusters.push({ length: each.headerSize + size, rest: size, children: [] });
    }
    const last = clusters.at(-1);
    if (each.kind === 'end' || each.parent?.type !== Mkv.Cluster || last === undefined) continue;
    last.children.push(each);
    last.rest -= each.headerSize + (each.dataSize ?? Number.NaN);
  }
  return clusters;
}

describe('a Cluster of which bytes are missing', () => {
  const FRAME = noise(20, 1);
  const width = fc.constantFrom(1, 2, 4, 7, 8);
  const child = fc
    .tuple(fc.constantFrom('SimpleBlock', 'BlockGroup', 'PrevSize', 'Position', 'Void'), width, fc.boolean())
    .map(([name, size, blockLast]) => {
      if (name === 'SimpleBlock') return element(Mkv.SimpleBlock, block(FRAME), size);
      if (name === 'Void') return element(Mkv.Void, LIKE_A_BLOCK, size);
      if (name !== 'BlockGroup') return element(Mkv[name === 'PrevSize' ? 'PrevSize' : 'Position'], LIKE_A_BLOCK, size);
      const [inner, duration] = [writeElement(Mkv.Block, block(FRAME)), writeElement(Mkv.BlockDuration, 9)];
      return element(Mkv.BlockGroup, concatBytes(blockLast ? [duration, inner] : [inner, duration]), size);
    });
  const missing = fc.oneof(
    fc.constantFrom(0, 1, 1, 2, 3, 128, 129, 130, 131, 65_536, 65_538, 65_540, 65_541, 131_076, 200_000),
    fc.nat(300),
  );

  it('is filled to its size, and the next one knows how long it is', () => {
    fc.assert(
      fc.property(
        fc.array(child, { maxLength: 4 }),
        width,
        missing,
        fc.boolean(),
        fc.boolean(),
        (children, timestampWidth, lost, cut, packClusters) => {
          const rest = concatBytes([element(Mkv.Timestamp, Uint8Array.of(50), timestampWidth), ...children]);
          const damaged = concatBytes([writeHeader(Mkv.Cluster, rest.length + lost, { sizeLength: 8 }), rest]);
          const next = cluster(200, element(Mkv.PrevSize, uint32(1), 1));
          const input = concatBytes([
            documentOf(cluster(0, simpleBlock(FRAME))),
            documentOf(damaged),
            ...(cut ? [] : [new Uint8Array(lost), documentOf(next)]),
          ]);
          const { bytes, pieces, counters } = mergeElements(input, { packClusters });
          const clusters = clustersOf(bytes);
          expect(clusters.map((each) => each.rest)).toEqual(cut ? [0, 0] : [0, 0, 0]);
          expect(clusters[1]?.length).toBe(damaged.length + lost);
          const names = (list: readonly MkvElement[]) =>
            list.flatMap(({ type }, index, all) => {
              // Of what a Cluster has once, the first is written.
              const again = type.maxOccurs === 1 && all.findIndex((other) => other.type === type) < index;
              return type === Mkv.Void || again ? [] : [type.name];
            });
          const written = clustersOf(documentOf(writeMaster(Mkv.Cluster, [rest])))[0];
          expect(names(clusters[1]?.children ?? [])).toEqual(names(written?.children ?? []));
          const previous = clusters[2]?.children[1];
          if (!cut)
            expect(previous?.kind === 'data' && previous.is(Mkv.PrevSize) && previous.value).toBe(clusters[1]?.length);
          expect(framesOf(bytes)).toHaveLength(1);
          expect(framesOf(bytes).flat()).toHaveLength(counters.frames);
          // Zeros for a Cluster that is all but lost do not take up the memory of it.
          for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(65_536);
          const filling = clusters[1]?.children.at(-1);
          if (lost > 2 && filling?.kind === 'data') expect(filling.data.every((byte) => byte === 0)).toBe(true);
          expect(Buffer.compare(mergeChunks(chunksOf(input, 100), { packClusters }).bytes, bytes)).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('what stands in a Cluster', () => {
  const group = (...more: Uint8Array[]) =>
    writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, block(noise(30, 2))), ...more]);
  const additions = writeMaster(Mkv.BlockAdditions, [
    writeMaster(Mkv.BlockMore, [writeElement(Mkv.BlockAddID, 2), writeElement(Mkv.BlockAdditional, noise(9, 3))]),
  ]);
  const OTHERS = [
    simpleBlock(noise(1100, 4)),
    group(additions, writeElement(Mkv.BlockDuration, 7)),
    simpleBlock(noise(3, 5), 2, 9),
    writeElement(Mkv.Void, LIKE_A_BLOCK),
    simpleBlock(new Uint8Array(0)),
    group(writeElement(Mkv.ReferenceBlock, -1n)),
    // Too short to be one.
    writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0)),
  ];
  const FIRST = documentOf(cluster(0, simpleBlock(noise(10, 6))));
  const CLUSTER = cluster(100, ...OTHERS);

  it('leaves as it came, in one piece if it came in one', () => {
    const merger = new ChunkMerger();
    merger.push(FIRST);
    const chunk = documentOf(CLUSTER);
    const pieces = merger.push(chunk);
    expect(pieces.map(({ buffer, byteOffset, length }) => [buffer === chunk.buffer, byteOffset, length])).toEqual([
      [true, chunk.length - CLUSTER.length, CLUSTER.length],
    ]);
    expect(merger.merger.counters).toMatchObject({ clusters: 2, frames: 6 });
  });

  it('is the same and counts the same in chunks of any size', () => {
    const input = concatBytes([
      FIRST,
      documentOf(CLUSTER),
      documentOf(cluster(300, writeMaster(Mkv.BlockGroup, []), simpleBlock(noise(9, 7)))),
    ]);
    for (const options of [{}, { packClusters: true }, { mergeOn: [] }]) {
      const whole = mergeElements(input, options);
      expect(whole.counters.frames).toBe(7);
      expect(whole.counters.clusters).toBe(3);
      if (options.packClusters !== true) expect(Buffer.from(whole.bytes).includes(Buffer.from(CLUSTER))).toBe(true);
      for (let size = 1; size < 70; size++) {
        const { bytes, counters } = mergeChunks(chunksOf(input, size), options);
        expect(Buffer.compare(bytes, whole.bytes)).toBe(0);
        expect(counters).toEqual(whole.counters);
      }
    }
  });

  it('lies in its chunks where it spans them, but for headers that are cut', () => {
    const frame = noise(5000, 8);
    const input = documentOf(cluster(100, simpleBlock(frame), simpleBlock(frame)));
    const last = input.length - 2 * frame.length;
    for (const cuts of [[last - 20], [last + 1000], [last + 1000, last + 3000], [input.length - 1]]) {
      const chunks = [0, ...cuts].map((from, index) => input.slice(from, cuts[index]));
      const merger = new ChunkMerger();
      merger.push(FIRST);
      const pieces = chunks.flatMap((chunk) => merger.push(chunk));
      expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(2 * frame.length);
      const buffers = new Set<ArrayBufferLike>(chunks.map(({ buffer }) => buffer));
      expect(pieces.filter(({ buffer, length }) => length >= 1024 && !buffers.has(buffer))).toEqual([]);
      expect(pieces.length).toBeLessThanOrEqual(chunks.length + 1);
    }
  });

  it('tells how long its frames last, by laces and tracks too, wherever chunks cut it', () => {
    const laced = writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x81, 0, 0, 0x04, 2), noise(30, 9)]));
    const far = element(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x10, 0, 0, 2, 0, 9, 0x04, 1), noise(4, 3)]), 8);
    const tracks = writeMaster(
      Mkv.Tracks,
      [1, 2].map((number) =>
        writeMaster(Mkv.TrackEntry, [
          writeElement(Mkv.TrackNumber, number),
          writeElement(Mkv.DefaultDuration, number * 20_000_000),
        ]),
      ),
    );
    const input = concatBytes(
      [[laced], [far], [group(writeElement(Mkv.BlockDuration, 700), additions)], []].map((children, index) =>
        documentOf(tracks, cluster(index * 5000, ...children)),
      ),
    );
    for (let size = 1; size < 60; size++) {
      const { bytes, counters } = mergeChunks(chunksOf(input, size), { packClusters: true });
      const times = [...readChunks([bytes])].flatMap((each) =>
        each.kind === 'data' && each.is(Mkv.Timestamp) ? [each.value] : [],
      );
      expect(times).toEqual([0, 60, 149, 849]);
      expect(counters.frames).toBe(6);
    }
  });

  it('counts outside of what is merged as well, and nothing else does', () => {
    const stray = writeElement(Mkv.Block, block(noise(3, 1)));
    const input = documentOf(cluster(0, stray, group(), writeMaster(Mkv.BlockGroup, []), ...OTHERS), cluster(9));
    const { bytes, counters } = mergeElements(input, { mergeOn: [] });
    expect(Buffer.compare(bytes, input)).toBe(0);
    expect(counters).toMatchObject({ documentsIn: 1, documentsOut: 1, clusters: 2, frames: 7, clustersDropped: 0 });
  });
});

describe('Position and PrevSize', () => {
  interface Input {
    readonly unknown: boolean;
    readonly crc: boolean;
    readonly position: boolean;
    readonly previousSize: 'none' | 'early' | 'late';
    readonly payload: number;
    readonly tags: boolean;
    readonly after: readonly ('Tags' | 'Cues' | 'SeekHead' | 'Void')[];
  }
  const inputs = fc.array(
    fc.record<Input>({
      unknown: fc.boolean(),
      crc: fc.boolean(),
      position: fc.boolean(),
      previousSize: fc.constantFrom('none', 'early', 'late'),
      payload: fc.nat(200),
      tags: fc.boolean(),
      after: fc.array(fc.constantFrom('Tags', 'Cues', 'SeekHead', 'Void'), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 5 },
  );
  const AFTER = {
    Tags: writeMaster(Mkv.Tags, []),
    Cues: writeMaster(Mkv.Cues, [writeMaster(Mkv.CuePoint, [writeElement(Mkv.CueTime, 0)])]),
    SeekHead: writeMaster(Mkv.SeekHead, [writeMaster(Mkv.Seek, [writeElement(Mkv.SeekPosition, 5)])]),
    Void: writeElement(Mkv.Void, new Uint8Array(7)),
  };

  /** Behind the Blocks it can only be put right where no CRC-32 has left before: that of an unknown size is dropped if anything changes. */
  const mayBeLate = ({ crc, unknown, position }: Input) => !crc || (unknown && position);

  function write(c: Input, index: number): Uint8Array {
    const previousSize = element(Mkv.PrevSize, uint32(4_000_000), 1);
    const children = concatBytes([
      writeElement(Mkv.Timestamp, index),
      ...(c.position ? [element(Mkv.Position, uint32(5_000_000), 1)] : []),
      ...(c.previousSize === 'early' ? [previousSize] : []),
      simpleBlock(new Uint8Array(c.payload)),
      ...(c.previousSize === 'late' && mayBeLate(c) ? [previousSize] : []),
    ]);
    const checksum = c.crc ? [writeElement(Mkv['CRC-32'], crcData(crc32(children)))] : [];
    const written = writeMaster(Mkv.Cluster, [...checksum, children], { unknownSize: c.unknown });
    // Behind a Cluster of unknown size, Void is in the Cluster, whose CRC-32 it would make wrong.
    const after = c.after.filter((name) => name !== 'Void' || !c.unknown || !c.crc);
    return documentOf(...(c.tags ? [AFTER.Tags] : []), written, ...after.map((name) => AFTER[name]));
  }

  it('are right, whatever Clusters are like and whatever stands between them', () => {
    fc.assert(
      fc.property(inputs, (list) => {
        const { bytes } = merge(concatBytes(list.map(write)));
        checkAll(bytes);
        let segment = 0;
        let start = 0;
        let previous = 0;
        let positions = 0;
        let sizes = 0;
        for (const each of readChunks([bytes])) {
          if (each.kind === 'start' && each.is(Mkv.Segment)) segment = each.offset + each.headerSize;
          if (each.kind === 'start' && each.is(Mkv.Cluster)) start = each.offset;
          if (each.kind === 'end' && each.is(Mkv.Cluster)) previous = each.offset - start;
          if (each.kind !== 'data') continue;
          if (each.is(Mkv.Position)) {
            expect(each.value).toBe(start - segment);
            positions++;
          } else if (each.is(Mkv.PrevSize)) {
            expect(each.value).toBe(previous);
            sizes++;
          }
        }
        const tags = list.flatMap((c) => [...(c.tags ? ['Tags'] : []), ...c.after.filter((name) => name === 'Tags')]);
        const { Tags = 0 } = countElements(bytes);
        expect(Tags).toBe(tags.length);
        expect(positions).toBe(list.filter(({ position }) => position).length);
        const hasPrevious = (c: Input) => c.previousSize === 'early' || (c.previousSize === 'late' && mayBeLate(c));
        expect(sizes).toBe(list.slice(1).filter(hasPrevious).length);
        expect(Buffer.compare(merge(bytes).bytes, bytes)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('stay as they are, and so do Cues and SeekHead, where that is asked for', () => {
    fc.assert(
      fc.property(inputs, (list) => {
        // A document may have Cues once: what becomes of others is in strict.test.ts.
        const first = list.findIndex(({ after }) => after.includes('Cues'));
        const documents = list.map((input, index) => {
          const { after } = input;
          const isCues = (name: string, at: number) =>
            name === 'Cues' && (index !== first || at !== after.indexOf('Cues'));
          return write({ ...input, after: after.filter((name, at) => !isCues(name, at)) }, index);
        });
        const { bytes } = merge(concatBytes(documents), { keepPositions: true });
        const header = documentOf().length;
        const rest = documents.map((each, index) => (index === 0 ? each : each.subarray(header)));
        expect(Buffer.compare(bytes, concatBytes(rest))).toBe(0);
      }),
    );
  });
});
