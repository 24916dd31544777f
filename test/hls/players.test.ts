import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { Packager, type PackagerOptions, type PlaybackHandler } from '../../src/hls/index.js';
import { toNodeListener } from '../../src/hls/node.js';
import { makeSource, type SourceName } from '../mp4/support.js';
import { type BrowserSession, openBrowser } from '../support/browser.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, readMedia, type WrappedFragment, wrapAsGetMedia } from '../support/kvs-media.js';
import { describeNeeding, findTool, tools } from '../support/tools.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));
const FACTS: { source: string[]; fragments: { timestamp: number; producerTimestamp?: string }[] } = JSON.parse(
  readFileSync('examples/recording/camera.json', 'utf8'),
);
const PLAYERS = ['hls.js', 'dash.js', 'shaka'] as const;
type Player = (typeof PLAYERS)[number];

interface Look {
  readonly now: number;
  /** Milliseconds since 1970. */
  readonly wall: number;
  readonly time: number;
  readonly ended: boolean;
  readonly duration: number;
  readonly start: number;
  readonly size: readonly [number, number];
  readonly ready: number;
  readonly errors: readonly string[];
  readonly date: number | undefined;
  readonly latency: number | undefined;
  readonly frames: number;
}

interface Page {
  start(id: string, kind: Player, url: string): void;
  look(id: string): Look;
  seek(id: string, time: number): Promise<{ mediaTime: number | undefined; pixels: number[] }>;
  stop(id: string): void;
}

/** What `fixtures/players.js` puts into the page: it is there where the functions that are passed to `evaluate` run. */
declare const page: Page;

