import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  type Discontinuity,
  type LeftOutElement,
  Mkv,
  readFragments,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { writeEbmlHeader, writeGetMediaFragment, writeTrailingTags } from '../../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../../src/testing/track-writer.js';
import { noise } from '../support/bytes.js';
import { cluster, documentHead, fragmentInput, leadingTags, numberOf, TRACKS } from '../support/kvs-documents.js';
import { mediaBytes } from '../support/media.js';
import { chunksOf, readChunks } from '../support/read-all.js';
import { describeNeeding, tools } from '../support/tools.js';
import { complaints, packetsOf } from './judges.js';
import { countElements, framesOf, merge, outline } from './merging.js';

const TRACKS_ELEMENT = writeMaster(Mkv.Tracks, TRACKS.map(writeTrackEntry));
const INFO = writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, 1_000_000)]);

/** A SeekHead with one entry, always of the same length. */
function seekHead(position: number): Uint8Array {
  const place = new Uint8Array(8);
  new DataView(place.buffer).setBigUint64(0, BigInt(position));
  return writeMaster(Mkv.SeekHead, [
    writeMaster(Mkv.Seek, [
      writeElement(Mkv.SeekID, Uint8Array.of(0x16, 0x54, 0xae, 0x6b)),
      concatBytes([writeHeader(Mkv.SeekPosition, 8), place]),
    ]),
  ]);
}

const blocks = (time: number, count = 2) =>
  Array.from({ length: count }, (_, index) => ({
    track: 1,
    timestamp: (time + index) * 1000,
    frames: [Uint8Array.of(time, index)],
  }));
const clusterAt = (time: number, count = 2) => cluster(time * 1000, blocks(time, count));

/** A document whose Tracks stand behind these Clusters, and what comes then. */
function tracksBehind(clusters: readonly Uint8Array[], more: readonly Uint8Array[] = []): Uint8Array {
  const between = concatBytes([INFO, ...clusters]);
  const position = seekHead(0).length + between.length;
  const children = [seekHead(position), between, TRACKS_ELEMENT, ...more];
  return concatBytes([writeEbmlHeader(), writeMaster(Mkv.Segment, children)]);
}

/** The names of the Segment's children, with the Timestamps of Clusters. */
function order(bytes: Uint8Array): string {
  const names: string[] = [];
  for (const element of readChunks([bytes])) {
    if (element.kind === 'end') continue;
    if (element.is(Mkv.Segment)) names.push('|');
    else if (element.parent?.type === Mkv.Segment && element.type !== Mkv.Cluster) names.push(element.type.name ?? '?');
    else if (element.is(Mkv.Timestamp) && element.kind === 'data') names.push(String(element.value));
  }
  return names.join(' ');
}

