import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { FrameFiles } from '../../src/cli/frame-file.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { readFragments } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { MEDIA, mediaBytes } from '../support/media.js';
import { describeNeeding, tools } from '../support/tools.js';

/** A decoded picture: its planes, I420, behind each other. */
interface Picture {
  timestamp: number;
  format: string;
  width: number;
  height: number;
  /** Base64; empty where all frames were asked for. */
  data: string;
}

/** Decoded sound of a track. */
interface Sound {
  sampleRate: number;
  channels: number;
  samples: number;
  /** The root of the mean square of the first channel, over the second half. */
  loudness: number;
}

/** In the page: decodes what `fetch` gives of a path as a program of a user would. */
const PAGE = `
import { readFrames } from './src/index.ts';

async function pictures(path, options) {
  const found = [];
  const failures = [];
  const waiting = [];
  const output = (frame) => {
    waiting.push((async () => {
      const data = new Uint8Array(frame.allocationSize());
      await frame.copyTo(data);
      const { width, height } = frame.visibleRect;
      found.push({ timestamp: frame.timestamp, format: frame.format, width, height, data: options === undefined ? '' : toBase64(data) });
      frame.close();
    })());
  };
  const decoder = new VideoDecoder({ output, error: (error) => failures.push(String(error)) });
  let track;
  const configs = [];
  try {
    for await (const frame of readFrames((await fetch(path)).body, { track: 'video', ...options })) {
      if (track !== frame.track) {
        const config = frame.track.toVideoDecoderConfig(frame.data);
        if (config === undefined) return { failures: ['no configuration'], found };
        const { supported } = await VideoDecoder.isConfigSupported(config);
        if (!supported) return { failures: ['not supported: ' + config.codec], found };
        decoder.configure(config);
        configs.push(config.codec);
      }
      track = frame.track;
      decoder.decode(new EncodedVideoChunk(frame.toEncodedChunk()));
    }
    await decoder.flush();
  } catch (error) {
    failures.push(String(error));
  }
  await Promise.all(waiting);
  if (decoder.state !== 'closed') decoder.close();
  found.sort((a, b) => a.timestamp - b.timestamp);
  return { failures, found, configs };
}

async function sound(path) {
  const failures = [];
  let samples = 0, sampleRate = 0, channels = 0;
  const planes = [];
  const output = (data) => {
    ({ sampleRate, numberOfChannels: channels } = data);
    samples += data.numberOfFrames;
    const plane = new Float32Array(data.numberOfFrames);
    data.copyTo(plane, { planeIndex: 0, format: 'f32-planar' });
    planes.push(plane);
    data.close();
  };
  const decoder = new AudioDecoder({ output, error: (error) => failures.push(String(error)) });
  for await (const frame of readFrames((await fetch(path)).body, { track: 'audio' })) {
    const { track } = frame;
    if (decoder.state === 'unconfigured') {
      const config = track.toAudioDecoderConfig();
      const { supported } = await AudioDecoder.isConfigSupported(config);
      if (!supported) return { failures: ['not supported: ' + config.codec] };
      decoder.configure(config);
    }
    decoder.decode(new EncodedAudioChunk(frame.toEncodedChunk()));
  }
  await decoder.flush();
  const second = planes.slice(planes.length >> 1);
  const count = second.reduce((sum, plane) => sum + plane.length, 0);
  const square = second.reduce((sum, plane) => sum + plane.reduce((part, value) => part + value * value, 0), 0);
  return { failures, sound: { sampleRate, channels, samples, loudness: Math.sqrt(square / count) } };
}

function toBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

globalThis.kvs = { pictures, sound };
`;

interface Kvs {
  pictures(path: string, options?: object): Promise<{ failures: string[]; found: Picture[]; configs?: string[] }>;
  sound(path: string): Promise<{ failures: string[]; sound?: Sound }>;
}
declare const kvs: Kvs;

const RECORDING = 'examples/recording/camera.mkv';

