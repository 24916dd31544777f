import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/ebml/crc32.js';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type OutputSegmentMergerOptions,
  readFragments,
  readFrames,
  writeElement,
  writeMaster,
} from '../../src/index.js';
import {
  type GetMediaFragmentInput,
  type GetMediaWriteOptions,
  writeEbmlHeader,
  writeGetMediaError,
  writeGetMediaFragment,
} from '../../src/testing/get-media-writer.js';
import type { TrackInput } from '../../src/testing/track-writer.js';
import { readChunks } from '../support/read-all.js';
import { checkAll, countElements, framesOf, merge } from './merging.js';

const VIDEO: TrackInput = { number: 1, codecId: 'V_MPEG4/ISO/AVC', video: { pixelWidth: 160, pixelHeight: 120 } };
const AUDIO: TrackInput = { number: 2, codecId: 'A_AAC', audio: { samplingFrequency: 48000, channels: 2 } };

function fragment(ms: number, input: Partial<GetMediaFragmentInput> = {}, options: GetMediaWriteOptions = {}) {
  const frames = [Uint8Array.of(ms & 0xff, ms >> 8)];
  const blocks = [{ track: 1, timestamp: ms * 1000, frames, keyframe: true }];
  return writeGetMediaFragment({ tracks: [VIDEO], blocks, fragmentNumber: String(ms + 1), ...input }, options);
}

function tracksOf(codecId: string): Uint8Array {
  return writeMaster(Mkv.Tracks, [writeMaster(Mkv.TrackEntry, [writeElement(Mkv.CodecID, codecId)])]);
}

function reasons(input: Uint8Array[], options: OutputSegmentMergerOptions = {}): string[] {
  return merge(concatBytes(input), options).newDocuments.map(({ message }) => message);
}

