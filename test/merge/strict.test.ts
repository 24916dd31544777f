import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  type EbmlElementType,
  Mkv,
  type MkvDataType,
  type MkvReaderOptions,
  mergeSeekable,
  type OutputSegmentMergerOptions,
  readFrames,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { writeCrcElement } from '../../src/testing/crc-element.js';
import { writeGetMediaFragment, writeTags } from '../../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../../src/testing/track-writer.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { clusterOf, documentHead, fragmentInput, TRACKS } from '../support/kvs-documents.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';
import { readChunks } from '../support/read-all.js';
import { countElements, merge } from './merging.js';

const NOTHING = new Uint8Array(0);
const SEGMENT = writeHeader(Mkv.Segment, undefined, { sizeLength: 8 });
const ENTRIES = TRACKS.map(writeTrackEntry);
const [VIDEO = NOTHING, AUDIO = NOTHING] = ENTRIES;
const SCALE = writeElement(Mkv.TimestampScale, 2_000_000);
const block = (time: number, value = time, track = 1) =>
  writeElement(Mkv.SimpleBlock, Uint8Array.of(0x80 | track, 0, time, 0x80, value));
const groupOf = (...children: Uint8Array[]) => writeMaster(Mkv.BlockGroup, children);
const inGroup = (time: number) => writeElement(Mkv.Block, Uint8Array.of(0x81, 0, time, 0, time));
const at = (time: number) => writeElement(Mkv.Timestamp, time);
/** An element whose size says something else than what follows. */
const sized = (type: EbmlElementType, size: number | undefined, ...children: Uint8Array[]) =>
  concatBytes([writeHeader(type, size), ...children]);
/** A number with more bytes than numbers have. */
const overlong = (type: EbmlElementType) => concatBytes([writeHeader(type, 9), new Uint8Array(9)]);
const cuePoint = (time: number) => writeMaster(Mkv.CuePoint, [writeElement(Mkv.CueTime, time)]);
const header = (...children: Uint8Array[]) =>
  writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska'), ...children]);
const says = (type: MkvDataType, value: number | string) => header(writeElement(type, value));