describeNeeding('frames in WebCodecs', [tools('chromium', 'ffmpeg'), MEDIA], () => {
  const folder = temporaryFolder();
  const FILES = ['live.webm', 'opus.mkv', 'h264-aac.mkv', 'unknown-clusters.webm'] as const;
  let session: BrowserSession;

  beforeAll(async () => {
    const media = await Promise.all(
      FILES.map(async (name) => [`/${name}`, { type: 'video/x-matroska', body: await mediaBytes(name) }] as const),
    );
    ffmpeg(`-f lavfi -i testsrc2=s=320x240:r=25:d=0.4 -c:v libvpx-vp9 -cpu-used 8 -g 5 ${join(folder, 'vp9.webm')}`);
    ffmpeg(`-f lavfi -i sine=f=440:r=8000:d=1 -c:a pcm_alaw -f matroska ${join(folder, 'alaw.mkv')}`);
    const own = ['vp9.webm', 'alaw.mkv'].map((name) => {
      return [`/${name}`, { type: 'video/webm', body: readFileSync(join(folder, name)) }] as const;
    });
    session = await openBrowser({
      '/page.js': { type: 'text/javascript', body: await bundleForBrowser(PAGE) },
      '/camera.mkv': { type: 'video/x-matroska', body: readFileSync(RECORDING) },
      '/annex-b.mkv': { type: 'video/x-matroska', body: await inAnnexB() },
      ...Object.fromEntries([...media, ...own]),
    });
    await session.page.addScriptTag({ url: '/page.js', type: 'module' });
    await session.page.waitForFunction(() => 'kvs' in globalThis);
  });
  afterAll(() => session?.close());

  /** Pictures as ffmpeg decodes them. */
  const decodedByFfmpeg = (words: string, size: number): Uint8Array[] => {
    const file = join(folder, 'pictures.yuv');
    ffmpeg(`${words} -pix_fmt yuv420p -f rawvideo ${file}`);
    const bytes = readFileSync(file);
    return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  };

  it('key frames of the recording are the pictures of the test source', async () => {
    const { failures, found } = await session.page.evaluate(() => kvs.pictures('/camera.mkv', { keyframesOnly: true }));
    expect(failures).toEqual([]);
    const facts = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
    expect(found.map(({ timestamp }) => timestamp)).toEqual(
      facts.fragments.map(({ timestamp }: { timestamp: number }) => timestamp),
    );
    const size = 320 * 240 * 1.5;
    const source = decodedByFfmpeg(`-f lavfi -i ${facts.source[0]}`, size);
    const keys = decodedByFfmpeg(`-skip_frame nokey -i ${RECORDING} -map 0:v -vsync passthrough`, size);
    for (const [index, { timestamp, format, width, height, data }] of found.entries()) {
      expect([format, width, height]).toEqual(['I420', 320, 240]);
      const pixels = Buffer.from(data, 'base64');
      // The decoders must agree to the bit; the encoder has lost a little of the source.
      expect(Buffer.compare(pixels, keys[index] ?? new Uint8Array(0))).toBe(0);
      const [own, next] = [timestamp / 40_000, timestamp / 40_000 + 5].map((at) =>
        difference(pixels, source[at] ?? pixels),
      );
      expect(own).toBeLessThan(8);
      expect(next).toBeGreaterThan(2 * (own ?? 0));
    }
  });

  test.each([
    ['/camera.mkv', 250],
    ['/annex-b.mkv', 250],
    ['/live.webm', 50],
    ['/unknown-clusters.webm', 50],
    ['/vp9.webm', 10],
    ['/h264-aac.mkv', 50],
  ])('all frames of %s decode, in the order of their times', async (path, count) => {
    const { failures, found } = await session.page.evaluate((each) => kvs.pictures(each), path);
    expect(failures).toEqual([]);
    expect(found).toHaveLength(count);
    expect(new Set(found.map(({ timestamp }) => timestamp)).size).toBe(count);
  });

  test.each([
    ['/camera.mkv', { sampleRate: 48_000, channels: 1 }, 469 * 1024],
    ['/live.webm', { sampleRate: 48_000, channels: 1 }, 96_000],
    ['/opus.mkv', { sampleRate: 48_000, channels: 1 }, 96_000],
    ['/alaw.mkv', { sampleRate: 8000, channels: 1 }, 8000],
  ])('the sound of %s decodes', async (path, expected, samples) => {
    const { failures, sound } = await session.page.evaluate((each) => kvs.sound(each), path);
    expect(failures).toEqual([]);
    expect(sound).toMatchObject(expected);
    expect(Math.abs((sound?.samples ?? 0) - samples)).toBeLessThan(5000);
    // A sine of an eighth of the full amplitude.
    expect(sound?.loudness).toBeGreaterThan(0.03);
    expect(sound?.loudness).toBeLessThan(0.3);
  });

  it('nothing went wrong in the page', () => {
    expect(session.errors).toEqual([]);
  });
});

/** The recording's pictures as some producers send them: in Annex B, parameter sets in the key frames, no CodecPrivate. */
async function inAnnexB(): Promise<Uint8Array> {
  const files = new FrameFiles((text) => {
    throw new Error(text);
  });
  const documents: Uint8Array[] = [];
  for await (const { frames } of readFragments(readFileSync(RECORDING), { track: 'video' })) {
    const blocks = frames.map((frame) => {
      const { timestamp, keyframe } = frame;
      return { track: 1, timestamp, keyframe, frames: [files.make(frame).data] };
    });
    const video = { pixelWidth: 320, pixelHeight: 240 };
    documents.push(writeGetMediaFragment({ tracks: [{ number: 1, codecId: 'V_MPEG/ISO/AVC', video }], blocks }));
  }
  return concatBytes(documents);
}

/** The mean difference of two pictures. */
function difference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;
}
