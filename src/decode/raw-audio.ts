import { parseWaveFormat } from '../mkv/codec/wave-format.js';
import type { TrackMetadata } from '../mkv/track.js';
import { type StoredFormat, sampleSize, toFloat } from './sample-format.js';
import type { Sound } from './sound.js';

/** How the samples of a track lie in its frames, where they need no decoder. */
export interface RawAudio {
  readonly format: StoredFormat;
  /** Samples per second. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
}

/** PCM and G.711: how the frames of a track are to be read; `undefined` where they need a decoder. */
export function rawAudioOf(track: TrackMetadata): RawAudio | undefined {
  const { audio, codecId, codecPrivate, format } = track;
  const { pcm, codec } = format;
  if (pcm !== undefined) return { format: pcm.coding, sampleRate: pcm.sampleRate, numberOfChannels: pcm.channels };
  if (codec === 'acm') return waveAudioOf(codecPrivate);
  if (audio === undefined || !codecId.startsWith('A_PCM/')) return undefined;
  const isFloat = codec === 'pcm-float';
  const stored = storedFormatOf(isFloat, audio.bitDepth ?? (isFloat ? 32 : 16), codecId === 'A_PCM/INT/BIG');
  return stored && { format: stored, sampleRate: audio.samplingFrequency, numberOfChannels: audio.channels };
}

function waveAudioOf(codecPrivate: Uint8Array | undefined): RawAudio | undefined {
  if (codecPrivate === undefined || codecPrivate.length < 14) return undefined;
  const { formatTag, channels, samplingFrequency, bitsPerSample } = parseWaveFormat(codecPrivate);
  const format = formatOfTag(formatTag, bitsPerSample);
  return format && { format, sampleRate: samplingFrequency, numberOfChannels: channels };
}

function formatOfTag(formatTag: number, bits: number): StoredFormat | undefined {
  if (formatTag === 6) return 'alaw';
  if (formatTag === 7) return 'ulaw';
  return formatTag === 1 || formatTag === 3 ? storedFormatOf(formatTag === 3, bits, false) : undefined;
}

function storedFormatOf(isFloat: boolean, bits: number, isBig: boolean): StoredFormat | undefined {
  if (isFloat) return bits === 32 ? 'f32' : bits === 64 ? 'f64' : undefined;
  if (bits === 8) return 'u8';
  const sizes: Readonly<Record<number, StoredFormat>> = isBig
    ? { 16: 's16be', 24: 's24be', 32: 's32be' }
    : { 16: 's16', 24: 's24', 32: 's32' };
  return sizes[bits];
}

/** The sound of a frame. Samples that are not there for all channels do not count. */
export function rawSound(data: Uint8Array, { format, sampleRate, numberOfChannels }: RawAudio): Sound {
  const whole = data.length - (data.length % (sampleSize(format) * numberOfChannels));
  return { samples: toFloat(data.subarray(0, whole), format), sampleRate, numberOfChannels };
}
