import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type FragmentMetadata, type Frame, readFragments, readFrames } from '../../src/index.js';
import { CAPTURES, captureBytes, captureFacts } from '../support/captures.js';
import { expectedFragments, fragmentFacts, metadataFacts } from '../support/fragment-facts.js';
import { chunksOf } from '../support/read-all.js';
import { describeNeeding } from '../support/tools.js';

const CHUNKINGS = [
  ['in one chunk', (bytes: Uint8Array) => [bytes]],
  ['in 1-byte chunks', (bytes: Uint8Array) => chunksOf(bytes, 1)],
] as const;

describeNeeding('the captures, by fragments and frames', [CAPTURES], () => {
  const all = captureFacts();
  describe.each(all)('$file', (facts) => {
    const bytes = captureBytes(facts.file);
    const expected = expectedFragments(facts, all);

    test.each(CHUNKINGS)('readFragments gives what an independent reader found, %s', async (_, chunks) => {
      const found: ReturnType<typeof fragmentFacts>[] = [];
      const hash = createHash('sha256');
      for await (const fragment of readFragments(chunks(bytes))) {
        found.push(fragmentFacts(fragment));
        for (const frame of fragment.frames) hash.update(frame.data);
        expect(fragment.frames.every((frame) => frame.fragment === fragment.metadata)).toBe(true);
      }
      expect(found).toEqual(expected);
      expect(hash.digest('hex')).toBe(facts.allFramesSha256);
    });

    test.each(CHUNKINGS)('readFrames gives each frame with the metadata of its fragment, %s', async (_, chunks) => {
      const hash = createHash('sha256');
      const frames: Frame[] = [];
      for await (const frame of readFrames(chunks(bytes))) {
        hash.update(frame.data);
        frames.push(frame);
      }
      expect(hash.digest('hex')).toBe(facts.allFramesSha256);
      const counts = new Map<FragmentMetadata | undefined, number>();
      for (const { fragment } of frames) counts.set(fragment, (counts.get(fragment) ?? 0) + 1);
      const found = [...counts].map(([fragment, count]) => ({
        ...metadataFacts(fragment, fragment?.tags ?? []),
        count,
      }));
      const withFrames = expected.filter((fragment) => fragment.frames > 0);
      expect(found).toEqual(
        withFrames.map(({ kvs, tags, frames: count }) => ({ kvs, tags: 'FRAGMENT_NUMBER' in kvs ? tags : [], count })),
      );
    });
  });
});
