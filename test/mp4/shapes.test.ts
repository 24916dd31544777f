import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Mp4StreamOptions, mp4SegmentStream } from '../../src/mp4/index.js';
import type { BlockInput } from '../../src/testing/block-writer.js';
import { type GetMediaFragmentInput, writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import type { Frame } from '../../src/visitors/frame.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { type Media, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { decodeMessages, type Packet, probePackets } from '../support/mp4-judges.js';
import { random } from '../support/random.js';
import { describeNeeding, tools } from '../support/tools.js';
import { KIND_NAMES, KINDS, makeSource, type SourceName } from './support.js';

const SECOND = 1e6;

/** Times stay as they are: pictures that do not begin at 0 would be rounded to the times of a rate that ffmpeg guesses. */
const PASSED_THROUGH = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];

/** What becomes of a frame; `undefined` leaves it out. */
type Change = (frame: Frame, fragment: number) => Partial<BlockInput> | undefined;

const NAMES = ['h264 aac', 'h265 aac', 'h264 mulaw'] as const satisfies readonly SourceName[];

describeNeeding('streams as cameras make them', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  const sources = new Map<string, Media>();

  beforeAll(async () => {
    for (const name of NAMES) sources.set(name, await makeSource(folder, name));
    for (const channels of [1, 6]) {
      const file = join(folder, `${channels}.mkv`);
      const sound = `sine=f=440:r=48000:d=3,aformat=channel_layouts=${channels === 1 ? 'mono' : '5.1'}`;
      ffmpeg(
        `-f lavfi -i testsrc2=s=160x120:r=25:d=3 -f lavfi -i ${sound} -c:v libx264 -preset veryfast -g 25 -pix_fmt yuv420p -c:a aac ${file}`,
      );
      sources.set(`${channels} channels`, await readMedia(new Uint8Array(readFileSync(file))));
    }
  }, 60_000);

  /** The frames in fragments that begin with key frames, changed. */
  const bodyOf = (media: Media, change: Change = () => ({}), more: Partial<GetMediaFragmentInput> = {}): Uint8Array =>
    concatBytes(
      wrapAsGetMedia(media).map(({ frames }, index) => {
        const blocks = frames.flatMap((frame) => {
          const changed = change(frame, index);
          if (changed === undefined) return [];
          const { timestamp, keyframe, data, track } = frame;
          return [{ track: track.number, timestamp, keyframe, frames: [data], ...changed }];
        });
        const tracks = media.tracks.map(({ number, type, codecId, codecPrivate, video, audio }) => ({
          ...{ number, codecId, codecPrivate },
          ...(type === 'video' ? { type, video } : { type: 'audio' as const, audio }),
        }));
        return writeGetMediaFragment({ tracks, fragmentNumber: String(index + 1), ...more, blocks });
      }),
    );

  let count = 0;
  const packetsOf = async (kind: keyof typeof KINDS, bytes: Uint8Array, options?: Mp4StreamOptions) => {
    const file = join(folder, `${count++}.mp4`);
    writeFileSync(file, await KINDS[kind](bytes, options));
    expect(decodeMessages(file, PASSED_THROUGH)).toBe('');
    return probePackets(file);
  };
  const ofTrack = (packets: readonly Packet[], stream: number) => packets.filter((packet) => packet.stream === stream);
  const holes = (packets: readonly Packet[], length: number) =>
    packets.slice(1).filter((packet, i) => packet.pts - packets[i]!.pts > length * 1.5).length;
  const isVideo = (frame: Frame) => frame.track.type === 'video';

  describe.each(KIND_NAMES)('%s', (kind) => {
    test.each(NAMES)('%s: no frame is flagged as key, or all are', async (name) => {
      const media = sources.get(name)!;
      const keys = media.frames.filter(isVideo).map(({ keyframe }) => keyframe);
      for (const keyframe of [false, true]) {
        const packets = await packetsOf(
          kind,
          bodyOf(media, () => ({ keyframe })),
        );
        expect(ofTrack(packets, 0).map((packet) => packet.keyframe)).toEqual(keys);
        expect(packets.length).toBe(media.frames.length);
      }
    });

    test.each(NAMES)('%s: a camera that starts again in the middle', async (name) => {
      const media = sources.get(name)!;
      const packets = await packetsOf(kind, concatBytes([bodyOf(media), bodyOf(media)]));
      expect(packets.length).toBe(media.frames.length * 2);
      const video = ofTrack(packets, 0)
        .map(({ pts }) => pts)
        .sort((a, b) => a - b);
      expect(video.at(-1)! - video[0]!).toBeGreaterThan(5.9);
      expect(video.at(-1)! - video[0]!).toBeLessThan(6.1);
      expect(new Set(video.map((pts) => Math.round(pts * 100))).size).toBe(150);
    });

    test.each(NAMES)('%s: the video ends, also in the middle of a fragment', async (name) => {
      const media = sources.get(name)!;
      const sound = media.frames.filter((frame) => !isVideo(frame)).length;
      for (const end of [25, 35]) {
        const kept = new Set(media.frames.filter(isVideo).slice(0, end));
        const body = bodyOf(media, (frame) => (isVideo(frame) && !kept.has(frame) ? undefined : {}));
        const packets = await packetsOf(kind, body);
        expect(ofTrack(packets, 0).length).toBe(end);
        expect(ofTrack(packets, 1).length).toBe(sound);
      }
    });

    test('two tracks of video, and tracks of other kinds beside them', async () => {
      const media = sources.get('h264 aac')!;
      const bodies = wrapAsGetMedia(media).map(({ frames }) => {
        const blocks = frames.flatMap(({ track: { number, type }, timestamp, keyframe, data }) => {
          const block = { track: number, timestamp, keyframe, frames: [data] };
          return type === 'video'
            ? [block, { ...block, track: 7 }, { ...block, track: 9, frames: [data.subarray(0, 9)] }]
            : [block];
        });
        const [video, audio] = media.tracks;
        const { codecId, codecPrivate } = video!;
        const tracks = [
          { number: 1, type: 'video' as const, codecId, codecPrivate },
          { number: 2, type: 'audio' as const, codecId: audio!.codecId, codecPrivate: audio!.codecPrivate },
          { number: 7, type: 'video' as const, codecId, codecPrivate },
          { number: 9, type: 'metadata' as const, codecId: 'D_EVENTS/V1' },
        ];
        return writeGetMediaFragment({ tracks, blocks });
      });
      const packets = await packetsOf(kind, concatBytes(bodies));
      const [pictures, sound] = [true, false].map((video) => media.frames.filter((f) => isVideo(f) === video).length);
      expect([0, 1, 2].map((stream) => ofTrack(packets, stream).length)).toEqual([pictures, sound, pictures]);
    });

    test.each([1, 6])('AAC of %i channels', async (channels) => {
      const media = sources.get(`${channels} channels`)!;
      const packets = await packetsOf(kind, bodyOf(media));
      expect(packets.length).toBe(media.frames.length);
      expect(holes(ofTrack(packets, 1), 1024 / 48_000)).toBe(0);
    });

    test.each(NAMES)(
      '%s: times of sound that jitter are continuous, and three frames that are missing are a hole',
      async (name) => {
        const media = sources.get(name)!;
        const next = random(7);
        const sound = media.frames.filter((frame) => !isVideo(frame));
        const length = (sound.at(-1)!.timestamp - sound[0]!.timestamp) / (sound.length - 1) / 1e6;
        const missing = new Set(sound.slice(40, 43));
        for (const gone of [new Set<Frame>(), missing]) {
          const body = bodyOf(media, (frame) => {
            if (gone.has(frame)) return undefined;
            const jitter = isVideo(frame) || frame.timestamp < 20_000 ? 0 : Math.round((next() - 0.5) * 20) * 1000;
            return { timestamp: frame.timestamp + jitter };
          });
          const packets = ofTrack(await packetsOf(kind, body), 1);
          expect(packets.length).toBe(sound.length - gone.size);
          const late = packets.at(-1)!.pts - packets[0]!.pts - (sound.at(-1)!.timestamp - sound[0]!.timestamp) / 1e6;
          expect(Math.abs(late)).toBeLessThan(0.05);
          expect(holes(packets, length)).toBe(gone.size === 0 ? 0 : 1);
        }
      },
    );

    test('sound that begins after 20 s', async () => {
      const media = sources.get('h264 aac')!;
      const parts = Array.from({ length: 8 }, (_, i) => {
        const fragments = wrapAsGetMedia(i < 7 ? { ...media, frames: media.frames.filter(isVideo) } : media, {
          offset: i * 3 * SECOND,
          firstNumber: i * 3 + 1,
        });
        return concatBytes(fragments.map(({ bytes }) => bytes));
      });
      const bytes = concatBytes(parts);
      if (kind === 'fragmented') {
        const seen: string[] = [];
        for await (const segment of mp4SegmentStream(bytes)) {
          if (segment.type === 'init') seen.push(segment.tracks.map((track) => track.kind).join());
          else if (seen.at(-1) !== 'media') seen.push('media');
        }
        expect(seen).toEqual(['video', 'media', 'video,audio', 'media']);
        return;
      }
      const packets = await packetsOf(kind, bytes);
      const sound = ofTrack(packets, 1);
      expect(ofTrack(packets, 0).length).toBe(8 * 75);
      expect(sound.length).toBe(media.frames.filter((frame) => !isVideo(frame)).length);
      expect(sound[0]!.pts).toBeGreaterThan(20.9);
      expect(sound[0]!.pts).toBeLessThan(21.1);
    });

    test.each([2, 6])('a jump of %i hours', async (hours) => {
      const media = sources.get('h264 aac')!;
      const jump = hours * 3600 * SECOND;
      const parts = [0, jump].flatMap((offset, i) => wrapAsGetMedia(media, { offset, firstNumber: 1 + 3 * i }));
      const packets = await packetsOf(kind, concatBytes(parts.map(({ bytes }) => bytes)));
      expect(packets.length).toBe(media.frames.length * 2);
      const video = ofTrack(packets, 0).map(({ pts }) => pts);
      expect(Math.round((video[75]! - video[0]!) / 36) / 100).toBe(hours);
    });
  });
});
