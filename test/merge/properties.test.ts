import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  applyVisitor,
  type Fragment,
  OutputSegmentMerger,
  readFragments,
  StreamingMkvReader,
} from '../../src/index.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { arbitraryDocuments } from '../support/ebml-generator.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';
import { checkAll, framesOf, merge } from './merging.js';

const OPTIONS = fc.record({ packClusters: fc.boolean(), keepPositions: fc.boolean() });
const STREAM = arbitraryKvsStream({ largestFrame: 3000 });
const ONE_PRODUCER = arbitraryKvsStream({ oneProducer: true, minFragments: 2, withMetadata: true });
const RUNS = { numRuns: 150 };

describe('merging generated streams', () => {
  it('changes nothing when what was merged is merged', () => {
    fc.assert(
      fc.property(fc.oneof(STREAM, ONE_PRODUCER), OPTIONS, ({ bytes }, options) => {
        const once = merge(bytes, options);
        const twice = merge(once.bytes, options);
        expect(twice.merger.counters.documentsOut).toBe(once.merger.counters.documentsOut);
        expect(Buffer.compare(twice.bytes, once.bytes)).toBe(0);
      }),
      RUNS,
    );
  });

  it('gives the same for every chunking', () => {
    fc.assert(
      fc.property(STREAM, OPTIONS, arbitraryChunking(), ({ bytes }, options, chunking) => {
        const whole = merge(bytes, options);
        const parts = merge(split(bytes, chunking), options);
        expect(Buffer.compare(parts.bytes, whole.bytes)).toBe(0);
        expect(parts.merger.counters).toEqual(whole.merger.counters);
      }),
      RUNS,
    );
  });

  it('keeps every frame, in order, with its track, flag and time', () => {
    fc.assert(
      fc.property(fc.oneof(STREAM, ONE_PRODUCER), ({ bytes }) => {
        const merged = merge(bytes);
        expect(framesOf(merged.bytes).flat()).toEqual(framesOf(bytes).flat());
        expect(merged.merger.counters.frames).toBe(framesOf(bytes).flat().length);
      }),
      RUNS,
    );
  });

  it('writes only CRC-32 that are right, and whole elements', () => {
    fc.assert(
      fc.property(fc.oneof(STREAM, ONE_PRODUCER), OPTIONS, ({ bytes }, options) => {
        checkAll(merge(bytes, options).bytes);
      }),
      RUNS,
    );
  });

  it('keeps the fragments: numbers, timestamps, tokens, tags, frames', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(arbitraryKvsStream({ withMetadata: true }), ONE_PRODUCER), async ({ bytes }) => {
        expect(await describeFragments(merge(bytes).bytes)).toEqual(await describeFragments(bytes));
      }),
      RUNS,
    );
  });

  it('changes nothing at all when there is nothing to merge on', () => {
    fc.assert(
      fc.property(fc.oneof(STREAM, arbitraryDocuments()), OPTIONS, ({ bytes }, options) => {
        const merged = merge(bytes, { ...options, mergeOn: [] });
        expect(Buffer.compare(merged.bytes, bytes)).toBe(0);
        expect(merged.merger.counters.documentsOut).toBe(merged.merger.counters.documentsIn);
      }),
      RUNS,
    );
  });

  it('tells of every cut, wherever it is, and gives nothing but what is whole before it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(STREAM, arbitraryDocuments()),
        fc.nat(),
        fc.boolean(),
        async ({ bytes }, place, isNothingMerged) => {
          const cut = bytes.subarray(0, place % (bytes.length + 1));
          const parts: Uint8Array[] = [];
          const options = isNothingMerged ? { mergeOn: [] } : {};
          const merger = new OutputSegmentMerger((piece) => void parts.push(piece), options);
          await applyVisitor(cut, merger);
          const reader = new StreamingMkvReader();
          reader.push(cut);
          reader.end();
          while (reader.nextIfAvailable() !== undefined);
          expect(merger.truncated).toBe(reader.truncated);
          if (!isNothingMerged) return;
          const merged = concatBytes(parts);
          expect(Buffer.compare(merged, cut.subarray(0, merged.length))).toBe(0);
          if (merged.length < cut.length) expect(merger.truncated).toBe(true);
        },
      ),
      RUNS,
    );
  });

  it('takes any document', () => {
    fc.assert(
      fc.property(arbitraryDocuments(), OPTIONS, ({ bytes }, options) => {
        let once = merge(bytes, options);
        // Blocks behind a second Timestamp of a Cluster get Clusters of their own, which are packed like others then.
        if (options.packClusters) once = merge(once.bytes, options);
        expect(Buffer.compare(merge(once.bytes, options).bytes, once.bytes)).toBe(0);
      }),
      RUNS,
    );
  });
});

async function describeFragments(bytes: Uint8Array) {
  const fragments: Fragment[] = [];
  for await (const fragment of readFragments(bytes)) fragments.push(fragment);
  return fragments.map(({ metadata, tracks, frames, tags }) => ({
    metadata: metadata === undefined ? undefined : { ...metadata, tags: undefined },
    tracks: tracks.map(({ number, codecId }) => ({ number, codecId })),
    tags: tags.map(({ name, value }) => [name, value]),
    frames: frames.map(({ timestamp, keyframe, data, track }) => ({
      timestamp,
      keyframe,
      track: track.number,
      data: Buffer.from(data).toString('hex'),
    })),
  }));
}
