import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { applyVisitor, type Inflate, readFragments } from '../../src/index.js';
import { joinNals } from '../../src/mkv/codec/nal.js';
import { nalConfigOf } from '../../src/mkv/codec/nal-config.js';
import type { TrackMetadata } from '../../src/mkv/track.js';
import {
  type Mp4MediaSegment,
  Mp4RemuxError,
  Mp4Remuxer,
  Mp4RemuxStream,
  type Mp4Segment,
  mp4SegmentStream,
  remuxToMp4,
} from '../../src/mp4/index.js';
import type { TrackInput } from '../../src/testing/track-writer.js';
import type { Frame } from '../../src/visitors/frame.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, type Media, readMedia, type WrapOptions, wrapAsGetMedia } from '../support/kvs-media.js';
import { mediaBytes } from '../support/media.js';
import { decodeMessages, findBoxes, probePackets, readBoxes, sha256 } from '../support/mp4-judges.js';
import { describeNeeding, tools } from '../support/tools.js';
import { joinSegments, judgeLayout, judgeMp4, KIND_NAMES, KINDS, makeSource, segmentsOf } from './support.js';

const change = (what: Partial<TrackInput>, type: 'video' | 'audio' = 'video'): WrapOptions => ({
  track: (track) => ((type === 'video' ? track.video : track.audio) === undefined ? track : { ...track, ...what }),
});