describe('what is merged', () => {
  it('documents that differ only in how they are written', () => {
    const input = [fragment(0), fragment(1, {}, { crc: true, sizeLength: 4, voidSize: 20 }), fragment(2, {}, {})];
    expect(reasons(input)).toEqual([]);
  });

  it.each<[string, Uint8Array]>([
    ['CodecID in Tracks is not the same', fragment(5, { tracks: [{ ...VIDEO, codecId: 'V_VP9' }] })],
    ['CodecPrivate in Tracks is not the same', fragment(5, { tracks: [{ ...VIDEO, codecPrivate: Uint8Array.of(1) }] })],
    ['TrackEntry in Tracks is not the same', fragment(5, { tracks: [VIDEO, AUDIO] })],
    ['DocType in EBML is not the same', fragment(5, {}, { docType: 'webm' })],
    ['TimestampScale in Info is not the same', fragment(5, {}, { timestampScale: 100_000 })],
    ['the Timestamp 3 comes after 3', fragment(3, { fragmentNumber: '9' })],
    ['the Timestamp 2 comes after 3', fragment(2)],
  ])('not: %s', (message, other) => {
    expect(reasons([fragment(0), fragment(3), other])).toEqual([message]);
    const stopped = merge(concatBytes([fragment(0), other, fragment(9)]), { stopAtFirstNonMatchingSegment: true });
    if (message.startsWith('the')) return;
    expect(stopped.merger.counters).toMatchObject({ documentsIn: 2, documentsOut: 1, frames: 1 });
    expect(stopped.merger.stopped?.message).toBe(message);
  });

  /** A document with or without Info, with Info behind its first Cluster too, and a Cluster of one frame at each time. */
  function document(before: number | undefined, behind: number | undefined, ...times: number[]): Uint8Array {
    const infoOf = (scale: number | undefined) =>
      scale === undefined ? [] : [writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, scale)])];
    const [first, ...others] = times.map((time) =>
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, time),
        writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, time)),
      ]),
    );
    const trackOne = writeMaster(Mkv.Tracks, [writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackNumber, 1)])]);
    const children = [...infoOf(before), trackOne, first ?? trackOne, ...infoOf(behind), ...others];
    return concatBytes([writeEbmlHeader(), writeMaster(Mkv.Segment, children, { unknownSize: true })]);
  }

  it.each<[string, Uint8Array[]]>([
    ['no Info after another scale', [document(100_000, undefined, 1, 2), document(undefined, undefined, 3, 4)]],
    ['another scale after no Info', [document(undefined, undefined, 1, 2), document(100_000, undefined, 3, 4)]],
    [
      'Info behind the first Cluster of one that would be merged',
      [document(undefined, undefined, 1), document(undefined, 100_000, 3, 4)],
    ],
    [
      'Info behind the first Cluster of the first',
      [document(undefined, 100_000, 1, 2), document(undefined, undefined, 3, 4)],
    ],
    ['the same, and one with Info', [document(undefined, 100_000, 1, 2), document(1_000_000, undefined, 3, 4)]],
    ['another Info behind the first Cluster', [document(1_000_000, 100_000, 1, 2), document(100_000, undefined, 3, 4)]],
  ])('every frame keeps its time: %s', async (_name, documents) => {
    const input = concatBytes(documents);
    const timesOf = async (bytes: Uint8Array) => {
      const times: number[] = [];
      for await (const { timestamp } of readFrames(bytes)) times.push(timestamp);
      return times;
    };
    const { bytes, newDocuments } = merge(input);
    expect(await timesOf(bytes)).toEqual(await timesOf(input));
    expect(newDocuments.map(({ message }) => message)).toContain('TimestampScale in Info is not the same');
  });

  it('documents without Info that count in the same units', () => {
    const input = concatBytes([document(1_000_000, undefined, 1), document(undefined, 1_000_000, 2, 3)]);
    const { bytes, newDocuments } = merge(concatBytes([input, document(undefined, undefined, 4)]));
    expect(newDocuments).toEqual([]);
    expect(countElements(bytes)).toMatchObject({ Info: 1, Cluster: 4 });
    const behind = document(undefined, 1_000_000, 1, 2);
    expect(Buffer.compare(merge(behind).bytes, behind)).toBe(0);
  });

  it('goes by the masters that are asked for', () => {
    const other = fragment(5, { tracks: [VIDEO, AUDIO] });
    expect(reasons([fragment(0), other], { mergeOn: [Mkv.EBML] })).toEqual([]);
    const renamed = fragment(5, {}, { application: 'another' });
    expect(reasons([fragment(0), renamed])).toEqual([]);
    expect(reasons([fragment(0), renamed], { mergeOn: [Mkv.Tracks, Mkv.Info] })).toEqual([
      'MuxingApp in Info is not the same',
    ]);
  });

  it('compares as many masters as there are, also if one of them is the same', () => {
    const document = (ms: number, tracks: readonly string[]) =>
      concatBytes([
        writeEbmlHeader(),
        writeMaster(Mkv.Segment, [
          ...tracks.map(tracksOf),
          writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, ms)]),
        ]),
      ]);
    const message = 'CodecID in Tracks is not the same';
    expect(reasons([document(0, ['A', 'B']), document(1, ['A', 'B'])])).toEqual([]);
    expect(reasons([document(0, ['A', 'B']), document(1, ['A'])])).toEqual(['TrackEntry in Tracks is not the same']);
    expect(reasons([document(0, ['A']), document(1, ['A', 'B'])])).toEqual(['TrackEntry in Tracks is not the same']);
    expect(reasons([document(0, ['A', 'B']), document(1, ['A', 'C'])])).toEqual([message]);
    // The standard lets a Tracks be repeated that is the same.
    expect(reasons([document(0, ['A']), document(1, ['A', 'A'])])).toEqual([]);
    expect(reasons([document(0, ['A']), document(1, [])])).toEqual([]);
  });

  it('asks where a master stands, not only what is in it', () => {
    const cluster = (ms: number) => writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, ms)]);
    const before = concatBytes([writeEbmlHeader(), tracksOf('A'), writeMaster(Mkv.Segment, [cluster(0)])]);
    const within = concatBytes([writeEbmlHeader(), writeMaster(Mkv.Segment, [tracksOf('A'), cluster(1)])]);
    expect(reasons([before, within])).toEqual([]);
    expect(reasons([before, within], { mergeOn: [Mkv.Segment] })).toEqual(['Tracks in Segment is not the same']);
  });

  it('goes on merging in the new document', () => {
    const tracks = [VIDEO, AUDIO];
    const input = [fragment(0), fragment(1), fragment(2, { tracks }), fragment(3, { tracks }), fragment(4)];
    const { bytes, merger } = merge(concatBytes(input));
    expect(framesOf(bytes).map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(merger.counters).toMatchObject({ documentsIn: 5, documentsOut: 3 });
  });

  it('documents without a Cluster, whose tags stay their own', async () => {
    const input = concatBytes([
      fragment(0, { tags: [['a', '0']], continuationToken: '1' }),
      fragment(1, { blocks: undefined, tags: [['b', '1']] }),
      writeGetMediaError({ fragmentNumber: '77', error: { id: 4000, code: 'FRAGMENT_NOT_FOUND' } }),
      fragment(2, { tags: [['c', '2']] }),
    ]);
    const { bytes, merger } = merge(input);
    expect(merger.counters).toMatchObject({ documentsIn: 4, documentsOut: 1, clusters: 2 });
    const found = [];
    for await (const each of readFragments(bytes)) {
      found.push([each.fragmentNumber, each.tags.map(({ name }) => name).join(), each.error?.id, each.frames.length]);
    }
    expect(found).toEqual([
      ['1', 'a', undefined, 1],
      ['2', 'b', undefined, 0],
      ['77', '', 4000, 0],
      ['3', 'c', undefined, 1],
    ]);
  });

  it('not the rest of a document that goes back in time by itself', () => {
    const cluster = (ms: number) =>
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, ms),
        writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, ms)),
      ]);
    const input = concatBytes([
      fragment(10),
      fragment(11, { tags: [['x', 'y']] }, { afterCluster: concatBytes([cluster(11), cluster(12), cluster(5)]) }),
      fragment(6),
    ]);
    const { bytes, newDocuments } = merge(input);
    expect(newDocuments.map(({ message }) => message)).toEqual(['the Timestamp 5 comes after 12']);
    expect(framesOf(bytes).map((frames) => frames.map(({ time }) => Number(time)))).toEqual([
      [10, 11, 11, 12],
      [5, 6],
    ]);
    expect(countElements(bytes)).toMatchObject({ EBML: 2, Tracks: 2, Info: 2 });
    expect(Buffer.compare(merge(bytes).bytes, bytes)).toBe(0);
  });
});

