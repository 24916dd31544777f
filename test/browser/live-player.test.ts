import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { GetMediaCommand, KinesisVideoMediaClient } from '@aws-sdk/client-kinesis-video-media';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scriptedFaults } from '../../src/testing/faults.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { describeNeeding, findTool, tools } from '../support/tools.js';
import { buildPage } from '../support/vite-bundle.js';
import type { Look, Page, Picture } from './fixtures/live-player.js';

const FACTS: { fragments: { timestamp: number }[]; source: string[] } = JSON.parse(
  readFileSync('examples/recording/camera.json', 'utf8'),
);
const ROUND = FACTS.fragments.length;
const FRAME_RATE = 25;
/** In seconds. */
const TOLERANCE = 0.5 / FRAME_RATE;
const PICTURE_BYTES = 32 * 24 * 3;

describeNeeding('a live stream in a video of headless Chromium', [tools('chromium', 'ffmpeg')], () => {
  let local: LocalKinesisVideo;
  let session: BrowserSession;
  let source: Buffer;

  beforeAll(async () => {
    const stream = { source: 'examples/recording/camera.mkv', realtime: true, loop: true };
    local = await startLocalKinesisVideo({ streams: { door: stream } });
    const args = `-v error -f lavfi -i ${FACTS.source[0]} -vf scale=32:24:flags=area -f rawvideo -pix_fmt rgb24 -`;
    source = execFileSync(findTool('ffmpeg')!, args.split(' '));
    session = await openBrowser({
      ...(await buildPage(fileURLToPath(new URL('fixtures/live-player.ts', import.meta.url)))),
      '/example/': { type: 'text/html', body: readFileSync('examples/browser/index.html') },
      '/example/page.js': {
        type: 'text/javascript',
        body: await bundleForBrowser(readFileSync('examples/browser/page.js', 'utf8')),
      },
      '/example/media': { type: 'video/x-matroska', body: getMedia },
    });
    await session.page.waitForFunction(() => 'page' in globalThis);
  });
  afterAll(async () => {
    await session?.close();
    await local?.close();
  });

  /** What a server of its own would pass on to a page that has no credentials. */
  async function* getMedia(): AsyncIterable<Uint8Array> {
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    const client = new KinesisVideoMediaClient({ endpoint: local.endpoint, region: 'us-east-1', credentials });
    const StartSelector = { StartSelectorType: 'NOW' } as const;
    const { Payload } = await client.send(new GetMediaCommand({ StreamName: 'door', StartSelector }));
    if (!(Payload instanceof Readable)) throw new Error('the payload is no stream');
    yield* Payload;
  }

  const look = (): Promise<Look> => session.page.evaluate(() => (globalThis as unknown as { page: Page }).page.look());
  const takePicture = (): Promise<Picture> =>
    session.page.evaluate(() => (globalThis as unknown as { page: Page }).page.picture());

  /** Places of the fragments, in the order in which they were stored. */
  const placesOf = ({ fragments }: Look) => {
    const stored = local.stream('door').fragments.map(({ fragmentNumber }) => fragmentNumber);
    return fragments.map(({ number }) => stored.indexOf(number ?? ''));
  };

  /** Which place a time of the video is in, and which time of the test source belongs there. */
  function placeOf(
    time: number,
    { fragments }: Look,
    places: readonly number[],
  ): { place: number; sourceTime: number } {
    const at = fragments.filter(({ start }) => start < time + 0.001).length - 1;
    const place = places[at] ?? Number.NaN;
    const begins = (FACTS.fragments[place % ROUND]?.timestamp ?? Number.NaN) / 1e6;
    return { place, sourceTime: begins + time - (fragments[at]?.start ?? Number.NaN) };
  }

  /** The time of the test source whose picture is most like this one. */
  function mostAlike({ pixels }: Picture): number {
    const distances = Array.from({ length: source.length / PICTURE_BYTES }, (_, i) => {
      const frame = source.subarray(i * PICTURE_BYTES, (i + 1) * PICTURE_BYTES);
      return frame.reduce((sum, byte, k) => sum + Math.abs(byte - pixels[k]!), 0) / PICTURE_BYTES;
    });
    const least = Math.min(...distances);
    expect(least).toBeLessThan(40);
    return distances.indexOf(least) / FRAME_RATE;
  }

  /** Takes pictures until one is of a fragment that is far enough. */
  async function watchUntil(isThere: (place: number, seen: Look) => boolean): Promise<Picture[]> {
    const pictures: Picture[] = [];
    for (;;) {
      const picture = await takePicture();
      const seen = await look();
      expect(seen.error).toBeUndefined();
      pictures.push(picture);
      if (isThere(placeOf(picture.time, seen, placesOf(seen)).place, seen)) return pictures;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** No fragment is missing, and every picture is the one of the test source at its time. */
  async function expectSource(pictures: readonly Picture[]): Promise<void> {
    const seen = await look();
    const places = placesOf(seen);
    expect(places).toEqual(places.map((_, i) => places[0]! + i));
    expect(places[0]).toBeGreaterThanOrEqual(0);
    const times = pictures.map(({ time }) => time);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    const off = pictures.map((picture) => mostAlike(picture) - placeOf(picture.time, seen, places).sourceTime);
    for (const difference of off) expect(Math.abs(difference)).toBeLessThan(TOLERANCE);
  }

  test('the payload of GetMedia is played, also where the recording begins again', async () => {
    await session.page.evaluate(
      (endpoint) => (globalThis as unknown as { page: Page }).page.playPayload(endpoint, 'door'),
      local.endpoint,
    );
    const pictures = await watchUntil((place) => place >= ROUND);
    expect((await look()).size).toEqual([320, 240]);
    await expectSource(pictures);
    expect(session.errors).toEqual([]);
    await session.page.evaluate(() => (globalThis as unknown as { page: Page }).page.stop());
  });

  test('the bytes of a consumer are played on when the connection is cut', async () => {
    local.setFaults(scriptedFaults([{ operation: 'GetMedia', faults: [{ kind: 'cut', afterBytes: 40_000 }] }]));
    await session.page.evaluate(
      (endpoint) => (globalThis as unknown as { page: Page }).page.playConsumer(endpoint, 'door'),
      local.endpoint,
    );
    const pictures = await watchUntil((place, seen) => seen.reconnects.length > 0 && place >= placesOf(seen)[0]! + 2);
    expect((await look()).reconnects).toEqual(['connection']);
    await expectSource(pictures);
    await session.page.evaluate(() => (globalThis as unknown as { page: Page }).page.stop());
  });

  test('the page in examples/browser plays what a server passes on', async () => {
    const { page, origin, errors } = session;
    const before = errors.length;
    await page.goto(`${origin}/example/`);
    const time = () => page.evaluate(() => document.querySelector('video')?.currentTime ?? 0);
    await expect.poll(time, { timeout: 20_000 }).toBeGreaterThan(2.5);
    expect(await page.evaluate(() => document.querySelector('video')?.videoWidth)).toBe(320);
    const listed = (await page.textContent('#fragments'))?.trim().split('\n') ?? [];
    expect(listed[0]).toMatch(/^video\/mp4; codecs="avc1.*mp4a/);
    const stored = local
      .stream('door')
      .fragments.map(({ producerTimestamp }) => new Date(producerTimestamp).toISOString());
    const first = stored.findIndex((time) => listed[1]?.startsWith(time) === true);
    expect(listed.length).toBeGreaterThan(2);
    for (const [i, line] of listed.slice(1).entries()) expect(line).toContain(stored[first + i]);
    expect(errors.slice(before)).toEqual([]);
  });
});