const HEADERS: Record<string, Uint8Array> = {
  plain: header(),
  'no EBML header': NOTHING,
  'another DocType': says(Mkv.DocType, 'avi'),
  'an EBMLMaxIDLength of 2': says(Mkv.EBMLMaxIDLength, 2),
  'an EBMLReadVersion of 2': says(Mkv.EBMLReadVersion, 2),
  'an EBMLMaxSizeLength of 8, twice': header(...[8, 8].map((size) => writeElement(Mkv.EBMLMaxSizeLength, size))),
  'an EBML header of unknown size': sized(Mkv.EBML, undefined, writeElement(Mkv.DocType, 'webm')),
  'an EBMLVersion of 9 bytes': header(overlong(Mkv.EBMLVersion)),
};
const INFOS: Record<string, Uint8Array> = {
  plain: writeMaster(Mkv.Info, [SCALE]),
  'no Info': NOTHING,
  'two scales': writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, 5), SCALE]),
  'two Infos': concatBytes([writeMaster(Mkv.Info, [writeElement(Mkv.Title, 'x')]), writeMaster(Mkv.Info, [SCALE])]),
  'Info of unknown size': sized(Mkv.Info, undefined, SCALE),
  'a track number in Info': writeMaster(Mkv.Info, [
    writeElement(Mkv.TrackNumber, 1),
    SCALE,
    writeElement(Mkv.Duration, 5),
  ]),
  'an Info that is too short': sized(Mkv.Info, 5, SCALE),
  'an Info that ends within its Duration': sized(Mkv.Info, SCALE.length + 5, SCALE, writeElement(Mkv.Duration, 5)),
  'an Info that ends within a Duration of 9 bytes': sized(Mkv.Info, SCALE.length + 5, SCALE, overlong(Mkv.Duration)),
  'a DateUTC of 9 bytes': writeMaster(Mkv.Info, [overlong(Mkv.DateUTC), SCALE]),
};
const TRACKS_OF: Record<string, Uint8Array> = {
  plain: writeMaster(Mkv.Tracks, ENTRIES),
  'the same Tracks twice': concatBytes([writeMaster(Mkv.Tracks, ENTRIES), writeMaster(Mkv.Tracks, ENTRIES)]),
  'tracks in two Tracks': concatBytes([writeMaster(Mkv.Tracks, [VIDEO]), writeMaster(Mkv.Tracks, [AUDIO])]),
  'Tracks of unknown size': sized(Mkv.Tracks, undefined, ...ENTRIES),
  'Tracks that are too short': sized(Mkv.Tracks, VIDEO.length - 3, VIDEO),
  'a Cue in Tracks': writeMaster(Mkv.Tracks, [...ENTRIES, writeElement(Mkv.CueTime, 1)]),
  'two names': writeMaster(Mkv.Tracks, [
    writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 2),
      writeElement(Mkv.TrackNumber, 1),
      writeElement(Mkv.CodecID, 'V_VP8'),
    ]),
  ]),
};
const BETWEEN: Record<string, Uint8Array> = {
  nothing: NOTHING,
  Tags: writeTags([['a', 'b']]),
  'Tags of unknown size': sized(Mkv.Tags, undefined, writeMaster(Mkv.Tag, [])),
  'Tags that are too short': sized(Mkv.Tags, 2, writeTags([['a', 'b']]).subarray(5)),
  'a tag with two names': writeMaster(Mkv.Tags, [
    writeMaster(Mkv.Tag, [
      writeMaster(
        Mkv.SimpleTag,
        ['a', 'b'].map((name) => writeElement(Mkv.TagName, name)),
      ),
    ]),
  ]),
  'a CueTime': writeElement(Mkv.CueTime, 3),
};
const BEHIND: Record<string, Uint8Array> = {
  ...BETWEEN,
  'a Block': block(7),
  'a BlockGroup': groupOf(inGroup(8)),
  'a BlockGroup of unknown size': sized(Mkv.BlockGroup, undefined, inGroup(9), writeElement(Mkv.BlockDuration, 2)),
  'Cues, twice': concatBytes([1, 2].map((time) => writeMaster(Mkv.Cues, [cuePoint(time)]))),
  'the same Tracks again': writeMaster(Mkv.Tracks, ENTRIES),
};
const lying = (size: number, ...children: Uint8Array[]) => sized(Mkv.Cluster, size, ...children);
const clusterWith = (...children: Uint8Array[]) => writeMaster(Mkv.Cluster, children);
const CLUSTERS: Record<string, (time: number) => Uint8Array> = {
  plain: (time) => clusterWith(at(time), block(1), block(2, 2, 2)),
  'of unknown size': (time) => sized(Mkv.Cluster, undefined, at(time), block(1), writeElement(Mkv.BlockDuration, 7)),
  'a BlockDuration among Blocks': (time) =>
    clusterWith(at(time), block(1), writeElement(Mkv.BlockDuration, 7), block(2)),
  'two Timestamps': (time) => clusterWith(at(time), block(1), at(time), block(2)),
  'two different Timestamps': (time) => clusterWith(at(time), block(1), at(time + 5), block(2), groupOf(inGroup(3))),
  'a second Timestamp that goes back': (time) => clusterWith(at(time + 5), block(1), at(time), block(2), block(3)),
  'a second Timestamp far ahead, and a third': (time) =>
    clusterWith(at(time), block(1), at(time + 90), groupOf(inGroup(3)), at(time + 7), block(2)),
  'two Timestamps before Blocks': (time) =>
    clusterWith(at(time), at(time + 5), writeElement(Mkv.Position, 3), block(2)),
  'two Positions, and one of 9 bytes': (time) =>
    clusterWith(
      at(time),
      overlong(Mkv.Position),
      writeElement(Mkv.Position, 3),
      writeElement(Mkv.Position, 4),
      block(2),
    ),
  'ends within a Block': (time) => lying(at(time).length + block(1).length - 3, at(time), block(1), block(2)),
  'ends a byte behind a Block': (time) => lying(at(time).length + block(1).length + 1, at(time), block(1), block(2)),
  'ends within its Timestamp': (time) => lying(1, at(time), block(1)),
  'ends within a BlockGroup': (time) => lying(9, at(time), groupOf(inGroup(4)), block(5)),
  'a BlockGroup of unknown size': (time) =>
    clusterWith(at(time), sized(Mkv.BlockGroup, undefined, inGroup(4)), block(5)),
  'a BlockGroup that is too short': (time) => clusterWith(at(time), sized(Mkv.BlockGroup, 3, inGroup(4)), block(5)),
  'a BlockGroup with two Blocks': (time) => clusterWith(at(time), groupOf(inGroup(3), inGroup(4)), block(5)),
  'a BlockGroup with a TrackNumber': (time) =>
    clusterWith(at(time), groupOf(writeElement(Mkv.TrackNumber, 1), inGroup(4)), block(5)),
};

