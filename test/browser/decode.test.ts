import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAudio, readPictures } from '../../src/decode/index.js';
import { COLOUR_KINDS, colouredVideo, farthest, meansOf } from '../decode/colours.js';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { describeNeeding, packages, tools } from '../support/tools.js';

const RECORDING = 'examples/recording/camera.mkv';
const CALL = 'test/cases/connect-5.mkv';

/** What a page does with the library, under names that the tests call. Pictures are told by the means of their tensor's squares, 8 x 8 of each colour. */
const PAGE = `
  import { readAudio, readPictures, wavStream } from './src/decode/index.ts';

  const body = async (path) => (await fetch(path)).body;

  export const meansOf = ({ data, shape: [, , height, width] }) => {
    const sums = new Float64Array(3 * 64);
    for (let i = 0; i < data.length; i++) {
      const channel = Math.floor(i / (width * height));
      const y = Math.floor((i % (width * height)) / width);
      sums[channel * 64 + Math.floor((y * 8) / height) * 8 + Math.floor(((i % width) * 8) / width)] += data[i];
    }
    return [...sums].map((sum) => (sum * 64) / (width * height));
  };

  globalThis.pictures = async (path, options, leave) => {
    const found = [];
    const problems = [];
    for await (const picture of readPictures(await body(path), { ...options, onProblem: ({ code }) => problems.push(code) })) {
      const { displayWidth, displayHeight } = picture.frame;
      found.push({ time: picture.timestamp, recorded: picture.producerTimestamp?.toISOString(), size: [displayWidth, displayHeight] });
      if (found.length === leave) break;
    }
    return { found, problems };
  };

  globalThis.tensors = async (path, every) => {
    const list = [];
    for await (const picture of readPictures(await body(path), { every })) {
      const tensor = await picture.toTensor();
      const scaled = await picture.toTensor({ width: 224, height: 224, layout: 'nhwc', mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] });
      const jpeg = await picture.encode('jpeg', { width: 160, quality: 70 });
      list.push({ means: meansOf(tensor), shape: tensor.shape, scaled: scaled.shape, range: [scaled.data.reduce((a, b) => Math.min(a, b)), scaled.data.reduce((a, b) => Math.max(a, b))], jpeg: [...jpeg.slice(0, 3)] });
    }
    return list;
  };

  const hash = async (bytes) =>
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

  globalThis.sound = async (path, options) => {
    const parts = [];
    const rates = new Set();
    for await (const { data, sampleRate } of readAudio(await body(path), options)) {
      parts.push(data.slice());
      rates.add(sampleRate);
    }
    const bytes = await new Blob(parts).arrayBuffer();
    return { size: bytes.byteLength, hash: await hash(bytes), rates: [...rates], samples: options.keep === undefined ? [] : [...new Float32Array(bytes).subarray(0, options.keep)] };
  };

  globalThis.wav = async (path, options) => {
    const bytes = await new Response(wavStream(await body(path), options)).arrayBuffer();
    return { size: bytes.byteLength, head: String.fromCharCode(...new Uint8Array(bytes, 0, 4)) };
  };
`;

declare global {
  var pictures: (
    path: string,
    options: object,
    leave?: number,
  ) => Promise<{
    found: { time: number; recorded: string | undefined; size: number[] }[];
    problems: string[];
  }>;
  var tensors: (
    path: string,
    every: string,
  ) => Promise<{ means: number[]; shape: number[]; scaled: number[]; range: number[]; jpeg: number[] }[]>;
  var sound: (
    path: string,
    options: object,
  ) => Promise<{ size: number; hash: string; rates: number[]; samples: number[] }>;
  var wav: (path: string, options: object) => Promise<{ size: number; head: string }>;
}

