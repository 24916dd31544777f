import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import {
  asAnnexB,
  bodyOf,
  type Media,
  readMedia,
  type WrapOptions,
  withLengthSize,
  wrapAsGetMedia,
} from '../support/kvs-media.js';
import { describeNeeding, tools } from '../support/tools.js';
import {
  type Expected,
  judgeMp4,
  KIND_NAMES,
  KINDS,
  makeSource,
  SOURCES,
  type SourceName,
  segmentsOf,
} from './support.js';

const EPOCH = 1_700_000_000_000_000;

describeNeeding("MP4 from ffmpeg's streams, wrapped as GetMedia sends them", [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  const media = new Map<SourceName, Media>();

  beforeAll(async () => {
    for (const name of Object.keys(SOURCES) as SourceName[]) media.set(name, await makeSource(folder, name));
  });

  async function judge(
    name: SourceName,
    kind: keyof typeof KINDS,
    wrap: WrapOptions = {},
    more: Partial<Expected> = {},
  ) {
    const source = media.get(name)!;
    const bytes = await KINDS[kind](bodyOf(wrapAsGetMedia(source, wrap)));
    const first = Math.min(...source.frames.map(({ timestamp }) => timestamp));
    // A progressive file begins at 0.
    const offset = kind === 'fragmented' ? 0 : -first;
    const tracks = source.tracks.map(({ number }) => number);
    judgeMp4(bytes, join(folder, `${name}-${kind}.mp4`), { frames: source.frames, tracks, offset, ...more });
  }

  describe.each(['fragmented', 'progressive'] as const)('%s', (kind) => {
    test.each(Object.keys(SOURCES) as SourceName[])('%s', (name) => judge(name, kind));
  });

  test('moov last', () => judge('h264 aac', 'moov last'));

  describe.each(['fragmented', 'progressive'] as const)('%s: other ways of storing', (kind) => {
    test.each<[SourceName, number]>([
      ['h264', 2],
      ['h265', 2],
      ['h264 small units', 1],
    ])('%s with lengths of %i bytes', (name, lengthSize) =>
      judge(name, kind, withLengthSize(lengthSize), { lengthSize }),
    );

    test.each<[SourceName, 3 | 4, 'private' | 'frame']>([
      ['h264', 3, 'private'],
      ['h264 aac', 4, 'frame'],
      ['h264 open GOP', 3, 'frame'],
      ['h265', 4, 'private'],
      ['h265 aac', 3, 'frame'],
    ])('%s in Annex B, start codes of %i bytes, parameter sets in %s', (name, startCode, sets) =>
      judge(name, kind, asAnnexB({ startCode, sets }), { setsInFirstFrame: sets === 'frame' }),
    );

    test('CodecPrivate in Annex B and frames with lengths, and the other way round', async () => {
      const { track } = asAnnexB({ startCode: 4, sets: 'private' });
      await judge('h264', kind, { track });
      const { frame } = asAnnexB({ startCode: 4, sets: 'private' });
      await judge('h264', kind, { frame });
    });

    test('the other CodecID of H.264', () =>
      judge('h264 alaw', kind, {
        track: (track) => ({ ...track, codecId: track.codecId.replace('V_MPEG4', 'V_MPEG') }),
      }));

    test('times since 1970', () =>
      judge('h264 aac', kind, { offset: EPOCH }, kind === 'fragmented' ? { offset: EPOCH } : {}));
  });

  test('times since 1970 begin at 0 where that is wanted', async () => {
    const source = media.get('h264 aac')!;
    const body = bodyOf(wrapAsGetMedia(source, { offset: EPOCH }));
    const first = Math.min(...source.frames.map(({ timestamp }) => timestamp));
    judgeMp4(await KINDS.fragmented(body, { startAtZero: true }), join(folder, 'zero.mp4'), {
      frames: source.frames,
      tracks: source.tracks.map(({ number }) => number),
      offset: -first,
    });
  });

  test('a media segment is there with the last byte of its Cluster, and chunks make no difference', async () => {
    const source = media.get('h264 aac')!;
    const fragments = wrapAsGetMedia(source);
    const whole = await segmentsOf(bodyOf(fragments));
    expect(whole.map(({ type }) => type)).toEqual(['init', ...fragments.map(() => 'media')]);
    // The end of the stream comes after the second fragment; the first must not have waited for it.
    let given = 0;
    async function* slowly() {
      for (const { bytes } of fragments) {
        for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
        given++;
        expect(seen.filter((type) => type === 'media').length).toBe(given);
      }
    }
    const seen: string[] = [];
    const { mp4SegmentStream } = await import('../../src/mp4/index.js');
    for await (const segment of mp4SegmentStream(slowly())) {
      expect(segment.bytes).toEqual(whole[seen.length]!.bytes);
      seen.push(segment.type);
    }
    expect(seen.length).toBe(whole.length);
  });
});

describeNeeding('MP4 from the captures', [tools('ffmpeg', 'ffprobe'), CAPTURES], () => {
  const folder = temporaryFolder();
  describe.each(['output_get_media.mkv', 'vogels_480.mkv'])('%s', (capture) => {
    test.each(KIND_NAMES)('%s', async (kind) => {
      const bytes = captureBytes(capture);
      const { tracks, frames } = await readMedia(bytes);
      const mp4 = await KINDS[kind](bytes);
      judgeMp4(mp4, join(folder, `${kind}-${capture}.mp4`), { frames, tracks: tracks.map(({ number }) => number) });
    });
  });
});
