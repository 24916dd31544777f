import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FragmentReader, type ReadFragment } from '../../src/client/fragment-reader.js';
import { concatBytes, writeElement } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
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

  it('tells how sure it is of the last fragment', () => {
    const [whole] = storedStream({ count: 1 });
    const [bare] = storedStream({ count: 1, bare: true });
    expect(read(whole!.bytes).map(({ state }) => state)).toEqual(['whole']);
    expect(read(bare!.bytes).map(({ state }) => state)).toEqual(['open']);
    expect(read(concatBytes([bare!.bytes, bare!.bytes])).map(({ state }) => state)).toEqual(['whole', 'open']);
    expect(read(bare!.bytes.subarray(0, -1)).map(({ state }) => state)).toEqual(['cut']);
  });
});
