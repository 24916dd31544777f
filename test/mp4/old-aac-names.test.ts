import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readFrames } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { type Media, readMedia } from '../support/kvs-media.js';
import { decodeMessages, probePackets, sha256 } from '../support/mp4-judges.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { KIND_NAMES, KINDS } from './support.js';

describeNeeding('AAC under an older name, without CodecPrivate', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  let media: Media;

  beforeAll(async () => {
    const file = join(folder, 'aac.mkv');
    ffmpeg(`-f lavfi -i sine=f=440:r=24000:d=2 -ac 1 -c:a aac -b:a 48k ${file}`);
    media = await readMedia(new Uint8Array(readFileSync(file)));
  });

  const named = (codecId: string) =>
    writeGetMediaFragment({
      tracks: [{ number: 1, codecId, audio: { samplingFrequency: 24_000, channels: 1 } }],
      blocks: media.frames.map(({ timestamp, data }) => ({ track: 1, timestamp, keyframe: true, frames: [data] })),
    });

  test.each([
    ['A_AAC/MPEG4/LC', 'mp4a.40.2', 24_000],
    ['A_AAC/MPEG2/LC', 'mp4a.40.2', 24_000],
    ['A_AAC/MPEG4/LC/SBR', 'mp4a.40.5', 48_000],
    ['A_AAC/MPEG2/LC/SBR', 'mp4a.40.5', 48_000],
  ])('%s: the configuration is made of name and Audio element', async (codecId, codec, rate) => {
    const bytes = named(codecId);
    for await (const { track, duration } of readFrames(bytes)) {
      expect(track.toAudioDecoderConfig()).toMatchObject({ codec, sampleRate: rate, numberOfChannels: 1 });
      expect(track.disagreements).toEqual([]);
      expect(duration).toBeCloseTo((1024 * 1e6) / 24_000, 3);
    }
    for (const kind of KIND_NAMES) {
      const file = join(folder, 'out.mp4');
      writeFileSync(file, await KINDS[kind](bytes));
      expect(probePackets(file).map(({ hash }) => hash)).toEqual(media.frames.map(({ data }) => sha256(data)));
      expect(decodeMessages(file)).toBe('');
      const stream = JSON.parse(runTool('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', file])).streams[0];
      expect(stream).toMatchObject({ codec_name: 'aac', sample_rate: String(rate) });
    }
  });
});