/** What is not in its place is read all the same; what is told of it is not looked at here. */
async function frames(bytes: Uint8Array) {
  const found: [number, number, string, string][] = [];
  for await (const { timestamp, data, track } of readFrames(bytes)) {
    found.push([timestamp, track.number, track.codecId ?? '', Buffer.from(data).toString('hex')]);
  }
  return found;
}

const readStrictly = (bytes: Uint8Array, options: MkvReaderOptions = {}) => [
  ...readChunks([bytes], { strict: true, ...options }),
];

async function expectStrict(input: Uint8Array, isCut = false): Promise<void> {
  expect(() => [...readChunks([input])]).not.toThrow();
  const before = await frames(input);
  for (const options of [{}, { packClusters: true }, { startAtZero: true }, { keepPositions: true }]) {
    const { bytes, merger } = merge(input, options);
    expect(merger.truncated).toBe(isCut);
    expect(() => readStrictly(bytes, { verifyCrc: true })).not.toThrow();
    const after = await frames(bytes);
    const times = !('packClusters' in options || 'startAtZero' in options);
    expect(times ? after : after.map((frame) => frame.slice(1))).toEqual(
      times ? before : before.map((frame) => frame.slice(1)),
    );
    expect(merger.counters.frames).toBe(before.length);
    expect(merger.counters.clustersDropped).toBe(0);
    // Those of a fragment are repeated where another document begins within it.
    expect(countElements(bytes)['Tags'] ?? 0).toBeGreaterThanOrEqual(countElements(input)['Tags'] ?? 0);
    // It is right now, and stays what it is; Blocks that get a Cluster of their own are packed like others then.
    if (!('packClusters' in options)) expect(Buffer.compare(merge(bytes, options).bytes, bytes)).toBe(0);
  }
  expect(() => readStrictly(merge(input).bytes)).not.toThrow();
  const seekable = await mergeSeekable(input);
  expect(() => readStrictly(seekable)).not.toThrow();
  expect(await frames(seekable)).toEqual(before);
  expect(Buffer.compare(merge(input, { mergeOn: [] }).bytes, input)).toBe(0);
}

const documentOf = (parts: readonly (Uint8Array | undefined)[]) =>
  concatBytes(parts.flatMap((part) => (part === undefined ? [] : [part])));

