import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type MkvMasterType,
  type MkvStartMasterElement,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ComparedMasters } from '../../src/merge/compared-masters.js';
import { DocumentHeader, isLeftOut } from '../../src/merge/document-header.js';
import { GatheredElement } from '../../src/merge/gathered-element.js';
import { PieceQueue } from '../../src/merge/piece-queue.js';
import { strictEbmlHeader } from '../../src/merge/strict-ebml-header.js';
import { chunksOf, readChunks } from '../support/read-all.js';

const EBML = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]);
const DEFAULT: readonly MkvMasterType[] = [Mkv.EBML, Mkv.Tracks];

/** The header of a document of an EBML header and a Segment of these children; the chunk that it was read from is used again. */
function headerOf(children: Uint8Array[], mergeOn = DEFAULT, settled = true, chunkSize = 1000): DocumentHeader {
  const header = new DocumentHeader(0, new ComparedMasters(mergeOn));
  const bytes = concatBytes([EBML, writeMaster(Mkv.Segment, children, { unknownSize: true, sizeLength: 8 })]);
  let segment: MkvStartMasterElement | undefined;
  let gathered: GatheredElement | undefined;
  for (const element of readChunks(chunksOf(bytes, chunkSize))) {
    if (element.kind === 'end') continue;
    if (element.kind === 'start' && element.is(Mkv.Segment)) {
      segment = element;
      header.setSegment(element);
    } else {
      if (element.parent === undefined || element.parent === segment) {
        gathered = new GatheredElement(element);
        header.hold(gathered);
        if (element.kind === 'start') header.observe(gathered);
      } else gathered?.add(element);
    }
  }
  if (settled) {
    header.settle();
    bytes.fill(0);
  }
  return header;
}

/** The first element that keeps two documents apart, and its master. */
function difference(ours: Uint8Array[], theirs: Uint8Array[], mergeOn = DEFAULT): string | undefined {
  // However the documents were cut into chunks.
  const [one, ...others] = [1000, 7].flatMap((size) =>
    [1000, 7].map((other) => {
      const found = headerOf(ours, mergeOn, true, size).difference(headerOf(theirs, mergeOn, false, other), false);
      return found && `${found.element.name} in ${found.master.name}`;
    }),
  );
  for (const other of others) expect(other).toBe(one);
  return one;
}

const tracks = (...children: Uint8Array[]) => writeMaster(Mkv.Tracks, [writeMaster(Mkv.TrackEntry, children)]);
const number = writeElement(Mkv.TrackNumber, 1);
const width = writeElement(Mkv.PixelWidth, 5);
const info = (...children: Uint8Array[]) => writeMaster(Mkv.Info, children);
const scale = (nanoseconds: number) => info(writeElement(Mkv.TimestampScale, nanoseconds));

describe('headers differ', () => {
  it('in the first element that is another one, has other data, stands elsewhere, or is missing', () => {
    const codec = writeElement(Mkv.CodecID, 'x');
    expect(difference([tracks(number, codec)], [tracks(number, codec)])).toBeUndefined();
    expect(difference([tracks(number, codec)], [tracks(number, writeElement(Mkv.Name, 'x'))])).toBe('Name in Tracks');
    expect(difference([tracks(number, codec)], [tracks(number, writeElement(Mkv.CodecID, 'y'))])).toBe(
      'CodecID in Tracks',
    );
    expect(difference([tracks(number, codec)], [tracks(number)])).toBe('CodecID in Tracks');
    expect(difference([tracks(number)], [tracks(number, codec)])).toBe('CodecID in Tracks');
    const inside = tracks(writeMaster(Mkv.Video, [width]));
    const outside = tracks(writeMaster(Mkv.Video, []), width);
    expect(difference([inside], [inside])).toBeUndefined();
    expect(difference([inside], [outside])).toBe('PixelWidth in Tracks');
    expect(difference([outside], [inside])).toBe('PixelWidth in Tracks');
  });

  it('not in CRC-32 and Void, nor in a master that the other has not', () => {
    const filled = tracks(
      writeElement(Mkv['CRC-32'], new Uint8Array(4)),
      number,
      writeElement(Mkv.Void, new Uint8Array(3)),
    );
    expect(difference([filled], [tracks(number)])).toBeUndefined();
    expect(difference([tracks(number)], [])).toBeUndefined();
    expect(difference([], [tracks(number)])).toBe('TrackEntry in Tracks');
  });

  it('in the masters that are asked for, however deep, and in no others', () => {
    const [one, other] = [5, 6].map((value) =>
      tracks(number, writeMaster(Mkv.Video, [writeElement(Mkv.PixelWidth, value)])),
    );
    const ask = (...mergeOn: MkvMasterType[]) => difference([one ?? EBML], [other ?? EBML], mergeOn);
    expect(ask(Mkv.Video)).toBe('PixelWidth in Video');
    expect(ask(Mkv.TrackEntry)).toBe('PixelWidth in TrackEntry');
    expect(ask(Mkv.Segment)).toBe('PixelWidth in Segment');
    expect(ask(Mkv.Audio)).toBeUndefined();
    expect(ask(Mkv.EBML)).toBeUndefined();
    const tagged = [1, 2].map((uid) =>
      writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [writeMaster(Mkv.Targets, [writeElement(Mkv.TagTrackUID, uid)])])]),
    );
    expect(difference([tagged[0] ?? EBML], [tagged[1] ?? EBML], [Mkv.Targets])).toBe('TagTrackUID in Targets');
    expect(difference([tagged[0] ?? EBML], [tagged[1] ?? EBML], [Mkv.Segment])).toBe('TagTrackUID in Segment');
    expect(difference([tagged[0] ?? EBML], [tagged[1] ?? EBML])).toBeUndefined();
  });

  it('in TimestampScale, which an Info without one has as well, but no Info has not', () => {
    expect(difference([scale(1000)], [scale(1000)])).toBeUndefined();
    expect(difference([scale(1000)], [scale(2000)])).toBe('TimestampScale in Info');
    expect(difference([scale(1000)], [info()])).toBe('TimestampScale in Info');
    expect(difference([scale(1_000_000)], [info()])).toBeUndefined();
    expect(difference([info()], [scale(1_000_000)])).toBeUndefined();
    expect(difference([info()], [scale(1000)])).toBe('TimestampScale in Info');
    expect(difference([], [scale(1_000_000)])).toBeUndefined();
    expect(difference([scale(1000)], [])).toBeUndefined();
    expect(difference([scale(1000)], [scale(1000), info()])).toBeUndefined();
  });
});

