import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { ArchivePackager, Packager, type PackagerOptions } from '../../src/hls/index.js';
import { makeSource } from '../mp4/support.js';
import { CAPTURES, capturePath } from '../support/captures.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, type Media, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { describeNeeding, findTool, tools } from '../support/tools.js';
import { archiveOf, serve } from './support.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));

interface Found {
  readonly messages: string;
  /** SHA-256 of each packet, in order. */
  readonly hashes: readonly string[];
  readonly times: readonly number[];
}

/** The packets of a kind that ffmpeg finds at an address, while this process serves it, and what it says. */
async function probe(url: string, kind: 'v' | 'a'): Promise<Found> {
  const path = findTool('ffprobe');
  if (path === undefined) throw new Error('ffprobe is not on PATH');
  const child = spawn(path, [
    ...['-v', 'warning', '-select_streams', kind, '-show_packets', '-show_data_hash', 'sha256', '-of', 'csv=p=0'],
    ...['-show_entries', 'packet=pts_time,data_hash', url],
  ]);
  let out = '';
  let messages = '';
  child.stdout.on('data', (data) => (out += String(data)));
  child.stderr.on('data', (data) => (messages += String(data)));
  await new Promise((resolve) => child.on('close', resolve));
  const lines = out.split('\n').filter((line) => line !== '');
  return {
    messages,
    hashes: lines.map((line) => line.replace(/^.*SHA256:/, '').trim()),
    times: lines.map((line) => Number.parseFloat(line)),
  };
}

const hashOf = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** That ffmpeg finds all frames of a source, once, in HLS and DASH, without a word. */
async function expectAll(handler: Packager['handler'], media: Media, kinds: readonly ('v' | 'a')[]): Promise<void> {
  const origin = await serve(handler);
  for (const kind of kinds) {
    const number = media.tracks.find(({ type }) => type === (kind === 'v' ? 'video' : 'audio'))?.number;
    const expected = media.frames.filter(({ track }) => track.number === number).map(({ data }) => hashOf(data));
    for (const path of ['main.m3u8', `${kind === 'v' ? 'video' : 'audio'}-${number}/media.m3u8`, 'manifest.mpd']) {
      const { messages, hashes } = await probe(`${origin}/${path}`, kind);
      expect([path, messages]).toEqual([path, '']);
      expect([path, hashes]).toEqual([path, expected]);
    }
  }
}

describeNeeding('ffmpeg finds all packets of the source once, without a warning', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  let recording: Media;
  beforeAll(async () => {
    recording = await readMedia(RECORDING);
  });

  test.each<[string, PackagerOptions]>([
    ['on demand', { playbackMode: 'ON_DEMAND' }],
    ['with discontinuities', { playbackMode: 'ON_DEMAND', discontinuityMode: 'ALWAYS' }],
    ['live, in parts, after the end', { maxFragmentResults: 'all', partDuration: 200 }],
  ])('the recording %s', async (_, options) => {
    const packager = new Packager(options);
    await packager.feed(RECORDING);
    await expectAll(packager.handler, recording, ['v', 'a']);
  });

  test('the recording out of an archive', async () => {
    const packager = new ArchivePackager(await archiveOf(RECORDING), { playbackMode: 'ON_DEMAND' });
    await expectAll(packager.handler, recording, ['v', 'a']);
  });

  test.each(['h264', 'h265 aac', 'aac'] as const)('%s', async (name) => {
    const source = await makeSource(folder, name);
    const packager = new Packager({ playbackMode: 'ON_DEMAND' });
    await packager.feed(bodyOf(wrapAsGetMedia(source)));
    const kinds = source.tracks.map(({ type }) => (type === 'video' ? 'v' : 'a'));
    await expectAll(packager.handler, source, kinds);
  });

  test('a gap', async () => {
    const source = await makeSource(folder, 'h264 aac');
    const fragments = wrapAsGetMedia(source);
    const media = { ...source, frames: [0, 2].flatMap((index) => fragments[index]?.frames ?? []) };
    const packager = new Packager({ playbackMode: 'ON_DEMAND' });
    await packager.feed(concatBytes([fragments[0]!.bytes, fragments[2]!.bytes]));
    await expectAll(packager.handler, media, ['v', 'a']);
  });

  test('live, while it comes', async () => {
    const packager = new Packager({ playbackMode: 'LIVE_REPLAY', maxFragmentResults: 'all' });
    const fed = packager.feed(RECORDING);
    const origin = await serve(packager.handler);
    const { messages, hashes } = await probe(`${origin}/video-1/media.m3u8`, 'v');
    // It reads the initialization segment again whenever it has read a playlist of fMP4 again, and says so.
    expect(messages.replaceAll(/.*Found duplicated MOOV Atom. Skipped it\n/g, '')).toBe('');
    const expected = recording.frames.filter(({ track }) => track.number === 1).map(({ data }) => hashOf(data));
    expect(hashes).toEqual(expected);
    await fed;
  });
});

describeNeeding('ffmpeg and captures', [tools('ffprobe'), CAPTURES], () => {
  test('output_get_media', async () => {
    const bytes = new Uint8Array(readFileSync(capturePath('output_get_media.mkv')));
    const packager = new Packager({ playbackMode: 'ON_DEMAND' });
    await packager.feed(bytes);
    await expectAll(packager.handler, await readMedia(bytes), ['v']);
  });
});