describe('what is accepted with a warning makes what a strict reader accepts, with all frames', () => {
  const plain = CLUSTERS['plain']?.(3);
  it.each(Object.keys(HEADERS))('header: %s', (name) =>
    expectStrict(documentOf([HEADERS[name], SEGMENT, TRACKS_OF['plain'], plain])),
  );
  it.each(Object.keys(INFOS))('Info: %s', (name) =>
    expectStrict(documentOf([header(), SEGMENT, INFOS[name], TRACKS_OF['plain'], plain])),
  );
  it.each(Object.keys(TRACKS_OF))('Tracks: %s', (name) =>
    expectStrict(documentOf([header(), SEGMENT, TRACKS_OF[name], plain])),
  );
  it.each(Object.keys(BEHIND))('behind a Cluster: %s', (name) =>
    expectStrict(documentOf([header(), SEGMENT, TRACKS_OF['plain'], plain, BEHIND[name]])),
  );
  it.each(Object.keys(CLUSTERS))('Cluster: %s', (name) =>
    expectStrict(documentOf([header(), SEGMENT, TRACKS_OF['plain'], CLUSTERS[name]?.(3), CLUSTERS[name]?.(40)])),
  );
  it('a Segment that is too short', () =>
    expectStrict(
      documentOf([
        header(),
        sized(Mkv.Segment, 20),
        TRACKS_OF['plain'],
        plain,
        BETWEEN['Tags'],
        CLUSTERS['plain']?.(50),
      ]),
    ));

  it('a Cluster that is too large to be believed', () =>
    expectStrict(
      documentOf([
        header(),
        SEGMENT,
        TRACKS_OF['plain'],
        clusterWith(at(1), block(1)),
        sized(Mkv.Cluster, 2 ** 30, at(3), block(1), writeElement(Mkv.CueTime, 1), block(2)),
      ]),
      true,
    ));

  it('other Tracks behind a Cluster, with which another document begins', async () => {
    const other = writeMaster(Mkv.Tracks, [writeTrackEntry({ number: 2, codecId: 'A_OPUS' })]);
    const input = documentOf([
      header(),
      SEGMENT,
      INFOS['plain'],
      TRACKS_OF['plain'],
      plain,
      other,
      CLUSTERS['plain']?.(50),
      other,
    ]);
    await expectStrict(input);
    const { merger, newDocuments } = merge(input);
    expect(merger.counters).toMatchObject({ documentsIn: 1, documentsOut: 2, clusters: 2 });
    expect(newDocuments.map(({ offset, message }) => [offset, message])).toEqual([
      [
        documentOf([header(), SEGMENT, INFOS['plain'], TRACKS_OF['plain'], plain]).length,
        'TrackType in Tracks is not the same',
      ],
    ]);
    const stopped = merge(input, { stopAtFirstNonMatchingSegment: true });
    expect(
      Buffer.compare(stopped.bytes, documentOf([header(), SEGMENT, INFOS['plain'], TRACKS_OF['plain'], plain])),
    ).toBe(0);
  });

  it('however these come together', async () => {
    const oneOf = (list: Record<string, Uint8Array>) => fc.constantFrom(...Object.keys(list));
    const document = fc.record({
      // A document without Info goes on with that of the one before: damage may have taken it.
      info: oneOf(INFOS).filter((name) => name !== 'no Info'),
      tracks: oneOf(TRACKS_OF),
      before: oneOf(BETWEEN),
      clusters: fc.array(fc.tuple(fc.constantFrom(...Object.keys(CLUSTERS)), oneOf(BEHIND)), {
        minLength: 1,
        maxLength: 3,
      }),
    });
    await fc.assert(
      fc.asyncProperty(oneOf(HEADERS), fc.array(document, { minLength: 1, maxLength: 2 }), async (head, documents) => {
        const parts = documents.flatMap(({ info, tracks, before, clusters }, number) => [
          ...[HEADERS[head], SEGMENT, INFOS[info], TRACKS_OF[tracks], BETWEEN[before]],
          ...clusters.flatMap(([name, behind], index) => [
            CLUSTERS[name]?.(1 + 100 * number + 30 * index),
            BEHIND[behind],
          ]),
        ]);
        await expectStrict(documentOf(parts));
      }),
      { numRuns: 60 },
    );
  });
});

it('Tracks behind a Segment that ends too early are written with those in it, as one', () => {
  // The Segment says that it ends behind its first Tracks, so that the other Tracks stand at the top level.
  const first = writeMaster(Mkv.Tracks, [VIDEO]);
  const tags = writeTags([['a', 'b']]);
  const input = documentOf([
    header(),
    sized(Mkv.Segment, first.length + 4),
    first,
    tags,
    writeMaster(Mkv.Tracks, [AUDIO]),
  ]);
  for (const options of [{}, { mergeOn: [Mkv.Tracks] }, { keepPositions: true }]) {
    const { bytes } = merge(input, options);
    expect(() => readStrictly(bytes)).not.toThrow();
    expect(countElements(bytes)['TrackEntry']).toBeGreaterThanOrEqual(2);
  }
});

it('a Cluster whose Timestamp is none is read to its end before its CRC-32 is written', () => {
  const encrypted = writeElement(Mkv.EncryptedBlock, Uint8Array.of(1));
  const content = concatBytes([overlong(Mkv.Timestamp), encrypted, writeElement(Mkv.PrevSize, 3)]);
  const cluster = clusterWith(writeCrcElement(content), content);
  const { bytes } = merge(documentOf([header(), SEGMENT, TRACKS_OF['plain'], cluster]));
  expect(() => readStrictly(bytes, { verifyCrc: true })).not.toThrow();
  expect(countElements(bytes)['PrevSize']).toBeUndefined();
  expect(Buffer.compare(merge(bytes).bytes, bytes)).toBe(0);
});

