import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  MKV_SCHEMA,
  Mkv,
  MkvParseError,
  type MkvReaderOptions,
  type OutputRewrite,
  type OutputSegmentMergerOptions,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { writeTags } from '../../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../../src/testing/track-writer.js';
import { TRACKS } from '../support/kvs-documents.js';
import { readChunks } from '../support/read-all.js';

// Whether the reader accepts an element of unknown id can depend on what stands behind it and around it, which merging changes.

const block = (size: number, head = 0x81) =>
  writeElement(Mkv.SimpleBlock, Uint8Array.of(head, 0, 1, 0x80, ...new Uint8Array(size)));
const unknown = (id: readonly number[], data: Uint8Array) =>
  concatBytes([Uint8Array.from(id), Uint8Array.of(0x40 | (data.length >> 8), data.length & 0xff), data]);

/** Data of an element of unknown id, of which the last element goes on `beyond` bytes past the end. */
const DATA: Record<string, (beyond: number) => Uint8Array> = {
  'nothing to see': (beyond) => new Uint8Array(beyond % 7).fill(0x11),
  'a Block': (beyond) => Uint8Array.of(0xa3, 0x80 | (4 + beyond), 0x81, 0, 0, 0x80),
  Blocks: (beyond) =>
    Uint8Array.of(
      7,
      0xa3,
      0x84,
      0x81,
      0,
      0,
      0x80,
      0xa3,
      0x84,
      0x81,
      0,
      0,
      0x80,
      0xa3,
      0x80 | (4 + beyond),
      0x81,
      0,
      0,
      0x80,
    ),
  'a Timestamp at the very end': () => Uint8Array.of(1, 2, 0xe7),
  'a Cluster': (beyond) => Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, 0x80 | (3 + beyond), 0xe7, 0x81, 0),
  'a Cluster of unknown size': (beyond) =>
    Uint8Array.of(3, 0x1f, 0x43, 0xb6, 0x75, 0xff, 0xe7, 0x81, 0, 0xa3, 0x80 | (4 + beyond), 0x81, 0, 0, 0x80),
  'an EBML header': (beyond) => Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 0x80 | (4 + beyond), 0x42, 0x86, 0x81, 1),
  'an EBML header with a Segment': (beyond) =>
    concatBytes([
      writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'webm')]),
      writeHeader(Mkv.Segment, 3 + beyond),
      Uint8Array.of(0xec, 0x80 | (1 + beyond), 0),
    ]),
  'the beginning of a Cluster at the very end': () => Uint8Array.of(9, 0x1f, 0x43, 0xb6),
  text: () => new TextEncoder().encode('{"message": "this is not found"}'),
};

const IDS = [[0xde], [0x2f, 0x32, 0xd9], [0x4f, 0xe1], [0x1d, 0x44, 0xb6, 0x71], [0xd2]].filter(
  (id) => !MKV_SCHEMA.has(id.reduce((sum, byte) => sum * 256 + byte)),
);

const arbitraryUnknown = fc
  .tuple(fc.constantFrom(...IDS), fc.constantFrom(...Object.values(DATA)), fc.nat({ max: 50 }))
  .map(([id, data, beyond]) => unknown(id, data(beyond)));
const arbitraryVoid = fc.nat({ max: 20 }).map((size) => writeElement(Mkv.Void, new Uint8Array(size)));
const arbitraryBlock = fc
  .tuple(fc.nat({ max: 20 }), fc.constantFrom(0x81, 0x82, 0x40))
  .map(([size, head]) => block(size, head));

/** Some of them with others between. */
const withUnknown = (others: fc.Arbitrary<Uint8Array>, maxLength = 4) =>
  fc
    .array(fc.oneof({ weight: 2, arbitrary: arbitraryUnknown }, { weight: 1, arbitrary: others }), { maxLength })
    .map((parts) => concatBytes(parts));

