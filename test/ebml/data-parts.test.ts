import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteRun, type DataRun } from '../../src/ebml/byte-run.js';
import { DataParts } from '../../src/ebml/data-parts.js';
import type { EbmlElementType } from '../../src/ebml/element-type.js';
import type { EbmlHandler } from '../../src/ebml/handler.js';
import { concatBytes, writeElement, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { openMkvParser } from '../../src/mkv/mkv-parser.js';
import type { MkvReaderOptions } from '../../src/mkv/reader-options.js';
import { noise } from '../support/bytes.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { arbitraryDocuments } from '../support/ebml-generator.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';

const SIZES = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 900, max: 1200 }), fc.integer({ min: 0, max: 100_000 })),
  { minLength: 1, maxLength: 40 },
);

/** Data in chunks of these lengths, each in an array of its own, behind `before` other bytes. */
function gather(sizes: readonly number[], before = 3) {
  const data = noise(
    sizes.reduce((sum, size) => sum + size, 0),
    7,
  );
  const gathered = new DataParts(data.length);
  const chunks = new Set<Uint8Array>();
  let at = 0;
  for (const size of sizes) {
    const chunk = new Uint8Array(before + size);
    chunk.set(data.subarray(at, at + size), before);
    chunks.add(chunk);
    gathered.append(chunk, before, chunk.length);
    at += size;
  }
  return { data, gathered, parts: gathered.parts, chunks };
}

describe('data in parts', () => {
  it('is the data, in parts, put together, and any run of it', () => {
    fc.assert(
      fc.property(SIZES, fc.nat(), fc.nat(), (sizes, from, some) => {
        const { data, gathered, parts } = gather(sizes);
        const start = from % (data.length + 1);
        const length = some % (data.length - start + 1);
        const run = data.subarray(start, start + length);
        const { head, headStart } = gathered;
        expect(
          Buffer.compare(head.subarray(headStart, headStart + 16).subarray(0, data.length), data.subarray(0, 16)),
        ).toBe(0);
        const expectRun = () => {
          const views = gathered.views(start, length);
          expect(Buffer.compare(concatBytes(views), run)).toBe(0);
          expect(views.every((view) => view.length > 0)).toBe(true);
        };
        expectRun();
        expect(Buffer.compare(concatBytes(parts.map(bytesOf)), data)).toBe(0);
        expect(Buffer.compare(gathered.view(start, length), run)).toBe(0);
        expect(Buffer.compare(gathered.bytes, data)).toBe(0);
        expectRun();
      }),
    );
  });

  it('is put together once, and then keeps no chunk', () => {
    const { data, gathered, chunks } = gather([5000, 5000]);
    const { bytes } = gathered;
    expect(gathered.bytes).toBe(bytes);
    expect(gathered.view(3, 9000).buffer).toBe(bytes.buffer);
    expect([gathered.head, gathered.headStart]).toEqual([bytes, 0]);
    expect(gathered.views(0, data.length).map(({ buffer }) => buffer)).toEqual([bytes.buffer]);
    expect(gathered.parts.map((part) => chunks.has(part.bytes))).toEqual([false]);
  });

  it('shows its first bytes where they came, when there are enough of them', () => {
    for (const [first, there] of [
      [15, false],
      [16, true],
    ] as const) {
      const { gathered, chunks } = gather([first, 5000]);
      expect(chunks.has(gathered.head)).toBe(there);
      expect(gathered.headStart).toBe(there ? 3 : 0);
    }
  });

  it('takes no more parts, and no more memory of its own, than the data is worth', () => {
    fc.assert(
      fc.property(SIZES, (sizes) => {
        const { data, parts, chunks } = gather(sizes);
        const own = parts.filter(({ bytes }) => !chunks.has(bytes)).reduce((sum, { bytes }) => sum + bytes.length, 0);
        expect(own).toBeLessThanOrEqual(2 * data.length);
        expect(parts.length).toBeLessThanOrEqual(3 + data.length / 512);
      }),
    );
    const bytewise = gather(new Array<number>(300_000).fill(1));
    expect(bytewise.parts.length).toBeLessThan(20);
  });

  it('copies small parts into buffers that double, up to 64 KiB', () => {
    const { parts } = gather(new Array<number>(190_000).fill(1));
    const lengths = parts.map(({ bytes, start, end }) => (start === 0 ? bytes.length : end - start));
    expect(lengths.slice(0, -2)).toEqual([1, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]);
    // Of what is left no more than there is, and the last one stays in its chunk.
    expect(lengths.slice(-2)).toEqual([190_000 - 1 - 130_048, 1]);
  });

  it('leaves large parts, the first and the last where they are', () => {
    const { parts, chunks } = gather([1, 5000, 10, 10, 5000, 1]);
    expect(parts.map(({ bytes, start, end }) => [chunks.has(bytes), end - start])).toEqual([
      [true, 1],
      [true, 5000],
      [false, 20],
      [true, 5000],
      [true, 1],
    ]);
  });
});