describeNeeding('players in headless Chromium', [tools('chromium', 'ffmpeg')], () => {
  const folder = temporaryFolder();
  const handlers = new Map<string, PlaybackHandler>();
  const packagers: Packager[] = [];
  let server: Server;
  let origin: string;
  let session: BrowserSession;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const [, name = ''] = (request.url ?? '').split('/');
      const handler = handlers.get(name);
      if (handler === undefined) response.writeHead(404).end();
      else toNodeListener(handler)(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const script = (path: string) => ({ type: 'text/javascript', body: readFileSync(path) });
    session = await openBrowser({
      '/': {
        type: 'text/html',
        body: `<!doctype html>${['hls', 'dash', 'shaka', 'players'].map((name) => `<script src="/${name}.js"></script>`).join('')}`,
      },
      '/hls.js': script('node_modules/hls.js/dist/hls.min.js'),
      '/dash.js': script('node_modules/dashjs/dist/modern/umd/dash.all.min.js'),
      '/shaka.js': script('node_modules/shaka-player/dist/shaka-player.compiled.js'),
      '/players.js': script('test/hls/fixtures/players.js'),
    });
  });
  afterAll(async () => {
    await session?.close();
    for (const packager of packagers) packager.close();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  });

  let count = 0;

  /** Serves a packager at a path of its own. */
  function packagerAt(name: string, options: PackagerOptions): Packager {
    const packager = new Packager({ ...options, basePath: `/${name}`, displayFragmentTimestamp: 'ALWAYS' });
    packagers.push(packager);
    handlers.set(name, packager.handler);
    return packager;
  }

  /** Opens what lies at a path in a player: HLS in hls.js, DASH in the others, or what is asked for. */
  async function open(name: string, kind: Player, file = kind === 'hls.js' ? 'main.m3u8' : 'manifest.mpd') {
    const id = `${name} ${kind} ${count++}`;
    await session.page.evaluate(([each, player, url]) => page.start(each, player, url), [
      id,
      kind,
      `${origin}/${name}/${file}`,
    ] as const);
    return {
      id,
      look: () => session.page.evaluate((each) => page.look(each), id),
      seek: (time: number) => session.page.evaluate(([each, to]) => page.seek(each, to), [id, time] as const),
      stop: () => session.page.evaluate((each) => page.stop(each), id),
    };
  }

  type Opened = Awaited<ReturnType<typeof open>>;

  async function until(opened: Opened, isSo: (look: Look) => boolean, ms = 25_000): Promise<Look> {
    const began = Date.now();
    for (;;) {
      const look = await opened.look();
      if (isSo(look)) return look;
      if (Date.now() - began > ms) throw new Error(`${opened.id}: ${JSON.stringify(look)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** That the video goes on by the wall clock for so many seconds. */
  async function expectPlaying(opened: Opened, seconds: number, told = 0): Promise<void> {
    const from = await until(opened, ({ ready, time, start }) => ready >= 3 && time > start + 0.2);
    const to = await until(opened, ({ now }) => now - from.now > seconds * 1000);
    const ratio = (to.time - from.time) / ((to.now - from.now) / 1000);
    expect([opened.id, ratio > 0.85 && ratio < 1.25, ratio, to.errors.slice(told)]).toEqual([
      opened.id,
      true,
      ratio,
      [],
    ]);
  }

  async function onDemand(name: string, bytes: Uint8Array, options: PackagerOptions = {}): Promise<void> {
    const packager = packagerAt(name, { playbackMode: 'ON_DEMAND', maxFragmentResults: 'all', ...options });
    await packager.feed(bytes);
  }

  test('the recording on demand: picture, size and date, exact to a frame', { timeout: 120_000 }, async () => {
    await onDemand('recording', RECORDING);
    const args = `-v error -f lavfi -i ${FACTS.source[0]} -vf scale=32:24:flags=area -f rawvideo -pix_fmt rgb24 -`;
    const source = execFileSync(findTool('ffmpeg')!, args.split(' '));
    for (const [kind, file] of [
      ...PLAYERS.map((player) => [player, undefined] as const),
      ['shaka', 'main.m3u8'] as const,
    ]) {
      const opened = await open('recording', kind, file);
      await expectPlaying(opened, 1);
      const { size, duration } = await opened.look();
      expect([kind, size]).toEqual([kind, [320, 240]]);
      expect(duration).toBeGreaterThan(9.9);
      expect(duration).toBeLessThan(10.3);
      const { start } = await opened.look();
      for (const frame of [200, 37, 101]) {
        const { mediaTime, pixels } = await opened.seek(start + (frame + 0.5) / 25);
        if (mediaTime !== undefined) expect(Math.round((mediaTime - start) * 25)).toBe(frame);
        const expected = source.subarray(frame * 32 * 24 * 3, (frame + 1) * 32 * 24 * 3);
        const error = pixels.reduce((sum, value, i) => sum + Math.abs(value - (expected[i] ?? 0)), 0) / pixels.length;
        const other = source.subarray((frame + 4) * 32 * 24 * 3, (frame + 5) * 32 * 24 * 3);
        const otherError = pixels.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0) / pixels.length;
        expect([kind, frame, error < otherError, error]).toEqual([kind, frame, true, expect.any(Number)]);
        expect(error).toBeLessThan(25);
        const { date, time } = await opened.look();
        // The recording begins at 12:00:00.250.
        if (date !== undefined && kind === 'hls.js') {
          expect(Math.abs(date - Date.UTC(2024, 4, 1, 12) - 250 - (time - start) * 1000)).toBeLessThanOrEqual(1);
        }
      }
      await opened.stop();
    }
  });

  test('other streams on demand', { timeout: 120_000 }, async () => {
    const names: SourceName[] = ['h264', 'h264 aac', 'aac'];
    const sources = new Map<string, WrappedFragment[]>();
    for (const name of names) sources.set(name, wrapAsGetMedia(await makeSource(folder, name)));
    const fragments = sources.get('h264 aac') ?? [];
    const video = sources.get('h264') ?? [];
    const of = (...indexes: number[]) => concatBytes(indexes.map((index) => fragments[index]!.bytes));
    ffmpeg(
      `-f lavfi -i testsrc2=s=240x180:r=25:d=3 -c:v libx264 -preset veryfast -g 25 -bf 2 -pix_fmt yuv420p ${folder}/large.mkv`,
    );
    const large = await readMedia(new Uint8Array(readFileSync(`${folder}/large.mkv`)));
    ffmpeg(`-f lavfi -i testsrc2=s=160x120:r=1:d=6 -c:v libx264 -g 1 -pix_fmt yuv420p ${folder}/single.mkv`);
    const single = await readMedia(new Uint8Array(readFileSync(`${folder}/single.mkv`)));
    await onDemand('b-frames', bodyOf(video));
    await onDemand('gap', of(0, 2));
    const larger = wrapAsGetMedia(large, { offset: 3e6, firstNumber: 4 });
    await onDemand('resolution', concatBytes([bodyOf(video), bodyOf(larger)]));
    await onDemand('audio', bodyOf(sources.get('aac') ?? []));
    await onDemand('single', bodyOf(wrapAsGetMedia(single)));
    await onDemand(
      'restart',
      concatBytes([
        bodyOf(fragments),
        bodyOf(wrapAsGetMedia(await makeSource(folder, 'h264 aac'), { firstNumber: 9 })),
      ]),
    );
    if (CAPTURES.missing === undefined) await onDemand('capture', captureBytes('output_get_media.mkv'));
    const cases: Record<string, { seconds: number; size: readonly [number, number]; end?: number }> = {
      'b-frames': { seconds: 3, size: [160, 120] },
      gap: { seconds: 2, size: [160, 120] },
      resolution: { seconds: 6, size: [240, 180] },
      audio: { seconds: 3, size: [0, 0] },
      single: { seconds: 6, size: [160, 120] },
      restart: { seconds: 6, size: [160, 120] },
    };
    const failures: string[] = [];
    for (const [name, { seconds, size }] of Object.entries(cases)) {
      const all = await Promise.all(PLAYERS.map((player) => open(name, player)));
      await Promise.all(
        all.map(async (opened) => {
          try {
            const last = await until(opened, ({ ended }) => ended, seconds * 1000 + 15_000);
            // hls.js calls it a stall with seconds of media at hand where the machine is busy.
            const errors = last.errors.filter((error) => !/^bufferStalled.*"len":[1-9]/.test(error));
            if (errors.length > 0) failures.push(`${opened.id}: ${errors.join('; ')}`);
            if (String(last.size) !== String(size)) failures.push(`${opened.id}: ${last.size}`);
          } catch (error) {
            failures.push(String(error));
          }
          await opened.stop();
        }),
      );
    }
    expect(failures).toEqual([]);
  });

  test('live: the recording, a stream that pauses, a camera that restarts its clock', {
    timeout: 150_000,
  }, async () => {
    const media = await readMedia(RECORDING);
    const round = (index: number, offset: number) => wrapAsGetMedia(media, { offset, firstNumber: 1 + index * 8 });
    const second = 1e6;
    const streams: Record<string, readonly { fragments: readonly WrappedFragment[]; pause?: number }[]> = {
      live: [0, 1, 2, 3].map((index) => ({ fragments: round(index, index * 10 * second) })),
      'live-pause': [
        { fragments: round(0, 0) },
        { fragments: round(1, 40 * second), pause: 30_000 },
        { fragments: round(2, 50 * second) },
        { fragments: round(3, 60 * second) },
        { fragments: round(4, 70 * second) },
      ],
      'live-restart': [
        { fragments: round(0, 100 * second) },
        { fragments: round(1, 0) },
        { fragments: round(2, 10 * second) },
      ],
    };
    const stop = new AbortController();
    const feeds = Object.entries(streams).map(([name, parts]) => {
      const packager = packagerAt(name, { maxFragmentResults: 6 });
      return packager.feed(inTime(parts, stop.signal)).catch(() => {});
    });
    const failures: string[] = [];
    const watch = async (name: string, player: Player) => {
      const opened = await open(name, player);
      try {
        // Players look for their distance to the end first.
        await until(opened, ({ ready, time, start }) => ready >= 3 && time > start + 2);
        const begun = (await opened.look()).errors.length;
        if (name !== 'live-pause') await expectPlaying(opened, 6, begun);
        if (name === 'live-pause') {
          const before = await until(opened, ({ ready }) => ready < 3, 40_000);
          await until(opened, ({ time, ready }) => ready >= 3 && time > before.time + 3, 45_000);
        } else {
          const { time } = await opened.look();
          await until(opened, (look) => look.time > time + 12, 30_000);
        }
        const { errors, size } = await opened.look();
        // A player that has nothing left to play says so, and that is no fault.
        const real = errors
          .slice(begun)
          .filter((error) => name !== 'live-pause' || !/^buffer(Stalled|SeekOverHole|Nudge)/.test(error));
        if (real.length > 0) failures.push(`${opened.id}: ${real.join('; ')}`);
        if (String(size) !== '320,240') failures.push(`${opened.id}: ${size}`);
      } catch (error) {
        failures.push(error instanceof Error && 'actual' in error ? JSON.stringify(error.actual) : String(error));
      }
      await opened.stop();
    };
    await Promise.all([
      ...['live', 'live-restart'].flatMap((name) => PLAYERS.map((player) => watch(name, player))),
      // dash.js stays at the end of what came before a pause, whether the manifest has a gap there or another Period.
      watch('live-pause', 'hls.js'),
      watch('live-pause', 'shaka'),
    ]);
    stop.abort();
    await Promise.all(feeds);
    expect(failures).toEqual([]);
  });

  test('low latency: from the recording of a frame to its display', { timeout: 120_000 }, async () => {
    const seconds = Number(process.env['KVS_LATENCY_SECONDS'] ?? 8);
    const media = await readMedia(RECORDING);
    // The camera's clock is the wall clock: what is sent now is recorded now.
    const began = performance.now() - AHEAD;
    const recorded = (Date.now() - AHEAD) * 1000;
    const parts = Array.from({ length: Math.ceil(seconds / 10) + 2 }, (_, index) => ({
      fragments: wrapAsGetMedia(media, { offset: recorded + index * 10e6, firstNumber: 1 + index * 8 }),
    }));
    const stop = new AbortController();
    const packager = packagerAt('low-latency', { maxFragmentResults: 6, partDuration: 200 });
    const fed = packager.feed(inTime(parts, stop.signal, began));
    const opened = await open('low-latency', 'hls.js');
    const { time } = await until(opened, ({ ready, date, frames }) => ready >= 3 && date !== undefined && frames > 50);
    const told = (await opened.look()).errors.length;
    const delays: number[] = [];
    const last = await until(
      opened,
      (look) => {
        if (look.date !== undefined) delays.push(look.wall - look.date);
        return look.time > time + seconds;
      },
      90_000,
    );
    stop.abort();
    await fed;
    const median = delays.sort((a, b) => a - b)[Math.floor(delays.length / 2)] ?? Number.NaN;
    console.log(`low latency in hls.js: median ${Math.round(median)} ms, of ${delays.length} looks`);
    expect(last.errors.slice(told)).toEqual([]);
    // No bound on time: a machine that is busy shows frames late.
    expect(median).toBeGreaterThan(200);
    await opened.stop();
  });
});

/** Fragments as a camera sends them: frame by frame, in the time that they last. What came before the viewers is there already. */
async function* inTime(
  parts: readonly { fragments: readonly WrappedFragment[]; pause?: number }[],
  signal: AbortSignal,
  began = performance.now() - AHEAD,
): AsyncGenerator<Uint8Array, void> {
  let due = began;
  for (const { fragments, pause = 0 } of parts) {
    due += pause;
    for (const [index, { bytes, frames }] of fragments.entries()) {
      const start = Math.min(...frames.map(({ timestamp }) => timestamp));
      const next = fragments[index + 1];
      const end = next === undefined ? 10e6 : Math.min(...next.frames.map(({ timestamp }) => timestamp));
      const size = frames.reduce((sum, frame) => sum + frame.size, 0);
      let sent = 0;
      let at = 0;
      for (const [count, frame] of frames.entries()) {
        at += frame.size;
        const time = due + ((end - start) * (count + 1)) / frames.length / 1000;
        const wait = time - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        if (signal.aborted) return;
        const to = count === frames.length - 1 ? bytes.length : Math.floor((bytes.length * at) / size);
        yield bytes.subarray(sent, to);
        sent = to;
      }
      due += (end - start) / 1000;
    }
  }
}

/** How much of a live stream is there when viewers come, in milliseconds. */
const AHEAD = 8000;
