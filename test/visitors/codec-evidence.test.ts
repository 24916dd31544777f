import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Frame, joinAccessUnits, readFrames } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { makeNalMixes, NAL_MIXES, nameOf } from '../support/nal-mixes.js';
import { describeNeeding, tools } from '../support/tools.js';

async function framesOf(bytes: Uint8Array): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(bytes)) frames.push(frame);
  return frames;
}

interface Sound {
  readonly rate: number;
  readonly channels: number;
  readonly name?: string;
  readonly codecPrivate?: Uint8Array;
  readonly audio?: { readonly samplingFrequency: number; readonly channels: number };
  readonly tags?: readonly [string, string][];
  readonly codecId?: string;
}

/** Samples of a tone under the name of AAC, 64 ms in a Block. */
function pcmStream(
  { rate, channels, name, codecPrivate, audio, tags = [], codecId = 'A_AAC' }: Sound,
  amplitude = 12_000,
): Uint8Array {
  const count = (rate * 64) / 1000;
  const blocks = Array.from({ length: 8 }, (_, block) => {
    const samples = new Int16Array(count * channels);
    for (let i = 0; i < samples.length; i++) {
      const time = (block * count + Math.floor(i / channels)) / rate;
      samples[i] = Math.round(amplitude * Math.sin(2 * Math.PI * 440 * time));
    }
    return { track: 1, timestamp: block * 64_000, keyframe: true, frames: [new Uint8Array(samples.buffer)] };
  });
  const tracks = [{ number: 1, type: 'audio' as const, codecId, name, codecPrivate, audio }];
  return writeGetMediaFragment({ tracks, blocks, tags });
}

test.each(['A_OPUS', 'A_VORBIS', 'A_FLAC', 'A_MPEG/L3', 'A_AC3'])('PCM under the name of %s', async (codecId) => {
  const sound: Sound = { rate: 8000, channels: 1, codecId };
  const tags: [string, string][] = [['MimeType', 'audio/L16;rate=8000;channels=1;']];
  for (const said of [
    { ...sound, tags },
    { ...sound, name: 'AUDIO_FROM_CUSTOMER' },
  ]) {
    const frames = await framesOf(pcmStream(said));
    expect(frames[0]?.track.toAudioDecoderConfig()).toMatchObject({ codec: 'pcm-s16', sampleRate: 8000 });
    expect(frames[1]?.duration).toBe(64_000);
  }
  // Nobody says so.
  const plain = await framesOf(pcmStream(sound));
  expect(plain[0]?.track.codecString).not.toBe('pcm-s16');
});

const ASC = Uint8Array.of(0x15, 0x88);

test.each<[string, Sound, boolean]>([
  ['named, 8 kHz', { rate: 8000, channels: 1, name: 'AUDIO_TO_CUSTOMER', codecPrivate: ASC }, true],
  ['without a name', { rate: 8000, channels: 1, codecPrivate: ASC }, true],
  ['without CodecPrivate', { rate: 8000, channels: 1 }, true],
  [
    'with an Audio element, 16 kHz',
    { rate: 16_000, channels: 1, audio: { samplingFrequency: 16_000, channels: 1 } },
    true,
  ],
  [
    'two channels by the tag before',
    { rate: 8000, channels: 2, tags: [['MimeType', 'audio/L16;rate=8000;channels=2;']] },
    true,
  ],
  ['16 kHz, told by the times alone', { rate: 16_000, channels: 1, codecPrivate: ASC }, false],
])('PCM under the name of AAC: %s', async (_, sound, fromTheFirst) => {
  const frames = await framesOf(pcmStream(sound));
  const expected = { codec: 'pcm-s16', sampleRate: sound.rate, numberOfChannels: sound.channels };
  expect(frames[0]?.track.codecString).toBe('pcm-s16');
  for (const frame of frames.slice(fromTheFirst ? 0 : 1)) {
    expect(frame.track.toAudioDecoderConfig()).toEqual(expected);
    expect(frame.duration).toBe(64_000);
  }
});

test('silence in a track of Amazon Connect is PCM as well', async () => {
  const frames = await framesOf(
    pcmStream({ rate: 8000, channels: 1, name: 'AUDIO_FROM_CUSTOMER', codecPrivate: ASC }, 0),
  );
  expect(frames[0]?.track.codecString).toBe('pcm-s16');
});