describeNeeding(
  'pictures and sound in Chromium, from the body of fetch',
  [tools('chromium', 'ffmpeg'), packages('@napi-rs/webcodecs'), CAPTURES],
  () => {
    let session: BrowserSession;

    beforeAll(async () => {
      const script = await bundleForBrowser(PAGE);
      const coloured = COLOUR_KINDS.map((kind) => {
        const body = readFileSync(colouredVideo(kind));
        return [`/${kind}`, { type: 'video/x-matroska', body }] as const;
      });
      session = await openBrowser({
        ...Object.fromEntries(coloured),
        '/': { type: 'text/html', body: '<!doctype html><script type="module" src="/page.js"></script>' },
        '/page.js': { type: 'text/javascript', body: script },
        '/capture': { type: 'video/x-matroska', body: captureBytes('output_get_media.mkv') },
        '/recording': { type: 'video/x-matroska', body: readFileSync(RECORDING) },
        '/call': { type: 'video/x-matroska', body: readFileSync(CALL) },
      });
      await session.page.waitForFunction(() => typeof globalThis.pictures === 'function');
    });
    afterAll(() => session?.close());

    it.each([
      ['5frames', 60, [0, 167_000, 333_000]],
      ['2s', 5, [0, 2_000_000, 4_000_000, 6_000_000, 8_000_000]],
      ['keyframe', 5, [0, 2_000_000, 4_000_000, 6_000_000, 8_000_000]],
      ['frame', 300, [0, 33_000, 67_000]],
    ] as const)('every %s: %i pictures', async (every, count, first) => {
      const { found, problems } = await session.page.evaluate(([options]) => globalThis.pictures('/capture', options), [
        { every },
      ] as const);
      expect(problems).toEqual([]);
      expect(found).toHaveLength(count);
      expect(found.slice(0, first.length).map(({ time }) => time)).toEqual(first);
      expect(found[0]).toEqual({ time: 0, recorded: '2017-11-28T06:55:08.513Z', size: [640, 360] });
    });

    it('gives pictures with B-frames in the order of presentation, and ends where the loop is left', async () => {
      const { found } = await session.page.evaluate(() => globalThis.pictures('/recording', { every: 'frame' }));
      const times = found.map(({ time }) => time);
      expect(times).toHaveLength(250);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      const left = await session.page.evaluate(() => globalThis.pictures('/recording', { every: 'frame' }, 7));
      expect(left.found.map(({ time }) => time)).toEqual(times.slice(0, 7));
    });

    it.each(COLOUR_KINDS)('gives the tensors that Node gives, where the stream says its colours: %s', async (kind) => {
      const list = await session.page.evaluate((path) => globalThis.tensors(path, '3s'), `/${kind}`);
      const expected: number[][] = [];
      const bytes = new Uint8Array(readFileSync(colouredVideo(kind)));
      for await (const picture of readPictures(bytes, { every: '3s', codecs: 'webcodecs' })) {
        const { data, shape } = await picture.toTensor();
        expect(shape).toEqual([1, 3, 240, 320]);
        expected.push(meansOf(data, 320, 240));
      }
      expect(list).toHaveLength(1);
      for (const [index, { means, shape, scaled, range, jpeg }] of list.entries()) {
        expect(shape).toEqual([1, 3, 240, 320]);
        expect(scaled).toEqual([1, 224, 224, 3]);
        expect(Math.min(...range)).toBeGreaterThanOrEqual(-2);
        expect(Math.max(...range)).toBeLessThanOrEqual(2);
        expect(jpeg).toEqual([0xff, 0xd8, 0xff]);
        // Chromium brings pictures to the transfer characteristics of sRGB, which for BT.709 makes 9 of 255. Another matrix would make some 30.
        expect(farthest(means, expected[index]!)).toBeLessThan(0.05);
      }
    });

    it('gives PCM bit for bit, and WAV', async () => {
      for (const track of ['AUDIO_FROM_CUSTOMER', 'AUDIO_TO_CUSTOMER']) {
        const hash = createHash('sha256');
        for await (const { data } of readAudio(new Uint8Array(readFileSync(CALL)), { track })) {
          hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        }
        const found = await session.page.evaluate(([options]) => globalThis.sound('/call', options), [
          { track },
        ] as const);
        expect(found).toMatchObject({ size: 87_040, hash: hash.digest('hex'), rates: [8000] });
      }
      const tracks = { track: ['AUDIO_FROM_CUSTOMER', 'AUDIO_TO_CUSTOMER'] };
      const wav = await session.page.evaluate(([options]) => globalThis.wav('/call', options), [tracks] as const);
      expect(wav).toEqual({ size: 44 + 174_080, head: 'RIFF' });
    });

    it('decodes AAC to what Node decodes it to', async () => {
      const parts: number[] = [];
      const bytes = new Uint8Array(readFileSync(RECORDING));
      for await (const { data } of readAudio(bytes, { format: 'f32', codecs: 'webcodecs' }))
        for (const value of data) parts.push(value);
      const { samples, size, rates } = await session.page.evaluate(() =>
        globalThis.sound('/recording', { format: 'f32', keep: 100_000 }),
      );
      expect(rates).toEqual([48_000]);
      expect(Math.abs(size / 4 - parts.length)).toBeLessThanOrEqual(1024);
      expect(samples).toHaveLength(100_000);
      expect(correlation(samples, parts)).toBeGreaterThan(0.999);
    });

    it('without errors', () => {
      expect(session.errors).toEqual([]);
    });
  },
);

function correlation(a: readonly number[], b: readonly number[]): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}
