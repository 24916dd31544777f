import { expect, it } from 'vitest';
import { TrackList } from '../../src/cli/track-list.js';
import { concatBytes, writeElement, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';

it('holds nothing of a stream with more tracks than a message names', async () => {
  const entries = Array.from({ length: 20 }, (_, i) =>
    writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, i + 1),
      writeElement(Mkv.TrackUID, BigInt(i + 1)),
      writeElement(Mkv.TrackType, 1),
      writeElement(Mkv.CodecID, 'V_VP8'),
    ]),
  );
  const document = concatBytes([
    writeMaster(Mkv.EBML, []),
    writeMaster(Mkv.Segment, [writeMaster(Mkv.Tracks, entries), writeElement(Mkv.Void, new Uint8Array(10_000))]),
  ]);
  const chunk = concatBytes(Array.from({ length: 100 }, () => document));
  async function* chunks() {
    for (let i = 0; i < 100; i++) yield chunk.slice();
  }
  const tracks = new TrackList();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for await (const _ of tracks.watch(chunks())) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  expect(most).toBeLessThan((100 * chunk.length) / 2);
  expect(tracks.explain('there is none')).toContain('16 (video, V_VP8)');
  expect(tracks.explain('there is none')).not.toContain('17 (');
});
