import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { readFrames } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { type BrowserSession, bundleForBrowser, openBrowser, type Route } from '../support/browser.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { type Media, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { describeNeeding, tools } from '../support/tools.js';

const PAGE = `
import { MsePlayer } from './src/mp4/index.ts';
const video = document.querySelector('video');
const state = {};
let jumps = 0;
let player;
video.addEventListener('seeking', () => { jumps++; });
globalThis.start = async (path, options = {}, rate = 1) => {
  await player?.stop();
  jumps = 0;
  Object.assign(state, { inits: [], chunks: 0, done: undefined, error: undefined, states: [], leftOut: [], reasons: [], events: [], stalls: [], most: 0 });
  const onSegment = (segment) => {
    if (segment.type === 'init') state.inits.push(segment.mimeType);
    else state.chunks++;
  };
  // Browsers inflate in streams only: frames that are known take the place of a package that does it at once.
  const known = new Map(options.inflate ? await (await fetch('/inflated.json')).json() : []);
  const text = (bytes) => String.fromCharCode(...bytes);
  const inflate = (data) => Uint8Array.from(atob(known.get(btoa(text(data)))), (c) => c.charCodeAt(0));
  player = new MsePlayer(video, { onSegment, ...options, inflate: options.inflate && inflate });
  player.addEventListener('state', ({ detail }) => state.states.push(detail.state));
  player.addEventListener('left-out', ({ detail }) => {
    state.leftOut.push(detail.error.code + ' ' + detail.error.trackNumber);
    state.reasons.push(detail.error.message);
  });
  player.addEventListener('error', ({ detail }) => state.events.push(String(detail.error)));
  player.addEventListener('stalled', ({ detail }) => state.stalls.push(detail.time));
  video.defaultPlaybackRate = rate;
  video.playbackRate = rate;
  const response = await fetch(path);
  player.play(response.body).then(() => { state.done = true; }, (error) => { state.error = String(error); });
};
globalThis.look = () => ({
  ...state,
  time: video.currentTime,
  speed: video.playbackRate,
  jumps,
  ended: video.ended,
  size: [video.videoWidth, video.videoHeight],
  player: player.state,
  ranges: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
  frames: video.getVideoPlaybackQuality().totalVideoFrames,
});
globalThis.race = async (paths, order) => {
  await player?.stop();
  const player2 = new MsePlayer(video);
  const results = [];
  const bodies = await Promise.all(paths.map(async (path) => (await fetch(path)).body));
  const all = [...order].map((step, i) => {
    const promise = step === 'p' ? player2.play(bodies.shift()) : player2.stop();
    return promise.then(() => results.push(i + step), (error) => results.push(String(error)));
  });
  await new Promise((resolve) => setTimeout(resolve, 1300));
  const seen = { state: player2.state, source: video.getAttribute('src') !== null, time: video.currentTime };
  await player2.stop();
  await Promise.all(all);
  return { ...seen, results };
};
globalThis.setRate = (rate) => { video.playbackRate = rate; };
globalThis.supported = () => [MsePlayer.isSupported(), MsePlayer.isSupported('video/mp4; codecs="nothing"')];
globalThis.ready = true;
`;

interface Look {
  inits: string[];
  chunks: number;
  done: boolean | undefined;
  error: string | undefined;
  states: string[];
  leftOut: string[];
  reasons: string[];
  events: string[];
  stalls: number[];
  time: number;
  speed: number;
  jumps: number;
  ended: boolean;
  player: string;
  size: [number, number];
  ranges: [number, number][];
  frames: number;
}

interface PageGlobals {
  start(path: string, options?: object, rate?: number): Promise<void>;
  look(): Look;
  race(paths: string[], order: string): Promise<{ state: string; source: boolean; time: number; results: string[] }>;
  setRate(rate: number): void;
  supported(): boolean[];
}

const SECOND = 1e6;

