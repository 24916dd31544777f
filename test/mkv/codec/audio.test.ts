import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adtsHeader, parseAudioSpecificConfig } from '../../../src/mkv/codec/aac.js';
import { CodecDataError } from '../../../src/mkv/codec/codec-error.js';
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

describe('AudioSpecificConfig', () => {
  const parse = (hex: string) => parseAudioSpecificConfig(new Uint8Array(Buffer.from(hex, 'hex')));

  test('SBR and PS, signalled before the core', () => {
    expect(parse('2b920800')).toMatchObject({
      objectType: 5,
      coreObjectType: 2,
      samplingFrequency: 22050,
      outputSamplingFrequency: 44100,
      channels: 2,
      sbr: true,
      ps: false,
    });
    expect(parse('eb8a0800')).toMatchObject({ objectType: 29, coreObjectType: 2, channels: 1, sbr: true, ps: true });
  });

  test('SBR and PS, signalled behind the core', () => {
    expect(parse('138856e5a54880')).toMatchObject({
      objectType: 2,
      samplingFrequency: 22050,
      outputSamplingFrequency: 44100,
      channels: 1,
      sbr: true,
      ps: true,
    });
    expect(parse('139056e5a0')).toMatchObject({
      objectType: 2,
      outputSamplingFrequency: 44100,
      channels: 2,
      sbr: true,
      ps: false,
    });
  });

  test('a sampling frequency of its own, frames of 960 samples, eight channels', () => {
    // 00010 1111 (24 bits) 0111 1 0 0
    const bits = `00010${'1111'}${(50000).toString(2).padStart(24, '0')}0111100`;
    const bytes = Uint8Array.from(bits.match(/.{1,8}/g)!, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
    expect(parseAudioSpecificConfig(bytes)).toMatchObject({ samplingFrequency: 50000, channels: 8, frameLength: 960 });
  });

  test('what ADTS cannot say is an error', () => {
    const config = parse('1210');
    expect(() => adtsHeader(config, 9000)).toThrow(CodecDataError);
    expect(() => adtsHeader({ ...config, channelConfiguration: 0 }, 10)).toThrow(CodecDataError);
    expect(() => adtsHeader({ ...config, samplingFrequency: 50000 }, 10)).toThrow(CodecDataError);
    expect(() => adtsHeader({ ...config, coreObjectType: 42 }, 10)).toThrow(CodecDataError);
  });
});
