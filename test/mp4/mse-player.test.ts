import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { describeNeeding, findTool, tools } from '../support/tools.js';

const PAGE = `
import { MsePlayer } from './src/mp4/index.ts';
const video = document.querySelector('video');
const state = { events: [], done: undefined, error: undefined };
const onSegment = ({ type, gap, mimeType }) => state.events.push(type === 'init' ? mimeType : gap);
let player;
globalThis.start = async (path, options) => {
  await player?.stop();
  Object.assign(state, { events: [], done: undefined, error: undefined });
  player = new MsePlayer(video, { onSegment, ...options });
  const response = await fetch(path);
  player.play(response.body).then(() => { state.done = true; }, (error) => { state.error = String(error); });
};
globalThis.stop = () => player.stop();
globalThis.look = () => ({
  ...state,
  time: video.currentTime,
  size: [video.videoWidth, video.videoHeight],
  paused: video.paused,
  ranges: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
  dropped: video.getVideoPlaybackQuality().droppedVideoFrames,
  source: video.getAttribute('src'),
});
globalThis.picture = async (time) => {
  video.pause();
  const shown = new Promise((resolve) => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)));
  video.currentTime = time;
  const mediaTime = await shown;
  const canvas = new OffscreenCanvas(32, 18);
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 32, 18);
  return { mediaTime, pixels: [...context.getImageData(0, 0, 32, 18).data].filter((_, i) => i % 4 < 3) };
};
globalThis.ready = true;
`;

interface Look {
  events: (string | number)[];
  done: boolean | undefined;
  error: string | undefined;
  time: number;
  size: [number, number];
  paused: boolean;
  ranges: [number, number][];
  source: string | null;
}

interface PageGlobals {
  start(path: string, options?: object): Promise<void>;
  stop(): Promise<void>;
  look(): Look;
  picture(time: number): Promise<{ mediaTime: number; pixels: number[] }>;
}