describeNeeding('MsePlayer in Chromium, streams as they come', [tools('chromium', 'ffmpeg')], () => {
  const folder = temporaryFolder();
  let session: BrowserSession;
  let media: Media;
  let heavy: Uint8Array;

  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const named = (name: string): [string, Route] => {
    const body = new Uint8Array(readFileSync(`test/cases/${name}.mkv`));
    return [`/${name}`, { type: 'video/x-matroska', body }];
  };

  /** The frames of a file that are stored compressed, each with what it is, in Base64. */
  const inflated = async (name: string): Promise<[string, string][]> => {
    const pairs: [string, string][] = [];
    for await (const { data, storage } of readFrames(readFileSync(`test/cases/${name}.mkv`))) {
      if (storage === 'zlib') pairs.push([Buffer.from(data).toString('base64'), inflateSync(data).toString('base64')]);
    }
    return pairs;
  };

  /** Fragments in real time or faster, after which the body stays open. */
  async function* live(chosen: Media, speed = 1): AsyncIterable<Uint8Array> {
    for (const { bytes, frames } of wrapAsGetMedia(chosen)) {
      yield bytes;
      await pause(((frames.at(-1)!.timestamp - frames[0]!.timestamp) / 1000 / speed) | 0);
    }
    await pause(60_000);
  }

  /** Bytes as a camera sends them: each frame at its time, but for the first, which come so many milliseconds before theirs. */
  async function* frameByFrame(ahead = 0, rounds = 1): AsyncIterable<Uint8Array> {
    const began = performance.now() - ahead;
    const length = Math.max(...media.frames.map(({ timestamp }) => timestamp)) + 40_000;
    for (let round = 0; round < rounds; round++) {
      const offset = round * length;
      for (const { bytes, frames } of wrapAsGetMedia(media, { offset })) {
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = Math.ceil(bytes.length / frames.length);
          const due = (offset + frames[Math.min(i, frames.length - 1)]!.timestamp) / 1000;
          await pause(Math.max(0, due - (performance.now() - began)));
          yield bytes.subarray(at, at + size);
          at += size;
        }
      }
    }
    await pause(60_000);
  }

  /** Half of the fragments are missing. */
  async function* gaps(): AsyncIterable<Uint8Array> {
    for (let round = 0; round < 3; round++) {
      const fragments = wrapAsGetMedia(media, { offset: round * 6 * SECOND });
      for (const [index, { bytes }] of fragments.entries()) if (index % 2 === 0) yield bytes;
    }
  }

  /** Two seconds of video, and mu-law under the name of AAC, as the producer's tag says. */
  function saidToBeAac(): Uint8Array {
    const [track] = media.tracks;
    const pictures = media.frames.filter((frame) => frame.track === track && frame.timestamp < 2 * SECOND);
    const video = pictures.map(({ timestamp, data, keyframe }) => ({ track: 1, timestamp, frames: [data], keyframe }));
    const sound = Array.from({ length: 100 }, (_, index) => ({
      track: 2,
      timestamp: index * 20_000,
      keyframe: true,
      frames: [new Uint8Array(160).fill(index + 100)],
    }));
    const { codecId = '', codecPrivate } = track ?? {};
    return writeGetMediaFragment({
      tracks: [
        { number: 1, codecId, codecPrivate, video: { pixelWidth: 320, pixelHeight: 180 } },
        { number: 2, type: 'audio', codecId: 'A_AAC', codecPrivate: Uint8Array.of(0x15, 0x88) },
      ],
      tags: [['MimeType', 'audio/PCMU;rate=8000;channels=1']],
      fragmentNumber: '1',
      blocks: [...video, ...sound],
    });
  }

  /** 6 MB a second of video: far more than a browser holds of a minute. */
  async function* heavyStream(): AsyncIterable<Uint8Array> {
    const [track] = media.tracks;
    for (let index = 0; index < 70; index++) {
      const key = media.frames.find((frame) => frame.keyframe && frame.track === track)!;
      yield writeGetMediaFragment({
        tracks: [
          {
            number: 1,
            codecId: track!.codecId,
            codecPrivate: track!.codecPrivate,
            video: { pixelWidth: 320, pixelHeight: 180 },
          },
        ],
        fragmentNumber: String(index + 1),
        blocks: Array.from({ length: 10 }, (_, i) => ({
          track: 1,
          timestamp: index * SECOND + i * 100_000,
          keyframe: true,
          frames: [concatBytes([key.data, heavy])],
        })),
      });
    }
  }

  beforeAll(async () => {
    const file = join(folder, 'source.mkv');
    ffmpeg(
      `-f lavfi -i testsrc2=s=320x180:r=25:d=6 -f lavfi -i sine=r=48000:d=6 -c:v libx264 -preset veryfast -g 25 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 64k ${file}`,
    );
    media = await readMedia(new Uint8Array(readFileSync(file)));
    // Filler data, which decoders pass over (H.264 NAL unit type 12).
    heavy = new Uint8Array(600_000).fill(0xff);
    new DataView(heavy.buffer).setUint32(0, heavy.length - 4);
    heavy[4] = 12;
    heavy[heavy.length - 1] = 0x80;
    const isVideo = ({ track }: { track: { type: string } }) => track.type === 'video';
    const silent = { ...media, frames: media.frames.filter(isVideo) };
    const late = { ...media, frames: media.frames.filter((frame) => isVideo(frame) || frame.timestamp >= 2 * SECOND) };
    const early = { ...media, frames: media.frames.filter((frame) => isVideo(frame) || frame.timestamp < 2 * SECOND) };
    const stream = (body: () => AsyncIterable<Uint8Array>): Route => ({ type: 'video/x-matroska', body });
    session = await openBrowser({
      '/': {
        type: 'text/html',
        body: '<!doctype html><video muted playsinline></video><script type="module" src="/page.js"></script>',
      },
      '/page.js': { type: 'text/javascript', body: await bundleForBrowser(PAGE) },
      ...Object.fromEntries(
        [
          'silent-audio--never',
          'silent-audio--never-nocpd',
          'silent-audio--first-only',
          'single-frame--fps1',
          'time-restart--restart-4',
          'audio-jitter--aac48-j15',
          'av-codecs--h264+opus',
          'alaw-only--alaw',
          'cpd-level0--hvcc-level0',
          'sps-change--stale',
          'aac-adts--adts-nocpd',
          'muxers--mm-zlib',
        ].map(named),
      ),
      '/inflated.json': { type: 'application/json', body: JSON.stringify(await inflated('muxers--mm-zlib')) },
      '/g711': { type: 'video/x-matroska', body: saidToBeAac() },
      '/empty': { type: 'video/x-matroska', body: new Uint8Array(0) },
      '/silent': stream(() => live(silent)),
      '/late': stream(() => live(late, 20)),
      '/early': stream(() => live(early, 20)),
      '/frames': stream(() => frameByFrame()),
      '/backlog': stream(() => frameByFrame(1500, 8)),
      '/gaps': stream(gaps),
      '/heavy': stream(heavyStream),
      '/live': stream(() => live(media)),
      '/again': stream(() => live(media)),
    });
    await session.page.waitForFunction(() => 'ready' in globalThis);
  });
  afterAll(() => session.close());

  const look = () => session.page.evaluate(() => (globalThis as unknown as PageGlobals).look());
  const start = (path: string, options = {}, rate = 1) =>
    session.page.evaluate(([url, with_, speed]) => (globalThis as unknown as PageGlobals).start(url, with_, speed), [
      path,
      options,
      rate,
    ] as const);
  const until = async (isThere: (seen: Look) => boolean, timeout = 20_000): Promise<Look> => {
    let seen = await look();
    await expect
      .poll(
        async () => {
          seen = await look();
          return isThere(seen) || seen.error !== undefined;
        },
        { timeout, interval: 50 },
      )
      .toBe(true);
    return seen;
  };

  test.each(['never', 'never-nocpd', 'first-only'])('a track that has no frames: %s', async (name) => {
    await start(`/silent-audio--${name}`, {}, 2);
    const seen = await until(({ player }) => player === 'ended');
    expect(seen.error).toBeUndefined();
    expect(seen.time).toBeGreaterThan(3.9);
    expect(seen.leftOut).toEqual(['NoFrames 2']);
    expect(seen.states).toEqual(expect.arrayContaining(['loading', 'playing', 'ended']));
  });

  test('a body that stays open plays without waiting for a track that has no frames', async () => {
    await start('/silent');
    const seen = await until(({ time }) => time > 1.5);
    expect(seen.error).toBeUndefined();
    expect(seen.done).toBeUndefined();
  });

  test.each(['late', 'early'])(
    'a track that comes or goes later: what is buffered is played first (%s)',
    async (name) => {
      await start(`/${name}`);
      const times: number[] = [];
      const seen = await until(({ time, inits }) => {
        times.push(time);
        return time > 4.5 && inits.length === 2;
      });
      expect(seen.error).toBeUndefined();
      // All of it came within a third of a second.
      for (let second = 0; second < 4; second++) {
        expect(times.filter((time) => time > second && time < second + 1).length).toBeGreaterThan(2);
      }
    },
  );

  test('fragments of one frame are one range', async () => {
    await start('/single-frame--fps1', {}, 4);
    const seen = await until(({ done, time }) => done === true && time > 10);
    expect(seen.ranges).toEqual([[0, 12]]);
    expect(seen.error).toBeUndefined();
  });

  test('times that begin again are one range', async () => {
    await start('/time-restart--restart-4', {}, 4);
    const seen = await until(({ player }) => player === 'ended');
    expect(seen.ranges.map((range) => range.map((time) => Math.round(time * 100) / 100))).toEqual([[0, 4]]);
  });

  test('sound that jitters is one range, and does not stop the video', async () => {
    await start('/audio-jitter--aac48-j15');
    const seen = await until(({ player }) => player === 'ended');
    expect(seen.ranges.length).toBe(1);
    expect(seen.stalls).toEqual([]);
  });

  test('a codec that cannot go in is left out and named', async () => {
    await start('/av-codecs--h264+opus', {}, 2);
    const seen = await until(({ player }) => player === 'ended');
    expect(seen.error).toBeUndefined();
    expect(seen.leftOut).toEqual(['UnsupportedStreamMediaType 2']);
  });

  test('G.711 under the name of AAC is left out by what it is', async () => {
    await start('/g711', {}, 2);
    const seen = await until(({ player }) => player === 'ended');
    expect(seen.error).toBeUndefined();
    expect(seen.leftOut).toEqual(['UnsupportedStreamMediaType 2']);
    expect(seen.reasons).toEqual([expect.stringContaining('audio/mp4; codecs="ulaw"')]);
  });

  test.each([{}, { chunkDuration: 100 }])(
    'frames that are stored compressed are played, inflated: %j',
    async (options) => {
      await start('/muxers--mm-zlib', { inflate: true, ...options }, 2);
      const seen = await until(({ player }) => player === 'ended');
      expect([seen.error, seen.leftOut, seen.ranges.length]).toEqual([undefined, [], 1]);
      expect(seen.frames).toBeGreaterThan(20);
    },
  );

  test('H.265 is played where the browser can, and an error where it cannot', async () => {
    const type = 'video/mp4; codecs="hvc1.1.6.L60.90"';
    const isPlayed = await session.page.evaluate((mimeType) => MediaSource.isTypeSupported(mimeType), type);
    await start('/cpd-level0--hvcc-level0');
    const seen = await until(({ error, done }) => error !== undefined || done === true);
    if (isPlayed) expect(seen.done).toBe(true);
    else expect(seen.error).toContain(`the player does not play ${type}`);
  });

  test.each(['sps-change--stale', 'aac-adts--adts-nocpd'])('plays what frames are: %s', async (name) => {
    await start(`/${name}`, {}, 2);
    const seen = await until(({ player }) => player === 'ended');
    expect(seen.error).toBeUndefined();
    expect(seen.ranges.length).toBe(1);
    expect(seen.inits.length).toBe(name.startsWith('sps') ? 2 : 1);
  });

  test.each([
    ['/alaw-only--alaw', 'audio/mp4; codecs="alaw"'],
    ['/empty', 'there is no video or audio that can be played'],
  ])('nothing that can be played is an error: %s', async (path, text) => {
    await start(path);
    const seen = await until(({ error }) => error !== undefined);
    expect(seen.error).toContain(text);
    expect(seen.events).toEqual([seen.error]);
    expect(seen.player).toBe('error');
  });

  test.each([2, 4])('crosses gaps at %i times the speed', async (rate) => {
    await start('/gaps', {}, rate);
    const seen = await until(({ player }) => player === 'ended', 30_000);
    expect(seen.error).toBeUndefined();
    expect(seen.ranges.length).toBe(9);
    expect(seen.time).toBeGreaterThan(16.9);
  });

  test('a stream that is more than the browser holds is played on as there is room', async () => {
    await start('/heavy', { readAhead: 600 }, 8);
    const seen = await until(({ time }) => time > 60, 60_000);
    expect(seen.error).toBeUndefined();
    expect(seen.time).toBeGreaterThan(60);
  }, 80_000);

  test('chunks are played before their fragment has ended', async () => {
    await start('/frames', { chunkDuration: 100 });
    await until(({ time }) => time > 0.2);
    const seen = await until(({ time }) => time > 2.5);
    expect(seen.error).toBeUndefined();
    expect(seen.chunks).toBeGreaterThan(20);
    expect(seen.ranges.length).toBe(1);
    // The newest that is there is less than a fragment ahead.
    expect(seen.ranges[0]![1] - seen.time).toBeLessThan(0.9);
  });

  test('chunks that are behind are caught up with, a little faster; then the speed is what it was', async () => {
    // More than half of the delay that is allowed is there at once, and less than all.
    await start('/backlog', { chunkDuration: 100, maxDelay: 2 });
    const ahead = ({ ranges, time }: Look) => (ranges.at(-1)?.[1] ?? 0) - time;
    const faster = await until(({ speed }) => speed > 1);
    expect(faster.speed).toBe(1.1);
    expect(ahead(faster)).toBeLessThan(2);
    const then = await until(({ speed, time }) => speed === 1 && time > faster.time);
    expect(then.error).toBeUndefined();
    expect(ahead(then)).toBeLessThan(1.3);
    // Nothing was jumped over.
    expect(then.jumps).toBe(0);
    // A page's own speed stays, also where what it makes pile up would be caught up with.
    await session.page.evaluate('setRate(0.5)');
    const slow = await until((seen) => ahead(seen) > 1.3 || seen.speed !== 0.5);
    expect(slow.speed).toBe(0.5);
  });

  test.each([
    ['ps', false],
    ['psp', true],
    ['pp', true],
    ['sps', false],
    ['pps', false],
    ['ppsp', true],
  ])('play and stop in one tick: %s', async (order, plays) => {
    const paths = [...order].filter((step) => step === 'p').map((_, i) => (i === 0 ? '/live' : '/again'));
    const { state, source, time, results } = await session.page.evaluate(
      ([urls, steps]) => (globalThis as unknown as PageGlobals).race(urls, steps),
      [paths, order] as const,
    );
    expect({ source, plays: time > 0.1 }).toEqual({ source: plays, plays });
    expect(state).toBe(plays ? 'playing' : 'idle');
    expect(results.every((result) => /^\d[ps]$/.test(result))).toBe(true);
  });

  test('says what is supported, and a stall', async () => {
    const supported = await session.page.evaluate(() => (globalThis as unknown as PageGlobals).supported());
    expect(supported).toEqual([true, false]);
    await start('/silent', {}, 3);
    const seen = await until(({ stalls }) => stalls.length > 0);
    expect(seen.states).toContain('stalled');
  });

  test('the page had no errors', () => {
    expect(session.errors).toEqual([]);
  });
});