describeNeeding('MP4: what is wrong, and what changes', [tools('ffmpeg', 'ffprobe', 'mkvmerge')], () => {
  const folder = temporaryFolder();
  let media: Media;
  let g711: Media;
  let larger: Media;

  beforeAll(async () => {
    media = await makeSource(folder, 'h264 aac');
    g711 = await makeSource(folder, 'h264 mulaw');
    const file = join(folder, 'larger.mkv');
    ffmpeg(
      `-f lavfi -i testsrc2=s=320x240:r=25:d=2 -f lavfi -i sine=f=440:r=48000:d=2 -c:v libx264 -preset veryfast -g 25 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 48k ${file}`,
    );
    larger = await readMedia(new Uint8Array(readFileSync(file)));
  });

  const collect = async (bytes: Uint8Array | readonly Uint8Array[], options?: Parameters<typeof segmentsOf>[1]) =>
    (await segmentsOf(bytes, options)).filter((segment): segment is Mp4MediaSegment => segment.type === 'media');

  describe("errors have the service's names, the track and the fragment", () => {
    const broken = (frame: (data: Uint8Array) => Uint8Array, type: 'video' | 'audio'): WrapOptions => ({
      frame: (data, { track }) => (track.type === type ? frame(data) : data),
    });
    test.each<[string, number, string, () => Media, WrapOptions]>([
      [
        'MissingCodecPrivateData',
        1,
        'no CodecPrivate, frames without parameter sets',
        () => media,
        change({ codecPrivate: undefined }),
      ],
      [
        'MissingCodecPrivateData',
        2,
        'AAC without CodecPrivate',
        () => media,
        change({ codecPrivate: undefined }, 'audio'),
      ],
      [
        'MissingCodecPrivateData',
        2,
        'G.711 without CodecPrivate',
        () => g711,
        change({ codecPrivate: undefined }, 'audio'),
      ],
      [
        'InvalidCodecPrivateData',
        1,
        'AVCC cut short',
        () => media,
        change({ codecPrivate: Uint8Array.of(1, 77, 0, 30, 255, 225, 0) }),
      ],
      [
        'InvalidCodecPrivateData',
        1,
        'neither AVCC nor Annex B',
        () => media,
        change({ codecPrivate: new Uint8Array(40).fill(7) }),
      ],
      [
        'InvalidCodecPrivateData',
        2,
        'an AudioSpecificConfig of nothing',
        () => media,
        change({ codecPrivate: Uint8Array.of(0x17) }, 'audio'),
      ],
      [
        'InvalidCodecPrivateData',
        2,
        'a WAVEFORMATEX of 4 bytes',
        () => g711,
        change({ codecPrivate: Uint8Array.of(7, 0, 2, 0) }, 'audio'),
      ],
      [
        'InvalidMediaFrame',
        1,
        'NAL lengths that do not add up',
        () => media,
        broken((data) => data.subarray(0, data.length - 1), 'video'),
      ],
      ['InvalidMediaFrame', 2, 'half a sample', () => g711, broken((data) => data.subarray(1), 'audio')],
      ['UnsupportedStreamMediaType', 1, 'VP9', () => media, change({ codecId: 'V_VP9' })],
      ['UnsupportedStreamMediaType', 2, 'PCM', () => media, change({ codecId: 'A_PCM/INT/LIT' }, 'audio')],
      ['UnsupportedStreamMediaType', 1, 'MJPEG', () => media, change({ codecId: 'V_MJPEG' })],
    ])('%s of track %i: %s', async (code, trackNumber, _, source, wrap) => {
      const fragments = wrapAsGetMedia(source(), wrap);
      const fragmentNumber = '91343852333181432392682062607743920146270339001';
      const error = {
        name: 'Mp4RemuxError',
        code,
        trackNumber,
        fragmentNumber,
        message: expect.stringContaining(`track ${trackNumber}`),
      };
      const body = bodyOf(fragments);
      for (const make of Object.values(KINDS)) {
        await expect(make(body, { tracks: ({ number }) => number === trackNumber })).rejects.toMatchObject(error);
        if (code === 'InvalidMediaFrame') {
          await expect(make(body)).rejects.toMatchObject(error);
          continue;
        }
        // It costs the other track nothing.
        const told: unknown[] = [];
        const tolerated = await make(body, { onTrackLeftOut: (reason) => told.push(reason) });
        expect(told).toEqual([expect.objectContaining(error)]);
        const other = source().frames.filter(({ track }) => track.number !== trackNumber);
        const file = join(folder, 'left-out.mp4');
        writeFileSync(file, tolerated);
        expect(probePackets(file).map(({ hash }) => hash)).toEqual(other.map(({ data }) => sha256(data)));
      }
    });

    test('frames that are stored compressed', async () => {
      await expect(
        segmentsOf(await mediaBytes('zlib.mkv'), { tracks: ({ number }) => number === 1 }),
      ).rejects.toMatchObject({
        code: 'UnsupportedStreamMediaType',
        trackNumber: 1,
      });
    });

    test.each(KIND_NAMES)('frames that are stored compressed, inflated: %s', async (kind) => {
      const bytes = await mediaBytes('zlib.mkv');
      const { frames } = await readMedia(bytes);
      const inflate: Inflate = (data, maxSize) => inflateSync(data, { maxOutputLength: maxSize });
      const file = join(folder, 'inflated.mp4');
      writeFileSync(file, await KINDS[kind](bytes, { inflate, tracks: ({ number }) => number === 1 }));
      const wanted = frames.filter(({ track }) => track.number === 1).map(({ data }) => sha256(inflateSync(data)));
      expect(probePackets(file).map(({ hash }) => hash)).toEqual(wanted);
      expect(decodeMessages(file)).toBe('');
    });

    test('times that no number can hold exactly, unless they count from the first', async () => {
      const [late] = wrapAsGetMedia(media, { offset: 5e15 });
      await expect(segmentsOf(late!.bytes)).rejects.toMatchObject({
        code: 'InvalidMediaFrame',
        trackNumber: 1,
        message: expect.stringContaining('too far'),
      });
      expect(await segmentsOf(late!.bytes, { startAtZero: true })).toHaveLength(2);
      // Two that are as far from each other as the first one is from 1970.
      const far = bodyOf([...wrapAsGetMedia(media), late!]);
      await expect(segmentsOf(far, { startAtZero: true })).rejects.toMatchObject({ code: 'InvalidMediaFrame' });
    });

    test('no track of video or audio at all', async () => {
      const body = bodyOf(wrapAsGetMedia(media, { track: (track) => ({ ...track, type: 'metadata' as const }) }));
      await expect(segmentsOf(body)).rejects.toMatchObject({
        code: 'UnsupportedStreamMediaType',
        trackNumber: undefined,
      });
      await expect(remuxToMp4(new Uint8Array(0), () => {})).rejects.toThrow(Mp4RemuxError);
    });

    test('the tracks can be picked', async () => {
      const body = bodyOf(wrapAsGetMedia(media, change({ codecId: 'A_PCM/INT/LIT' }, 'audio')));
      const tracks = ({ type }: { type: string }) => type === 'video';
      const file = join(folder, 'picked.mp4');
      writeFileSync(file, joinSegments(await segmentsOf(body, { tracks })));
      expect(new Set(probePackets(file).map(({ stream }) => stream)).size).toBe(1);
    });
  });

  describe('recover: damage costs its own fragment only', () => {
    test('bytes overwritten', async () => {
      const good = wrapAsGetMedia(media);
      const damaged = good[1]!.bytes.slice().fill(0xff, 700, good[1]!.bytes.length - 200);
      const body = concatBytes([good[0]!.bytes, damaged, good[2]!.bytes]);
      await expect(segmentsOf(body)).rejects.toThrow();
      const told: unknown[] = [];
      const options = {
        recover: true,
        onGap: (gap: unknown) => void told.push(gap),
        onInvalidFragment: (error: unknown) => void told.push(error),
      };
      const segments = await collect(body, options);
      expect(
        segments.map(({ fragment, discontinuity }) => [fragment?.fragmentNumber?.slice(-1), discontinuity]),
      ).toEqual([
        ['1', false],
        ['3', true],
      ]);
      expect(segments[1]!.gap).toBeGreaterThan(900_000);
      expect(told.length).toBeGreaterThan(0);
      const frames = [...good[0]!.frames, ...good[2]!.frames];
      for (const kind of KIND_NAMES) {
        judgeMp4(await KINDS[kind](body, options), join(folder, `recovered-${kind}.mp4`), { frames, tracks: [1, 2] });
      }
    });

    test.each(['video', 'audio'] as const)(
      'a frame of %s that cannot be remuxed costs the other track nothing',
      async (type) => {
        const { source, number, spoil } =
          type === 'video'
            ? { source: media, number: 1, spoil: (data: Uint8Array) => data.subarray(0, data.length - 1) }
            : { source: g711, number: 2, spoil: (data: Uint8Array) => data.subarray(1) };
        const good = wrapAsGetMedia(source);
        const bad = wrapAsGetMedia(source, { frame: (data, { track }) => (track.type === type ? spoil(data) : data) });
        const body = concatBytes([good[0]!.bytes, bad[1]!.bytes, good[2]!.bytes]);
        await expect(segmentsOf(body)).rejects.toMatchObject({ code: 'InvalidMediaFrame', trackNumber: number });
        const told: unknown[] = [];
        const options = { recover: true, onInvalidFragment: (error: unknown) => void told.push(error) };
        expect((await segmentsOf(body, options)).map((segment) => segment.type)).toEqual([
          'init',
          ...Array(3).fill('media'),
        ]);
        expect(told).toEqual([expect.objectContaining({ code: 'InvalidMediaFrame', trackNumber: number })]);
        const frames = [
          ...good[0]!.frames,
          ...good[1]!.frames.filter(({ track }) => track.number !== number),
          ...good[2]!.frames,
        ];
        for (const kind of KIND_NAMES) {
          judgeMp4(await KINDS[kind](body, options), join(folder, `beside-${kind}-${type}.mp4`), {
            frames,
            tracks: [1, 2],
          });
        }
        expect(await remuxToMp4(body, () => {}, options)).toMatchObject({ fragments: 3, invalidFragments: 1 });
      },
    );

    test('in chunks, a track goes on where decoding can begin', async () => {
      let index = 0;
      const body = bodyOf(
        wrapAsGetMedia(media, {
          frame: (data, { track }) =>
            track.type === 'video' && index++ === 35 ? data.subarray(0, data.length - 1) : data,
        }),
      );
      const tracks: TrackMetadata[] = [];
      const frames: Frame[] = [];
      for await (const fragment of readFragments(body)) {
        tracks.splice(0, Number.POSITIVE_INFINITY, ...fragment.tracks);
        frames.push(...fragment.frames);
      }
      const told: Mp4RemuxError[] = [];
      const segments: Mp4Segment[] = [];
      const remuxer = new Mp4Remuxer((segment) => segments.push(segment), {
        chunkDuration: 100,
        onInvalidFragment: (error) => told.push(error),
        tracks: ({ type }) => type === 'video',
      });
      remuxer.addFragment({ tracks, frames });
      remuxer.end();
      expect(told.map(({ code }) => code)).toEqual(['InvalidMediaFrame']);
      const file = join(folder, 'chunks.mp4');
      writeFileSync(file, joinSegments(segments));
      expect(decodeMessages(file)).toBe('');
      const times = probePackets(file).map(({ pts }) => Math.round(pts * 25));
      expect(times.filter((time) => time >= 50).length).toBe(25);
      expect(times.length).toBeLessThan(50 + 11);
      expect(times.length).toBeGreaterThan(50);
    });

    test('a CRC-32 that does not fit, when it is checked', async () => {
      const fragments = wrapAsGetMedia(media);
      const damaged = fragments[1]!.bytes.slice();
      damaged[damaged.length - 3000]! ^= 1;
      const body = [fragments[0]!.bytes, damaged, fragments[2]!.bytes];
      expect((await collect(body)).length).toBe(3);
      const kept = await collect(body, { recover: true, verifyCrc: true });
      expect(kept.map(({ fragment }) => fragment?.fragmentNumber?.slice(-1))).toEqual(['1', '3']);
    });
  });

  test('a stream that ends within a fragment gives what had arrived, and says so', async () => {
    const fragments = wrapAsGetMedia(media);
    const body = bodyOf(fragments).subarray(0, fragments[0]!.bytes.length + 8000);
    const segments = await segmentsOf(body);
    expect(segments.map((segment) => segment.type === 'media' && segment.truncated)).toEqual([false, false, true]);
    const bytes = joinSegments(segments);
    judgeLayout(bytes);
    const file = join(folder, 'cut.mp4');
    writeFileSync(file, bytes);
    expect(decodeMessages(file)).toBe('');
    expect((await remuxToMp4(body, () => {})).truncated).toBe(true);
  });

  test('a change of CodecPrivate gives a new initialization segment, and one MP4 with two sample descriptions', async () => {
    const first = wrapAsGetMedia(media);
    const second = wrapAsGetMedia(larger, { offset: 3_040_000, firstNumber: 4 });
    const body = bodyOf([...first, ...second]);
    const segments = await segmentsOf(body);
    expect(segments.map(({ type }) => type).join(' ')).toBe('init media media media init media media');
    const inits = segments.filter((segment) => segment.type === 'init');
    expect(inits.map(({ tracks }) => [tracks[0]!.width, tracks[0]!.height])).toEqual([
      [160, 120],
      [320, 240],
    ]);
    const parts: Uint8Array[] = [];
    const result = await remuxToMp4(body, (part) => void parts.push(part));
    expect(result).toMatchObject({ fragments: 5, limitReached: undefined });
    expect(result.mimeType).toBe('video/mp4; codecs="avc1.64000b,avc1.64000d,mp4a.40.2"');
    const bytes = concatBytes(parts);
    judgeLayout(bytes);
    const file = join(folder, 'changed.mp4');
    writeFileSync(file, bytes);
    expect(decodeMessages(file)).toBe('');
    expect(probePackets(file).length).toBe(media.frames.length + larger.frames.length);
  });

  test('parameter sets that change within Annex B frames are a change of configuration', async () => {
    const annexB = (source: Media): WrapOptions => {
      const config = nalConfigOf(source.tracks[0]!)!;
      return {
        track: (track) => (track.video === undefined ? track : { ...track, codecPrivate: undefined }),
        frame: (data, { track, keyframe }) => {
          if (track.type !== 'video') return data;
          const sets = keyframe ? joinNals([...config.sps, ...config.pps], 0) : new Uint8Array(0);
          const units: Uint8Array[] = [];
          for (let at = 0; at < data.length; ) {
            const length = new DataView(data.buffer, data.byteOffset).getUint32(at);
            units.push(data.subarray(at + 4, at + 4 + length));
            at += 4 + length;
          }
          return concatBytes([sets, joinNals(units, 0)]);
        },
      };
    };
    const body = bodyOf([
      ...wrapAsGetMedia(media, annexB(media)),
      ...wrapAsGetMedia(larger, { ...annexB(larger), offset: 3_040_000 }),
    ]);
    expect((await segmentsOf(body)).map(({ type }) => type).join(' ')).toBe('init media media media init media media');
  });

  test('a codec that changes cannot go on in one MP4, but in segments', async () => {
    const body = bodyOf([...wrapAsGetMedia(media), ...wrapAsGetMedia(g711, { offset: 3_040_000 })]);
    await expect(KINDS.progressive(body)).rejects.toMatchObject({
      code: 'UnsupportedStreamMediaType',
      trackNumber: 2,
    });
    const segments = await segmentsOf(body);
    expect(segments.filter(({ type }) => type === 'init').length).toBe(2);
  });

  test('a producer that starts its clock again is put behind what came before', async () => {
    const fragments = wrapAsGetMedia(media, { offset: 50_000_000 });
    const again = wrapAsGetMedia(media);
    const segments = await collect(bodyOf([...fragments, ...again]));
    const starts = segments.map(({ tracks }) => tracks[0]!.start);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(segments.map(({ discontinuity }) => discontinuity)).toEqual([false, false, false, true, false, false]);
    expect(starts[3]! - starts[2]!).toBeLessThan(1_200_000);
  });

  test('a gap stays a gap', async () => {
    const fragments = wrapAsGetMedia(media);
    const body = bodyOf([fragments[0]!, fragments[2]!]);
    for (const kind of KIND_NAMES) {
      judgeMp4(await KINDS[kind](body), join(folder, `gap-${kind}.mp4`), {
        frames: [...fragments[0]!.frames, ...fragments[2]!.frames],
        tracks: [1, 2],
      });
    }
    const { duration } = await remuxToMp4(body, () => {});
    expect(duration).toBeGreaterThan(2_900_000);
  });

  test('a track that is missing from a fragment goes on when it comes back', async () => {
    const [first] = wrapAsGetMedia(media);
    const isAudio = ({ type }: { type: string }) => type === 'audio';
    const sound = { tracks: media.tracks.filter(isAudio), frames: media.frames.filter(({ track }) => isAudio(track)) };
    const [alone] = wrapAsGetMedia(sound, { offset: 1_000_000, firstNumber: 2 });
    // A little before the end of its first fragment, as B-frames and jitter have it.
    const [back] = wrapAsGetMedia(media, { offset: 600_000, firstNumber: 3 });
    const body = bodyOf([first!, alone!, back!]);
    const bytes = await KINDS.progressive(body);
    judgeLayout(bytes);
    const tables = findBoxes(readBoxes(bytes), 'stts');
    expect(tables).toHaveLength(2);
    for (const { start } of tables) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + start);
      const entries = Array.from({ length: view.getUint32(12) }, (_, index) => view.getInt32(20 + 8 * index));
      expect(Math.min(...entries)).toBeGreaterThan(0);
    }
  });

  test('a track that comes later than others but begins before them has times of its own before zero', async () => {
    const [first, second] = wrapAsGetMedia(media);
    const only = (frames: readonly Frame[], type: string) => frames.filter(({ track }) => track.type === type);
    const segments: Mp4Segment[] = [];
    const remuxer = new Mp4Remuxer((segment) => segments.push(segment), { startAtZero: true });
    const { tracks } = media;
    remuxer.addFragment({ tracks, frames: only(second!.frames, 'video') });
    const audio = only(first!.frames, 'audio');
    remuxer.addFragment({ tracks, frames: audio });
    remuxer.addFragment({ tracks, frames: only(second!.frames, 'audio') });
    // What the sound needs is said by a second initialization segment, of the same tracks.
    expect(segments.map(({ type }) => type)).toEqual(['init', 'media', 'init', 'media', 'media']);
    const zero = Math.min(...only(second!.frames, 'video').map(({ timestamp }) => timestamp));
    expect(zero - audio[0]!.timestamp).toBeGreaterThan(900_000);
    const file = join(folder, 'before-zero.mp4');
    const bytes = joinSegments(segments.slice(2));
    judgeLayout(bytes);
    writeFileSync(file, bytes);
    const packets = probePackets(file);
    const sources = [...audio, ...only(second!.frames, 'audio')];
    expect(packets.map(({ hash }) => hash)).toEqual(sources.map(({ data }) => sha256(data)));
    for (const [index, { pts }] of packets.entries()) {
      expect(Math.abs(pts * 1e6 - (sources[index]!.timestamp - zero))).toBeLessThan(2000);
    }
  });

  test('a gap of a night goes into segments, but not into the 32 bits of one MP4', async () => {
    const night = 10 * 3600e6;
    const body = bodyOf([...wrapAsGetMedia(media), ...wrapAsGetMedia(media, { offset: night, firstNumber: 4 })]);
    await expect(KINDS.progressive(body)).rejects.toThrow('too long for one MP4');
    const file = join(folder, 'night.mp4');
    writeFileSync(file, await KINDS.fragmented(body));
    expect(probePackets(file).at(-1)!.pts).toBeGreaterThan(36_000);
  });

  test('AVCC that leaves the parameter sets to the frames', async () => {
    const { sps, pps } = nalConfigOf(media.tracks[0]!)!;
    const bare = Uint8Array.of(1, 77, 64, 13, 0xff, 0xe0, 0);
    const body = bodyOf(
      wrapAsGetMedia(media, {
        ...change({ codecPrivate: bare }),
        frame: (data, { track, keyframe }) =>
          track.type === 'video' && keyframe ? concatBytes([joinNals([...sps, ...pps], 4), data]) : data,
      }),
    );
    const file = join(folder, 'bare.mp4');
    writeFileSync(file, await KINDS.progressive(body));
    expect(decodeMessages(file)).toBe('');
  });

  describe('limits', () => {
    const limited = async (limits: Parameters<typeof remuxToMp4>[2] = {}) => {
      let taken = 0;
      const fragments = wrapAsGetMedia(media, { offset: 1_700_000_000_000_000 });
      function* body() {
        for (const { bytes } of fragments) {
          taken++;
          yield bytes;
        }
      }
      const result = await remuxToMp4(body(), () => {}, limits);
      return [result.fragments, result.limitReached, taken];
    };
    const start = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000);

    test('fragments', async () => {
      expect(await limited({ limits: { fragments: 2 } })).toEqual([2, 'fragments', 3]);
      expect(await limited({ limits: { fragments: 3 } })).toEqual([3, undefined, 3]);
    });

    test('bytes', async () => {
      const size = wrapAsGetMedia(media)[0]!.frames.reduce((sum, frame) => sum + frame.size, 0);
      expect(await limited({ limits: { bytes: size } })).toEqual([1, 'bytes', 2]);
      await expect(limited({ limits: { bytes: size - 1 } })).rejects.toThrow(Mp4RemuxError);
    });

    test('time range', async () => {
      const range = (by: 'producerTimestamp' | 'serverTimestamp', from: number, to: number) =>
        limited({ limits: { timeRange: { by, start: start(from), end: start(to) } } });
      expect(await range('producerTimestamp', 0.5, 5)).toEqual([2, undefined, 3]);
      expect(await range('producerTimestamp', 0.5, 1.5)).toEqual([1, 'timeRange', 3]);
      expect(await range('serverTimestamp', 0, 0.9)).toEqual([1, 'timeRange', 2]);
    });
  });

  test('a spool takes the media, and the sink is written to at the end', async () => {
    const pieces: Uint8Array[] = [];
    const steps: string[] = [];
    const parts: Uint8Array[] = [];
    await remuxToMp4(
      bodyOf(wrapAsGetMedia(media)),
      async (bytes) => {
        steps.push('sink');
        parts.push(bytes.slice());
      },
      {
        spool: {
          async write(bytes) {
            steps.push('spool');
            pieces.push(bytes.slice());
          },
          async *read() {
            yield* pieces;
          },
        },
      },
    );
    expect(steps.join(' ')).toBe('spool spool spool sink sink sink sink sink sink');
    expect(concatBytes(parts)).toEqual(await KINDS.progressive(bodyOf(wrapAsGetMedia(media))));
  });

  test('leaving the loop and aborting cancel the source; a sink that fails is heard', async () => {
    const { signal, abort } = withSignal();
    let cancelled: unknown;
    const source = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(wrapAsGetMedia(media)[0]!.bytes),
        cancel: (reason) => {
          cancelled = reason ?? 'cancelled';
        },
      });
    for await (const segment of mp4SegmentStream(source())) if (segment.type === 'media') break;
    expect(cancelled).toBe('cancelled');
    const failed = remuxToMp4(
      source(),
      () => {
        throw new Error('disk full');
      },
      { moov: 'last' },
    );
    await expect(failed).rejects.toThrow('disk full');
    const running = remuxToMp4(source(), () => {}, {
      signal,
      onProgress: ({ fragments }) => fragments > 3 && abort('enough'),
    });
    await expect(running).rejects.toBe('enough');
    expect(cancelled).toBe('enough');
  });

  test('as a visitor, and of whole fragments', async () => {
    const body = bodyOf(wrapAsGetMedia(media));
    const expected = await KINDS.fragmented(body);
    const shown: Uint8Array[] = [];
    await applyVisitor(body, new Mp4Remuxer(({ bytes }) => void shown.push(bytes)));
    expect(concatBytes(shown)).toEqual(expected);
    const given: Uint8Array[] = [];
    const remuxer = new Mp4Remuxer(({ bytes }) => void given.push(bytes));
    for await (const fragment of readFragments(body)) remuxer.addFragment(fragment);
    expect(concatBytes(given)).toEqual(expected);
  });

  test('as a transform stream', async () => {
    const body = bodyOf(wrapAsGetMedia(media));
    const segments = new Blob([Uint8Array.from(body)]).stream().pipeThrough(new Mp4RemuxStream());
    const parts: Uint8Array[] = [];
    for await (const { bytes } of segments) parts.push(bytes);
    expect(concatBytes(parts)).toEqual(await KINDS.fragmented(body));
  });
});

function withSignal() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason: unknown) => controller.abort(reason) };
}