const inTags = withUnknown(arbitraryVoid).map((within) =>
  writeMaster(Mkv.Tags, [
    writeMaster(Mkv.Tag, [writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'a'), within]), within]),
    within,
  ]),
);
const inGroup = withUnknown(arbitraryVoid).map((within) =>
  writeMaster(Mkv.BlockGroup, [within, writeElement(Mkv.Block, Uint8Array.of(0x81, 0, 1, 0, 5)), within]),
);
const betweenClusters = withUnknown(
  fc.oneof(
    arbitraryVoid,
    arbitraryBlock,
    inTags,
    fc.constant(writeTags([['a', 'b']])),
    fc.constant(writeMaster(Mkv.Cues, [writeMaster(Mkv.CuePoint, [writeElement(Mkv.CueTime, 1)])])),
    fc.constant(writeMaster(Mkv.Tag, [])),
    withUnknown(arbitraryVoid).map((within) =>
      writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, 1_000_000), within]),
    ),
  ),
);
const cluster = fc
  .record({
    time: fc.nat({ max: 40 }),
    before: withUnknown(arbitraryVoid, 2),
    after: withUnknown(fc.oneof(arbitraryVoid, arbitraryBlock, inGroup, fc.constant(writeElement(Mkv.CueTime, 1))), 6),
    size: fc.constantFrom('right', 'right', 'unknown', 'in its Timestamp', 'short', 'long', 'too long to be believed'),
  })
  .map(({ time, before, after, size }) => {
    const timestamp = concatBytes([Uint8Array.of(0xe7, 0x40, 2), Uint8Array.of(0, time)]);
    const content = concatBytes([before, timestamp, after]);
    const sizes: Record<string, number | undefined> = {
      right: content.length,
      'in its Timestamp': before.length + 4,
      short: content.length - 1,
      long: content.length + 30,
      'too long to be believed': 2 ** 30,
    };
    return concatBytes([writeHeader(Mkv.Cluster, sizes[size]), content]);
  });
const document = fc
  .record({
    root: withUnknown(arbitraryVoid, 1),
    inHeader: withUnknown(arbitraryVoid, 1),
    before: withUnknown(arbitraryVoid, 2),
    inTracks: withUnknown(arbitraryVoid, 2),
    clusters: fc.array(fc.tuple(betweenClusters, cluster), { minLength: 1, maxLength: 3 }),
    behind: betweenClusters,
    size: fc.constantFrom('right', 'unknown', 'unknown', 'short'),
    hasEbml: fc.boolean(),
  })
  .map(({ root, inHeader, before, inTracks, clusters, behind, size, hasEbml }) => {
    const tracks = TRACKS.map(writeTrackEntry);
    const content = concatBytes([before, writeMaster(Mkv.Tracks, [...tracks, inTracks]), ...clusters.flat(), behind]);
    const sizes: Record<string, number | undefined> = { right: content.length, short: Math.floor(content.length / 2) };
    const ebml = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska'), inHeader]);
    return concatBytes([hasEbml ? ebml : new Uint8Array(0), root, writeHeader(Mkv.Segment, sizes[size]), content]);
  });
const stream = fc.array(document, { minLength: 1, maxLength: 2 }).map((documents) => concatBytes(documents));

const OPTIONS: readonly (OutputSegmentMergerOptions & { recover?: boolean })[] = [
  {},
  { recover: true },
  { packClusters: true, keepPositions: true },
  { packClusters: true, recover: true },
  { keepPositions: true, startAtZero: true },
  { mergeOn: [Mkv.Tracks] },
  { mergeOn: [Mkv.Info, Mkv.Tracks], recover: true },
  { stopAtFirstNonMatchingSegment: true },
];

/** What merging makes of what comes before an error, closed; `undefined` where nothing is accepted. */
function mergeClosed(
  input: Uint8Array,
  options: OutputSegmentMergerOptions & { recover?: boolean },
  isSeekable: boolean,
) {
  const rewrites: OutputRewrite[] = [];
  const seekable = isSeekable ? (rewrite: OutputRewrite) => void rewrites.push(rewrite) : undefined;
  const merger = new ChunkMerger({ ...options, ...(seekable && { seekable }) });
  const parts: Uint8Array[] = [];
  try {
    parts.push(...merger.push(input));
    parts.push(...merger.end());
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
  }
  parts.push(...merger.closeTruncated());
  if (isSeekable) parts.push(...merger.finish());
  const bytes = concatBytes(parts);
  for (const { position, bytes: other } of rewrites) bytes.set(other, position);
  return bytes;
}

const readStrictly = (bytes: Uint8Array) => [...readChunks([bytes], { strict: true })];