describe('Tracks behind the Clusters', () => {
  it('are written before them', () => {
    const input = tracksBehind([clusterAt(5), clusterAt(9)], [writeMaster(Mkv.Tags, [])]);
    const { bytes, merger } = merge(input);
    expect(order(bytes)).toBe('| Void Info Tracks 5 9 Tags');
    expect(merger.counters).toMatchObject({
      clusters: 2,
      frames: 4,
      documentsIn: 1,
      documentsOut: 1,
      bytes: bytes.length,
    });
    expect(framesOf(bytes)).toEqual(framesOf(input));
    expect(() => [...readChunks([bytes], { strict: true })]).not.toThrow();
    for (const size of [1, 7, 100]) expect(Buffer.compare(merge(chunksOf(input, size)).bytes, bytes)).toBe(0);
    const chunks = new ChunkMerger();
    expect(Buffer.compare(concatBytes([...chunks.push(input), ...chunks.end()]), bytes)).toBe(0);
  });

  it('are compared like others: what goes on is merged, what does not is not', () => {
    const second = tracksBehind([clusterAt(20)]);
    const { bytes, newDocuments } = merge(concatBytes([tracksBehind([clusterAt(5)]), second]), { packClusters: true });
    expect(order(bytes)).toBe('| Void Info Tracks 0 2');
    expect(newDocuments).toEqual([]);
    const others = concatBytes([documentHead([TRACKS[1]!]), clusterAt(1), second]);
    expect(merge(others).newDocuments).toHaveLength(1);
  });

  it('are not waited for where positions stay, nor where the SeekHead says that they came before', () => {
    const input = tracksBehind([clusterAt(5), clusterAt(9)]);
    expect(order(merge(input, { keepPositions: true }).bytes)).toBe('| SeekHead Info 5 9 Tracks');
    const before = concatBytes([writeEbmlHeader(), writeHeader(Mkv.Segment, undefined), seekHead(3), clusterAt(5)]);
    const chunks = new ChunkMerger();
    expect(concatBytes(chunks.push(concatBytes([before, clusterAt(7)]))).length).toBeGreaterThan(before.length);
  });

  it('that never come are not waited for longer than the document lasts', () => {
    const input = tracksBehind([clusterAt(5), clusterAt(9)]);
    const cut = input.subarray(0, input.length - 10);
    const { bytes, merger } = merge(concatBytes([cut]));
    expect(order(bytes)).toBe('| Void Info 5 9');
    expect(merger.truncated).toBe(true);
    const children = [seekHead(5000), INFO, clusterAt(5)];
    const without = concatBytes([writeEbmlHeader(), writeMaster(Mkv.Segment, children)]);
    expect(order(merge(concatBytes([without, tracksBehind([clusterAt(6)])])).bytes)).toBe(
      '| Void Info 5 | Void Info Tracks 6',
    );
  });

  it('that are not whole are left out, which is told', () => {
    const head = concatBytes([writeEbmlHeader(), writeHeader(Mkv.Segment, undefined), seekHead(500), clusterAt(5)]);
    const entry = writeTrackEntry({ number: 1, codecId: 'V_VP8' });
    const cut = concatBytes([writeHeader(Mkv.Tracks, entry.length + 5), entry]);
    const told: string[] = [];
    const chunks = new ChunkMerger({
      recover: true,
      onLeftOut: ({ offset, message }) => told.push(`${offset}: ${message}`),
    });
    const bytes = concatBytes([...chunks.push(concatBytes([head, cut, clusterAt(7)])), ...chunks.end()]);
    expect(order(bytes)).toBe('| Void 5 7');
    expect(told).toEqual([`${head.length}: Segment/Tracks is left out: it is not whole`]);
    expect(chunks.merger.counters.elementsLeftOut).toBe(1);
  });

  it('that are too far behind stay there, and the SeekHead stays true', () => {
    const frame = noise(1_000_000, 1);
    const large = [...Array.from({ length: 79 }, (_, time) => time), 70].map((time) =>
      cluster(time * 1000, [{ track: 1, timestamp: time * 1000, frames: [frame] }]),
    );
    const input = tracksBehind(large, [clusterAt(3)]);
    const told: Discontinuity[] = [];
    const chunks = new ChunkMerger({ onDiscontinuity: (each) => told.push(each) });
    let held = 0;
    let given = 0;
    const pieces: Uint8Array[] = [];
    for (const chunk of chunksOf(input, 1 << 20)) {
      held += chunk.length;
      for (const piece of chunks.push(chunk)) {
        given += piece.length;
        pieces.push(piece);
      }
      expect(held - given).toBeLessThan(70e6);
    }
    pieces.push(...chunks.end());
    const bytes = concatBytes(pieces);
    const beforeTracks = outline(input).findIndex((line) => line.includes(' Tracks '));
    expect(outline(bytes).slice(9, beforeTracks)).toEqual(outline(input).slice(9, beforeTracks));
    // Before the Tracks have come, no document can begin that has them; then, one in which they stand elsewhere.
    expect(order(bytes)).toMatch(/^\| SeekHead Info 0 1 .* 78 70 Tracks \| Void Info Tracks 3$/);
    expect(told.map(({ timestamp, previous }) => [timestamp, previous])).toEqual([[70n, 78n]]);
    expect(() => merge(chunksOf(input, 1 << 20), { packClusters: true })).toThrow(/would have to be held/);
  });
});

