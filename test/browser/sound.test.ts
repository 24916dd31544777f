import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { readAudio } from '../../src/decode/index.js';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { describeNeeding, tools } from '../support/tools.js';

/** In the page: reads what `fetch` gives of a path as a program of a user would. */
const PAGE = `
import { readAudio, wavStream } from './src/decode/index.ts';
import { create } from '@alexanderolsen/libsamplerate-js';

async function sound(path, options) {
  const problems = [];
  const parts = [];
  let shape;
  const { body } = await fetch(path);
  const onProblem = ({ code, message }) => problems.push(code + ': ' + message);
  for await (const { data, sampleRate, numberOfChannels } of readAudio(body, { ...options, resampler: create, onProblem })) {
    shape ??= { sampleRate, numberOfChannels };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const blob = new Blob(parts);
  return { problems, shape, bytes: blob.size, sha256: await hash(blob), loudness: loudness(await blob.arrayBuffer()) };
}

async function wav(path, options) {
  const { body } = await fetch(path);
  const bytes = await new Response(wavStream(body, options)).arrayBuffer();
  return { bytes: bytes.byteLength, sha256: await hash(new Blob([bytes.slice(44)])) };
}

async function hash(blob) {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function loudness(buffer) {
  const samples = new Int16Array(buffer);
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

globalThis.kvs = { sound, wav };
`;

interface SoundInPage {
  readonly problems: string[];
  readonly shape: { readonly sampleRate: number; readonly numberOfChannels: number } | undefined;
  readonly bytes: number;
  readonly sha256: string;
  readonly loudness: number;
}
type Options = { readonly track?: number | string | (number | string)[]; readonly sampleRate?: number };
declare const kvs: {
  sound(path: string, options: Options): Promise<SoundInPage>;
  wav(path: string, options: Options): Promise<{ readonly bytes: number; readonly sha256: string }>;
};

describeNeeding('sound in Chromium, from a fetch body', [tools('chromium', 'ffmpeg')], () => {
  const folder = temporaryFolder();
  const TONE = '-f lavfi -i sine=f=440:r=48000:d=2';
  let session: BrowserSession;

  beforeAll(async () => {
    ffmpeg(`${TONE} -c:a aac ${join(folder, 'aac.mkv')}`);
    ffmpeg(`${TONE} -c:a libopus ${join(folder, 'opus.mkv')}`);
    ffmpeg(`${TONE} -c:a flac ${join(folder, 'flac.mkv')}`);
    ffmpeg(`-f lavfi -i anoisesrc=r=8000:d=1 -c:a pcm_mulaw ${join(folder, 'mulaw.mkv')}`);
    const own = ['aac', 'opus', 'flac', 'mulaw'].map((name) => [`/${name}.mkv`, join(folder, `${name}.mkv`)] as const);
    const routes = [['/connect.mkv', 'test/cases/connect-5.mkv'], ...own] as const;
    session = await openBrowser({
      '/page.js': { type: 'text/javascript', body: await bundleForBrowser(PAGE) },
      ...Object.fromEntries(
        routes.map(([path, file]) => [path, { type: 'video/x-matroska', body: readFileSync(file) }]),
      ),
    });
    await session.page.addScriptTag({ url: '/page.js', type: 'module' });
    await session.page.waitForFunction(() => 'kvs' in globalThis);
  });
  afterAll(() => session?.close());

  const sound = (path: string, options: Options = {}) =>
    session.page.evaluate(([each, chosen]) => kvs.sound(each, chosen), [path, options] as const);

  it('a call is the PCM of its frames, and the WAV file of it', async () => {
    const hash = 'b7f39b2cb3ceb81070bfd48dc300015e92b8758fedb1dbd827bf25fc890541c0';
    const track = 'AUDIO_FROM_CUSTOMER';
    expect(await sound('/connect.mkv', { track })).toMatchObject({ problems: [], bytes: 87_040, sha256: hash });
    expect(await sound('/connect.mkv', { track: [1, 2] })).toMatchObject({ bytes: 174_080 });
    expect(await sound('/connect.mkv', { track, sampleRate: 16_000 })).toMatchObject({
      bytes: 174_080,
      shape: { sampleRate: 16_000, numberOfChannels: 1 },
    });
    const wav = await session.page.evaluate((each) => kvs.wav('/connect.mkv', { track: each }), track);
    expect(wav).toEqual({ bytes: 44 + 87_040, sha256: hash });
  });

  test.each([
    ['aac', 1024],
    ['opus', 0],
    ['flac', 0],
    ['mulaw', 0],
  ])('%s is as long and as loud as in Node', async (name, frame) => {
    let samples: number[] = [];
    const source = new Uint8Array(readFileSync(join(folder, `${name}.mkv`)));
    for await (const { data } of readAudio(source, { codecs: 'ffmpeg' })) samples = samples.concat(Array.from(data));
    const { problems, bytes, loudness } = await sound(`/${name}.mkv`);
    expect(problems).toEqual([]);
    expect(Math.abs(bytes / 2 - samples.length)).toBeLessThanOrEqual(frame);
    const wanted = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    expect(Math.abs(loudness / wanted - 1)).toBeLessThan(0.01);
  });

  it('nothing went wrong in the page', () => {
    expect(session.errors).toEqual([]);
  });
});
