import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  GetDASHStreamingSessionURLCommand,
  GetHLSStreamingSessionURLCommand,
  KinesisVideoArchivedMediaClient,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import type { PackagerOptions } from '../../src/hls/index.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { makeSource, type SourceName } from '../mp4/support.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, type Media, readMedia, type WrappedFragment, wrapAsGetMedia } from '../support/kvs-media.js';
import { describeNeeding, findTool, tools } from '../support/tools.js';
import {
  AHEAD,
  failuresOf,
  inTime,
  isShortOfMedia,
  type LivePart,
  PLAYERS,
  type Player,
  PlayerPage,
} from './player-page.js';
import { Feed } from './support.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));
const FACTS: { source: string[] } = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
const SECOND = 1e6;

describeNeeding('players in headless Chromium', [tools('chromium', 'ffmpeg')], () => {
  const folder = temporaryFolder();
  let local: LocalKinesisVideo;
  let players: PlayerPage;

  beforeAll(async () => {
    local = await startLocalKinesisVideo({
      streams: {
        stored: { source: 'examples/recording/camera.mkv', keepMetadata: true },
        now: { source: 'examples/recording/camera.mkv', realtime: true, loop: true },
      },
    });
    players = await PlayerPage.open();
  });
  afterAll(async () => {
    await players?.close();
    await local?.close();
  });

  async function onDemand(name: string, bytes: Uint8Array, options: PackagerOptions = {}): Promise<void> {
    const packager = players.packagerAt(name, { playbackMode: 'ON_DEMAND', maxFragmentResults: 'all', ...options });
    await packager.feed(bytes);
  }

  /** The media of a file that ffmpeg makes by these options. */
  async function made(name: string, options: string): Promise<Media> {
    ffmpeg(`${options} -pix_fmt yuv420p ${folder}/${name}.mkv`);
    return readMedia(new Uint8Array(readFileSync(`${folder}/${name}.mkv`)));
  }

  /** The address of a session of the local endpoint, as the SDK's client gets it. */
  async function sessionUrl(StreamName: string, kind: Player, isOnDemand: boolean): Promise<string> {
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    const client = new KinesisVideoArchivedMediaClient({ endpoint: local.endpoint, region: 'us-east-1', credentials });
    const TimestampRange = { StartTimestamp: new Date(0), EndTimestamp: new Date(Date.UTC(2025, 0)) };
    const selector = { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange } as const;
    const PlaybackMode = isOnDemand ? 'ON_DEMAND' : 'LIVE';
    try {
      if (kind === 'hls.js') {
        const HLSFragmentSelector = isOnDemand ? selector : undefined;
        const input = { StreamName, PlaybackMode, HLSFragmentSelector } as const;
        return (await client.send(new GetHLSStreamingSessionURLCommand(input))).HLSStreamingSessionURL ?? '';
      }
      const DASHFragmentSelector = isOnDemand ? selector : undefined;
      const input = { StreamName, PlaybackMode, DASHFragmentSelector } as const;
      return (await client.send(new GetDASHStreamingSessionURLCommand(input))).DASHStreamingSessionURL ?? '';
    } finally {
      client.destroy();
    }
  }

  test('the recording on demand: picture, size and date, exact to a frame', { timeout: 120_000 }, async () => {
    await onDemand('recording', RECORDING);
    const args = `-v error -f lavfi -i ${FACTS.source[0]} -vf scale=32:24:flags=area -f rawvideo -pix_fmt rgb24 -`;
    const source = execFileSync(findTool('ffmpeg')!, args.split(' '));
    const watch = async (kind: Player, file?: string) => {
      const playing = await players.play('recording', kind, file);
      await playing.expectPlaying(1);
      const { size, duration, start } = await playing.look();
      expect([kind, size]).toEqual([kind, [320, 240]]);
      expect(duration).toBeGreaterThan(9.9);
      expect(duration).toBeLessThan(10.3);
      for (const frame of [200, 37, 101]) {
        const { mediaTime, pixels } = await playing.seek(start + (frame + 0.5) / 25);
        if (mediaTime !== undefined) expect(Math.round((mediaTime - start) * 25)).toBe(frame);
        const errorTo = (index: number) => {
          const expected = source.subarray(index * 32 * 24 * 3, (index + 1) * 32 * 24 * 3);
          return pixels.reduce((sum, value, i) => sum + Math.abs(value - (expected[i] ?? 0)), 0) / pixels.length;
        };
        const error = errorTo(frame);
        expect([kind, frame, error < errorTo(frame + 4), error]).toEqual([kind, frame, true, expect.any(Number)]);
        expect(error).toBeLessThan(25);
        const { date, time } = await playing.look();
        // The recording begins at 12:00:00.250.
        if (kind === 'hls.js') {
          const expected = Date.UTC(2024, 4, 1, 12) + 250 + (time - start) * 1000;
          expect(Math.abs((date ?? Number.NaN) - expected)).toBeLessThanOrEqual(1);
        }
      }
      await playing.stop();
    };
    expect(await failuresOf([...PLAYERS.map((kind) => watch(kind)), watch('shaka', 'main.m3u8')])).toEqual([]);
  });

  test('other streams on demand, and a session of the local endpoint', { timeout: 120_000 }, async () => {
    const names: SourceName[] = ['h264', 'h264 aac', 'aac'];
    const sources = new Map<string, WrappedFragment[]>();
    for (const name of names) sources.set(name, wrapAsGetMedia(await makeSource(folder, name)));
    const fragments = sources.get('h264 aac') ?? [];
    const video = sources.get('h264') ?? [];
    const of = (...indexes: number[]) => concatBytes(indexes.map((index) => fragments[index]!.bytes));
    const large = await made(
      'large',
      '-f lavfi -i testsrc2=s=240x180:r=25:d=3 -c:v libx264 -preset veryfast -g 25 -bf 2',
    );
    const single = await made('single', '-f lavfi -i testsrc2=s=160x120:r=1:d=4 -c:v libx264 -g 1');
    await onDemand('b-frames', bodyOf(video));
    await onDemand('gap', of(0, 2));
    await onDemand(
      'long-gap',
      concatBytes([bodyOf(video), bodyOf(wrapAsGetMedia(large, { offset: 40e6, firstNumber: 4 }))]),
    );
    const larger = wrapAsGetMedia(large, { offset: 3e6, firstNumber: 4 });
    await onDemand('resolution', concatBytes([bodyOf(video), bodyOf(larger)]));
    await onDemand('audio', bodyOf(sources.get('aac') ?? []));
    await onDemand('single', bodyOf(wrapAsGetMedia(single)));
    const again = wrapAsGetMedia(await makeSource(folder, 'h264 aac'), { firstNumber: 9 });
    await onDemand('restart', concatBytes([bodyOf(fragments), bodyOf(again)]));
    const sizes: Record<string, readonly [number, number]> = {
      'b-frames': [160, 120],
      gap: [160, 120],
      'long-gap': [240, 180],
      resolution: [240, 180],
      audio: [0, 0],
      single: [160, 120],
      restart: [160, 120],
    };
    if (CAPTURES.missing === undefined) {
      await onDemand('capture', captureBytes('output_get_media.mkv'));
      sizes['capture'] = [640, 360];
    }
    const watch = async (name: string, player: Player, size: readonly [number, number], url?: string) => {
      const playing = await (url === undefined ? players.play(name, player) : players.playUrl(name, player, url));
      const last = await playing.until(({ ended }) => ended, 60_000);
      // hls.js calls it a stall with seconds of media at hand where the machine is busy.
      const errors = last.errors.filter((error) => !/^bufferStalled.*"len":[1-9]/.test(error));
      expect([playing.id, errors, last.size]).toEqual([playing.id, [], size]);
      await playing.stop();
    };
    // The longest ones first. Three streams in three players are as many as a busy machine shows in time.
    const runs = ['session', 'capture', ...Object.keys(sizes).filter((name) => name !== 'capture')].map(
      (name) => async () => {
        const size = name === 'session' ? ([320, 240] as const) : sizes[name];
        if (size === undefined) return [];
        return failuresOf(
          PLAYERS.map(async (player) =>
            watch(name, player, size, name === 'session' ? await sessionUrl('stored', player, true) : undefined),
          ),
        );
      },
    );
    const failures: string[] = [];
    while (runs.length > 0) {
      const some = await Promise.all(runs.splice(0, 3).map((run) => run()));
      failures.push(...some.flat());
    }
    expect(failures).toEqual([]);
  });

  test('live: the recording, sessions, sound alone, fragments of one frame, a pause, a camera that restarts its clock', {
    timeout: 180_000,
  }, async () => {
    const media = await readMedia(RECORDING);
    const sound = await makeSource(folder, 'aac');
    const frames = await made('frames', '-f lavfi -i testsrc2=s=320x240:r=2:d=3 -c:v libx264 -g 1');
    /** The same media over and over, at times that are given, in seconds. */
    const rounds = (of: Media, lasts: number, times: readonly number[], pauseBefore?: number): LivePart[] =>
      times.map((time, index) => ({
        fragments: wrapAsGetMedia(of, { offset: time * SECOND, firstNumber: 1 + index * 100 }),
        lasts: lasts * SECOND,
        ...(index === pauseBefore ? { pause: 30_000 } : {}),
      }));
    const many = Array.from({ length: 20 }, (_, index) => index * 3);
    const streams: Record<string, { parts: LivePart[]; size: readonly number[]; options?: PackagerOptions }> = {
      live: { parts: rounds(media, 10, [0, 10, 20, 30]), size: [320, 240] },
      'live-pause': { parts: rounds(media, 10, [0, 40, 50, 60, 70, 80], 1), size: [320, 240] },
      'live-restart': { parts: rounds(media, 10, [100, 0, 10, 20]), size: [320, 240] },
      'live-audio': { parts: rounds(sound, 3, many), size: [0, 0] },
      'live-frames': { parts: rounds(frames, 3, many), size: [320, 240], options: { maxFragmentResults: 20 } },
    };
    const stop = new AbortController();
    const feeds: Promise<void>[] = [];
    const feed = (name: string) => {
      const { parts = [], options } = streams[name] ?? {};
      const packager = players.packagerAt(name, { maxFragmentResults: 6, ...options });
      feeds.push(packager.feed(inTime(parts, stop.signal)).catch(() => {}));
    };
    const watch = async (name: string, player: Player, url?: string) => {
      const playing = await (url === undefined ? players.play(name, player) : players.playUrl(name, player, url));
      await playing.begun(2);
      const told = (await playing.look()).errors.length;
      if (name === 'live-pause') {
        const before = await playing.until(({ ready }) => ready < 3);
        // It goes on where the stream does. HLS has a discontinuity there, DASH a gap of 30 s.
        const on = player === 'hls.js' ? 2 : 30 + 1;
        await playing.until(({ time, ready }) => ready >= 3 && time > before.time + on, 75_000);
      } else {
        await playing.expectPlaying(6, told);
        const { time } = await playing.look();
        await playing.until((look) => look.time > time + (name === 'live-restart' ? 12 : 3));
      }
      const { errors, size } = await playing.look();
      // A player that has nothing left to play says so, and that is no fault.
      const real = errors.slice(told).filter((error) => !isShortOfMedia(error));
      expect([playing.id, real, size]).toEqual([playing.id, [], streams[name]?.size ?? [320, 240]]);
      await playing.stop();
    };
    const inAll = (name: string) => {
      feed(name);
      return PLAYERS.map((player) => watch(name, player));
    };
    const inPause = async () => {
      const sessions = PLAYERS.map(async (player) =>
        watch('live-session', player, await sessionUrl('now', player, false)),
      );
      const first = await failuresOf([...['live', 'live-restart'].flatMap(inAll), ...sessions]);
      const then = await failuresOf([...['live-audio', 'live-frames'].flatMap(inAll), lowLatency(media, stop.signal)]);
      return [...first, ...then];
    };
    const others = inPause();
    const failures = [...(await failuresOf(inAll('live-pause'))), ...(await others)];
    stop.abort();
    await Promise.all(feeds);
    expect(failures).toEqual([]);
  });

  test('hls.js begins where each fragment is a discontinuity and one comes between its requests', {
    timeout: 60_000,
  }, async () => {
    // It asks for the video's playlist again after a fragment's duration: that is to be long.
    const media = await made(
      'long',
      '-f lavfi -i testsrc2=s=160x120:r=5:d=60 -f lavfi -i sine=d=60 -c:v libx264 -g 50 -c:a aac',
    );
    const fragments = wrapAsGetMedia(media);
    const packager = players.packagerAt('discontinuities', { discontinuityMode: 'ALWAYS' });
    const source = new Feed();
    const fed = packager.feed(source);
    const answers = async (path: string) =>
      (await packager.handler(new Request(`http://localhost/discontinuities/${path}`))).status === 200;
    source.push(bodyOf(fragments.slice(0, 5)));
    await expect.poll(() => answers('video-1/4.m4s')).toBe(true);
    let given = () => {};
    const hasVideo = new Promise<void>((resolve) => (given = resolve));
    let isFirst = true;
    players.handleAt('discontinuities', async (request, Response) => {
      const { pathname } = new URL(request.url);
      if (pathname.endsWith('/audio-2/media.m3u8') && isFirst) {
        isFirst = false;
        await hasVideo;
        source.push(bodyOf(fragments.slice(5)));
        await expect.poll(() => answers('audio-2/5.m4s')).toBe(true);
      }
      const response = await packager.handler(request, Response);
      if (pathname.endsWith('/video-1/media.m3u8')) given();
      return response;
    });
    const playing = await players.play('discontinuities', 'hls.js');
    await playing.begun();
    expect((await playing.look()).errors).toEqual([]);
    await playing.stop();
    source.end();
    await fed;
  });

  /** Low latency in hls.js: prints from the recording of a frame to its display. */
  async function lowLatency(media: Media, signal: AbortSignal): Promise<void> {
    const seconds = 8;
    // The camera's clock is the wall clock: what is sent now is recorded now.
    const began = performance.now() - AHEAD;
    const recorded = (Date.now() - AHEAD) * 1000;
    const parts = Array.from({ length: 10 }, (_, index) => ({
      fragments: wrapAsGetMedia(media, { offset: recorded + index * 10e6, firstNumber: 1 + index * 8 }),
      lasts: 10e6,
    }));
    const packager = players.packagerAt('low-latency', { maxFragmentResults: 6, partDuration: 200 });
    const fed = packager.feed(inTime(parts, signal, began));
    const playing = await players.play('low-latency', 'hls.js');
    const { time } = await playing.until(({ ready, date, frames }) => ready >= 3 && date !== undefined && frames > 50);
    const told = (await playing.look()).errors.length;
    const delays: number[] = [];
    const last = await playing.until((look) => {
      if (look.date !== undefined) delays.push(look.wall - look.date);
      return look.time > time + seconds;
    });
    packager.close();
    await fed;
    const median = delays.sort((a, b) => a - b)[Math.floor(delays.length / 2)] ?? Number.NaN;
    console.log(`low latency in hls.js: median ${Math.round(median)} ms, of ${delays.length} looks`);
    // No bound on time: a machine that is busy shows frames late.
    const errors = last.errors.slice(told).filter((error) => !isShortOfMedia(error));
    expect([errors, median > 200]).toEqual([[], true]);
    await playing.stop();
  }
});