describe('a document that goes back in time', () => {
  /** 5, 5, 11 and 5 frames, the third fragment in two Clusters of which the second goes back in time. */
  const fragments = [0, 1, 2, 3].map((index) => {
    const input = fragmentInput(index, { timestamp: 0, blocks: [] });
    const clusters = index === 2 ? [clusterAt(30, 5), clusterAt(3, 6)] : [clusterAt(10 * (index + 1), 5)];
    return concatBytes([documentHead(), leadingTags(input), ...clusters, writeTrailingTags(input)]);
  });

  async function framesByFragment(bytes: Uint8Array) {
    const counts = new Map<string | undefined, number>();
    for await (const { fragmentNumber, frames, tags } of readFragments(bytes)) {
      counts.set(fragmentNumber, (counts.get(fragmentNumber) ?? 0) + frames.length);
      expect(tags.map(({ value }) => numberOf(Number(value)))).toEqual([fragmentNumber]);
    }
    return [...counts];
  }

  it('has its tags with each part', async () => {
    const expected = [5, 5, 11, 5].map((count, index) => [numberOf(index), count]);
    const input = concatBytes(fragments);
    expect(await framesByFragment(input)).toEqual(expected);
    const { bytes } = merge(input);
    expect(order(bytes)).toBe(
      '| Tracks Tags Tags 10 Tags Tags Tags 20 Tags Tags Tags 30 | Tracks Tags Tags 3 Tags Tags Tags 40 Tags',
    );
    expect(await framesByFragment(bytes)).toEqual(expected);
    expect(countElements(bytes)).toMatchObject({ Tracks: 2 });
    for (const size of [1, 50]) expect(Buffer.compare(merge(chunksOf(input, size)).bytes, bytes)).toBe(0);
  });

  it('has them also where its fragments share a Segment, the last one going back', async () => {
    const document = concatBytes([
      documentHead(),
      ...[0, 1, 2].map((index) => {
        const input = fragmentInput(index, { timestamp: 0, blocks: [] });
        return concatBytes([
          leadingTags(input),
          clusterAt(index === 2 ? 3 : 10 * (index + 1), 5),
          writeTrailingTags(input),
        ]);
      }),
    ]);
    const { bytes } = merge(document);
    expect(order(bytes)).toBe('| Tracks Tags Tags 10 Tags Tags Tags 20 Tags | Tracks Tags Tags 3 Tags');
    expect(await framesByFragment(bytes)).toEqual([0, 1, 2].map((index) => [numberOf(index), 5]));
  });

  it('has its Tracks with each part, wherever they stood', () => {
    expect(order(merge(tracksBehind([clusterAt(5), clusterAt(2)])).bytes)).toBe(
      '| Void Info Tracks 5 | Void Info Tracks 2',
    );
    // Between Clusters, where no SeekHead tells of them: written where they stand, and then before.
    const input = concatBytes([
      writeEbmlHeader(),
      writeHeader(Mkv.Segment, undefined),
      clusterAt(5, 0),
      INFO,
      TRACKS_ELEMENT,
      clusterAt(7),
      TRACKS_ELEMENT,
      clusterAt(2),
      clusterAt(1),
    ]);
    const { bytes, merger } = merge(input);
    expect(order(bytes)).toBe('| 5 Info Tracks 7 | Info Tracks 2 | Info Tracks 1');
    expect(merger.counters.elementsLeftOut).toBe(0);
    const other = writeMaster(Mkv.Tracks, [writeTrackEntry({ number: 3, codecId: 'A_OPUS' })]);
    const described = merge(concatBytes([input, other, clusterAt(3)])).bytes;
    expect(order(described)).toBe(`${order(bytes)} | Info Tracks 3`);
    expect([...readChunks([described])].filter((element) => element.is(Mkv.TrackNumber))).toHaveLength(4 * 2 + 1);
  });

  it('is merged with a document that has the same Tracks before them', () => {
    const before = concatBytes([writeEbmlHeader(), writeHeader(Mkv.Segment, undefined), clusterAt(5, 0)]);
    const { bytes } = merge(concatBytes([before, TRACKS_ELEMENT, clusterAt(7), documentHead(), clusterAt(9)]));
    expect(order(bytes)).toBe('| 5 Tracks 7 9');
  });

  it('cannot make much of little by doing so again and again', () => {
    const head = concatBytes([
      documentHead(),
      writeMaster(Mkv.Attachments, [writeMaster(Mkv.AttachedFile, [writeElement(Mkv.FileData, noise(300_000, 1))])]),
    ]);
    const input = concatBytes([head, ...Array.from({ length: 500 }, (_, index) => clusterAt(500 - index, 1))]);
    const told: Discontinuity[] = [];
    const { bytes, merger } = merge(input, { onDiscontinuity: (each) => told.push(each) });
    expect(bytes.length).toBeLessThan(2 * input.length + (1 << 20));
    expect(merger.counters.clusters).toBe(500);
    expect(merger.counters.documentsOut).toBeGreaterThan(2);
    expect(told.length + merger.counters.documentsOut).toBe(500);
  });
});