describe('what is written', () => {
  it('has a Segment of unknown size, as wide as it was', () => {
    const { bytes } = merge(concatBytes([0, 1].map((ms) => fragment(ms, {}, { knownSizeSegment: true }))));
    const [segment] = [...readChunks([bytes])].filter(({ type }) => type === Mkv.Segment);
    expect(segment).toMatchObject({ dataSize: undefined, headerSize: 12 });
    expect(framesOf(bytes)).toHaveLength(1);
  });

  it('has one SeekHead, Info, Tracks, Chapters, Attachments, and all Tags', () => {
    const chapters = writeMaster(Mkv.Chapters, [writeMaster(Mkv.EditionEntry, [writeElement(Mkv.EditionUID, 1n)])]);
    const attachments = writeMaster(Mkv.Attachments, [
      writeMaster(Mkv.AttachedFile, [writeElement(Mkv.FileName, 'x'), writeElement(Mkv.FileData, Uint8Array.of(1))]),
    ]);
    const options = {
      seekHead: true,
      voidSize: 10,
      beforeServiceTags: chapters,
      afterCluster: attachments,
      tagsFirst: true,
    };
    const input = [0, 1, 2].map((ms) => fragment(ms, { tags: [['n', String(ms)]] }, options));
    const counts = countElements(merge(concatBytes(input), { keepPositions: true }).bytes);
    expect(counts).toMatchObject({ SeekHead: 1, Info: 1, Tracks: 1, Chapters: 1, Attachments: 1, Tags: 6, Void: 1 });
  });

  it('has no CRC-32 of the whole Segment any more', () => {
    const rest = concatBytes([
      writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, 1_000_000), writeElement(Mkv.Duration, 5)]),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0)]),
    ]);
    const checksum = new Uint8Array(4);
    new DataView(checksum.buffer).setUint32(0, crc32(rest), true);
    const input = concatBytes([
      writeEbmlHeader(),
      writeMaster(Mkv.Segment, [writeElement(Mkv['CRC-32'], checksum), rest]),
    ]);
    expect(checkAll(input)).toBe(1);
    const { bytes } = merge(input);
    expect(checkAll(bytes)).toBe(0);
    expect(bytes.length).toBe(input.length);
  });

  it('has no Void element in a Cluster of unknown size whose CRC-32 it would make wrong', () => {
    const cues = writeMaster(Mkv.Cues, [writeMaster(Mkv.CuePoint, [writeElement(Mkv.CueTime, 0)])]);
    for (const crc of [true, false]) {
      const options = { crc, unknownSizeCluster: true, afterCluster: cues };
      const { bytes } = merge(concatBytes([0, 1].map((ms) => fragment(ms, { continuationToken: '1' }, options))));
      checkAll(bytes);
      expect(Object.entries(countElements(bytes))).toEqual(
        crc ? expect.not.arrayContaining([['Void', 2]]) : expect.arrayContaining([['Void', 2]]),
      );
      expect(countElements(bytes)).not.toHaveProperty('Cues');
      expect(Buffer.compare(merge(bytes).bytes, bytes)).toBe(0);
    }
  });

  it.each([true, false])(
    'has nothing unknown in a Cluster of unknown size that its CRC-32 would not cover: %s',
    (crc) => {
      const unknown = Uint8Array.of(0xd2, 0x83, 7, 8, 9);
      const cues = writeMaster(Mkv.Cues, [writeMaster(Mkv.CuePoint, [writeElement(Mkv.CueTime, 0)])]);
      const cluster = (ms: number) => {
        // A CRC-32 that cannot be put right gives way; here it has no need to be.
        const previousSize = crc ? [] : [writeElement(Mkv.PrevSize, 5_000_000)];
        const children = concatBytes([writeElement(Mkv.Timestamp, ms), ...previousSize]);
        const checksum = new Uint8Array(4);
        new DataView(checksum.buffer).setUint32(0, crc32(children), true);
        const all = [...(crc ? [writeElement(Mkv['CRC-32'], checksum)] : []), children];
        return writeMaster(Mkv.Cluster, all, { unknownSize: true });
      };
      // Where it comes from, it does not stand in a Cluster: Cues, or a document that begins, are before it.
      const documents = [
        [cluster(0), cues, unknown],
        [unknown, cluster(1)],
      ].map((rest) => concatBytes([writeEbmlHeader(), writeMaster(Mkv.Segment, [tracksOf('V_VP8'), ...rest])]));
      const { bytes, merger } = merge(concatBytes(documents));
      expect(merger.counters).toMatchObject({ documentsOut: 1, clusters: 2 });
      checkAll(bytes);
      const { unknown: kept = 0 } = countElements(bytes);
      expect(kept).toBe(crc ? 0 : 2);
      expect(Buffer.compare(merge(bytes).bytes, bytes)).toBe(0);
    },
  );

  it('has Position and PrevSize that are right, and no others', () => {
    const cluster = (ms: number, options: { position?: number; crc?: boolean }) => {
      const children = concatBytes([
        writeElement(Mkv.Timestamp, ms),
        ...(options.position === undefined ? [] : [writeElement(Mkv.Position, options.position)]),
        writeElement(Mkv.PrevSize, 5_000_000),
        writeElement(Mkv.SimpleBlock, new Uint8Array(500).fill(1)),
      ]);
      const checksum = new Uint8Array(4);
      new DataView(checksum.buffer).setUint32(0, crc32(children), true);
      return writeMaster(Mkv.Cluster, [
        ...(options.crc === true ? [writeElement(Mkv['CRC-32'], checksum)] : []),
        children,
      ]);
    };
    const documents = [0, 1, 2, 3].map((index) =>
      fragment(
        index,
        { blocks: undefined },
        { afterCluster: cluster(index, { position: index === 2 ? 0 : 70_000 + index, crc: index > 0 }) },
      ),
    );
    const { bytes } = merge(concatBytes(documents));
    expect(checkAll(bytes)).toBe(3);
    let segment = 0;
    let previous: number | undefined;
    let clusterStart = 0;
    const seen: string[] = [];
    for (const element of readChunks([bytes])) {
      if (element.kind === 'start' && element.is(Mkv.Segment)) segment = element.offset + element.headerSize;
      if (element.kind === 'start' && element.is(Mkv.Cluster)) clusterStart = element.offset;
      if (element.kind === 'end' && element.is(Mkv.Cluster)) previous = element.offset - clusterStart;
      if (element.kind !== 'data') continue;
      if (element.is(Mkv.Position)) {
        expect([0, clusterStart - segment]).toContain(element.value);
        seen.push(element.value === 0 ? 'live' : 'Position');
      }
      if (element.is(Mkv.PrevSize)) {
        expect(element.value).toBe(previous);
        seen.push('PrevSize');
      }
    }
    expect(seen).toEqual(['Position', 'Position', 'PrevSize', 'live', 'PrevSize', 'Position', 'PrevSize']);
    expect(countElements(bytes)).toMatchObject({ Void: 1 });
    const kept = merge(concatBytes(documents), { keepPositions: true }).bytes;
    expect(countElements(kept)).toMatchObject({ PrevSize: 4 });
    expect(Buffer.compare(merge(bytes).bytes, bytes)).toBe(0);
  });

  it('has times as large as a Timestamp can hold', () => {
    const at = (ns: bigint) =>
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, ns),
        writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1)),
      ]);
    const base = 1_511_852_109_126_000_000n;
    const documents = [0n, 10n, 20n].map((n) =>
      fragment(0, { blocks: undefined }, { timestampScale: 1, afterCluster: at(base + n) }),
    );
    const { bytes, newDocuments } = merge(concatBytes(documents));
    expect(newDocuments).toEqual([]);
    expect(
      framesOf(bytes)
        .flat()
        .map(({ time }) => time),
    ).toEqual([base, base + 10n, base + 20n]);
    const packed = merge(concatBytes(documents), { packClusters: true }).bytes;
    expect(
      framesOf(packed)
        .flat()
        .map(({ time }) => time),
    ).toEqual([0n, 10n, 20n]);
  });

  it('puts each Cluster right where its Timestamp comes late', () => {
    const late = writeMaster(Mkv.Cluster, [
      writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1)),
      writeElement(Mkv.Timestamp, 4000),
    ]);
    const input = concatBytes([
      fragment(1000),
      fragment(0, { blocks: undefined }, { afterCluster: late }),
      fragment(9000),
    ]);
    const { bytes, newDocuments } = merge(input, { packClusters: true });
    expect(newDocuments).toEqual([]);
    expect(
      [...readChunks([bytes])].flatMap((e) => (e.kind === 'data' && e.is(Mkv.Timestamp) ? [e.value] : [])),
    ).toEqual([0, 3000, 8000]);
  });
});