describeNeeding('MsePlayer in Chromium', [tools('chromium', 'ffmpeg')], () => {
  const folder = temporaryFolder();
  const small = join(folder, 'small.mkv');
  const large = join(folder, 'large.mkv');
  let session: BrowserSession;
  let sent = 0;

  /** The same four seconds again and again, with so many milliseconds before each fragment. */
  async function* endless(pause: number) {
    const media = await readMedia(new Uint8Array(readFileSync(small)));
    for (let offset = 0; ; offset += 4e6) {
      for (const { bytes } of wrapAsGetMedia(media, { offset })) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        sent += bytes.length;
        yield bytes;
      }
    }
  }

  beforeAll(async () => {
    const encode = '-c:v libx264 -preset veryfast -g 25 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 64k';
    ffmpeg(`-f lavfi -i testsrc2=s=320x180:r=25:d=4 -f lavfi -i sine=r=48000:d=4 ${encode} ${small}`);
    ffmpeg(`-f lavfi -i testsrc2=s=640x360:r=25:d=2 -f lavfi -i sine=r=48000:d=2 ${encode} ${large}`);
    const first = wrapAsGetMedia(await readMedia(new Uint8Array(readFileSync(small))), {
      offset: 1_700_000_000_000_000,
    });
    const second = wrapAsGetMedia(await readMedia(new Uint8Array(readFileSync(large))), {
      offset: 1_700_000_004_000_000,
    });
    expect([first.length, second.length]).toEqual([4, 2]);
    session = await openBrowser({
      '/': {
        type: 'text/html',
        body: '<!doctype html><video muted playsinline></video><script type="module" src="/page.js"></script>',
      },
      '/page.js': { type: 'text/javascript', body: await bundleForBrowser(PAGE) },
      '/live.mkv': {
        type: 'video/x-matroska',
        // The third second is missing; then the picture becomes larger.
        async *body() {
          for (const fragment of [first[0]!, first[1]!, first[3]!, ...second]) {
            yield fragment.bytes.subarray(0, 1000);
            await new Promise((resolve) => setTimeout(resolve, 1000));
            yield fragment.bytes.subarray(1000);
          }
        },
      },
      '/less.mkv': {
        type: 'video/x-matroska',
        async *body() {
          yield first[0]!.bytes;
          const { tracks, frames } = await readMedia(new Uint8Array(readFileSync(small)));
          const isVideo = ({ type }: { type: string }) => type === 'video';
          const silent = { tracks: tracks.filter(isVideo), frames: frames.filter(({ track }) => isVideo(track)) };
          await new Promise((resolve) => setTimeout(resolve, 500));
          yield bodyOf(wrapAsGetMedia(silent, { offset: 1_700_000_000_000_000 }).slice(1));
        },
      },
      '/endless.mkv': { type: 'video/x-matroska', body: () => endless(0) },
      // Twenty seconds of video each second.
      '/backlog.mkv': { type: 'video/x-matroska', body: () => endless(50) },
    });
    await session.page.waitForFunction(() => 'ready' in globalThis);
  });
  afterAll(() => session.close());

  const look = () => session.page.evaluate(() => (globalThis as unknown as PageGlobals).look());

  test('plays a body that arrives in real time, over a gap and through a change of the picture', async () => {
    await session.page.evaluate(() => (globalThis as unknown as PageGlobals).start('/live.mkv'));
    const times: number[] = [];
    const sizes = new Set<string>();
    await expect
      .poll(
        async () => {
          const { time, size, error, done } = await look();
          expect(error).toBeUndefined();
          times.push(time);
          sizes.add(size.join('x'));
          return done === true && time > 5.8;
        },
        { timeout: 40_000, interval: 100 },
      )
      .toBe(true);
    const { events, ranges } = await look();
    expect(sizes).toContain('320x180');
    expect(sizes).toContain('640x360');
    expect(times.filter((time) => time > 0.1 && time < 1.9).length).toBeGreaterThan(3);
    // Nothing is there to be shown in the gap.
    expect(times.filter((time) => time > 2.2 && time < 2.9)).toEqual([]);
    expect(events.filter((event) => typeof event === 'string').length).toBe(2);
    expect(events.find((event) => typeof event === 'number' && event > 0)).toBeGreaterThan(900_000);
    expect(ranges.at(-1)?.[1]).toBeGreaterThan(5.9);
  });

  test.each([
    [0.5, () => small, 0.5],
    [3.5, () => small, 3.5],
    [5.2, () => large, 1.2],
  ])('shows at %f s what the source has', async (time, file, inSource) => {
    const { mediaTime, pixels } = await session.page.evaluate(
      (at) => (globalThis as unknown as PageGlobals).picture(at),
      time + 0.02,
    );
    expect(Math.abs(mediaTime - time)).toBeLessThan(0.05);
    const expected = execFileSync(
      findTool('ffmpeg')!,
      `-v error -ss ${inSource} -i ${file()} -frames:v 1 -vf scale=32:18:flags=area -f rawvideo -pix_fmt rgb24 -`.split(
        ' ',
      ),
    );
    const other = Buffer.from(expected).reverse();
    const distance = (bytes: Uint8Array) =>
      bytes.reduce((sum, byte, i) => sum + Math.abs(byte - pixels[i]!), 0) / bytes.length;
    expect(distance(expected)).toBeLessThan(20);
    expect(distance(other)).toBeGreaterThan(60);
  });

  test('goes on when a track ends', async () => {
    await session.page.evaluate(() => (globalThis as unknown as PageGlobals).start('/less.mkv'));
    await expect.poll(async () => (await look()).time, { timeout: 20_000 }).toBeGreaterThan(3.5);
    const { events, error } = await look();
    expect(error).toBeUndefined();
    expect(events.filter((event) => typeof event === 'string').map((type) => String(type).includes('mp4a'))).toEqual([
      true,
      false,
    ]);
  });

  test('keeps near the newest fragment, and throws away what was played long ago', async () => {
    await session.page.evaluate(() =>
      (globalThis as unknown as PageGlobals).start('/backlog.mkv', { maxDelay: 8, keepBehind: 5, readAhead: 20 }),
    );
    await expect.poll(async () => (await look()).time, { timeout: 20_000 }).toBeGreaterThan(30);
    await expect.poll(async () => (await look()).ranges[0]?.[0], { timeout: 20_000 }).toBeGreaterThan(15);
    const { time, ranges, error } = await look();
    expect(error).toBeUndefined();
    expect(ranges.at(-1)![1] - time).toBeLessThan(20);
    await session.page.evaluate(() => (globalThis as unknown as PageGlobals).stop());
  });

  test('stops: the download ends and the video is empty', async () => {
    await session.page.evaluate(() => (globalThis as unknown as PageGlobals).start('/endless.mkv'));
    await expect.poll(async () => (await look()).time, { timeout: 20_000 }).toBeGreaterThan(0.5);
    // Enough is read ahead, so the stream is held back.
    await expect
      .poll(
        async () => {
          const before = sent;
          await new Promise((resolve) => setTimeout(resolve, 300));
          return sent - before;
        },
        { timeout: 20_000 },
      )
      .toBeLessThan(1_000_000);
    expect((await look()).ranges.at(-1)![1]).toBeGreaterThan(55);
    await session.page.evaluate(() => (globalThis as unknown as PageGlobals).stop());
    const { paused, source, error } = await look();
    expect({ paused, source, error }).toEqual({ paused: true, source: null, error: undefined });
    await expect
      .poll(
        async () => {
          const before = sent;
          await new Promise((resolve) => setTimeout(resolve, 300));
          return sent - before;
        },
        { timeout: 10_000 },
      )
      .toBe(0);
  });

  test('the page had no errors', () => {
    expect(session.errors).toEqual([]);
  });
});
