import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteRun } from '../../src/ebml/byte-run.js';
import type { Bytes } from '../../src/ebml/bytes.js';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type MkvDataElement,
  type MkvElement,
  type MkvStartMasterElement,
  writeElement,
  writeMaster,
} from '../../src/index.js';
import { PieceQueue } from '../../src/merge/piece-queue.js';
import { noise } from '../support/bytes.js';
import { chunksOf, readChunks } from '../support/read-all.js';

/** Three pieces of memory, none of which begins where its buffer does. */
const SOURCES = [1, 2, 3].map((seed) => noise(9000, seed).subarray(100 * seed));

interface Run {
  readonly source: Bytes;
  readonly start: number;
  readonly end: number;
}

const length = fc.oneof(fc.constantFrom(0, 1, 62, 63, 64, 65, 1022, 1023, 1024, 1025, 2000), fc.nat(20), fc.nat(1500));
const addition = fc.record({ source: fc.nat(2), length, goesOn: fc.boolean() });

/** Runs within the sources, some of which begin where the one before ends. */
const runs = fc.array(addition, { maxLength: 10 }).map((additions) => {
  const list: Run[] = [];
  let last: Run | undefined;
  for (const { source: index, length: size, goesOn } of additions) {
    const other = SOURCES[index] ?? noise(9000, 4);
    const source: Bytes = goesOn ? (last?.source ?? other) : other;
    const start: number = goesOn && last !== undefined && last.end + size <= source.length ? last.end : 7 * index;
    last = { source, start, end: start + size };
    list.push(last);
  }
  return list;
});

const bytesOf = ({ source, start, end }: Run) => source.subarray(start, end);
/** Where bytes lie; of memory of the same content each has a number of its own. */
const viewOf = ({ buffer, byteOffset, length: size }: Uint8Array) => {
  const number = MEMORIES.get(buffer) ?? ++memories;
  MEMORIES.set(buffer, number);
  return [number, byteOffset, size];
};
const MEMORIES = new WeakMap<ArrayBufferLike, number>();
let memories = 0;

/** What lies behind each other as one, and nothing that is empty. */
function connected(list: readonly Run[]): Run[] {
  const result: Run[] = [];
  for (const run of list) {
    const last = result.at(-1);
    if (run.start === run.end) continue;
    if (last?.source === run.source && last.end === run.start) result.splice(-1, 1, { ...last, end: run.end });
    else result.push(run);
  }
  return result;
}

