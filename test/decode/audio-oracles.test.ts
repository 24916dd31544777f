import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type MediaProblem, readAudio, wavHeader, wavStream, writeWav } from '../../src/decode/index.js';
import { ffmpeg, probeStreams, temporaryFolder } from '../support/ffmpeg-media.js';
import { describeNeeding, findTool, packages, tools } from '../support/tools.js';
import { join } from './audio-documents.js';

const TONE = '-f lavfi -i aevalsrc=0.4*sin(2*PI*(300+200*t)*t)|0.4*sin(2*PI*500*t):s=48000:d=3';

async function read(path: string, codecs?: 'webcodecs' | 'ffmpeg') {
  const floats: number[] = [];
  const problems: MediaProblem[] = [];
  let shape = { sampleRate: 0, numberOfChannels: 0 };
  const bytes = new Uint8Array(readFileSync(path));
  const onProblem = (problem: MediaProblem) => problems.push(problem);
  for await (const { data, sampleRate, numberOfChannels } of readAudio(bytes, { codecs, format: 'f32', onProblem })) {
    shape = { sampleRate, numberOfChannels };
    for (const sample of data) floats.push(sample);
  }
  return { samples: Float32Array.from(floats), problems, ...shape };
}

/** What ffmpeg decodes a file to. */
function decoded(path: string): Float32Array {
  const args = ['-v', 'error', '-i', path, '-f', 'f32le', '-'];
  const bytes = execFileSync(findTool('ffmpeg') ?? '', args, { maxBuffer: 1 << 28 });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function correlation(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}

describeNeeding('decoders beside ffmpeg', [tools('ffmpeg', 'ffprobe'), packages('@napi-rs/webcodecs')], () => {
  const folder = temporaryFolder();

  for (const codecs of ['webcodecs', 'ffmpeg'] as const) {
    test.each([
      ['aac', 1024, '-c:a aac -ar 48000'],
      ['aac at 16 kHz, one channel', 1024, '-c:a aac -ar 16000 -ac 1'],
      ['opus', 960, '-c:a libopus'],
      ['mp3', 1152, '-c:a libmp3lame'],
      ['ac-3', 1536, '-c:a ac3'],
      ['flac', 0, '-c:a flac'],
    ])(
      `${codecs}: %s`,
      async (name, frame, encoding) => {
        const path = `${folder}/${codecs}-${name.replaceAll(' ', '-').replaceAll(',', '')}.mkv`;
        ffmpeg(`${TONE} ${encoding} ${path}`);
        const wanted = decoded(path);
        const { samples, problems, numberOfChannels } = await read(path, codecs);
        expect(problems).toEqual([]);
        expect(Math.abs(samples.length - wanted.length)).toBeLessThanOrEqual(frame * numberOfChannels);
        expect(correlation(samples, wanted)).toBeGreaterThan(0.999);
        if (name === 'flac') expect(samples).toEqual(wanted);
      },
      60_000,
    );
  }

  test('a codec that the platform takes and fails at is left to ffmpeg, where nobody chose', async () => {
    const path = `${folder}/vorbis.mkv`;
    ffmpeg(`${TONE} -c:a libvorbis ${path}`);
    const { samples, problems } = await read(path);
    expect(problems).toEqual([]);
    expect(correlation(samples.slice(0), decoded(path))).toBeGreaterThan(0.999);
  }, 60_000);
});

describeNeeding('sound beside what ffmpeg decodes', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  test.each([
    'pcm_alaw',
    'pcm_mulaw',
    'pcm_u8',
    'pcm_s16le',
    'pcm_s16be',
    'pcm_s24le',
    'pcm_s32le',
    'pcm_f32le',
    'pcm_f64le',
  ])('%s, bit for bit', async (codec) => {
    const path = `${folder}/${codec}.mkv`;
    ffmpeg(`-f lavfi -i anoisesrc=r=8000:d=2:a=1 -ac 2 -c:a ${codec} ${path}`);
    const { samples, problems, sampleRate } = await read(path);
    expect(problems).toEqual([]);
    expect(sampleRate).toBe(8000);
    expect(samples.length).toBeGreaterThan(31_000);
    expect(samples).toEqual(decoded(path));
  });

  test.each(['s16', 'f32'] as const)('WAV files of %s are what readers take them for', async (format) => {
    const source = new Uint8Array(readFileSync('test/cases/connect-5.mkv'));
    for (const track of [[1], [1, 2], [1, 2, 1]]) {
      const known = `${folder}/known.wav`;
      const parts: Uint8Array[] = [];
      const options = { track: track.slice(0, 2), format, channels: track.length > 2 ? 2 : 1 };
      const written = await writeWav(source, (bytes) => parts.push(bytes.slice()), {
        ...options,
        rewrite: ({ position, bytes }) => {
          expect(position).toBe(0);
          parts[0]?.set(bytes);
        },
      });
      const file = join(parts);
      expect(written).toMatchObject({ bytes: file.length, numberOfFrames: 43_520, duration: 5_440_000 });
      writeFileSync(known, file);
      expect(new DataView(file.buffer).getUint32(4, true)).toBe(file.length - 8);
      const channels = options.track.length * options.channels;
      expect(probeStreams(known)[0]).toMatchObject({ sample_rate: '8000', channels });
      const streamed = `${folder}/streamed.wav`;
      const chunks: Uint8Array[] = [];
      for await (const chunk of wavStream(source, options)) chunks.push(chunk.slice());
      writeFileSync(streamed, join(chunks));
      expect(new DataView(join(chunks).buffer).getUint32(4, true)).toBe(0xffffffff);
      expect(decoded(streamed)).toEqual(decoded(known));
      expect(decoded(known)).toHaveLength(43_520 * channels);
    }
  });

  test('a WAV file of two directions is the header of 44 bytes and the samples', async () => {
    const source = new Uint8Array(readFileSync('test/cases/connect-5.mkv'));
    const parts: Uint8Array[] = [];
    const track = ['AUDIO_FROM_CUSTOMER', 'AUDIO_TO_CUSTOMER'];
    const { dataBytes } = await writeWav(source, (bytes) => parts.push(bytes.slice()), { track });
    expect(dataBytes).toBe(174_080);
    expect(join(parts)).toHaveLength(44 + 174_080);
  });

  test('sizes that a header cannot say are an error', async () => {
    const format = { format: 's16', sampleRate: 8000, numberOfChannels: 1 } as const;
    expect(wavHeader(format, 0xffffffff - 37)).toHaveLength(44);
    expect(() => wavHeader(format, 0xffffffff)).toThrow(RangeError);
    await expect(writeWav(new Uint8Array(0), () => {})).rejects.toMatchObject({ code: 'NoTrack' });
  });
});
