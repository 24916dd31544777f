import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  type ByteStream,
  type DocumentPart,
  Mkv,
  type MkvDocument,
  type MkvGap,
  type ReadDocumentsOptions,
  readDocumentParts,
  readDocuments,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { noise } from '../support/bytes.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { documentHead, fragmentInput, mergedDocument, numberOf } from '../support/kvs-documents.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';
import { chunksOf } from '../support/read-all.js';
import { describeNeeding } from '../support/tools.js';

const FRAGMENTS = [0, 1, 2].map((index) => writeGetMediaFragment(fragmentInput(index)));
const BODY = concatBytes(FRAGMENTS);

async function documentsOf(stream: ByteStream, options: ReadDocumentsOptions = {}): Promise<MkvDocument[]> {
  const documents: MkvDocument[] = [];
  for await (const document of readDocuments(stream, options)) documents.push(document);
  return documents;
}

async function partsOf(stream: ByteStream, options: ReadDocumentsOptions = {}): Promise<DocumentPart[]> {
  const parts: DocumentPart[] = [];
  for await (const part of readDocumentParts(stream, options)) parts.push(part);
  return parts;
}

const factsOf = ({ index, offset, length, truncated, metadata }: MkvDocument) => ({
  index,
  offset,
  length,
  truncated,
  number: metadata?.fragmentNumber,
});

describe('the documents of a stream', () => {
  it('are the fragments of a GetMedia body, byte for byte, in every chunking', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryKvsStream(), arbitraryChunking(), fc.boolean(), async (stream, chunking, recover) => {
        const documents = await documentsOf(split(stream.bytes, chunking), { recover });
        expect(documents.map(({ bytes }) => Buffer.from(bytes))).toEqual(
          stream.fragments.map(({ bytes }) => Buffer.from(bytes)),
        );
        let offset = 0;
        for (const [index, { input, bytes }] of stream.fragments.entries()) {
          const document = documents[index];
          expect(document).toMatchObject({ index, offset, length: bytes.length });
          expect(document?.metadata?.fragmentNumber).toBe(input.fragmentNumber);
          offset += bytes.length;
        }
      }),
      { numRuns: 60 },
    );
  });

  it('tell where they begin, how long they are, and of which fragment', async () => {
    const lengths = FRAGMENTS.map(({ length }) => length);
    const documents = await documentsOf(BODY);
    expect(documents.map(factsOf)).toEqual(
      lengths.map((length, index) => ({
        index,
        offset: lengths.slice(0, index).reduce((sum, each) => sum + each, 0),
        length,
        truncated: false,
        number: numberOf(index),
      })),
    );
    expect(documents[1]?.metadata?.tags.map(({ value }) => value)).toEqual(['1']);
    expect(documents[1]?.metadata?.continuationToken).toBe(numberOf(1));
  });

  it('lie in the chunks that they came in', async () => {
    const large = writeGetMediaFragment(
      fragmentInput(0, { timestamp: 0, blocks: [{ track: 1, timestamp: 0, frames: [noise(9000, 1)] }] }),
    );
    const [one] = await documentsOf(large);
    expect(one?.bytes.buffer).toBe(large.buffer);
    const chunks = Array.from(chunksOf(large, 4000), (chunk) => chunk.slice());
    const buffers = new Set<ArrayBufferLike>(chunks.map(({ buffer }) => buffer));
    const [several] = await documentsOf(chunks);
    const parts = several?.parts ?? [];
    expect(parts.filter(({ length }) => length > 1024).every(({ buffer }) => buffers.has(buffer))).toBe(true);
    expect(Buffer.compare(several?.bytes ?? new Uint8Array(0), large)).toBe(0);
    expect(several?.parts).toEqual([several?.bytes]);
    const reused = new Uint8Array(4000);
    const source = function* () {
      for (const chunk of chunks) {
        reused.set(chunk);
        yield reused.subarray(0, chunk.length);
      }
    };
    const [copied] = await documentsOf(source(), { copyChunks: true });
    expect(Buffer.compare(copied?.bytes ?? new Uint8Array(0), large)).toBe(0);
  });

  it('are those of any Matroska stream: several fragments in one, none at all, no EBML header, bytes between them', async () => {
    const merged = mergedDocument([0, 1].map((index) => fragmentInput(index)));
    const plain = concatBytes([documentHead(), writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0)])]);
    const bare = writeMaster(Mkv.Segment, [writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0)])]);
    const gap = writeElement(Mkv.Void, new Uint8Array(30));
    const input = concatBytes([plain, writeMaster(Mkv.EBML, []), bare, gap, bare, merged, writeMaster(Mkv.EBML, [])]);
    const documents = await documentsOf(chunksOf(input, 11));
    expect(documents.map(({ truncated }) => truncated)).toEqual([false, false, false, false, true]);
    const lengths = [plain.length, bare.length + gap.length + 5, bare.length, merged.length, 5];
    expect(documents.map(({ length }) => length)).toEqual(lengths);
    const numbers = documents.map(({ metadata }) => metadata?.fragmentNumber);
    expect(numbers).toEqual([undefined, undefined, undefined, numberOf(0), undefined]);
  });

  it('are none of an empty stream', async () => {
    expect(await documentsOf(new Uint8Array(0))).toEqual([]);
  });

  it('are given when the next one begins', async () => {
    const taken: number[] = [];
    const source = function* () {
      for (const [index, fragment] of [...FRAGMENTS.entries()]) {
        taken.push(index);
        yield fragment;
      }
    };
    const documents = readDocuments(source());
    await documents.next();
    expect(taken).toEqual([0, 1]);
  });
});

