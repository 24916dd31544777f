import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FragmentReader, type ReadFragment } from '../../src/client/fragment-reader.js';
import { concatBytes, writeElement, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { writeServiceTags, writeTrailingTags } from '../../src/testing/get-media-writer.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { identify, storedStream } from './support/stored-stream.js';

/** What a reader makes of a body. */
function read(body: Uint8Array, chunking: readonly number[] = []): ReadFragment[] {
  const reader = new FragmentReader({ verifyCrc: false, keepDocuments: true });
  const found: ReadFragment[] = [];
  const drain = () => {
    for (let next = reader.next(); next !== undefined; next = reader.next()) found.push(next);
  };
  for (const chunk of split(body, chunking)) {
    reader.push(chunk);
    drain();
  }
  reader.end();
  drain();
  return found;
}

/** The beginning of a document, up to its Cluster. */
function beforeCluster(): Uint8Array {
  const [{ bytes } = { bytes: new Uint8Array(0) }] = storedStream({ count: 1 });
  return bytes.subarray(0, Buffer.from(bytes).indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75)));
}

describe('FragmentReader', () => {
  it('gives each fragment with the bytes of its document, without what the producer has put behind it', () => {
    const fragments = storedStream({ count: 5 });
    const padding = writeElement(Mkv.Void, new Uint8Array(9));
    const body = concatBytes(fragments.flatMap(({ bytes }) => [bytes, padding]));
    fc.assert(
      fc.property(arbitraryChunking(), (chunking) => {
        const found = read(body, chunking);
        expect(found.map(({ fragment }) => identify(fragment))).toEqual(fragments.map(({ identity }) => identity));
        const same = found.map(({ document }, index) => Buffer.concat(document).equals(fragments[index]!.bytes));
        expect(same).toEqual([true, true, true, true, true]);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the bytes of fragments only that have not ended, also where they share a document', () => {
    const numbers = Array.from({ length: 300 }, (_, index) => String(index + 1));
    const cluster = (index: number) =>
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, index),
        writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x81, 0, 0, 0), new Uint8Array(1_000_000)])),
      ]);
    const start = beforeCluster();
    const reader = new FragmentReader({ verifyCrc: false, keepDocuments: true });
    let documents = 0;
    const push = (bytes: Uint8Array) => {
      reader.push(bytes);
      for (let next = reader.next(); next !== undefined; next = reader.next()) documents++;
    };
    push(start);
    // Each fragment ends with the Tags of the service behind its frames.
    for (const [index, number] of numbers.entries()) {
      push(cluster(index));
      push(writeTrailingTags({ continuationToken: number, millisBehindNow: 0 }));
      push(writeServiceTags({ fragmentNumber: `${number}0` }));
    }
    expect(documents).toBe(300);
  });

  it('does not keep bytes for ever where no fragment ends', () => {
    const start = beforeCluster();
    const padding = writeElement(Mkv.Void, new Uint8Array(1 << 20));
    const feed = (keepDocuments: boolean) => {
      const reader = new FragmentReader({ verifyCrc: false, keepDocuments });
      for (const chunk of [start, ...Array.from({ length: 300 }, () => padding)]) {
        reader.push(chunk);
        expect(reader.next()).toBeUndefined();
      }
    };
    expect(() => feed(true)).toThrow(expect.objectContaining({ code: 'ElementTooLarge' }));
    feed(false);
  });

  it('tells how sure it is of the last fragment', () => {
    const [whole] = storedStream({ count: 1 });
    const [bare] = storedStream({ count: 1, bare: true });
    expect(read(whole!.bytes).map(({ state }) => state)).toEqual(['whole']);
    expect(read(bare!.bytes).map(({ state }) => state)).toEqual(['open']);
    expect(read(concatBytes([bare!.bytes, bare!.bytes])).map(({ state }) => state)).toEqual(['whole', 'open']);
    expect(read(bare!.bytes.subarray(0, -1)).map(({ state }) => state)).toEqual(['cut']);
  });
});