describe('many tracks, and more of them behind each Cluster', () => {
  const COUNT = 1500;
  const entry = (number: number) => writeTrackEntry({ number, codecId: 'V_TEST' });
  const all = writeMaster(
    Mkv.Tracks,
    Array.from({ length: COUNT }, (_, i) => entry(i + 1)),
  );
  const input = (again: (index: number) => Uint8Array) =>
    concatBytes([
      documentHead([]),
      all,
      ...Array.from({ length: COUNT }, (_, i) => [clusterAt(1, 1), again(i)]).flat(),
    ]);

  it('are left out without a word where they are the same', () => {
    const told: LeftOutElement[] = [];
    const { merger } = merge(
      input((i) => writeMaster(Mkv.Tracks, [entry(i + 1), entry(7)])),
      { onLeftOut: (each) => told.push(each) },
    );
    expect(merger.counters).toMatchObject({ documentsOut: 1, clusters: COUNT, frames: COUNT });
    expect(told).toEqual([]);
  });

  it('begin documents, and are left out and told where the headers would be much more than what has come', () => {
    const told: LeftOutElement[] = [];
    const bytes = input((i) => writeMaster(Mkv.Tracks, [entry(COUNT + i + 1)]));
    const merged = merge(bytes, { onLeftOut: (each) => told.push(each) });
    const { documentsOut, clusters, frames } = merged.merger.counters;
    expect({ clusters, frames }).toEqual({ clusters: COUNT, frames: COUNT });
    expect(documentsOut).toBeGreaterThan(5);
    expect(merged.newDocuments.length).toBe(documentsOut - 1);
    expect(told.length + merged.newDocuments.length).toBe(COUNT);
    expect(merged.bytes.length).toBeLessThan(2 * bytes.length + (1 << 20));
    expect(new Set(told.map(({ message }) => message))).toEqual(
      new Set([
        'Segment/Tracks is left out: too many documents would begin',
        // The header is not looked at once more for each of them.
        'Segment/Tracks is left out: too many of its kind',
      ]),
    );
  });
});

describe('startAtZero', () => {
  it('counts from the first Cluster of each document', () => {
    const parts = [100, 107].map((time) => concatBytes([documentHead(), clusterAt(time), clusterAt(time + 5)]));
    const other = concatBytes([documentHead([TRACKS[0]!]), clusterAt(250), clusterAt(260)]);
    const { bytes } = merge(concatBytes([...parts, other]), { startAtZero: true });
    expect(order(bytes)).toBe('| Tracks 0 5 7 12 | Tracks 0 10');
    const crc = [0, 1].map((index) => writeGetMediaFragment(fragmentInput(index), { crc: true }));
    const shifted = merge(concatBytes(crc), { startAtZero: true });
    expect(order(shifted.bytes)).toMatch(/ 0 .* 2000 /);
    expect(() => [...readChunks([shifted.bytes], { strict: true, verifyCrc: true })]).not.toThrow();
  });
});

describeNeeding(
  'Tracks that ffmpeg wrote first, put behind the Clusters',
  [tools('ffmpeg', 'ffprobe', 'mkvinfo', 'mkvmerge')],
  () => {
    let folder = '';
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'kvs-behind-'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('play', async () => {
      const bytes = await mediaBytes('h264-aac.mkv');
      const pieces = new Map<string, Uint8Array[]>();
      for (const element of readChunks([bytes])) {
        if (element.kind !== 'start' || element.parent?.type !== Mkv.Segment || element.dataSize === undefined)
          continue;
        const { name = '' } = element.type;
        const end = element.offset + element.headerSize + element.dataSize;
        pieces.set(name, [...(pieces.get(name) ?? []), bytes.slice(element.offset, end)]);
      }
      const rest = concatBytes([...(pieces.get('Info') ?? []), ...(pieces.get('Cluster') ?? [])]);
      const tracks = pieces.get('Tracks')?.[0] ?? new Uint8Array(0);
      const children = [seekHead(seekHead(0).length + rest.length), rest, tracks];
      const input = concatBytes([writeEbmlHeader(), writeMaster(Mkv.Segment, children)]);
      const merged = merge(input).bytes;
      expect(packetsOf(merged, folder)).toEqual(packetsOf(bytes, folder));
      expect(complaints(merged, folder)).toEqual([]);
    });
  },
);
