import { afterEach, expect, it, vi } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv, readFragments, writeElement, writeMaster } from '../../src/index.js';
import { writeTags } from '../../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../../src/testing/track-writer.js';
import { documentHead } from '../support/kvs-documents.js';

const TRACKS = 300;
const entries = Array.from({ length: TRACKS }, (_, i) =>
  writeTrackEntry({ number: i + 1, type: 'audio', codecId: 'A_AAC', name: 'AUDIO_FROM_CUSTOMER' }),
);
/** Frames of two samples, one of each track. */
const frames = writeMaster(Mkv.Cluster, [
  writeElement(Mkv.Timestamp, 1),
  ...entries.map((_, i) =>
    writeElement(Mkv.SimpleBlock, Uint8Array.of(0x40 | ((i + 1) >> 8), (i + 1) & 0xff, 0, 0, 0x80, 0, 1, 0, 2)),
  ),
]);
const documentOf = (before: readonly Uint8Array[], behind: readonly Uint8Array[]) =>
  concatBytes([documentHead([]), ...before, writeMaster(Mkv.Tracks, entries), frames, ...behind]);

afterEach(() => {
  vi.restoreAllMocks();
});

/** How many names have been compared. */
async function comparisons(bytes: Uint8Array): Promise<number> {
  const lower = vi.spyOn(String.prototype, 'toLowerCase');
  for await (const { tracks } of readFragments([bytes])) expect(tracks).toHaveLength(TRACKS);
  const calls = lower.mock.calls.length;
  lower.mockRestore();
  return calls;
}

it('each tag is looked at once, however many tracks ask, before the frames and behind them', async () => {
  const few = await comparisons(documentOf([], []));
  const many = Array.from({ length: 2000 }, (): [string, string] => ['n', 'v']);
  expect(await comparisons(documentOf([writeTags(many)], []))).toBeLessThan(few + 2 * many.length);
  const behind = many.map((each) => writeTags([each]));
  expect(await comparisons(documentOf([], behind))).toBeLessThan(few + 2 * many.length);
});

it('a tag behind the frames says of all tracks what these are, the last one before another fragment counts', async () => {
  const said = (rate: number) => writeTags([['MimeType', `audio/L16;rate=${rate};channels=1;`]]);
  const shapes: (readonly [string | undefined, number | undefined])[][] = [];
  const other = writeTags([['MimeType', 'video/h264']]);
  for (const behind of [[], [said(16_000)], [other, said(16_000), other], [other]]) {
    for await (const { tracks } of readFragments([documentOf([], behind)])) {
      const all = tracks.map((track) => [track.codecString, track.toAudioDecoderConfig()?.sampleRate] as const);
      expect(new Set(all.map(String)).size).toBe(1);
      shapes.push(all.slice(0, 1));
    }
  }
  expect(shapes.map(([first]) => first)).toEqual([
    ['pcm-s16', 8000],
    ['pcm-s16', 16_000],
    ['pcm-s16', 16_000],
    ['pcm-s16', 8000],
  ]);
});
