import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adtsHeader, parseAudioSpecificConfig } from '../../../src/mkv/codec/aac.js';
import { codecStringOf } from '../../../src/mkv/codec/codec-string.js';
import { parseWaveFormat } from '../../../src/mkv/codec/wave-format.js';
import { ffmpeg, probeStreams, storedTracks, temporaryFolder } from '../../support/ffmpeg-media.js';
import { describeNeeding, tools } from '../../support/tools.js';

describeNeeding('audio from ffmpeg', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  test.each([
    [48000, 1],
    [44100, 2],
    [8000, 1],
    [96000, 6],
    [22050, 8],
  ])('AAC-LC of %i Hz and %i channels, and its ADTS file', (rate, channels) => {
    const file = join(folder, `aac-${rate}.mkv`);
    ffmpeg(`-f lavfi -i anoisesrc=r=${rate}:d=0.5 -ac ${channels} -c:a aac ${file}`);
    ffmpeg(`-i ${file} -c copy -f adts ${file}.aac`);
    const [probed] = probeStreams(file);
    const track = storedTracks(file)[0]!;
    const config = parseAudioSpecificConfig(track.codecPrivate!);
    expect(config).toMatchObject({ objectType: 2, coreObjectType: 2, ps: false, frameLength: 1024 });
    expect(config.samplingFrequency).toBe(Number(probed!.sample_rate));
    expect(config.channels).toBe(probed!.channels);
    const own = track.frames.flatMap(({ data }) => [adtsHeader(config, data.length), data]);
    expect(Buffer.concat(own).equals(readFileSync(`${file}.aac`))).toBe(true);
  });

  test.each([
    ['pcm_alaw', 6, 8, 8000, 1],
    ['pcm_mulaw', 7, 8, 16000, 2],
  ])('%s in A_MS/ACM', (codec, tag, bits, rate, channels) => {
    const file = join(folder, `${codec}.mkv`);
    ffmpeg(`-f lavfi -i sine=r=${rate}:d=0.2 -ac ${channels} -c:a ${codec} ${file}`);
    const track = storedTracks(file)[0]!;
    expect(track.codecId).toBe('A_MS/ACM');
    expect(codecStringOf(track)).toBe(codec.replace('pcm_', '').replace('mu', 'u'));
    expect(parseWaveFormat(track.codecPrivate!)).toMatchObject({
      formatTag: tag,
      channels,
      samplingFrequency: rate,
      bitsPerSample: bits,
      blockAlign: channels,
    });
  });

  test('an extensible WAVEFORMATEX says what is within', () => {
    const file = join(folder, 'extensible.wav');
    ffmpeg(`-f lavfi -i sine=r=48000:d=0.1 -ac 6 -c:a pcm_s24le ${file}`);
    const bytes = new Uint8Array(readFileSync(file));
    const at = Buffer.from(bytes).indexOf('fmt ') + 8;
    expect(bytes[at]).toBe(0xfe);
    expect(parseWaveFormat(bytes.subarray(at, at + 40))).toMatchObject({
      formatTag: 1,
      channels: 6,
      samplingFrequency: 48000,
      bitsPerSample: 24,
      blockAlign: 18,
    });
  });
});