describe('elements of unknown id', () => {
  it('make nothing that a strict reader refuses, whatever is in them, wherever they stand and the input ends', () => {
    fc.assert(
      fc.property(stream, fc.constantFrom(...OPTIONS), fc.boolean(), fc.nat(), (bytes, options, isSeekable, seed) => {
        for (let end = bytes.length; end > 0; end -= 1 + (seed % 13)) {
          const output = mergeClosed(bytes.subarray(0, end), options, isSeekable && options.keepPositions !== true);
          expect(() => readStrictly(output)).not.toThrow();
        }
      }),
      { numRuns: 40 },
    );
  });

  const head = [writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]), writeHeader(Mkv.Segment, undefined)];
  const told = (input: Uint8Array, options: MkvReaderOptions = {}) => {
    const left: string[] = [];
    const merger = new ChunkMerger({
      ...options,
      onLeftOut: ({ offset, message }) => left.push(`${offset} ${message}`),
    });
    const bytes = concatBytes([...merger.push(input), ...merger.end(), ...merger.closeTruncated()]);
    expect(merger.merger.counters.elementsLeftOut).toBe(left.length);
    readStrictly(bytes);
    return { bytes, left };
  };
  const swallowing = unknown([0xde], DATA['Blocks']?.(40) ?? new Uint8Array(0));
  const other = unknown([0xd2], new Uint8Array(4));
  const at = writeElement(Mkv.Timestamp, 3);
  const REASON = 'is left out: where it would be written, a reader may take it for a damaged element';

  it('are written as they came where something plain to see follows', () => {
    const input = concatBytes([...head, writeMaster(Mkv.Cluster, [at, swallowing, block(3), other, swallowing])]);
    expect(told(input)).toEqual({ bytes: input, left: [] });
    const group = writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, Uint8Array.of(0x81, 0, 1, 0, 5))]);
    const grouped = concatBytes([...head, writeMaster(Mkv.Cluster, [at, swallowing, group, other])]);
    expect(told(grouped)).toEqual({ bytes: grouped, left: [] });
  });

  it('are left out where one stands behind another that has elements which go on past its end, and that is told', () => {
    for (const between of [[], [writeElement(Mkv.Void, new Uint8Array(2))], [block(3, 0x40)]]) {
      const content = [at, swallowing, ...between, other];
      const input = concatBytes([...head, writeMaster(Mkv.Cluster, [...content, block(1)])]);
      const offset = concatBytes([...head, ...content]).length + 5 - other.length;
      const { bytes, left } = told(input);
      expect(left).toEqual([`${offset} Segment/Cluster/0xd2 ${REASON}`]);
      expect(bytes.length).toBe(input.length);
    }
  });

  it('are left out in a Segment, behind a Cluster that they would become part of, and in masters', () => {
    const cluster = concatBytes([writeHeader(Mkv.Cluster, undefined), at, swallowing]);
    expect(told(concatBytes([...head, swallowing, cluster])).left).toEqual([
      `${concatBytes(head).length} Segment/0xde ${REASON}`,
    ]);
    const next = concatBytes([...head, other, other, writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 9)])]);
    expect(told(concatBytes([...head, cluster, other])).left).toEqual([
      `${concatBytes([...head, cluster]).length} Segment/Cluster/0xd2 ${REASON}`,
    ]);
    // Those before the first Cluster of a document that is merged are held as one.
    const merger = new ChunkMerger();
    merger.push(concatBytes([...head, cluster, next]));
    expect(merger.merger.counters).toMatchObject({ documentsOut: 1, elementsLeftOut: 2 });
    const tag = writeMaster(Mkv.Tag, [unknown([0xde], DATA['a Cluster']?.(9) ?? new Uint8Array(0)), other]);
    expect(told(concatBytes([...head, writeMaster(Mkv.Tags, [tag]), cluster])).left).toHaveLength(1);
  });

  it('are accepted before megabytes of elements that are only possible, with recovery and without', () => {
    const far = new Uint8Array(5 << 20);
    const input = concatBytes([
      ...head,
      writeMaster(Mkv.Cluster, [at, swallowing, writeElement(Mkv.Void, far), other]),
    ]);
    for (const recover of [false, true]) {
      const names = [...readChunks([input], { recover })].map(({ type }) => type.id);
      expect(names).toContain(0xde);
      expect(names).toContain(0xd2);
    }
  });
});
