import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasUndescribedTrack } from '../../fuzz/files/described.js';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type OutputSegmentMergerOptions,
  readFrames,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { writeBlock } from '../../src/testing/block-writer.js';
import { writeEbmlHeader } from '../../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../../src/testing/track-writer.js';
import { readChunks } from '../support/read-all.js';
import { merge } from './merging.js';

/** Info; tracks by their numbers, each with a codec; or a Cluster with a Block of each of these tracks. */
type Part =
  | { readonly scale: number }
  | { readonly tracks: readonly (readonly [number, string])[] }
  | { readonly time: number; readonly blocks: readonly number[] };

interface Document {
  readonly hasEbml: boolean;
  readonly isSized: boolean;
  readonly parts: readonly Part[];
}

const NUMBER = fc.constantFrom(1, 2, 127, 300);
const INFO = fc.record({ scale: fc.constantFrom(1_000_000, 500_000) });
const TRACKS = fc.record({
  tracks: fc.uniqueArray(fc.tuple(NUMBER, fc.constantFrom('V_ONE', 'V_TWO')), {
    minLength: 1,
    maxLength: 3,
    selector: ([number]) => number,
  }),
});
const CLUSTER = fc.record({ time: fc.nat(50), blocks: fc.array(NUMBER, { maxLength: 3 }) });
const DOCUMENT: fc.Arbitrary<Document> = fc.record({
  hasEbml: fc.boolean(),
  isSized: fc.boolean(),
  parts: fc.array(fc.oneof(INFO, TRACKS, CLUSTER), { maxLength: 5 }),
});

/** Each Block has another payload. */
function write(documents: readonly Document[]): Uint8Array {
  let count = 0;
  const written = documents.flatMap(({ hasEbml, isSized, parts }, index) => {
    const content = parts.map((part) => {
      if ('scale' in part) return writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, part.scale)]);
      if ('tracks' in part) {
        return writeMaster(
          Mkv.Tracks,
          part.tracks.map(([number, codecId]) => writeTrackEntry({ number, codecId })),
        );
      }
      const blocks = part.blocks.map((track) => {
        count++;
        return writeBlock(
          { track, timestamp: part.time * 1000, frames: [Uint8Array.of(count >> 8, count)] },
          part.time,
          1_000_000,
        );
      });
      return writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, part.time), ...blocks]);
    });
    const segment = isSized ? [writeMaster(Mkv.Segment, content)] : [writeHeader(Mkv.Segment, undefined), ...content];
    return hasEbml || index === 0 ? [writeEbmlHeader(), ...segment] : segment;
  });
  return concatBytes(written);
}

interface Facts {
  /** The track's description; `undefined` where it has none. */
  readonly codecId: string | undefined;
  readonly number: number;
  readonly timestamp: number;
}

/** The frames by their payloads. */
async function factsOf(bytes: Uint8Array): Promise<Map<string, Facts>> {
  const frames = new Map<string, Facts>();
  for await (const { data, track, timestamp } of readFrames(bytes)) {
    const { number, codecId } = track;
    frames.set(Buffer.from(data).toString('hex'), { number, codecId: codecId || undefined, timestamp });
  }
  return frames;
}

const MERGING: fc.Arbitrary<OutputSegmentMergerOptions> = fc.constantFrom(
  {},
  {},
  { keepPositions: true },
  { packClusters: true },
  { startAtZero: true },
);

describe('merging documents of any tracks', () => {
  it('leaves each frame in a document that describes its track as it was described, at its time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(DOCUMENT, { minLength: 1, maxLength: 4 }), MERGING, async (documents, options) => {
        const input = write(documents);
        const { bytes } = merge(input, options);
        const before = await factsOf(input);
        const after = await factsOf(bytes);
        expect([...after.keys()]).toEqual([...before.keys()]);
        const movesTimes = options.packClusters === true || options.startAtZero === true;
        for (const [frame, { number, codecId, timestamp }] of before) {
          const merged = after.get(frame);
          expect(merged?.number).toBe(number);
          if (codecId !== undefined) expect(merged?.codecId).toBe(codecId);
          if (!movesTimes) expect(merged?.timestamp).toBe(timestamp);
        }
        if (!hasUndescribedTrack(input)) expect(hasUndescribedTrack(bytes)).toBe(false);
        expect(() => [...readChunks([bytes], { strict: true })]).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('takes the last of several Tracks in a header, also where it is the same as the first', async () => {
    const tracks = (codecId: string) => ({ tracks: [[1, codecId]] as const });
    const parts = [tracks('V_ONE'), tracks('V_TWO'), tracks('V_ONE'), { time: 0, blocks: [1] }];
    const { bytes } = merge(write([{ hasEbml: true, isSized: false, parts }]));
    expect([...(await factsOf(bytes)).values()].map(({ codecId }) => codecId)).toEqual(['V_ONE']);
  });
});
