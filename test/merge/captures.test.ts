import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv, readFragments } from '../../src/index.js';
import { CAPTURES, captureBytes, captureFacts } from '../support/captures.js';
import { readChunks } from '../support/read-all.js';
import { describeNeeding } from '../support/tools.js';
import { checkAll, countElements, merge, outline } from './merging.js';

describeNeeding('merging captures', [CAPTURES], () => {
  it('makes one document of five', () => {
    const { bytes, merger, newDocuments } = merge(captureBytes('output_get_media.mkv'));
    expect(countElements(bytes)).toMatchObject({
      EBML: 1,
      Segment: 1,
      Tracks: 1,
      Info: 1,
      Cluster: 5,
      SimpleBlock: 300,
      TagName: 60,
    });
    expect(merger.counters).toEqual({
      documentsIn: 5,
      documentsOut: 1,
      clusters: 5,
      frames: 300,
      clustersDropped: 0,
      elementsLeftOut: 0,
      bytes: bytes.length,
    });
    expect(newDocuments).toEqual([]);
    expect(checkAll(bytes)).toBe(5 + 5 + 2);
  });

  it('begins a new document where the timestamps go back', () => {
    const once = captureBytes('output_get_media.mkv');
    const { bytes, merger, newDocuments } = merge(concatBytes([once, once]));
    expect(merger.counters).toMatchObject({ documentsIn: 10, documentsOut: 2, clusters: 10 });
    expect(Buffer.compare(bytes, concatBytes([merge(once).bytes, merge(once).bytes]))).toBe(0);
    expect(newDocuments).toEqual([
      {
        offset: once.length,
        reason: { kind: 'timestamp', timestamp: 0n, previous: 8000n },
        message: 'the Timestamp 0 comes after 8000',
      },
    ]);
  });

  it('stops there when it is told to', () => {
    const once = captureBytes('output_get_media.mkv');
    const { bytes, merger, newDocuments } = merge(concatBytes([once, once]), { stopAtFirstNonMatchingSegment: true });
    expect(Buffer.compare(bytes, merge(once).bytes)).toBe(0);
    expect(merger.isDone()).toBe(true);
    expect(merger.stopped).toMatchObject({ offset: once.length, reason: { kind: 'timestamp' } });
    expect(newDocuments).toEqual([]);
    for (const element of readChunks([once])) element.accept(merger);
    expect(merger.counters.bytes).toBe(bytes.length);
  });

  it('packs sparse fragments as the known merger does, but for the CRC-32 that it gets wrong', () => {
    const { bytes } = merge(captureBytes('output_get_media_sparse_fragments.mkv'), {
      packClusters: true,
      keepPositions: true,
    });
    const theirs = captureBytes('output_get_media_sparse_fragments_merged.mkv');
    expect(outline(bytes)).toEqual(outline(theirs));
    const isClusterCrc = (start: number) =>
      [...readChunks([theirs])].some(
        (element) =>
          element.is(Mkv['CRC-32']) &&
          element.parent?.type === Mkv.Cluster &&
          start >= element.offset + 2 &&
          start < element.offset + 6,
      );
    const different = [...bytes.keys()].filter((index) => bytes[index] !== theirs[index]);
    expect(different.length).toBeGreaterThan(4);
    expect(different.filter((index) => !isClusterCrc(index))).toEqual([]);
    checkAll(bytes);
    expect(() => checkAll(theirs)).toThrow(/CRC-32/);
  });

  it.each(captureFacts().map(({ file }) => file))('finds the fragments of %s again', async (file) => {
    const input = captureBytes(file);
    const merged = merge(input).bytes;
    const before = await fragmentsOf(input);
    expect(before).not.toEqual([]);
    expect(await fragmentsOf(merged)).toEqual(before);
  });

  it.each(captureFacts().map(({ file }) => file))('changes nothing in %s when there is nothing to merge on', (file) => {
    const input = captureBytes(file);
    expect(Buffer.compare(merge(input, { mergeOn: [] }).bytes, input)).toBe(0);
  });

  it('puts Void elements in the place of positions, and leaves every other byte where it was', () => {
    const input = captureBytes('output_get_media.mkv');
    const kept = merge(input, { keepPositions: true }).bytes;
    const { bytes } = merge(input);
    expect(bytes.length).toBe(kept.length);
    const inMerged = elementsByOffset(bytes);
    let voids = 0;
    let until = 0;
    for (const element of readChunks([kept])) {
      if (element.kind === 'end' || element.offset < until) continue;
      const { offset, type, headerSize, dataSize = 0 } = element;
      const same = inMerged.get(offset);
      if (element.is(Mkv.SeekHead) || element.is(Mkv.Cues) || element.is(Mkv.Duration)) {
        voids++;
        until = offset + headerSize + dataSize;
        expect(same).toMatchObject({ type: Mkv.Void, length: until - offset });
      } else {
        const data = element.kind === 'data' && !(element.is(Mkv['CRC-32']) && element.parent?.type === Mkv.Info);
        expect(same).toMatchObject({ type, length: headerSize + dataSize });
        if (data && Buffer.compare(element.data, same?.data ?? new Uint8Array(0)) !== 0) throw new Error(type.name);
      }
    }
    expect(voids).toBe(3);
    checkAll(bytes);
  });
});

function elementsByOffset(bytes: Uint8Array) {
  const found = new Map<number, { type: unknown; length: number; data: Uint8Array | undefined }>();
  for (const element of readChunks([bytes])) {
    if (element.kind === 'end') continue;
    const { offset, type, headerSize, dataSize = 0 } = element;
    found.set(offset, {
      type,
      length: headerSize + dataSize,
      data: element.kind === 'data' ? element.data : undefined,
    });
  }
  return found;
}

async function fragmentsOf(bytes: Uint8Array) {
  const fragments = [];
  for await (const fragment of readFragments(bytes)) {
    fragments.push({
      metadata: { ...fragment.metadata },
      tags: fragment.tags.map(({ name, value }) => [name, value]),
      tracks: fragment.tracks.map(({ number, codecId }) => [number, codecId]),
      frames: fragment.frames.map((frame) => [
        frame.timestamp,
        frame.keyframe,
        Buffer.from(frame.data).toString('hex'),
      ]),
    });
  }
  return fragments;
}