describe('a queue of pieces', () => {
  it('gives what was added, large runs and a single one where they lie, and small ones between them in one', () => {
    fc.assert(
      fc.property(fc.array(runs, { minLength: 1, maxLength: 3 }), (batches) => {
        const queue = new PieceQueue();
        let total = 0;
        for (const batch of batches) {
          for (const { source, start, end } of batch) queue.add(source, start, end);
          const expected = connected(batch);
          const size = expected.reduce((sum, { start, end }) => sum + end - start, 0);
          total += size;
          expect(queue.length).toBe(total);
          const pieces = queue.take();
          expect(Buffer.compare(concatBytes(pieces), concatBytes(expected.map(bytesOf)))).toBe(0);
          expect(pieces.every((piece) => piece.length > 0)).toBe(true);
          const large = expected.filter((run) => expected.length === 1 || !isSmall(run));
          const uncopied = pieces.filter(({ buffer }) => SOURCES.some((source) => source.buffer === buffer));
          expect(uncopied.map(viewOf)).toEqual(large.map(bytesOf).map(viewOf));
          const groups = expected.filter((run, index) => isSmall(run) && !isSmall(expected[index - 1]));
          expect(pieces.length).toBe(expected.length === 1 ? 1 : large.length + groups.length);
          expect(queue.take()).toEqual([]);
          expect(queue.length).toBe(total);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes the whole of what it is given, and what is taken later does not go on with what has left', () => {
    const [source = noise(9, 1)] = SOURCES;
    const queue = new PieceQueue();
    queue.add(source);
    expect(queue.take().map(viewOf)).toEqual([viewOf(source)]);
    queue.add(source, 0, 2000);
    expect(queue.take().map(viewOf)).toEqual([viewOf(source.subarray(0, 2000))]);
    queue.add(source, 2000);
    expect(queue.length).toBe(2 * source.length);
    expect(queue.take().map(viewOf)).toEqual([viewOf(source.subarray(2000))]);
  });
});

function isSmall(run: Run | undefined): boolean {
  return run !== undefined && run.end - run.start < 1024;
}

describe('elements in a queue', () => {
  const CHILD = writeElement(Mkv.SimpleBlock, noise(2000, 5));
  const CLUSTER = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 5), CHILD]);
  const SEGMENT = writeMaster(Mkv.Segment, [writeMaster(Mkv.Tags, []), CLUSTER]);

  /** The Cluster, and what stands in it. */
  function read(chunkSize: number) {
    const all = [...readChunks(chunksOf(SEGMENT, chunkSize))];
    const at = all.findIndex((element) => element.is(Mkv.Cluster));
    const [cluster, timestamp, block] = all.slice(at);
    if (cluster?.kind !== 'start' || timestamp?.kind !== 'data' || block?.kind !== 'data')
      throw new Error('no Cluster');
    return { cluster, timestamp, block, end: all.at(-1) };
  }

  function queued(add: (queue: PieceQueue) => void): Uint8Array {
    const queue = new PieceQueue();
    add(queue);
    const [first, ...rest] = queue.take();
    return first !== undefined && rest.length === 0
      ? first
      : concatBytes([...(first === undefined ? [] : [first]), ...rest]);
  }

  it('are written as they came, however they came', () => {
    const sizes = [
      ...Array.from({ length: 40 }, (_, index) => index + 1),
      500,
      1500,
      SEGMENT.length - 1,
      SEGMENT.length,
    ];
    for (const size of sizes) {
      const { cluster, timestamp, block, end } = read(size);
      const header = CLUSTER.subarray(0, cluster.headerSize);
      const add = (element: MkvStartMasterElement | MkvDataElement) => queued((queue) => queue.addElement(element));
      expect(add(cluster)).toEqual(header);
      expect(add(timestamp)).toEqual(writeElement(Mkv.Timestamp, 5));
      expect(Buffer.compare(add(block), CHILD)).toBe(0);
      const firsts: (MkvElement | undefined)[] = [timestamp, block, undefined, cluster, end];
      for (const first of firsts) expect(queued((queue) => queue.addHeader(cluster, first))).toEqual(header);
      const all = queued((queue) => {
        queue.addHeader(cluster, timestamp);
        queue.addElement(timestamp);
        queue.addElement(block);
      });
      expect(Buffer.compare(all, CLUSTER)).toBe(0);
      // In one chunk, all is where it lay.
      if (size === SEGMENT.length) expect(viewOf(all)).toEqual(viewOf(SEGMENT.subarray(-CLUSTER.length)));
    }
  });

  it('keep headers that lie before them, to the first byte of a chunk', () => {
    for (const before of [0, 1, 5]) {
      const memory = concatBytes([new Uint8Array(before), CHILD]);
      const headerSize = CHILD.length - 2000;
      const piece = (from: Bytes, start: number) =>
        queued((queue) => queue.addData(Mkv.SimpleBlock.id, headerSize, 2000, new ByteRun(from), start));
      expect(viewOf(piece(memory, before + headerSize))).toEqual(viewOf(memory.subarray(before)));
      // Without room for the header, it is not there.
      expect(Buffer.compare(piece(memory.subarray(before + 1), headerSize - 1), CHILD)).toBe(0);
    }
  });

  it('have the header of a master from where it lies, to the first byte of a chunk', () => {
    const start = SEGMENT.length - CLUSTER.length;
    for (const cut of [start - 1, start, start + 1]) {
      const chunks = [SEGMENT.slice(0, cut), SEGMENT.slice(cut)];
      const all = [...readChunks(chunks)];
      const at = all.findIndex((element) => element.is(Mkv.Cluster));
      const [cluster, timestamp] = all.slice(at);
      if (cluster?.kind !== 'start') throw new Error('no Cluster');
      const header = queued((queue) => queue.addHeader(cluster, timestamp));
      expect(header).toEqual(CLUSTER.subarray(0, cluster.headerSize));
      expect(header.buffer === chunks[1]?.buffer).toBe(cut <= start);
    }
  });
});