describe('a stream that is cut off', () => {
  it('has all of its bytes in documents, the last of them marked', async () => {
    const [first = 0, second = 0] = FRAGMENTS.map(({ length }) => length);
    for (let length = 0; length <= BODY.length; length += 1) {
      const input = BODY.subarray(0, length);
      const documents = await documentsOf(length % 2 === 0 ? [input] : chunksOf(input, 90), {
        recover: length % 3 === 0,
      });
      expect(Buffer.compare(concatBytes(documents.map(({ bytes }) => bytes)), input)).toBe(0);
      const whole = [0, first, first + second, BODY.length].includes(length);
      const marked = documents.map(({ truncated }) => truncated);
      expect(marked.slice(0, -1)).not.toContain(true);
      // The first fragment of a stream may be one that the service's Tags do not follow.
      const cut = length < first ? marked.at(-1) : !whole;
      expect(marked.at(-1) ?? false).toBe(cut ?? false);
    }
  });
});

it('begin in the same places in every chunking, also where an element before the last one is in doubt to the end', async () => {
  const segment = Uint8Array.of(0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  const unsized = concatBytes([segment, writeHeader(Mkv.Cluster, 120).subarray(0, 6)]);
  // What is of no known kind and not small may have swallowed what follows it: that is looked at first.
  const unknown = concatBytes([Uint8Array.of(0x56, 0x2c, 0x20, 0x34, 0x65), new Uint8Array(0x3465)]);
  const input = concatBytes([segment, unknown, unsized]);
  for (let cut = 0; cut < unsized.length; cut++) {
    const bytes = input.subarray(0, input.length - cut);
    for (const options of [{}, { verifyCrc: true }, { recover: true }]) {
      const whole = (await documentsOf([bytes], options)).map(factsOf);
      for (const size of [1, 7, 100])
        expect((await documentsOf(chunksOf(bytes, size), options)).map(factsOf)).toEqual(whole);
    }
  }
});

it('expectTrailingTags says whether a document without the Tags that end a fragment is whole', async () => {
  const plain = concatBytes([documentHead(), writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0)])]);
  const marked = async (expectTrailingTags: boolean | undefined) => {
    const documents = await documentsOf(concatBytes([plain, BODY, plain]), { expectTrailingTags });
    return documents.map(({ truncated }) => truncated);
  };
  expect(await marked(undefined)).toEqual([false, false, false, false, true]);
  expect(await marked(true)).toEqual([true, false, false, false, true]);
  expect(await marked(false)).toEqual([false, false, false, false, false]);
});

