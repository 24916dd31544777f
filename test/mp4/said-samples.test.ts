import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Frame, readFrames } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { probePackets } from '../support/mp4-judges.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { KIND_NAMES, KINDS } from './support.js';

describeNeeding("G.711 under another name, said by the producer's tag", [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  const samples = (format: string) => {
    const file = join(folder, `${format}.raw`);
    ffmpeg(`-f lavfi -i sine=f=440:r=8000:d=2 -ac 1 -f ${format} ${file}`);
    return new Uint8Array(readFileSync(file));
  };

  const streamOf = (bytes: Uint8Array, track: { codecId: string; codecPrivate?: Uint8Array }, mimeType: string) =>
    writeGetMediaFragment({
      tracks: [{ number: 1, type: 'audio', ...track }],
      tags: [['MimeType', mimeType]],
      blocks: Array.from({ length: bytes.length / 160 }, (_, index) => ({
        track: 1,
        timestamp: index * 20_000,
        keyframe: true,
        frames: [bytes.subarray(index * 160, (index + 1) * 160)],
      })),
    });

  const AAC = { codecId: 'A_AAC', codecPrivate: Uint8Array.of(0x15, 0x88) };
  test.each([
    ['audio/PCMU;rate=8000;channels=1', AAC, 'ulaw', 'mulaw', 'mu-law'],
    ['audio/pcma', AAC, 'alaw', 'alaw', 'A-law'],
    ['audio/PCMA;rate=8000', { codecId: 'A_AAC' }, 'alaw', 'alaw', 'A-law'],
  ] as const)('%s', async (mimeType, track, codec, format, name) => {
    const bytes = samples(format);
    const stream = streamOf(bytes, track, mimeType);
    const warnings: string[] = [];
    const frames: Frame[] = [];
    for await (const frame of readFrames(stream, { onWarning: ({ message }) => warnings.push(message) })) {
      frames.push(frame);
    }
    expect(warnings).toEqual([expect.stringContaining(`A_AAC is written, the frames are G.711 ${name}`)]);
    expect(new Set(frames.map(({ track }) => track)).size).toBe(1);
    expect(frames[0]?.track.toAudioDecoderConfig()).toEqual({ codec, sampleRate: 8000, numberOfChannels: 1 });
    expect(new Set(frames.map(({ duration }) => duration))).toEqual(new Set([20_000]));
    for (const kind of KIND_NAMES) {
      const file = join(folder, 'out.mp4');
      writeFileSync(file, await KINDS[kind](stream));
      expect(probePackets(file).reduce((sum, { size }) => sum + Number(size), 0)).toBe(bytes.length);
      const [found] = JSON.parse(runTool('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', file])).streams;
      expect(found).toMatchObject({ codec_name: `pcm_${format}`, sample_rate: '8000', channels: 1 });
    }
  });

  test('under the name of Opus as soon as the times bear it out, and not where they do not', async () => {
    const bytes = samples('mulaw');
    const codecs: (string | undefined)[] = [];
    for await (const { track } of readFrames(streamOf(bytes, { codecId: 'A_OPUS' }, 'audio/PCMU'))) {
      codecs.push(track.codecString);
    }
    expect(codecs.slice(0, 3)).toEqual(['opus', 'ulaw', 'ulaw']);
    expect(codecs.at(-1)).toBe('ulaw');
    for await (const { track } of readFrames(streamOf(bytes, { codecId: 'A_OPUS' }, 'audio/PCMU;rate=16000'))) {
      expect(track.codecString).toBe('opus');
    }
  });
});
