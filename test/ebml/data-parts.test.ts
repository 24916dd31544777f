import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataPart, DataParts, joinParts } from '../../src/ebml/data-parts.js';
import type { EbmlHandler } from '../../src/ebml/handler.js';
import { writeElement, writeMaster } from '../../src/ebml/writer.js';
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
  return { data, parts: gathered.parts, chunks };
}

describe('data in parts', () => {
  it('is the data', () => {
    fc.assert(
      fc.property(SIZES, fc.nat(), (sizes, some) => {
        const { data, parts } = gather(sizes);
        expect(Buffer.compare(bytesOf(joinParts(parts, data.length)), data)).toBe(0);
        const length = some % (data.length + 1);
        expect(Buffer.compare(bytesOf(joinParts(parts, length)), data.subarray(0, length))).toBe(0);
      }),
    );
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

describe('a parser whose handler takes parts', () => {
  const TYPES = new Set([Mkv.SimpleBlock, Mkv.Block, Mkv.SegmentUUID, Mkv.TagString, Mkv['CRC-32'], Mkv.DocType]);

  /** What the parser tells, the data as they are; `parts` is how many elements came in parts. */
  function read(chunks: readonly Uint8Array[], options: MkvReaderOptions, inParts: boolean) {
    const told: string[] = [];
    let parts = 0;
    const tell = (id: number, offset: number, headerSize: number, bytes: Uint8Array) =>
      told.push(`${id} ${offset} ${headerSize} ${Buffer.from(bytes).toString('hex')}`);
    const handler: EbmlHandler<number> = {
      masterStart: (type, offset, headerSize, dataSize) => {
        told.push(`${type.id} ${offset} ${headerSize} ${dataSize}`);
        return offset;
      },
      masterEnd: (start, offset, truncated) => void told.push(`end ${start} ${offset} ${truncated}`),
      data: (type, offset, headerSize, dataSize, { bytes }, start) => {
        tell(type.id, offset, headerSize, bytes.subarray(start, start + dataSize));
        if (start >= headerSize) seen.push({ offset, bytes: bytes.subarray(start - headerSize, start) });
      },
      inParts: inParts
        ? {
            types: TYPES,
            gather: (size) => new DataParts(size),
            data: (type, offset, headerSize, dataSize, given: readonly DataPart[]) => {
              parts++;
              expect(given.length).toBeGreaterThan(0);
              tell(type.id, offset, headerSize, bytesOf(joinParts(given, dataSize)));
              const first = given[0];
              if (first !== undefined && first.start >= headerSize) {
                seen.push({ offset, bytes: first.bytes.subarray(first.start - headerSize, first.start) });
              }
            },
          }
        : undefined,
    };
    const seen: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
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

  const OPTIONS = fc.record({ recover: fc.boolean(), verifyCrc: fc.boolean() });
  const STREAMS = fc.oneof(arbitraryDocuments(), arbitraryKvsStream({ largestFrame: 9000 }));

  it('tells it the same for every chunking, of whole, damaged and cut streams', () => {
    let parts = 0;
    fc.assert(
      fc.property(
        STREAMS,
        OPTIONS,
        arbitraryChunking(),
        fc.option(fc.tuple(fc.nat(), fc.nat(255))),
        fc.option(fc.nat()),
        (stream, options, chunking, damage, cut) => {
          const bytes = stream.bytes.slice(0, cut === null ? undefined : cut % (stream.bytes.length + 1));
          if (damage !== null && bytes.length > 0) bytes[damage[0] % bytes.length] = damage[1];
          const chunks = split(bytes, chunking).map((chunk) => chunk.slice());
          const found = read(chunks, options, true);
          parts += found.parts;
          expect(found.told).toEqual(read([bytes], options, false).told);
          // Where the header is said to lie before the data, it does.
          for (const { offset, bytes: header } of found.seen) {
            expect(Buffer.compare(header, bytes.subarray(offset, offset + header.length))).toBe(0);
          }
        },
      ),
      { numRuns: 100 },
    );
    expect(parts).toBeGreaterThan(50);
  });

  it('gives only what spans chunks in parts, and nothing when chunks are copied', () => {
    const header = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'webm')]);
    const block = writeElement(Mkv.SimpleBlock, noise(5000, 1));
    const cluster = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), block]);
    const bytes = Buffer.concat([header, writeMaster(Mkv.Segment, [cluster])]);
    const whole = read([bytes], {}, true);
    expect(whole.parts).toBe(0);
    const halves = [bytes.subarray(0, 2000), bytes.subarray(2000)];
    expect(read(halves, {}, true)).toMatchObject({ told: whole.told, parts: 1 });
    expect(read(halves, { copyChunks: true }, true)).toMatchObject({ told: whole.told, parts: 0 });
    // What the parser itself has to read is put together all the same.
    expect(read([bytes.subarray(0, 11), bytes.subarray(11)], {}, true)).toMatchObject({ told: whole.told, parts: 0 });
  });
});

function bytesOf({ bytes, start, end }: DataPart): Uint8Array {
  return bytes.subarray(start, end);
}