describeNeeding('by ffmpeg', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  test.each([
    ['aac', ''],
    ['libopus', '-frame_duration 60'],
    ['libmp3lame', ''],
    ['ac3', ''],
    ['eac3', ''],
    ['libvorbis', ''],
    ['flac', ''],
    ['pcm_s16le', ''],
    ['pcm_alaw', ''],
  ])('frames of %s last until the next begins', async (codec, options) => {
    const rate = codec === 'libopus' ? 48_000 : 44_100;
    const file = join(folder, `${codec}.mkv`);
    // Noise that comes and goes makes Vorbis change its windows.
    ffmpeg(
      `-f lavfi -i anoisesrc=r=${rate}:d=2:a=0.3,volume=volume=lt(mod(t\\,0.3)\\,0.02):eval=frame -c:a ${codec} ${options} ${file}`,
    );
    const frames = await framesOf(readFileSync(file));
    expect(frames.length).toBeGreaterThanOrEqual(20);
    const wrong = frames.slice(1, -1).filter(({ timestamp, duration = 0 }, index) => {
      const next = frames[index + 2]?.timestamp ?? 0;
      // Times are whole milliseconds.
      return Math.abs(next - timestamp - duration) > 1001;
    });
    // A short window of Vorbis behind a long one can't be told alone.
    expect(wrong.length).toBeLessThanOrEqual(codec === 'libvorbis' ? frames.length / 4 : 0);
    expect(frames.every(({ keyframe }) => keyframe)).toBe(true);
  });

  it('AAC is never taken for PCM', async () => {
    for (const [source, bitrate] of [
      ['sine=f=440:r=16000:d=3', '128k'],
      ['anullsrc=r=48000:cl=stereo', '32k'],
      ['anoisesrc=r=8000:d=3', '24k'],
    ]) {
      const file = join(folder, 'aac.mkv');
      ffmpeg(`-f lavfi -i ${source} -t 3 -c:a aac -b:a ${bitrate} -y ${file}`);
      const frames = await framesOf(readFileSync(file));
      expect(new Set(frames.map(({ track }) => track.codecString))).toEqual(new Set(['mp4a.40.2']));
    }
  });

  it('every mix of NAL formats gives 20 pictures in Annex B', async () => {
    const mixes = [...(await makeNalMixes('h264', folder)), ...(await makeNalMixes('h265', folder))];
    expect(mixes).toHaveLength(NAL_MIXES.length);
    for (const [mix, bytes] of mixes) {
      if (mix.codecPrivate === 'none' && !mix.inBand) continue;
      const frames = await framesOf(bytes);
      const file = join(folder, `${nameOf(mix)}.${mix.codec}`);
      writeFileSync(file, concatBytes(frames.map((frame) => frame.toEncodedChunk({}).data)));
      const words = '-v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0';
      const counted = execFileSync('ffprobe', [...words.split(' '), file], { encoding: 'utf8' });
      expect([nameOf(mix), counted.trim()]).toEqual([nameOf(mix), '20']);
      expect(frames.filter(({ keyframe }) => keyframe)).toHaveLength(2);
    }
  });
});

test.each(['4-byte', '3-byte'])('a start code of Annex B that could be a length is none: %s first', async (first) => {
  const [sps, pps] = [hex('6742c00bda0a1b2f80b500000303e900006164e800'), hex('68ce3c80')];
  const start = Uint8Array.of(0, 0, 1);
  const key = new Uint8Array(300).fill(0xb8).fill(0x65, 0, 1);
  // 00 00 01 41: a length of 321 as well, with as many bytes behind it.
  const slice = new Uint8Array(322).fill(0x9a).fill(0x41, 0, 1).fill(0x1a, 1, 2);
  const units = (...nals: Uint8Array[]) => concatBytes(nals.flatMap((nal) => [start, nal]));
  const keyFrame = concatBytes([new Uint8Array(first === '4-byte' ? 1 : 0), units(sps, pps, key)]);
  const bytes = writeGetMediaFragment({
    tracks: [{ number: 1, type: 'video', codecId: 'V_MPEG4/ISO/AVC' }],
    blocks: [keyFrame, units(slice), units(slice)].map((data, i) => {
      return { track: 1, timestamp: i * 40_000, keyframe: i === 0, frames: [data] };
    }),
  });
  const frames = await framesOf(bytes);
  expect(frames.map((frame) => frame.dataFor({}))).toEqual(frames.map(({ data }) => data));
  const description = Uint8Array.of(1, 66, 192, 11, 255, 225);
  const length = Uint8Array.of(0, 0, 1, 0x42);
  expect(frames[2]!.dataFor({ description })).toEqual(concatBytes([length, slice]));
  const joined = joinAccessUnits(frames);
  expect(joined.map(({ size }) => size)).toEqual(frames.map(({ size }) => size));
});

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
