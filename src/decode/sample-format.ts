import { A_LAW, MU_LAW } from './g711.js';

/** How samples are stored. PCM of 8 bits is unsigned; `be` is big-endian, all else little-endian. */
export type StoredFormat = 'alaw' | 'ulaw' | 'u8' | 's16' | 's16be' | 's24' | 's24be' | 's32' | 's32be' | 'f32' | 'f64';

const SIZES: Readonly<Record<StoredFormat, number>> = {
  alaw: 1,
  ulaw: 1,
  u8: 1,
  s16: 2,
  s16be: 2,
  s24: 3,
  s24be: 3,
  s32: 4,
  s32be: 4,
  f32: 4,
  f64: 8,
};

/** Bytes of a sample of one channel. */
export function sampleSize(format: StoredFormat): number {
  return SIZES[format];
}

/** Samples as parts of 1. What is left behind the last whole sample does not count. */
export function toFloat(bytes: Uint8Array, format: StoredFormat): Float32Array<ArrayBuffer> {
  const size = SIZES[format];
  const samples = new Float32Array(Math.floor(bytes.length / size));
  const read = readerOf(bytes, format);
  for (let i = 0; i < samples.length; i++) samples[i] = read(i * size);
  return samples;
}

function readerOf(bytes: Uint8Array, format: StoredFormat): (at: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = !format.endsWith('be');
  switch (format) {
    case 'alaw':
      return (at) => A_LAW[bytes[at]!]!;
    case 'ulaw':
      return (at) => MU_LAW[bytes[at]!]!;
    case 'u8':
      return (at) => (bytes[at]! - 0x80) / 0x80;
    case 's16':
    case 's16be':
      return (at) => view.getInt16(at, little) / 0x8000;
    case 's24':
      return (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 0x10000) / 0x800000;
    case 's24be':
      return (at) => (view.getInt16(at, false) * 0x100 + view.getUint8(at + 2)) / 0x800000;
    case 's32':
    case 's32be':
      return (at) => view.getInt32(at, little) / 0x80000000;
    case 'f32':
      return (at) => view.getFloat32(at, true);
    case 'f64':
      return (at) => view.getFloat64(at, true);
  }
}

/** Samples of 16 bits, rounded; what is beyond full scale is cut off there. */
export function toInt16(samples: Float32Array): Int16Array<ArrayBuffer> {
  const result = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const value = Math.round(samples[i]! * 0x8000);
    result[i] = Math.max(-0x8000, Math.min(0x7fff, value));
  }
  return result;
}

/** The bytes of samples, little-endian as WAV files have them. A view where the machine has them so too. */
export function littleEndian(samples: Int16Array | Float32Array): Uint8Array {
  if (IS_LITTLE_ENDIAN) return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const bytes = new Uint8Array(samples.byteLength);
  const view = new DataView(bytes.buffer);
  samples.forEach((value, index) => {
    if (samples instanceof Int16Array) view.setInt16(index * 2, value, true);
    else view.setFloat32(index * 4, value, true);
  });
  return bytes;
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
