import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VideoClock } from '../../src/mp4/decode-times.js';
import type { Mp4MediaSegment } from '../../src/mp4/index.js';
import { remuxToMp4 } from '../../src/mp4/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { AudioClock } from '../../src/visitors/audio-clock.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, type Media, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { decodeMessages, type Packet, probePackets } from '../support/mp4-judges.js';
import { random } from '../support/random.js';
import { describeNeeding, tools } from '../support/tools.js';
import { KIND_NAMES, KINDS, segmentsOf } from './support.js';

const caseBytes = (name: string) => new Uint8Array(readFileSync(`test/cases/${name}.mkv`));
const mediaOf = async (...parameters: Parameters<typeof segmentsOf>) =>
  (await segmentsOf(...parameters)).filter((segment): segment is Mp4MediaSegment => segment.type === 'media');
const extents = (segments: readonly Mp4MediaSegment[]) =>
  segments.map(({ tracks }) => [tracks[0]!.start / 1e6, (tracks[0]!.start + tracks[0]!.duration) / 1e6]);

/** Key frames alone, at times in seconds, a fragment each. */
function singles(media: Media, times: readonly number[], restart = false): Uint8Array[] {
  const [track] = media.tracks;
  const keys = media.frames.filter((frame) => frame.keyframe);
  return times.map((time, index) =>
    writeGetMediaFragment({
      tracks: [
        {
          number: 1,
          codecId: track!.codecId,
          codecPrivate: track!.codecPrivate,
          video: { pixelWidth: 320, pixelHeight: 240 },
        },
      ],
      fragmentNumber: String(index + 1),
      producerTimestamp: 1_700_000_000_000 + time * 1000,
      serverTimestamp: 1_700_000_000_000 + time * 1000,
      blocks: [
        { track: 1, timestamp: restart ? 0 : time * 1e6, keyframe: true, frames: [keys[index % keys.length]!.data] },
      ],
    }),
  );
}

describeNeeding('times in the light of the fragments before', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  const probe = (bytes: Uint8Array): Packet[] => {
    const file = join(folder, 'out.mp4');
    writeFileSync(file, bytes);
    expect(decodeMessages(file)).toBe('');
    return probePackets(file);
  };

  test('fragments of one key frame last until the next one begins', async () => {
    const bytes = caseBytes('single-frame--fps1');
    const segments = await mediaOf(bytes, { startAtZero: true });
    expect(extents(segments)).toEqual(segments.map((_, i) => [i, i + 1]));
    expect(segments.map(({ gap, discontinuity, independent }) => [gap, discontinuity, independent])).toEqual(
      segments.map(() => [0, false, true]),
    );
    expect((await remuxToMp4(bytes, () => {})).duration).toBe(12e6);
    for (const kind of KIND_NAMES) {
      const packets = probe(await KINDS[kind](bytes, { startAtZero: true }));
      expect(packets.map(({ pts }) => pts)).toEqual(segments.map((_, i) => i));
    }
  });

  test.each<[string, number[], [number, number][], number[]]>([
    [
      'jitter',
      [0, 1.1, 2, 3.05],
      [
        [0, 1.1],
        [1.1, 2],
        [2, 3.05],
        [3.05, 4.1],
      ],
      [0, 0, 0, 0],
    ],
    [
      'one is missing',
      [0, 1, 2, 4, 5],
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [4, 5],
        [5, 6],
      ],
      [0, 0, 0, 1, 0],
    ],
    [
      'the rate changes',
      [0, 1, 2, 4, 6, 8],
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [4, 6],
        [6, 8],
        [8, 10],
      ],
      [0, 0, 0, 1, 0, 0],
    ],
    [
      'the first is alone for long',
      [0, 60, 61, 62],
      [
        [0, 0.04],
        [60, 61],
        [61, 62],
        [62, 63],
      ],
      [0, 59.96, 0, 0],
    ],
  ])('one key frame each: %s', async (_, times, wanted, gaps) => {
    const body = singles(await readMedia(caseBytes('single-frame--fps1')), times);
    const segments = await mediaOf(body);
    expect(extents(segments)).toEqual(wanted);
    expect(segments.map(({ gap }) => gap / 1e6)).toEqual(gaps);
  });

  test('limits count a fragment that is held back', async () => {
    const bytes = caseBytes('single-frame--fps1');
    const result = await remuxToMp4(bytes, () => {}, { limits: { fragments: 3 } });
    expect(result).toMatchObject({ fragments: 3, limitReached: 'fragments', duration: 3e6 });
  });

  test('times that begin again in each fragment are laid one behind the other', async () => {
    const bytes = caseBytes('time-restart--restart-4');
    const segments = await mediaOf(bytes);
    const near = (seconds: number) => Math.round(seconds * 1000) / 1000;
    expect(extents(segments).map((extent) => extent.map(near))).toEqual(
      segments.map((_, i) => [near(i * 0.4), near(i * 0.4 + 0.4)]),
    );
    expect(segments.map(({ discontinuity, gap }) => [discontinuity, gap])).toEqual(segments.map((_, i) => [i > 0, 0]));
    expect((await remuxToMp4(bytes, () => {})).duration).toBe(4e6);
    for (const kind of KIND_NAMES) {
      const packets = probe(await KINDS[kind](bytes));
      expect(packets.map(({ pts }) => near(pts))).toEqual(packets.map((_, i) => near(i * 0.1)));
    }
  });

  test('one key frame each, times that begin again: the wall clock tells how long they last', async () => {
    const media = await readMedia(caseBytes('single-frame--fps1'));
    const segments = await mediaOf(singles(media, [0, 1, 2.5, 3], true));
    expect(extents(segments)).toEqual([
      [0, 1],
      [1, 2.5],
      [2.5, 3],
      [3, 3.5],
    ]);
    expect(segments.map(({ discontinuity }) => discontinuity)).toEqual([false, true, true, true]);
  });

  test('one key frame beside sound, times that begin again: the sound tells how long it lasts', async () => {
    const media = await readMedia(caseBytes('audio-jitter--aac48-j15'));
    const keys = { ...media, frames: media.frames.filter((frame) => frame.track.type === 'audio' || frame.keyframe) };
    const body = wrapAsGetMedia(keys).map(
      ({ frames }, i) => wrapAsGetMedia({ ...keys, frames }, { offset: -frames[0]!.timestamp, firstNumber: i + 1 })[0]!,
    );
    const segments = await mediaOf(bodyOf(body), { startAtZero: true });
    expect(segments.length).toBe(5);
    for (const [index, { tracks, discontinuity }] of segments.entries()) {
      expect(discontinuity).toBe(index > 0);
      for (const { start, duration } of tracks) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(Math.abs(start / 1e6 - index)).toBeLessThan(0.06);
        expect(Math.abs(duration / 1e6 - 1)).toBeLessThan(0.06);
      }
    }
  });

  test('frames that come slowly do not make the next fragment go back', async () => {
    const media = await readMedia(caseBytes('time-restart--restart-4'));
    const frames = media.frames.slice(0, 2);
    const at = (frame: (typeof frames)[0], timestamp: number) => Object.assign(Object.create(frame), { timestamp });
    const body = [0, 3.1, 6.2].map(
      (start) =>
        wrapAsGetMedia({ ...media, frames: [at(frames[0]!, start * 1e6), at(frames[1]!, (start + 3) * 1e6)] })[0]!,
    );
    const segments = await mediaOf(bodyOf(body));
    expect(segments.map(({ tracks, discontinuity }) => [tracks[0]!.start / 1e6, discontinuity])).toEqual([
      [0, false],
      [3.1, false],
      [6.2, false],
    ]);
  });

  test('sound whose times jitter is continuous, and stays with its clock', async () => {
    const bytes = caseBytes('audio-jitter--aac48-j15');
    const { frames } = await readMedia(bytes);
    const first = frames[0]!.timestamp;
    for (const kind of KIND_NAMES) {
      const sound = probe(await KINDS[kind](bytes, { startAtZero: true })).filter(({ stream }) => stream === 1);
      expect(sound.length).toBe(235);
      sound.forEach(({ pts }, i) => {
        expect(Math.abs(pts - sound[0]!.pts - (i * 1024) / 48_000)).toBeLessThan(0.0001);
      });
      const source = frames.filter(({ track }) => track.type === 'audio');
      const off = sound.map(({ pts }, i) => pts - (source[i]!.timestamp - first) / 1e6);
      expect(Math.abs(off.reduce((sum, each) => sum + each) / off.length)).toBeLessThan(0.009);
    }
  });
});