describe('merging on nothing', () => {
  const body = concatBytes([
    writeGetMediaFragment(fragmentInput(0), { seekHead: true, crc: true }),
    concatBytes([documentHead(), clusterOf(fragmentInput(1))]),
    // An element that nobody holds, of a size that nobody can tell exactly.
    Uint8Array.of(0xec, 0x01, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0),
  ]);

  it('gives what is accepted of the input byte for byte, whatever is changed and however it is cut', () => {
    const change = fc.tuple(fc.nat(body.length - 1), fc.nat(255));
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 3 }),
        fc.nat(body.length),
        arbitraryChunking(),
        (changes, length, chunking) => {
          const input = body.slice(0, length);
          for (const [place, value] of changes) if (place < length) input[place] = value;
          const options: OutputSegmentMergerOptions = { mergeOn: [] };
          let whole: ReturnType<typeof merge>;
          try {
            whole = merge(input, options);
          } catch {
            return;
          }
          accepted++;
          const { bytes } = merge(split(input, chunking), options);
          expect(Buffer.compare(bytes, whole.bytes)).toBe(0);
          expect(Buffer.compare(bytes, input.subarray(0, bytes.length))).toBe(0);
          if (bytes.length < input.length) {
            // What is missing is an element that is not whole, and that is told.
            let end = 0;
            for (const element of readChunks([input])) {
              if (element.kind !== 'end')
                end = element.offset + element.headerSize + (element.kind === 'data' ? element.dataSize : 0);
            }
            expect(bytes.length).toBe(end);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

describe('what is left out because a strict reader would refuse it', () => {
  const tag = writeMaster(Mkv.Tag, []);
  const start = [header(), SEGMENT, TRACKS_OF['plain']];
  const told = (
    parts: readonly (Uint8Array | undefined)[],
    options: OutputSegmentMergerOptions & MkvReaderOptions = {},
  ) => {
    const messages: string[] = [];
    const chunks = new ChunkMerger({
      ...options,
      onLeftOut: ({ offset, type, message }) => messages.push(`${offset} ${type.name}: ${message}`),
    });
    chunks.push(documentOf(parts));
    chunks.end();
    expect(chunks.merger.counters.elementsLeftOut).toBe(messages.length);
    return messages.map((message) => message.replace(/^\d+ /, ''));
  };
  const NOT_ALLOWED = 'is left out: it may not stand there, or not again, or not so';

  it.each<[string, readonly (Uint8Array | undefined)[], string]>([
    ['a Tag before the Clusters', [...start, tag, CLUSTERS['plain']?.(3)], 'Tag: Segment/Tag'],
    ['a Tag behind a Cluster', [...start, CLUSTERS['plain']?.(3), tag], 'Tag: Segment/Tag'],
    ['a TrackEntry behind a Cluster', [...start, CLUSTERS['plain']?.(3), VIDEO], 'TrackEntry: Segment/TrackEntry'],
    ['a TrackEntry in a Cluster', [...start, clusterWith(at(3), VIDEO)], 'TrackEntry: Segment/Cluster/TrackEntry'],
    [
      'a number of 9 bytes before the Timestamp',
      [...start, clusterWith(overlong(Mkv.Position), at(3))],
      'Position: Segment/Cluster/Position',
    ],
    [
      'a second Position behind the Timestamp',
      [...start, clusterWith(at(3), ...[1, 2].map(() => writeElement(Mkv.Position, 0)))],
      'Position: Segment/Cluster/Position',
    ],
    [
      'a TrackNumber in a BlockGroup',
      [...start, clusterWith(at(3), groupOf(writeElement(Mkv.TrackNumber, 1), inGroup(4)))],
      'TrackNumber: Segment/Cluster/BlockGroup/TrackNumber',
    ],
    [
      'the first of two names of a tag',
      [...start, BETWEEN['a tag with two names'], CLUSTERS['plain']?.(3)],
      'TagName: Segment/Tags/Tag/SimpleTag/TagName',
    ],
    ['a Block before the Clusters', [...start, block(1), CLUSTERS['plain']?.(3)], 'SimpleBlock: Segment/SimpleBlock'],
  ])('%s is told', (_, parts, what) => {
    expect(told(parts)).toEqual([`${what} ${NOT_ALLOWED}`]);
  });

  it('what belongs to no document, or is not whole, is told', () => {
    const tags = writeTags([['a', 'b']]);
    expect(told([CLUSTERS['plain']?.(3), tags, ...start, CLUSTERS['plain']?.(3)], { recover: true })).toEqual([
      'Tags: Tags is left out: no header has come that it could belong to',
    ]);
    const cut = sized(Mkv.Tags, 40, writeMaster(Mkv.Tag, []));
    expect(told([...start, CLUSTERS['plain']?.(3), cut])).toEqual(['Tags: Segment/Tags is left out: it is not whole']);
  });

  it('nothing is told of streams that are right', () => {
    fc.assert(
      fc.property(arbitraryKvsStream({ largestFrame: 300 }), fc.boolean(), ({ bytes }, packClusters) => {
        expect(told([bytes], { packClusters })).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
