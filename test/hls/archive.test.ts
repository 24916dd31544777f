import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ArchivedFragment, ArchivePackager, type FragmentArchive, Packager } from '../../src/hls/index.js';
import { readDocuments } from '../../src/index.js';
import { archiveOf, get, mediaPlaylist } from './support.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));
const START = Date.UTC(2026, 0, 1);

/** So many fragments of a second, each with the media of the recording's first. */
async function longArchive(count: number): Promise<FragmentArchive & { readonly reads: string[] }> {
  const { value } = await readDocuments(RECORDING).next();
  const document = value?.bytes ?? new Uint8Array(0);
  const list = Array.from({ length: count }, (_, i): ArchivedFragment => {
    const time = new Date(START + i * 1400);
    return {
      fragmentNumber: String(1000 + i),
      producerTimestamp: time,
      serverTimestamp: time,
      fragmentLengthInMilliseconds: 1400,
      fragmentSizeInBytes: document.length,
    };
  });
  const reads: string[] = [];
  return {
    reads,
    list: () => list,
    read({ fragmentNumber }) {
      reads.push(fragmentNumber);
      return document;
    },
  };
}

describe('stored fragments', () => {
  test('5000 of them are listed at once; media is fetched when it is asked for', async () => {
    const archive = await longArchive(6000);
    const { handler } = new ArchivePackager(archive, { playbackMode: 'ON_DEMAND', maxFragmentResults: 5000 });
    const { segments, endList } = await mediaPlaylist(handler, 'video-1');
    expect([segments.length, endList, archive.reads]).toEqual([5000, true, ['1000']]);
    expect(segments.every(({ duration }) => duration === 1.4)).toBe(true);
    const manifest = await get(handler, 'manifest.mpd');
    expect(manifest.text).toContain('d="1400000" r="4999"');
    expect(archive.reads).toEqual(['1000']);
    const video = await get(handler, 'video-1/4321.m4s');
    const audio = await get(handler, 'audio-2/4321.m4s');
    expect([video.status, audio.status, archive.reads]).toEqual([200, 200, ['1000', '5321']]);
    // tfdt: where the fragment lies.
    const tfdt = Buffer.from(video.bytes).indexOf('tfdt');
    const time = Number(new DataView(video.bytes.buffer).getBigUint64(tfdt + 8)) / 90_000;
    expect(time).toBeCloseTo(10 + 4321 * 1.4, 3);
    // Only a few of those that were asked for are kept.
    for (let index = 0; index < 40; index++) await get(handler, `video-1/${index}.m4s`);
    const before = archive.reads.length;
    await get(handler, 'video-1/39.m4s');
    expect(archive.reads.length).toBe(before);
    await get(handler, 'video-1/1.m4s');
    expect(archive.reads.length).toBe(before + 1);
  });

  test('are what the packager makes of the same stream', async () => {
    const packager = new Packager({ playbackMode: 'ON_DEMAND' });
    await packager.feed(RECORDING);
    const { handler } = new ArchivePackager(await archiveOf(RECORDING), { playbackMode: 'ON_DEMAND' });
    const durations = async (from: Packager['handler']) =>
      (await mediaPlaylist(from, 'video-1')).segments.map(({ duration }) => Math.round(duration * 100));
    const expected = await durations(packager.handler);
    // ListFragments rounds to milliseconds, and counts the sound.
    for (const [index, duration] of (await durations(handler)).entries()) {
      expect(Math.abs(duration - (expected[index] ?? 0))).toBeLessThanOrEqual(2);
    }
    expect((await get(handler, 'video-1/init-0.mp4')).bytes).toEqual(
      (await get(packager.handler, 'video-1/init-0.mp4')).bytes,
    );
  });

  test('that cannot be read are an error that says so, and may be read later', async () => {
    const archive = await longArchive(10);
    let fails = true;
    const read: FragmentArchive['read'] = (fragment) => {
      if (fails && fragment.fragmentNumber === '1003') throw new Error('the archive is away');
      return archive.read(fragment);
    };
    const { handler } = new ArchivePackager({ list: () => archive.list(), read }, { playbackMode: 'ON_DEMAND' });
    const bad = await get(handler, 'video-1/3.m4s');
    expect([bad.status, bad.text]).toEqual([502, 'the media cannot be had: the archive is away\n']);
    fails = false;
    expect((await get(handler, 'video-1/3.m4s')).status).toBe(200);
  });
});

test('by the clock of the service, fragments that arrive late do not put off those behind them; a gap begins a Period', async () => {
  const { list, read } = await longArchive(60);
  const late = (index: number) => [0, 300, 90, 0, 700, 20][index % 6] ?? 0;
  const gap = 20_000;
  const arrived = (await list()).map((fragment, index) => ({
    ...fragment,
    serverTimestamp: new Date(fragment.serverTimestamp.getTime() + late(index) + (index < 30 ? 0 : gap)),
  }));
  const options = { playbackMode: 'ON_DEMAND', fragmentSelectorType: 'SERVER_TIMESTAMP' } as const;
  const { handler } = new ArchivePackager({ list: () => arrived, read }, options);
  const { text } = await get(handler, 'manifest.mpd');
  expect([...text.matchAll(/<Period id="p\d" start="PT([\d.]+)S"/g)].map(([, start]) => Number(start))).toEqual([
    0,
    expect.closeTo(30 * 1.4 + gap / 1000, 0),
  ]);
  const whole = Number(/mediaPresentationDuration="PT([\d.]+)S"/.exec(text)?.[1]);
  expect(whole).toBeGreaterThanOrEqual(60 * 1.4 + gap / 1000);
  expect(whole).toBeLessThanOrEqual(60 * 1.4 + gap / 1000 + 0.7);
});

test('what leaves the window is gone, however long a stream is', async () => {
  const { value } = await readDocuments(RECORDING).next();
  const document = value?.bytes ?? new Uint8Array(0);
  const packager = new Packager({ maxFragmentResults: 6 });
  await packager.feed(
    (function* () {
      for (let count = 0; count < 500; count++) yield document;
    })(),
  );
  let there = 0;
  for (let index = 0; index < 510; index++) {
    if ((await get(packager.handler, `video-1/${index}.m4s`)).status === 200) there++;
  }
  // Six that are listed, and seven that viewers may still ask for.
  expect(there).toBe(13);
});
