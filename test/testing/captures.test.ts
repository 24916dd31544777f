import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CAPTURES, captureBytes, captureFacts, capturePath } from '../support/captures.js';
import { describeNeeding } from '../support/tools.js';
import { getMedia, readBody, start } from './support.js';

const BODIES = [
  'output_get_media.mkv',
  'output_get_media_sparse_fragments.mkv',
  'test_mixed_tags.mkv',
  'empty-mkv-with-tags.mkv',
];

describeNeeding('captures of GetMedia', [CAPTURES], () => {
  for (const facts of captureFacts().filter(({ file }) => BODIES.includes(file))) {
    it(`${facts.file} is served as it was received`, async () => {
      const source = { source: capturePath(facts.file), keepMetadata: true };
      const server = await start({ streams: { camera: source } });
      const fragments = await readBody(await getMedia(server.endpoint));
      const hash = createHash('sha256');
      for (const { frames } of fragments) for (const frame of frames) hash.update(frame);
      expect(hash.digest('hex')).toBe(facts.allFramesSha256);
      expect(fragments.map(({ producerTags }) => producerTags)).toEqual(
        // The facts have the NULs that some values are padded with.
        facts.fragments.map((fragment) =>
          fragment.producerTags.map(([name, value]) => [name, value.replace(/\0.*/s, '')]),
        ),
      );
      for (const name of ['FRAGMENT_NUMBER', 'SERVER_TIMESTAMP', 'PRODUCER_TIMESTAMP']) {
        expect(fragments.map(({ tags }) => tags.get(name))).toEqual(facts.fragments.map(({ kvs }) => kvs[name]));
      }
      // The producer's bytes are those of the capture.
      const capture = Buffer.from(captureBytes(facts.file));
      for (const { head, media, tail } of server.stream('camera').fragments) {
        for (const bytes of [head, media, tail]) expect(capture.includes(Buffer.from(bytes))).toBe(true);
      }
    });
  }
});

describe('an ordinary file', () => {
  it.skipIf(CAPTURES.missing !== undefined)('becomes a fragment for each Cluster', async () => {
    const server = await start({ streams: { camera: { source: capturePath('vogels_480.mkv') } } });
    const fragments = await readBody(await getMedia(server.endpoint));
    expect(fragments).toHaveLength(9);
    expect(fragments.reduce((sum, { frames }) => sum + frames.length, 0)).toBe(909 + 1425);
  });
});
