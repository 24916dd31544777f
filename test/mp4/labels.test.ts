import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Mp4InitSegment, type Mp4Segment, remuxToMp4 } from '../../src/mp4/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import type { TrackInput } from '../../src/testing/track-writer.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { decodeMessages, findBoxes, probePackets, readBoxes } from '../support/mp4-judges.js';
import { describeNeeding, findTool, runTool, tools } from '../support/tools.js';
import { joinSegments, judgeLayout, KIND_NAMES, KINDS, segmentsOf } from './support.js';

const caseBytes = (name: string) => new Uint8Array(readFileSync(`test/cases/${name}.mkv`));
const inits = (segments: readonly Mp4Segment[]) =>
  segments.filter((segment): segment is Mp4InitSegment => segment.type === 'init');

describeNeeding('MP4 believes the frames', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  const keep = (bytes: Uint8Array): string => {
    const file = join(folder, 'out.mp4');
    writeFileSync(file, bytes);
    judgeLayout(bytes);
    return file;
  };
  /** How many pictures, or how many frames of sound, ffmpeg decodes of a stream without a complaint. */
  const decoded = (file: string, kind: 'v' | 'a'): number => {
    // What ffmpeg thinks of a broken VUI is no matter here.
    const complaints = decodeMessages(file)
      .split('\n')
      .filter((line) => !/num_units_in_tick|VUI|num_reorder_frames|Last message repeated|^$/.test(line));
    expect(complaints).toEqual([]);
    const text = runTool('ffprobe', [
      ...['-v', 'error', '-count_frames', '-select_streams', `${kind}:0`],
      ...['-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', file],
    ]);
    return Number(text.trim().split(/\D/)[0]);
  };
  const streamsOf = (file: string): Record<string, unknown>[] =>
    JSON.parse(runTool('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', file])).streams;

  describe.each(KIND_NAMES)('%s', (kind) => {
    test.each([
      'nal-mix--h264-cpd_avcc-frames_ab-bare',
      'nal-mix--h264-cpd_annexb-frames_len-inband',
      'sps-vui--ends-in-timing-avcc',
      'sps-vui--reorder-too-large-annexb',
      'trailing-zero--annexb-leading-1',
      'trailing-zero--len-1-zeros-behind',
      'cpd-level0--avcc-zero',
      'cpd-level0--hvcc-level0',
    ])('%s: every picture', async (name) => {
      const bytes = caseBytes(name);
      const { frames } = await readMedia(bytes);
      expect(decoded(keep(await KINDS[kind](bytes)), 'v')).toBe(frames.length);
      expect(frames.length).toBe(20);
    });

    test.each(['sets-apart--same-time', 'nal-per-block--slices-apart-avcc'])(
      '%s: 20 samples that decode, or an error',
      async (name) => {
        let bytes: Uint8Array;
        try {
          bytes = await KINDS[kind](caseBytes(name));
        } catch (error) {
          expect(error).toMatchObject({ name: 'Mp4RemuxError', code: 'InvalidMediaFrame' });
          return;
        }
        const file = keep(bytes);
        expect(probePackets(file).length).toBe(20);
        expect(decoded(file, 'v')).toBe(20);
      },
    );

    test.each(['aac-adts--adts-cpd', 'aac-adts--adts-nocpd', 'aac-adts--raw-cpd-noaudio'])(
      '%s: sound as it is',
      async (name) => {
        const bytes = caseBytes(name);
        const { frames } = await readMedia(bytes);
        const file = keep(await KINDS[kind](bytes));
        expect(decoded(file, 'a')).toBeGreaterThanOrEqual(frames.length - 1);
        const [stream] = streamsOf(file);
        expect(stream).toMatchObject({ codec_name: 'aac', profile: 'LC', sample_rate: '16000', channels: 1 });
      },
    );

    test.each(['connect-5', 'connect-l16--connect'])('%s: PCM is no AAC', async (name) => {
      await expect(KINDS[kind](caseBytes(name))).rejects.toMatchObject({
        code: 'UnsupportedStreamMediaType',
        trackNumber: 1,
      });
    });

    if (kind !== 'fragmented') {
      test('where nothing can go in, recover tells why too', async () => {
        await expect(KINDS[kind](caseBytes('connect-5'), { recover: true })).rejects.toThrow(/PCM/);
      });
    }

    test('the shape of a pixel is told by the parameter sets', async () => {
      const file = keep(await KINDS[kind](caseBytes('sar--sar-vui')));
      const [stream] = streamsOf(file);
      const { width, height, sample_aspect_ratio: aspect } = stream as Record<string, string | number>;
      const [across = 0, down = 0] = String(aspect).split(':').map(Number);
      expect([(Number(width) * across) / down, height]).toEqual([512, 288]);
      const bytes = new Uint8Array(readFileSync(file));
      const [tkhd] = findBoxes(readBoxes(bytes), 'tkhd');
      const view = new DataView(bytes.buffer, tkhd!.end - 8);
      expect([view.getUint32(0) / 65536, view.getUint32(4) / 65536]).toEqual([512, 288]);
    });

    test('sync samples are those that are key frames', async () => {
      const file = keep(await KINDS[kind](caseBytes('keyflags--all')));
      const packets = probePackets(file);
      const first = packets[0]!.pts;
      const keys = packets.filter(({ keyframe }) => keyframe).map(({ pts }) => Math.round((pts - first) * 100) / 100);
      const { length } = packets;
      expect(keys.length).toBeGreaterThan(1);
      expect(keys.length).toBeLessThan(length / 2);
      const marked = execFileSync(findTool('ffprobe')!, [
        ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pict_type,best_effort_timestamp_time'],
        ...['-of', 'csv=p=0', file],
      ]);
      const intra = String(marked)
        .trim()
        .split('\n')
        .filter((line) => line.includes('I'))
        .map((line) => Math.round((Number(line.split(',')[0]) - first) * 100) / 100);
      expect(keys.every((key) => intra.includes(key))).toBe(true);
    });
  });

  test('key frames that bring other parameter sets: another configuration, and both in one file', async () => {
    const bytes = caseBytes('sps-change--stale');
    const { frames } = await readMedia(bytes);
    const segments = await segmentsOf(bytes);
    const found = inits(segments);
    expect(found.length).toBe(2);
    expect(found[1]!.tracks[0]).toMatchObject({ codec: 'avc1.640016' });
    const sizes = found.map(({ tracks }) => [tracks[0]!.width, tracks[0]!.height]);
    expect(sizes[0]).not.toEqual(sizes[1]);
    const parts: Uint8Array[] = [];
    const { mimeType } = await remuxToMp4(bytes, (part) => void parts.push(part));
    expect(mimeType).toContain(',avc1.640016');
    const file = keep(Uint8Array.from(Buffer.concat(parts)));
    const written = new Uint8Array(readFileSync(file));
    const entries = findBoxes(readBoxes(written), 'avc1').map(({ body }) => {
      const view = new DataView(written.buffer, body);
      return [view.getUint16(24), view.getUint16(26)];
    });
    expect(entries).toEqual(sizes);
    expect(decoded(file, 'v')).toBe(frames.length);
    // Each part plays by itself.
    const at = segments.indexOf(found[1]!);
    const second = keep(joinSegments(segments.slice(at)));
    expect(decoded(second, 'v')).toBeGreaterThan(0);
    expect(streamsOf(second)[0]).toMatchObject({ width: sizes[1]![0], height: sizes[1]![1] });
  });

  test('the same within one fragment', async () => {
    const { tracks, frames } = await readMedia(caseBytes('sps-change--stale'));
    const { codecId, codecPrivate } = tracks[0]!;
    const bytes = writeGetMediaFragment({
      tracks: [{ number: 1, codecId, codecPrivate, video: { pixelWidth: 320, pixelHeight: 240 } }],
      fragmentNumber: '1',
      blocks: frames.map(({ timestamp, keyframe, data }) => ({ track: 1, timestamp, keyframe, frames: [data] })),
    });
    const segments = await segmentsOf(bytes);
    expect(segments.map(({ type }) => type)).toEqual(['init', 'media', 'init', 'media']);
    const media = segments.filter((segment) => segment.type === 'media');
    expect(media.map(({ chunk, endsFragment, independent }) => [chunk, endsFragment, independent])).toEqual([
      [0, false, true],
      [1, true, true],
    ]);
    expect(decoded(keep(await KINDS.progressive(bytes)), 'v')).toBe(frames.length);
  });

  test('object types of AAC: what goes in is what ffmpeg knows, with frames of their own length', async () => {
    const media = await readMedia(caseBytes('audio-jitter--aac48-j15'));
    const sound = { ...media, frames: media.frames.filter(({ track }) => track.type === 'audio') };
    const accepted: number[] = [];
    const durations = new Map<number, number>();
    for (let type = 0; type <= 46; type++) {
      if (type === 5 || type === 29 || type === 31) continue;
      // 48 kHz, one channel, and zeros for what follows.
      const head = type < 31 ? type.toString(2).padStart(5, '0') : `11111${(type - 32).toString(2).padStart(6, '0')}`;
      const bits = `${head}00110001`.padEnd(48, '0');
      const codecPrivate = Uint8Array.from({ length: 6 }, (_, i) => Number.parseInt(bits.slice(i * 8, i * 8 + 8), 2));
      const body = bodyOf(
        wrapAsGetMedia(sound, {
          track: (track) => (track.audio === undefined ? track : { ...track, codecPrivate }),
        }),
      );
      let bytes: Uint8Array;
      try {
        bytes = await KINDS.progressive(body);
      } catch (error) {
        expect(error).toMatchObject({ trackNumber: 2 });
        continue;
      }
      accepted.push(type);
      const file = keep(bytes);
      expect(decodeMessages(file)).not.toMatch(/object type/i);
      const packets = probePackets(file);
      durations.set(type, Math.round((packets[1]!.pts - packets[0]!.pts) * 48_000));
    }
    expect(accepted).toEqual(expect.arrayContaining([1, 2, 4, 17, 23, 39]));
    expect(durations.get(2)).toBe(1024);
    expect([durations.get(23), durations.get(39)]).toEqual([512, 512]);
  });

  test('channel configurations of AAC: what goes in is what ffmpeg reads', async () => {
    const media = await readMedia(caseBytes('audio-jitter--aac48-j15'));
    const frames = media.frames.filter(({ track }) => track.type === 'audio').slice(0, 2);
    const refused: number[] = [];
    // With 0, the channels would be listed one by one.
    for (let configuration = 1; configuration <= 15; configuration++) {
      // AAC-LC, 48 kHz.
      const codecPrivate = Uint8Array.of(0x11, 0x80 | (configuration << 3));
      const track = (each: TrackInput) => (each.audio === undefined ? each : { ...each, codecPrivate });
      try {
        const file = keep(await KINDS.progressive(bodyOf(wrapAsGetMedia({ ...media, frames }, { track }))));
        expect(probePackets(file)).toHaveLength(2);
      } catch (error) {
        expect(error).toMatchObject({ code: 'UnsupportedStreamMediaType', trackNumber: 2 });
        refused.push(configuration);
      }
    }
    expect(refused).toEqual([8, 9, 10, 14, 15]);
  });
});
