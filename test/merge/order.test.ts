import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type NewDocument,
  OutputSegmentMerger,
  type OutputSegmentMergerOptions,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { writeTags } from '../../src/testing/get-media-writer.js';
import { readChunks } from '../support/read-all.js';

const EBML = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]);
const SEGMENT = writeHeader(Mkv.Segment, undefined, { sizeLength: 8 });

const tracks = (codecId = 'A') =>
  writeMaster(Mkv.Tracks, [
    writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.CodecID, codecId)]),
  ]);
const tags = (name: string) => writeTags([[name, '']]);
/** Tags that say which fragment it is. */
const numbered = (number: number) => writeTags([['AWS_KINESISVIDEO_FRAGMENT_NUMBER', String(number)]]);
const block = (value: number) => writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, value));
const cluster = (ms: number, ...more: Uint8Array[]) =>
  writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, ms), ...more]);

/** What is in bytes, in short: masters by name, Tags by what they say, Clusters by their times. */
function outline(bytes: Uint8Array): string {
  const words: string[] = [];
  for (const element of readChunks([bytes], { recover: true })) {
    if (element.kind === 'end') {
      if (element.truncated) words.push(`${element.type.name} cut off`);
    } else if (element.kind === 'data') {
      if (element.is(Mkv.CodecID)) words.push(element.value);
      else if (element.is(Mkv.TagName)) words.push(element.value.startsWith('AWS') ? '#' : element.value);
      else if (element.is(Mkv.Timestamp)) words.push(element.dataSize > 8 ? '?' : String(element.value));
      else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) words.push('.');
    } else if (element.is(Mkv.EBML)) words.push('|');
    else if (element.is(Mkv.Segment)) words.push(':');
  }
  return words.join(' ');
}

/** Merges what can be read; ends where the merger says that it is done. */
function merge(parts: readonly Uint8Array[], options: OutputSegmentMergerOptions = {}) {
  const pieces: Uint8Array[] = [];
  const told: NewDocument[] = [];
  const merger = new OutputSegmentMerger((piece) => void pieces.push(piece), {
    ...options,
    onNewDocument: (document) => told.push(document),
  });
  const truncated: boolean[] = [];
  for (const element of readChunks([concatBytes(parts)], { recover: true })) {
    element.accept(merger);
    if (merger.truncated !== truncated.at(-1)) truncated.push(merger.truncated);
  }
  const { counters, stopped } = merger;
  const bytes = concatBytes(pieces);
  expect(counters.bytes).toBe(bytes.length);
  return {
    bytes,
    outline: outline(bytes),
    counters,
    stopped,
    told: told.map(({ offset, message }) => [offset, message]),
    truncated,
  };
}

describe('what comes without its document', () => {
  it('is left out as long as there is none, and the Clusters of it are counted', () => {
    const before = [tags('a'), cluster(1, block(1), block(2)), tags('b'), cluster(2, block(3)), tags('c')];
    const nothing = merge(before);
    expect(nothing.outline).toBe('');
    expect(nothing.counters).toMatchObject({
      documentsIn: 0,
      documentsOut: 0,
      clusters: 0,
      clustersDropped: 2,
      elementsLeftOut: 3,
      frames: 0,
    });
    const late = merge([...before, EBML, SEGMENT, tracks(), tags('d'), cluster(0, block(4)), tags('e')]);
    expect(late.outline).toBe('| : A d 0 . e');
    expect(late.counters).toMatchObject({
      documentsIn: 1,
      documentsOut: 1,
      clusters: 1,
      clustersDropped: 2,
      frames: 1,
    });
  });

  it('is of a document of its own where a Segment has no EBML header', () => {
    const first = [SEGMENT, tracks(), cluster(1)];
    const second = [SEGMENT, tracks('B'), cluster(2)];
    const { outline: found, counters, told } = merge([...first, ...second, SEGMENT, tracks('B'), cluster(3)]);
    expect(found).toBe('| : A 1 | : B 2 3');
    expect(counters).toMatchObject({ documentsIn: 3, documentsOut: 2 });
    expect(told).toEqual([[concatBytes(first).length, 'CodecID in Tracks is not the same']]);
  });

  it('goes on in the document before where a header has no Segment, if they are the same', () => {
    const start = [EBML, SEGMENT, tracks(), cluster(1, block(1))];
    const same = merge([...start, EBML, cluster(2, block(2)), tags('a')]);
    expect(same.outline).toBe('| : A 1 . 2 . a');
    expect(same.counters).toMatchObject({ documentsIn: 2, documentsOut: 1, clustersDropped: 0 });
  });

  it('is lost where a header has no Segment and is not the same, until another has', () => {
    const other = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'webm')]);
    const start = [EBML, SEGMENT, tracks(), cluster(1)];
    const rest = [other, cluster(2), tags('a'), cluster(3)];
    const found = merge([...start, ...rest]);
    expect(found.outline).toBe('| : A 1');
    expect(found.told).toEqual([]);
    expect(found.counters).toMatchObject({ documentsIn: 2, documentsOut: 1, clusters: 1, clustersDropped: 2 });
    // What is lost is not compared with: the next one begins where nothing is.
    const next = merge([...start, ...rest, EBML, SEGMENT, tracks('B'), cluster(0)]);
    expect(next.outline).toBe('| : A 1 | : B 0');
    expect(next.told).toEqual([]);
  });
});