describe('a header', () => {
  it('tells what the time of Clusters depends on', () => {
    const header = headerOf([
      scale(1000),
      writeMaster(Mkv.Tracks, [
        writeMaster(Mkv.TrackEntry, [
          writeElement(Mkv.DefaultDuration, 40),
          number,
          writeElement(Mkv.TrackType, 2),
          writeMaster(Mkv.Audio, [writeElement(Mkv.TrackType, 9), writeElement(Mkv.TrackNumber, 9)]),
          writeElement(Mkv.TrackUID, 77),
        ]),
        writeMaster(Mkv.TrackEntry, []),
        writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackNumber, 3)]),
      ]),
    ]);
    expect(header.timestampScale).toBe(1000);
    expect(header.tracks).toEqual([
      { number: 1, type: 2, defaultDuration: 40 },
      { number: undefined, type: undefined, defaultDuration: undefined },
      { number: 3, type: undefined, defaultDuration: undefined },
    ]);
    expect(headerOf([]).timestampScale).toBe(1_000_000);
    expect(headerOf([]).tracks).toEqual([]);
    const stray = writeMaster(Mkv.Tracks, [number]);
    expect(headerOf([stray]).tracks).toEqual([]);
  });

  it('is written as it came, its Segment of unknown size; again without what comes but once in a stream', () => {
    const [tags, filling] = [writeMaster(Mkv.Tags, []), writeElement(Mkv.Void, new Uint8Array(3))];
    const header = headerOf([info(), tags, tracks(number), filling], DEFAULT, false);
    expect(header.hasSegment).toBe(true);
    const segment = writeHeader(Mkv.Segment, undefined, { sizeLength: 8 });
    expect(header.bytes(false)).toEqual({
      ebml: EBML,
      segment,
      rest: concatBytes([info(), tags, tracks(number), filling]),
    });
    header.settle();
    expect(header.again(false)).toEqual({ ebml: EBML, segment, rest: concatBytes([info(), tracks(number)]) });
    expect(header.bytes(false)).toEqual({ ebml: EBML, segment, rest: concatBytes([info(), tracks(number)]) });
    const empty = new DocumentHeader(5, new ComparedMasters([]));
    expect([empty.offset, empty.hasSegment, empty.bytes(false).segment.length]).toEqual([5, false, 0]);
    expect(empty.bytes(false).ebml).toEqual(strictEbmlHeader(undefined));
  });

  it('leaves its Tags to the document that it is merged into, that with the number of the fragment first if it has to be', () => {
    const tag = (name: string) =>
      writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, name)])])]);
    const [a, b, service] = [tag('a'), tag('b'), tag('AWS_KINESISVIDEO_FRAGMENT_NUMBER')];
    const merged = (first: boolean, ...children: Uint8Array[]) => {
      const queue = new PieceQueue();
      for (const each of headerOf([info(), ...children], DEFAULT, false).merged(first)) each.writeTo(queue, false);
      return concatBytes(queue.take());
    };
    expect(merged(false, a, b, service)).toEqual(concatBytes([a, b, service]));
    expect(merged(true, a, b, service)).toEqual(concatBytes([service, a, b]));
    expect(merged(true, a, service, b)).toEqual(concatBytes([service, a, b]));
    expect(merged(true, service, a, b)).toEqual(concatBytes([service, a, b]));
    expect(merged(true, a, b)).toEqual(concatBytes([a, b]));
  });

  it('leaves out what a Segment has once, and what says nothing by itself', () => {
    const types = [
      Mkv.EBML,
      Mkv.SeekHead,
      Mkv.Info,
      Mkv.Tracks,
      Mkv.Chapters,
      Mkv.Attachments,
      Mkv.Void,
      Mkv['CRC-32'],
      Mkv.Cues,
      Mkv.Tags,
      Mkv.Cluster,
    ];
    const names = (inHeader: boolean) => types.filter((type) => !isLeftOut(type, inHeader)).map(({ name }) => name);
    expect(names(true)).toEqual(['Tags', 'Cluster']);
    expect(names(false)).toEqual(['SeekHead', 'Void', 'CRC-32', 'Cues', 'Tags', 'Cluster']);
  });
});