describe('AudioClock and times that jitter', () => {
  const next = random(17);
  const jitter = (by: number, rate: number) => (next() * 2 - 1) * by * rate;

  test.each([
    [48_000, 1024, 0.015, 0],
    [44_100, 1024, 0.02, 50e-6],
    [8000, 160, 0.015, -100e-6],
    [16_000, 1024, 0.03, 200e-6],
  ])(
    '%i Hz, %i samples, %f s: an hour without hole or overlap, and near the producer’s clock',
    (rate, frame, by, drift) => {
      const clock = new AudioClock(rate);
      const count = Math.round((3600 * rate) / frame);
      let last: number | undefined;
      let worst = 0;
      let hole = 0;
      for (let at = 0; at < count; at += 47) {
        const exact = Array.from({ length: 47 }, (_, i) => (at + i) * frame * (1 + drift));
        const times = exact.map((time) => time + jitter(by, rate));
        const { decode } = clock.time(
          times,
          exact.map(() => frame),
        );
        decode.forEach((time, i) => {
          if (last !== undefined) hole = Math.max(hole, Math.abs(time - last - frame));
          worst = Math.max(worst, Math.abs(time - exact[i]!));
          last = time;
        });
      }
      expect(hole).toBeLessThanOrEqual(1);
      expect(worst / rate).toBeLessThan(by + 0.01);
    },
  );

  test.each([0, 0.012])('frames that are missing are a hole, also with jitter of %f s', (by) => {
    const rate = 48_000;
    const clock = new AudioClock(rate);
    const numbers = Array.from({ length: 300 }, (_, i) => (i < 150 ? i : i + 3));
    const { decode } = clock.time(
      numbers.map((n) => n * 1024 + jitter(by, rate)),
      numbers.map(() => 1024),
    );
    const holes = decode
      .slice(1)
      .map((time, i) => time - decode[i]! - 1024)
      .filter((hole) => Math.abs(hole) > 1);
    expect(holes.reduce((sum, hole) => sum + hole, 0) / 1024).toBeGreaterThan(2.4);
    for (const [i, time] of decode.entries()) expect(Math.abs(time - numbers[i]! * 1024)).toBeLessThan(1024 * 3.5);
    expect(Math.abs(decode.at(-1)! - numbers.at(-1)! * 1024)).toBeLessThan(rate * 0.012);
  });
});

test('video in falling order of time takes work in proportion, and leaves no more for what follows', () => {
  const clock = new VideoClock(0);
  const count = 300_000;
  const falling = Array.from({ length: count }, (_, i) => (count - i) * 10);
  const { decode, presentation } = clock.time(falling, 10);
  expect(presentation.at(-1)).toBe(10);
  expect(decode.every((time, i) => i === 0 || time > decode[i - 1]!)).toBe(true);
  for (let i = 1; i < 2000; i++) clock.time([count * 10 * (i + 1)], 10);
});