describe('a document without Clusters', () => {
  const first = [EBML, SEGMENT, tracks(), tags('a')];

  it('is written when its Segment ends, if that is whole', () => {
    const next = [EBML, SEGMENT, tracks(), tags('b'), cluster(5)];
    expect(merge(first).outline).toBe('| : A a');
    expect(merge([...first, ...next]).outline).toBe('| : A a b 5');
    const sized = [EBML, writeMaster(Mkv.Segment, [tracks(), tags('a')])];
    expect(merge(sized).outline).toBe('| : A a');
    const whole = concatBytes(sized);
    expect(merge([whole.subarray(0, -1)]).outline).toBe('');
    expect(merge([...first, EBML]).outline).toBe('| : A a');
  });

  it('has no time that others could come after', () => {
    const start = [EBML, SEGMENT, tracks(), cluster(7)];
    const { outline: found, told } = merge([...start, ...first, EBML, SEGMENT, cluster(8), EBML, SEGMENT, cluster(3)]);
    expect(found).toBe('| : A 7 a 8 | : 3');
    expect(told.map(([, message]) => message)).toEqual(['the Timestamp 3 comes after 8']);
  });
});

describe('the number of a fragment', () => {
  const start = [EBML, SEGMENT, tracks()];
  const document = (name: string, ...more: Uint8Array[]) => [EBML, SEGMENT, tracks(), tags(name), numbered(1), ...more];

  it('comes before its other Tags where the document before has no Cluster to tell them apart', () => {
    const found = (...parts: Uint8Array[][]) => merge([...start, ...parts.flat()]).outline;
    expect(found([cluster(1)], document('a', cluster(2)))).toBe('| : A 1 a # 2');
    expect(found([], document('a', cluster(2)))).toBe('| : A # a 2');
    expect(found([], document('a'), document('b', cluster(2)))).toBe('| : A # a # b 2');
    expect(found([cluster(1)], document('a'), document('b', cluster(2)), document('c'), document('d'))).toBe(
      '| : A 1 a # # b 2 c # # d',
    );
    expect(found([cluster(1)], document('a', cluster(2)), document('b', cluster(3)))).toBe('| : A 1 a # 2 b # 3');
  });
});

