import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../src/ebml/writer.js';
import {
  Mkv,
  type MkvMasterType,
  readFragments,
  segmentMergerStream,
  writeElement,
  writeHeader,
  writeMaster,
} from '../src/index.js';
import { mp4SegmentStream } from '../src/mp4/index.js';
import { writeTrackEntry } from '../src/testing/track-writer.js';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** Bytes that are in use. */
function inUse(): number {
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What is fed; an element takes so much more than its bytes that holding what comes would take several times as much. */
const FED = 2 * 1024 * 1024;
const RETAINED = 12 * 1024 * 1024;
/** What has to be held is refused before so much has come. */
const MOST_FED = 8 * 1024 * 1024;

const EBML = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]);
const SEGMENT = writeHeader(Mkv.Segment, undefined);
const TRACK = writeTrackEntry({ number: 1, codecId: 'A_MS/ACM', audio: { samplingFrequency: 8000, channels: 1 } });
const HEAD = [EBML, SEGMENT, writeMaster(Mkv.Tracks, [TRACK])];
const CLUSTER = writeHeader(Mkv.Cluster, undefined);
const TIMESTAMP = writeElement(Mkv.Timestamp, 5);
const BLOCK = writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1, 2, 3));
const SIMPLE_TAG = writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'a'), writeElement(Mkv.TagString, 'b')]);
const TAG = writeMaster(Mkv.Tag, [SIMPLE_TAG]);
const open = (type: MkvMasterType) => writeHeader(type, undefined);

/** What begins a stream, what then comes again and again, and who has to hold that and so must refuse it in the end. */
type Shape = readonly [start: readonly Uint8Array[], unit: Uint8Array, refusedBy: readonly string[]];

const MERGER = ['segmentMergerStream'];

const SHAPES: Readonly<Record<string, Shape>> = {
  SimpleBlocks: [[...HEAD, CLUSTER, TIMESTAMP], BLOCK, ['readFragments']],
  'Blocks without Timestamp': [[...HEAD, CLUSTER], BLOCK, MERGER],
  'Void in a Cluster before its Timestamp': [[...HEAD, CLUSTER], writeElement(Mkv.Void, new Uint8Array(9)), MERGER],
  'Position behind a CRC-32 and a Timestamp': [
    [...HEAD, CLUSTER, writeElement(Mkv['CRC-32'], new Uint8Array(4)), TIMESTAMP],
    writeElement(Mkv.Position, 1),
    MERGER,
  ],
  'references in a BlockGroup': [
    [...HEAD, CLUSTER, TIMESTAMP, open(Mkv.BlockGroup)],
    writeElement(Mkv.ReferenceBlock, -1),
    MERGER,
  ],
  'Tags before a Cluster': [HEAD, writeMaster(Mkv.Tags, [TAG]), MERGER],
  'Tags behind a Cluster': [[...HEAD, writeMaster(Mkv.Cluster, [TIMESTAMP])], writeMaster(Mkv.Tags, [TAG]), []],
  'Tag in Tags': [[...HEAD, open(Mkv.Tags)], TAG, MERGER],
  'elements in a TrackEntry': [
    [EBML, SEGMENT, open(Mkv.Tracks), open(Mkv.TrackEntry)],
    writeElement(Mkv.CodecName, 'abc'),
    MERGER,
  ],
  'elements in EBML': [[open(Mkv.EBML)], writeElement(Mkv.DocType, 'matroska'), MERGER],
  Cues: [HEAD, writeMaster(Mkv.Cues, [writeMaster(Mkv.CuePoint, [writeElement(Mkv.CueTime, 1)])]), MERGER],
  // They are held as they came, which takes little more than their bytes.
  'elements nobody knows': [HEAD, Uint8Array.of(0x93, 0x81, 0), []],
};

type Consumer = (stream: Iterable<Uint8Array>) => Promise<unknown>;

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

function readableOf(stream: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const chunks = stream[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

const OPTIONS = { recover: true, maxFragmentSize: 8 * 1024 * 1024 };
const CONSUMERS: Readonly<Record<string, Consumer>> = {
  readFragments: (stream) => drain(readFragments(stream, OPTIONS)),
  segmentMergerStream: (stream) => drain(readableOf(stream).pipeThrough(segmentMergerStream(OPTIONS))),
  mp4SegmentStream: (stream) => drain(mp4SegmentStream(stream, OPTIONS)),
};

describe.each(Object.entries(SHAPES))('endless %s', (_, [start, unit, refusedBy]) => {
  it.each(Object.entries(CONSUMERS))('do not fill the memory of %s', async (name, consumer) => {
    const refused = refusedBy.includes(name);
    const units = concatBytes(Array.from({ length: Math.floor(65536 / unit.length) }, () => unit));
    let retained = 0;
    const before = inUse();
    function* chunks(): Iterable<Uint8Array> {
      yield concatBytes(start);
      for (let fed = 0; fed < (refused ? MOST_FED : FED); fed += units.length) yield units.slice();
      retained = inUse() - before;
    }
    if (refused) {
      await expect(consumer(chunks())).rejects.toMatchObject({ name: 'MkvParseError', code: 'ElementTooLarge' });
    } else {
      await consumer(chunks());
    }
    expect(retained).toBeLessThan(RETAINED);
  });
});
