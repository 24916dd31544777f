import { count } from '../../ebml/plural.js';
import { CodecDataError } from './codec-error.js';

/** A WAVEFORMATEX, the CodecPrivate of A_MS/ACM. */
export interface WaveFormat {
  /** What the samples are: 1 PCM, 3 float, 6 A-law, 7 mu-law, 0xff AAC; the one within for an extensible format. */
  readonly formatTag: number;
  readonly channels: number;
  /** In Hz. */
  readonly samplingFrequency: number;
  /** Bytes of a sample of all channels. */
  readonly blockAlign: number;
  /** Bits of a sample of one channel; 0 when it is not said. */
  readonly bitsPerSample: number;
  /** What follows, a view: for AAC the AudioSpecificConfig. */
  readonly extra: Uint8Array;
}

/** The format tag; the one within (the first bytes of SubFormat) for WAVEFORMATEXTENSIBLE. 0 when there are too few bytes. */
export function waveTag(data: Uint8Array): number {
  const tag = (data[0] ?? 0) + (data[1] ?? 0) * 256;
  return tag === 0xfffe ? (data[24] ?? 0) + (data[25] ?? 0) * 256 : tag;
}

/** What follows the WAVEFORMATEX, a view. */
export function waveExtra(data: Uint8Array): Uint8Array {
  return data.subarray(18, 18 + (data[16] ?? 0) + (data[17] ?? 0) * 256);
}

/**
 * Reads a WAVEFORMATEX, also one without its last fields.
 *
 * @throws CodecDataError when it is cut short, or has no channel or no sampling frequency
 */
export function parseWaveFormat(data: Uint8Array): WaveFormat {
  if (data.length < 14) throw new CodecDataError(`a WAVEFORMATEX of ${count(data.length, 'byte')}`);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const channels = view.getUint16(2, true);
  const samplingFrequency = view.getUint32(4, true);
  if (channels === 0 || samplingFrequency === 0)
    throw new CodecDataError('a WAVEFORMATEX without channels or frequency');
  return {
    formatTag: waveTag(data),
    channels,
    samplingFrequency,
    blockAlign: view.getUint16(12, true),
    bitsPerSample: data.length >= 16 ? view.getUint16(14, true) : 0,
    extra: waveExtra(data),
  };
}