describe('time that goes back', () => {
  const start = [EBML, SEGMENT, tracks(), tags('a'), cluster(10, block(1))];
  const length = concatBytes(start).length;

  it('in a document makes a document of the rest, from the Cluster on, as often as it happens', () => {
    const list = [...start, cluster(10), cluster(4), cluster(4), tags('b'), cluster(12), cluster(11, block(2))];
    const { outline: found, told, counters } = merge(list);
    expect(found).toBe('| : A a 10 . 10 | : A a 4 4 b 12 | : A a b 11 .');
    const [one, two] = [length + cluster(10).length, concatBytes(list).length - cluster(11, block(2)).length];
    expect(told).toEqual([
      [one, 'the Timestamp 4 comes after 10'],
      [two, 'the Timestamp 11 comes after 12'],
    ]);
    expect(counters).toMatchObject({ documentsIn: 1, documentsOut: 3, clusters: 6, frames: 2 });
  });

  it('lets others go on in the document that it began', () => {
    const more = [EBML, SEGMENT, tracks(), tags('c'), cluster(5)];
    expect(merge([...start, cluster(4), ...more]).outline).toBe('| : A a 10 . | : A a 4 c 5');
    expect(merge([...start, cluster(6), ...more]).outline).toBe('| : A a 10 . | : A a 6 | : A c 5');
  });

  it('is not asked where a Timestamp is no number, or there is none', () => {
    const strange = [
      writeMaster(Mkv.Cluster, []),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Void, new Uint8Array(2))]),
      writeMaster(Mkv.Cluster, [concatBytes([writeHeader(Mkv.Timestamp, 9), new Uint8Array(9)]), block(3)]),
    ];
    // A number of 9 bytes is none, and a strict reader takes none.
    const written = [
      ...strange.slice(0, 2),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Void, new Uint8Array(9)), block(3)]),
    ];
    for (const options of [{}, { packClusters: true }]) {
      const { bytes, told, counters } = merge([...start, ...strange, EBML, SEGMENT, ...strange, cluster(10)], options);
      expect(told).toEqual([]);
      expect(counters).toMatchObject({ documentsIn: 2, documentsOut: 1, clusters: 8, frames: 3 });
      const expected = concatBytes([...written, ...written]);
      expect(Buffer.from(bytes).includes(Buffer.from(expected))).toBe(true);
    }
  });

  it('is told by the last Timestamp that there was, and by one that comes late too', () => {
    const without = writeMaster(Mkv.Cluster, [writeElement(Mkv.Void, new Uint8Array(2))]);
    expect(merge([...start, without, cluster(4)]).outline).toBe('| : A a 10 . | : A a 4');
    const group = writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, Uint8Array.of(0x81, 0, 0, 0, 1))]);
    const late = writeMaster(Mkv.Cluster, [group, writeElement(Mkv.Timestamp, 4)]);
    expect(merge([...start, late]).outline).toBe('| : A a 10 . | : A a . 4');
  });

  it('makes another document whether anybody is told or not', () => {
    let length = 0;
    const merger = new OutputSegmentMerger((piece) => {
      length += piece.length;
    });
    for (const element of readChunks([concatBytes([...start, cluster(4)])])) element.accept(merger);
    expect(merger.counters).toMatchObject({ documentsOut: 2, bytes: length });
  });

  it('stops the merger where that is asked for, before the Cluster', () => {
    const options = { stopAtFirstNonMatchingSegment: true };
    const rest = [cluster(4, block(5)), tags('b'), cluster(12), EBML, SEGMENT, tracks(), cluster(20)];
    const { outline: found, stopped, told, counters } = merge([...start, ...rest], options);
    expect(found).toBe('| : A a 10 .');
    expect(stopped).toEqual({
      offset: length,
      reason: { kind: 'timestamp', timestamp: 4n, previous: 10n },
      message: 'the Timestamp 4 comes after 10',
    });
    expect(told).toEqual([]);
    expect(counters).toMatchObject({ documentsIn: 1, documentsOut: 1, clusters: 1, frames: 1, clustersDropped: 0 });
  });
});

describe('a merger that has stopped', () => {
  it('writes and counts nothing more, and knows where it stopped', () => {
    const first = [EBML, SEGMENT, tracks(), cluster(1, block(1))];
    const other = [EBML, SEGMENT, tracks('B'), tags('b'), cluster(2, block(2)), tags('c')];
    const {
      outline: found,
      stopped,
      counters,
    } = merge([...first, ...other, ...first], {
      stopAtFirstNonMatchingSegment: true,
    });
    expect(found).toBe('| : A 1 .');
    expect(stopped?.offset).toBe(concatBytes(first).length);
    expect(stopped?.reason).toEqual({ kind: 'element', master: Mkv.Tracks, element: Mkv.CodecID });
    expect(counters).toMatchObject({ documentsIn: 2, documentsOut: 1, clusters: 1, frames: 1 });
  });
});

describe('where nothing is merged', () => {
  it('documents are counted by their EBML headers, or by their Segments where they have none', () => {
    const parts = [
      EBML,
      SEGMENT,
      cluster(1),
      SEGMENT,
      cluster(2),
      SEGMENT,
      EBML,
      SEGMENT,
      tracks(),
      EBML,
      EBML,
      SEGMENT,
    ];
    const { bytes, counters } = merge(parts, { mergeOn: [] });
    expect(Buffer.compare(bytes, concatBytes(parts))).toBe(0);
    expect(counters).toMatchObject({ documentsIn: 6, documentsOut: 6, clusters: 2 });
  });

  it('a master in an EBML header does not make it another document', () => {
    const extended = writeMaster(Mkv.EBML, [writeMaster(Mkv.DocTypeExtension, [])]);
    const { counters } = merge([extended, SEGMENT, cluster(1)], { mergeOn: [] });
    expect(counters).toMatchObject({ documentsIn: 1, documentsOut: 1 });
  });
});