describe('a damaged stream', () => {
  const [first, second, third] = FRAGMENTS;
  if (first === undefined || second === undefined || third === undefined) throw new Error('no fragments');
  const junk = new Uint8Array(50);

  it('is an error behind the documents that are whole, and what has come of the next', async () => {
    const documents = readDocuments(concatBytes([first, second, junk, third]));
    expect(factsOf((await documents.next()).value ?? expect.fail())).toMatchObject({ index: 0, length: first.length });
    await expect(documents.next()).rejects.toMatchObject({ name: 'MkvParseError' });
    const parts: DocumentPart[] = [];
    const error: unknown = await (async () => {
      for await (const part of readDocumentParts(concatBytes([first, second, junk, third]))) parts.push(part);
    })().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'MkvParseError' });
    expect(parts.filter(({ isLast }) => isLast)).toHaveLength(1);
    expect(Buffer.compare(concatBytes(parts.map(({ bytes }) => bytes)), concatBytes([first, second]))).toBe(0);
  });

  it('has what is damaged in the document where it lies, marked; outside of documents it is told only', async () => {
    const gaps: MkvGap[] = [];
    const closed = concatBytes([
      writeMaster(Mkv.EBML, []),
      writeMaster(Mkv.Segment, [writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0)])]),
    ]);
    const input = concatBytes([junk, first, junk, second, closed, junk, third]);
    const options = { recover: true, expectTrailingTags: false, onGap: (gap: MkvGap) => void gaps.push(gap) };
    const documents = await documentsOf(input, options);
    expect(documents.map(({ offset, length, truncated }) => [offset, length, truncated])).toEqual([
      [50, first.length + 50, true],
      [100 + first.length, second.length, false],
      [100 + first.length + second.length, closed.length, false],
      [150 + first.length + second.length + closed.length, third.length, false],
    ]);
    expect(gaps.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 50],
      [50 + first.length, 50],
      [100 + first.length + second.length + closed.length, 50],
    ]);
  });

  it('has what is left of a document as one, marked', async () => {
    const cluster = Buffer.from(second).indexOf(Buffer.of(0x1f, 0x43, 0xb6, 0x75));
    const documents = await documentsOf(concatBytes([second.subarray(cluster), third]), { recover: true });
    expect(documents.map(({ length, truncated }) => [length, truncated])).toEqual([
      [second.length - cluster, true],
      [third.length, false],
    ]);
  });
});

describe('what is held', () => {
  /** A document that never ends, of Blocks of 100 kB. */
  function* endless() {
    yield concatBytes([documentHead(), writeHeader(Mkv.Cluster, undefined), writeElement(Mkv.Timestamp, 0)]);
    for (;;) yield writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x81, 0, 0, 0), new Uint8Array(100_000)]));
  }

  it('of a document is maxDocumentSize at the most', async () => {
    const error: unknown = await documentsOf(endless(), { maxDocumentSize: 1e6 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'MkvParseError', code: 'ElementTooLarge', offset: 0 });
    expect(await documentsOf(BODY, { maxDocumentSize: FRAGMENTS[0]?.length ?? 0 })).toHaveLength(3);
  });

  it('of parts is less than an element', async () => {
    let taken = 0;
    const source = function* () {
      for (const chunk of endless()) {
        taken += chunk.length;
        yield chunk;
      }
    };
    let given = 0;
    for await (const { bytes, document, isLast } of readDocumentParts(source())) {
      given += bytes.length;
      expect(taken - given).toBeLessThan(100_100);
      expect([document.length, isLast]).toEqual([given, false]);
      if (given > 3e6) break;
    }
  });

  it('leaves in parts as they come, but for an element that is not whole', async () => {
    const parts = await partsOf(chunksOf(BODY, 100));
    expect(parts.length).toBeGreaterThan(BODY.length / 110);
    expect(new Set(parts.map(({ document }) => document)).size).toBe(3);
  });
});

describeNeeding('captures', [CAPTURES], () => {
  it('are cut where their fragments begin', async () => {
    const bytes = captureBytes('output_get_media.mkv');
    const documents = await documentsOf(bytes);
    expect(documents.map(({ length }) => length)).toEqual([547_925, 492_514, 482_934, 489_206, 490_906]);
    const cut = await documentsOf(bytes.subarray(0, bytes.length - 1000));
    expect(cut.map(({ truncated }) => truncated)).toEqual([false, false, false, false, true]);
    expect(await documentsOf(captureBytes('test_mixed_tags.mkv'))).toHaveLength(10);
  });
});
