import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ArchivedFragment, ArchivePackager, Packager, type PlaybackHandler } from '../../src/hls/index.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { archiveOf, Feed, get, mediaPlaylist } from './support.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));

async function last(handler: PlaybackHandler, track: string): Promise<number> {
  const { mediaSequence, segments } = await mediaPlaylist(handler, track);
  return mediaSequence + segments.length - 1;
}

/** Live packagers whose fragments come when they are asked for. */
async function sources(): Promise<Record<string, { handler: PlaybackHandler; more(): Promise<void> }>> {
  const archive = await archiveOf(RECORDING);
  const all = await archive.list();
  let count = 0;
  const growing = { list: (): ArchivedFragment[] => all.slice(0, count), read: archive.read };
  const stored = new ArchivePackager(growing, { maxFragmentResults: 3, discontinuityMode: 'ALWAYS' });
  const packager = new Packager({ maxFragmentResults: 3, discontinuityMode: 'ALWAYS' });
  const feed = new Feed();
  void packager.feed(feed);
  const fragments = wrapAsGetMedia(await readMedia(RECORDING));
  let fed = 0;
  return {
    archive: {
      handler: stored.handler,
      async more() {
        count++;
      },
    },
    stream: {
      handler: packager.handler,
      async more() {
        const path = `audio-2/${fed}.m4s`;
        feed.push(bodyOf(fragments.slice(fed, ++fed)));
        await expect.poll(async () => (await get(packager.handler, path)).status).toBe(200);
      },
    },
  };
}

test.each(['archive', 'stream'])('%s: the playlists of the tracks tell of the same discontinuities', async (name) => {
  const { handler, more } = (await sources())[name]!;
  for (let count = 0; count < 4; count++) await more();
  const first = await mediaPlaylist(handler, 'video-1');
  const before = await last(handler, 'audio-2');
  expect(await last(handler, 'video-1')).toBe(before);
  for (const [one, other] of [
    ['video-1', 'audio-2'],
    ['audio-2', 'video-1'],
  ] as const) {
    const known = await last(handler, one);
    await more();
    const same = await mediaPlaylist(handler, other);
    expect(await last(handler, other)).toBe(known + 1);
    expect(await last(handler, one)).toBe(known + 1);
    expect([same.mediaSequence + same.segments.length - 1, same.segments.length]).toEqual([
      known,
      first.segments.length,
    ]);
    expect(same.discontinuitySequence).toBe(same.mediaSequence);
  }
});

test.each([
  ['ALWAYS', '#EXT-X-START:TIME-OFFSET=-6.37'],
  ['ON_DISCONTINUITY', undefined],
] as const)('where live playback with discontinuities %s begins', async (discontinuityMode, expected) => {
  const packager = new Packager({ discontinuityMode });
  await packager.feed(RECORDING);
  const { text } = await get(packager.handler, 'main.m3u8');
  expect(text.split('\n').find((line) => line.startsWith('#EXT-X-START'))).toBe(expected);
});
