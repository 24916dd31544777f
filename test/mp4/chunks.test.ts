import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { readFragments } from '../../src/index.js';
import { type Mp4MediaSegment, Mp4Remuxer, type Mp4Segment, mp4SegmentStream } from '../../src/mp4/index.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, type Media, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { probePackets } from '../support/mp4-judges.js';
import { describeNeeding, tools } from '../support/tools.js';
import { joinSegments, judgeMp4, KINDS, makeSource, type SourceName, segmentsOf } from './support.js';

const CHUNK = { chunkDuration: 100 };
const mediaOf = (segments: readonly Mp4Segment[]) =>
  segments.filter((segment): segment is Mp4MediaSegment => segment.type === 'media');

describeNeeding('chunks of fragments that are still arriving', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  const sources = new Map<SourceName, Media>();
  const names: SourceName[] = [
    'h264',
    'h264 without B',
    'h264 open GOP',
    'h264 aac',
    'h265',
    'h265 aac',
    'aac',
    'alaw',
  ];

  beforeAll(async () => {
    for (const name of names) sources.set(name, await makeSource(folder, name));
  });

  describe.each(names)('%s', (name) => {
    test('have the samples and the times of the whole segments', async () => {
      const source = sources.get(name)!;
      const body = bodyOf(wrapAsGetMedia(source));
      const segments = await segmentsOf(body, CHUNK);
      const media = mediaOf(segments);
      const fragments = media.filter(({ endsFragment }) => endsFragment).length;
      expect(media.length).toBeGreaterThan(fragments * 4);
      expect(segments.filter(({ type }) => type === 'init').length).toBe(1);
      const file = join(folder, `${name}.mp4`);
      judgeMp4(joinSegments(segments), file, { frames: source.frames, tracks: source.tracks.map((t) => t.number) });
      const chunked = probePackets(file);
      writeFileSync(file, await KINDS.fragmented(body));
      const times = (packets: ReturnType<typeof probePackets>) =>
        packets
          .map(({ stream, pts, dts, hash }) => [stream, pts, dts, hash] as const)
          .sort((a, b) => a[0] - b[0] || a[2] - b[2]);
      expect(times(chunked)).toEqual(times(probePackets(file)));
    });

    test('say which they are, and no chunk is shorter than it has to be or begins late', async () => {
      const body = bodyOf(wrapAsGetMedia(sources.get(name)!));
      let expected = 0;
      for (const segment of mediaOf(await segmentsOf(body, CHUNK))) {
        expect(segment.chunk).toBe(expected);
        expect(String.fromCharCode(...segment.bytes.subarray(4, 8))).toBe(expected === 0 ? 'styp' : 'moof');
        expect(segment.gap).toBe(0);
        expect(segment.discontinuity).toBe(false);
        expect(segment.independent).toBe(expected === 0 || !name.startsWith('h26'));
        expected = segment.endsFragment ? 0 : expected + 1;
      }
      expect(expected).toBe(0);
    });
  });

  test('come before the fragment ends, however the bytes come, with the same bytes', async () => {
    const fragments = wrapAsGetMedia(sources.get('h264 aac')!);
    const whole = joinSegments(await segmentsOf(bodyOf(fragments), CHUNK));
    let given = 0;
    const lag: number[] = [];
    async function* slowly() {
      for (const { bytes } of fragments) {
        for (let at = 0; at < bytes.length; at += 500) {
          yield bytes.subarray(at, at + 500);
          given = at / bytes.length;
        }
      }
    }
    const parts: Uint8Array[] = [];
    for await (const segment of mp4SegmentStream(slowly(), CHUNK)) {
      parts.push(segment.bytes);
      if (segment.type === 'media' && !segment.endsFragment) lag.push(given);
    }
    expect(concatBytes(parts)).toEqual(whole);
    expect(lag.length).toBeGreaterThan(15);
    expect(lag.filter((each) => each < 0.5).length).toBeGreaterThan(5);
  });

  test('are the same of whole fragments that are given', async () => {
    const body = bodyOf(wrapAsGetMedia(sources.get('h264 aac')!));
    const given: Mp4Segment[] = [];
    const remuxer = new Mp4Remuxer((segment) => given.push(segment), CHUNK);
    for await (const fragment of readFragments(body)) remuxer.addFragment(fragment);
    remuxer.end();
    expect(joinSegments(given)).toEqual(joinSegments(await segmentsOf(body, CHUNK)));
  });

  test('one key frame in each fragment: only the first is waited for', async () => {
    const { tracks, frames } = await readMedia(new Uint8Array(readFileSync('test/cases/single-frame--fps1.mkv')));
    const fragments = wrapAsGetMedia({ tracks, frames });
    let given = 0;
    async function* body() {
      for (const { bytes } of fragments) {
        given++;
        yield bytes;
      }
    }
    const at: number[] = [];
    const ends: number[] = [];
    for await (const segment of mp4SegmentStream(body(), { ...CHUNK, startAtZero: true })) {
      if (segment.type === 'init') continue;
      at.push(given);
      ends.push((segment.tracks[0]!.start + segment.tracks[0]!.duration) / 1e6);
    }
    expect(at).toEqual(fragments.map((_, i) => Math.max(2, i + 1)));
    expect(ends).toEqual(fragments.map((_, i) => i + 1));
  });

  test('a track without frames, and one that ends, hold up the first fragment at most', async () => {
    const { tracks, frames } = sources.get('h264 aac')!;
    const silent = frames.filter(({ track }) => track.type === 'video');
    const segments = mediaOf(await segmentsOf(bodyOf(wrapAsGetMedia({ tracks, frames: silent })), CHUNK));
    expect(segments.filter(({ endsFragment }) => endsFragment).length).toBe(3);
    expect(segments[0]!.endsFragment).toBe(true);
    expect(segments.length).toBeGreaterThan(12);
  });

  test('damage ends a fragment without its last chunk, and the next one says so', async () => {
    const fragments = wrapAsGetMedia(sources.get('h264 aac')!);
    const damaged = fragments[1]!.bytes.slice();
    damaged.fill(0xff, damaged.length / 2, damaged.length - 300);
    const body = concatBytes([fragments[0]!.bytes, damaged, fragments[2]!.bytes]);
    const segments = mediaOf(await segmentsOf(body, { ...CHUNK, recover: true }));
    const firsts = segments.filter(({ chunk }) => chunk === 0);
    expect(firsts.map(({ discontinuity }) => discontinuity)).toEqual([false, false, true]);
    expect(segments.filter(({ endsFragment }) => endsFragment).length).toBe(2);
  });
});
