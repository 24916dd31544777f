import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeElement, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/index.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { decodeMessages, probePackets } from '../support/mp4-judges.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { KIND_NAMES, KINDS, segmentsOf } from './support.js';

const HOUR = 3600e6;
/** In microseconds: 32 bits with a sign, of ticks of which there are 90,000 in a second. */
const LONGEST = (2 ** 31 / 90_000) * 1e6;

describeNeeding('times of more than 32 bits', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  test.each(KIND_NAMES)('a day in steps of 6 hours: %s', async (kind) => {
    const media = await readMedia(new Uint8Array(readFileSync('test/cases/audio-jitter--aac48-j15.mkv')));
    const first = media.frames[0]!.timestamp;
    const fragments = [0, 6, 12, 18, 24].map(
      (hours, i) => wrapAsGetMedia(media, { offset: hours * HOUR - first, firstNumber: i * 10 + 1 })[0]!,
    );
    const file = join(folder, 'day.mp4');
    writeFileSync(file, await KINDS[kind](bodyOf(fragments)));
    expect(decodeMessages(file)).toBe('');
    const packets = probePackets(file);
    expect(packets.length).toBe(fragments.reduce((sum, { frames }) => sum + frames.length, 0));
    for (const stream of [0, 1]) {
      const hours = packets
        .filter((packet) => packet.stream === stream)
        .map(({ pts }) => Math.round((pts / 3600) * 100) / 100);
      expect([...new Set(hours)]).toEqual([0, 6, 12, 18, 24]);
    }
    if (kind === 'fragmented') return;
    const shown = runTool('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file]);
    expect(Number(shown)).toBeGreaterThan(86_400);
    expect(Number(shown)).toBeLessThan(86_402);
  });

  test.each(KIND_NAMES)('a Cluster that is longer than samples can be: %s', async (kind) => {
    await expect(KINDS[kind](await longCluster())).rejects.toMatchObject({ code: 'InvalidMediaFrame' });
  });

  test('chunks of it', async () => {
    const segments = await segmentsOf(await longCluster(), { chunkDuration: 100 });
    const media = segments.filter((segment) => segment.type === 'media');
    expect(media.map(({ tracks }) => tracks[0]?.start)).toEqual([0, 60_000e6]);
    expect(Math.max(...media.map(({ tracks }) => tracks[0]!.duration))).toBeLessThan(LONGEST);
  });

  test('fragments of one frame each that are further from each other than samples can be long', async () => {
    const media = await readMedia(new Uint8Array(readFileSync('test/cases/single-frame--fps1.mkv')));
    const first = media.frames[0]!.timestamp;
    const one = { ...media, frames: media.frames.slice(0, 1) };
    const fragments = [0, 14, 28, 42].map(
      (hours, i) => wrapAsGetMedia(one, { offset: hours * HOUR - first, firstNumber: i * 10 + 1 })[0]!,
    );
    const segments = await segmentsOf(bodyOf(fragments));
    const durations = segments.flatMap((segment) => (segment.type === 'media' ? [segment.tracks[0]!.duration] : []));
    expect(durations).toHaveLength(4);
    expect(Math.max(...durations)).toBeLessThan(LONGEST);
  });

  /** Two frames of a Cluster whose ticks are two seconds. */
  async function longCluster(): Promise<Uint8Array> {
    const media = await readMedia(new Uint8Array(readFileSync('test/cases/single-frame--fps1.mkv')));
    const { codecPrivate } = media.tracks[0]!;
    const block = (ticks: number) => {
      const header = Uint8Array.of(0x81, ticks >> 8, ticks & 255, 0x80);
      return writeElement(Mkv.SimpleBlock, Buffer.concat([header, media.frames[0]!.data]));
    };
    return Buffer.concat([
      writeMaster(Mkv.EBML, []),
      writeMaster(Mkv.Segment, [
        writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, 2_000_000_000)]),
        writeMaster(Mkv.Tracks, [
          writeMaster(Mkv.TrackEntry, [
            writeElement(Mkv.TrackNumber, 1),
            writeElement(Mkv.TrackUID, 1n),
            writeElement(Mkv.TrackType, 1),
            writeElement(Mkv.CodecID, 'V_MPEG4/ISO/AVC'),
            writeElement(Mkv.CodecPrivate, codecPrivate!),
          ]),
        ]),
        writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), block(0), block(30_000)]),
      ]),
    ]);
  }
});