describe('what is not whole', () => {
  const start = [EBML, SEGMENT, tracks(), cluster(1, block(1))];

  it('is not told of before anything has come', () => {
    expect(new OutputSegmentMerger(() => {}).truncated).toBe(false);
  });

  it('is not written if it is no Cluster, wherever it is cut', () => {
    const bytes = concatBytes([...start, tags('a')]);
    for (let cut = 1; cut < tags('a').length; cut++) {
      const { outline: found, truncated } = merge([bytes.subarray(0, bytes.length - cut)]);
      expect(found).toBe('| : A 1 .');
      expect(truncated.at(-1)).toBe(true);
    }
  });

  it('is left out where damage took a part of it, and what follows is there', () => {
    const harmed = tags('a');
    harmed.fill(0, 8);
    const { outline: found, truncated } = merge([...start, harmed, EBML, SEGMENT, tracks(), tags('b'), cluster(2)]);
    expect(found).toBe('| : A 1 . b 2');
    expect(truncated).toEqual([false, true, false]);
  });

  it('is no Cluster before its Timestamp has come', () => {
    const children = [writeElement(Mkv.Void, new Uint8Array(3)), block(1), writeElement(Mkv.Timestamp, 2), block(2)];
    const bytes = concatBytes([...start, EBML, SEGMENT, writeMaster(Mkv.Cluster, children)]);
    const beforeEnd = block(2).length;
    const found = (cut: number) => merge([bytes.subarray(0, bytes.length - cut)]);
    expect(found(0).outline).toBe('| : A 1 . . 2 .');
    expect(found(1).counters).toMatchObject({ clusters: 2, frames: 2 });
    expect(found(beforeEnd).counters).toMatchObject({ clusters: 2, frames: 2, clustersDropped: 0 });
    // A frame that nobody knows the time of is not written, but it is counted that there was one.
    for (const [cut, clustersDropped] of [
      [beforeEnd + 1, 1],
      [beforeEnd + 3, 1],
      [beforeEnd + 4, 0],
      [beforeEnd + 10, 0],
    ] as const) {
      expect(found(cut).outline).toBe('| : A 1 .');
      expect(found(cut).counters).toMatchObject({ clusters: 1, frames: 1, clustersDropped });
    }
  });

  it('is a Cluster once its Timestamp has come, even if its CRC-32 waits for what comes next', () => {
    const children = [writeElement(Mkv['CRC-32'], new Uint8Array(4)), writeElement(Mkv.Timestamp, 2), block(2)];
    const bytes = concatBytes([...start, EBML, SEGMENT, writeMaster(Mkv.Cluster, children)]);
    const { outline: found, counters, truncated } = merge([bytes.subarray(0, bytes.length - block(2).length)]);
    expect(found).toBe('| : A 1 . 2 Cluster cut off Segment cut off');
    expect(counters).toMatchObject({ clusters: 2, frames: 1 });
    expect(truncated).toEqual([false, true]);
  });

  it('is not gone on with in what follows', () => {
    const harmed = writeMaster(Mkv.Cluster, [block(7), new Uint8Array(50)]);
    const { outline: found, counters } = merge([...start, harmed, EBML, SEGMENT, tracks(), tags('b'), cluster(2)]);
    expect(found).toBe('| : A 1 . b 2');
    expect(counters).toMatchObject({ documentsIn: 2, documentsOut: 1, clusters: 2, frames: 1, clustersDropped: 1 });
  });

  it('is put together where BlockGroups stand before the Timestamp', () => {
    const group = writeMaster(Mkv.BlockGroup, [
      writeElement(Mkv.Block, Uint8Array.of(0x81, 0, 0, 0, 1)),
      writeMaster(Mkv.BlockAdditions, [writeMaster(Mkv.BlockMore, [writeElement(Mkv.BlockAddID, 2)])]),
      writeElement(Mkv.BlockDuration, 5),
    ]);
    const late = writeMaster(Mkv.Cluster, [group, group, writeElement(Mkv.Timestamp, 2), group]);
    const { bytes, counters } = merge([...start, EBML, SEGMENT, late, EBML, SEGMENT, cluster(3)]);
    expect(Buffer.compare(bytes, concatBytes([...start, late, cluster(3)]))).toBe(0);
    expect(counters).toMatchObject({ clusters: 3, frames: 4, documentsOut: 1 });
  });
});

it.each([
  ['no EBML header', new Uint8Array(0)],
  ['another DocType', writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'avi')])],
  ['an EBMLMaxIDLength of 2', writeMaster(Mkv.EBML, [writeElement(Mkv.EBMLMaxIDLength, 2)])],
  ['an EBMLReadVersion of 2', writeMaster(Mkv.EBML, [writeElement(Mkv.EBMLReadVersion, 2)])],
])('%s makes a document with a header that a strict reader takes', (_, header) => {
  const { bytes } = merge([header, SEGMENT, tracks(), cluster(1, block(1))]);
  expect(() => [...readChunks([bytes], { strict: true })]).not.toThrow();
});