describe('what a parser leaves in parts', () => {
  /** What the parser tells, the data as they are; `parts` is how many elements came in parts. */
  function read(chunks: readonly Uint8Array[], options: MkvReaderOptions) {
    const told: string[] = [];
    const parts: number[] = [];
    const seen: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
    const handler: EbmlHandler<number> = {
      masterStart: (type, offset, headerSize, dataSize) => {
        told.push(`${type.id} ${offset} ${headerSize} ${dataSize}`);
        return offset;
      },
      masterEnd: (start, offset, truncated) => void told.push(`end ${start} ${offset} ${truncated}`),
      data: (type, offset, headerSize, dataSize, run, start) => {
        const header = run.headStart + start;
        if (header >= headerSize) seen.push({ offset, bytes: run.head.slice(header - headerSize, header) });
        if (run instanceof DataParts) parts.push(run.parts.length);
        const bytes = Buffer.from(concatBytes(run.views(start, dataSize)));
        told.push(`${type.id} ${offset} ${headerSize} ${bytes.toString('hex')}`);
        expect(bytes.compare(run.view(start, dataSize))).toBe(0);
      },
    };
    const parser = openMkvParser(handler, {
      ...options,
      onGap: ({ offset, length, reason }) => told.push(`gap ${offset} ${length} ${reason}`),
    });
    try {
      for (const chunk of chunks) parser.push(chunk);
      parser.end();
    } catch (error) {
      told.push(String(error));
    }
    return { told, parts, seen };
  }

  const OPTIONS = fc.record({ recover: fc.boolean(), verifyCrc: fc.boolean(), copyChunks: fc.boolean() });
  const LARGE = fc
    .array(fc.oneof(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 4000, max: 40_000 })), {
      maxLength: 8,
      size: 'max',
    })
    .map((sizes) => ({
      bytes: concatBytes([
        writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'webm')]),
        writeMaster(Mkv.Segment, [
          writeMaster(
            Mkv.Cluster,
            sizes.map((size) => writeElement(Mkv.SimpleBlock, noise(size, size))),
          ),
        ]),
      ]),
    }));
  const STREAMS = fc.oneof(arbitraryDocuments(), arbitraryKvsStream({ largestFrame: 9000 }), LARGE, LARGE);
  const SIZES = fc.array(fc.integer({ min: 1000, max: 8000 }), { minLength: 1, maxLength: 30, size: 'max' });

  it('is the same for every chunking, of whole, damaged and cut streams', () => {
    let parts = 0;
    fc.assert(
      fc.property(
        STREAMS,
        OPTIONS,
        fc.oneof(arbitraryChunking(), SIZES, SIZES),
        fc.option(fc.tuple(fc.nat(), fc.nat(255)), { freq: 1 }),
        fc.option(fc.nat(), { freq: 1 }),
        (stream, options, chunking, damage, cut) => {
          const bytes = stream.bytes.slice(0, cut === null ? undefined : cut % (stream.bytes.length + 1));
          if (damage !== null && bytes.length > 0) bytes[damage[0] % bytes.length] = damage[1];
          const chunks = split(bytes, chunking).map((chunk) => chunk.slice());
          const found = read(chunks, options);
          if (options.copyChunks) expect(found.parts).toEqual([]);
          parts += found.parts.length;
          expect(found.told).toEqual(read([bytes], options).told);
          // Where the header is said to lie before the data, it does.
          for (const { offset, bytes: header } of found.seen) {
            expect(Buffer.compare(header, bytes.subarray(offset, offset + header.length))).toBe(0);
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(parts).toBeGreaterThan(10);
  });

  /** A document that ends with an element of so many bytes; where its data begins. */
  function documentOf(type: EbmlElementType, size: number) {
    const header = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'webm')]);
    const space = writeElement(Mkv.Void, new Uint8Array(2000));
    const bytes = Buffer.concat([
      header,
      writeMaster(Mkv.Segment, [space, writeElement(type, type === Mkv.Title ? 'x'.repeat(size) : noise(size, 1))]),
    ]);
    return { bytes, start: bytes.length - size };
  }

  /** The chunks of such a document, cut at these places of the data; all in one buffer. */
  function cutOf(type: EbmlElementType, size: number, cuts: readonly number[]) {
    const { bytes, start } = documentOf(type, size);
    const places = [0, ...cuts.map((cut) => start + cut), bytes.length];
    return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
  }

  const copyOf = (bytes: Uint8Array) => new Uint8Array(bytes);

  it('is none of what lies in chunks behind each other in one buffer', () => {
    const cuts = [10, 2000, 3900];
    const chunks = cutOf(Mkv.Void, 5000, cuts);
    expect(read(chunks, {}).parts).toEqual([]);
    expect(read(chunks.map(copyOf), {}).parts).toEqual([4]);
    const [first, second, ...others] = chunks;
    if (first === undefined || second === undefined) throw new Error('no chunks');
    expect(read([first, copyOf(second), ...others], {}).parts).toEqual([3]);
  });

  it('is what is binary, large and does not begin in a small chunk', () => {
    /** In how many parts it comes, cut at these places of its data. */
    const partsOf = (type: EbmlElementType, size: number, cuts: readonly number[], options: MkvReaderOptions = {}) =>
      read(cutOf(type, size, cuts).map(copyOf), options).parts;
    expect(partsOf(Mkv.Void, 5000, [10])).toEqual([2]);
    expect(partsOf(Mkv.Void, 4096, [10])).toEqual([2]);
    expect(partsOf(Mkv.Void, 4095, [10])).toEqual([]);
    expect(partsOf(Mkv.Title, 5000, [10])).toEqual([]);
    expect(partsOf(Mkv.Void, 5000, [-100, 924])).toEqual([2]);
    expect(partsOf(Mkv.Void, 5000, [-100, 923])).toEqual([]);
    expect(partsOf(Mkv.Void, 5000, [10], { copyChunks: true })).toEqual([]);
  });

  it('is not what lies whole in the chunk behind its header', () => {
    const { bytes, start } = documentOf(Mkv.Void, 5000);
    const chunk = bytes.subarray(start);
    let run: DataRun | undefined;
    const parser = openMkvParser<undefined>(
      {
        masterStart: () => undefined,
        masterEnd: () => {},
        data: (_type, _offset, _headerSize, _dataSize, given) => {
          run = given;
        },
      },
      {},
    );
    parser.push(bytes.subarray(0, start));
    parser.push(chunk);
    expect(run).toBeInstanceOf(ByteRun);
    expect(run?.bytes).toBe(chunk);
  });
});

function bytesOf({ bytes, start, end }: { bytes: Uint8Array; start: number; end: number }): Uint8Array {
  return bytes.subarray(start, end);
}
