import { BitReader } from './bit-reader.js';
import { CodecDataError } from './codec-error.js';

/** An AVCDecoderConfigurationRecord ("AVCC", ISO/IEC 14496-15 section 5.3.3). The parameter sets are views. */
export interface AvcConfig {
  /** profile_idc, the compatibility flags and level_idc. */
  readonly profile: number;
  readonly compatibility: number;
  readonly level: number;
  /** Width of the length before each NAL unit of a frame: 1, 2 or 4 bytes. */
  readonly lengthSize: number;
  /** NAL units, without length or start code. */
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** What a sequence parameter set says (H.264 section 7.3.2.1.1). */
export interface H264Sps {
  readonly profile: number;
  readonly compatibility: number;
  readonly level: number;
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** Of the picture after cropping, in pixels. */
  readonly width: number;
  readonly height: number;
  /** How many pictures may come before a picture in decoding order and after it in output; `undefined` when it is not said. */
  readonly maxReorder: number | undefined;
  /** The shape of a pixel, width and height; `undefined` when it is not said. */
  readonly pixelAspect: PixelAspect | undefined;
  /** Whether the hints at its end could all be read. */
  readonly hintsRead: boolean;
}

/** The width of a pixel and its height, of which only the ratio counts. */
export type PixelAspect = readonly [width: number, height: number];

const hasChromaInfo = (profile: number) => profile === 100 || profile === 110 || profile === 122 || profile === 144;

/**
 * Reads an AVCDecoderConfigurationRecord. Tracks without a valid one are usual, and errors are dear.
 *
 * @returns what is wrong when it is none, or is cut short
 */
export function readAvcC(data: Uint8Array): AvcConfig | string {
  if (data.length < 7 || data[0] !== 1) return 'no AVC configuration of version 1';
  let at = 5;
  const list = (mask: number) => {
    const sets: Uint8Array[] = [];
    for (let count = (data[at++] ?? 0) & mask; count > 0; count--) {
      const start = at + 2;
      at = start + data[at]! * 256 + data[at + 1]!;
      if (!(at > start && at <= data.length)) return undefined;
      sets.push(data.subarray(start, at));
    }
    return sets;
  };
  const sps = list(31);
  if (sps !== undefined && at >= data.length) return 'an AVC configuration ends before its picture parameter sets';
  const pps = sps === undefined ? undefined : list(255);
  if (sps === undefined || pps === undefined) return 'an AVC configuration ends within a parameter set';
  const lengthSize = (data[4]! & 3) + 1;
  return { profile: data[1]!, compatibility: data[2]!, level: data[3]!, lengthSize, sps, pps };
}

/**
 * The same with an error.
 *
 * @throws CodecDataError when it is none, or is cut short
 */
export function parseAvcC(data: Uint8Array): AvcConfig {
  const config = readAvcC(data);
  if (typeof config === 'string') throw new CodecDataError(config);
  return config;
}

/**
 * Builds an AVCDecoderConfigurationRecord from parameter sets (NAL units without start code).
 *
 * @param lengthSize width of the length before each NAL unit of a frame: 1, 2 or 4 bytes
 * @throws CodecDataError when there is no sequence parameter set, or one is invalid or too many or too long
 */
export function writeAvcC(sps: readonly Uint8Array[], pps: readonly Uint8Array[], lengthSize = 4): Uint8Array {
  const first = sps[0];
  if (first === undefined) throw new CodecDataError('there is no sequence parameter set');
  const { profile, compatibility, level, chromaFormat, bitDepthLuma, bitDepthChroma } = parseH264Sps(first);
  if (sps.length > 31 || pps.length > 255) throw new CodecDataError('too many parameter sets');
  const bytes = [1, profile, compatibility, level, 0xfc | (lengthSize - 1)];
  bytes.push(0xe0 | sps.length);
  for (const set of sps) pushSet(bytes, set);
  bytes.push(pps.length);
  for (const set of pps) pushSet(bytes, set);
  if (hasChromaInfo(profile)) {
    bytes.push(0xfc | chromaFormat, 0xf8 | (bitDepthLuma - 8), 0xf8 | (bitDepthChroma - 8), 0);
  }
  return Uint8Array.from(bytes);
}

/** Adds a parameter set behind its 16-bit length. */
export function pushSet(bytes: number[], set: Uint8Array): void {
  if (set.length > 0xffff) throw new CodecDataError(`a parameter set of ${set.length} bytes`);
  bytes.push(set.length >> 8, set.length & 255);
  for (const byte of set) bytes.push(byte);
}

/**
 * Reads a sequence parameter set. Its VUI has only hints: as far as they cannot be read, they count as not said.
 *
 * @param nal the NAL unit, without length or start code
 * @throws CodecDataError when it is none, or is cut short before the VUI
 */
export function parseH264Sps(nal: Uint8Array): H264Sps {
  if ((nal[0]! & 31) !== 7) throw new CodecDataError('no H.264 sequence parameter set');
  const r = new BitReader(nal, 1, true);
  const profile = r.bits(8);
  const compatibility = r.bits(8);
  const level = r.bits(8);
  r.ue();
  let chromaFormat = 1;
  let bitDepthLuma = 8;
  let bitDepthChroma = 8;
  let separatePlanes = 0;
  // The profiles before High, whose parameter sets have no chroma format: Baseline, Main, Extended.
  if (profile !== 66 && profile !== 77 && profile !== 88) {
    chromaFormat = atMost(r.ue(), 3, 'chroma format');
    if (chromaFormat === 3) separatePlanes = r.bit();
    bitDepthLuma = 8 + atMost(r.ue(), 6, 'bit depth');
    bitDepthChroma = 8 + atMost(r.ue(), 6, 'bit depth');
    r.bit();
    if (r.bit() === 1) {
      const lists = chromaFormat === 3 ? 12 : 8;
      for (let i = 0; i < lists; i++) if (r.bit() === 1) skipScalingList(r, i < 6 ? 16 : 64);
    }
  }
  r.ue();
  const orderType = r.ue();
  if (orderType === 0) {
    r.ue();
  } else if (orderType === 1) {
    r.bit();
    r.se();
    r.se();
    for (let count = atMost(r.ue(), 255, 'picture order cycle'); count > 0; count--) r.se();
  }
  r.ue();
  r.bit();
  const widthInMacroblocks = r.ue() + 1;
  const heightInMapUnits = r.ue() + 1;
  const framesOnly = r.bit();
  if (framesOnly === 0) r.bit();
  r.bit();
  let cropX = 0;
  let cropY = 0;
  if (r.bit() === 1) {
    cropX = r.ue() + r.ue();
    cropY = r.ue() + r.ue();
  }
  const subsampled = separatePlanes === 0 ? chromaFormat : 0;
  const width = widthInMacroblocks * 16 - cropX * (subsampled === 1 || subsampled === 2 ? 2 : 1);
  const height = (2 - framesOnly) * (heightInMapUnits * 16 - cropY * (subsampled === 1 ? 2 : 1));
  if (!(width > 0 && height > 0 && width <= 0xffff && height <= 0xffff)) {
    throw new CodecDataError(`a picture of ${width} by ${height}`);
  }
  const hints: VuiHints = { maxReorder: undefined, pixelAspect: undefined };
  const hintsRead = readHints(() => {
    if (r.bit() === 1) readVui(r, hints);
  });
  const maxReorder = hints.maxReorder ?? (orderType === 2 ? 0 : undefined);
  const { pixelAspect } = hints;
  return {
    profile,
    compatibility,
    level,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    width,
    height,
    maxReorder,
    pixelAspect,
    hintsRead,
  };
}

/** What of the VUI parameters is used here. */
interface VuiHints {
  maxReorder: number | undefined;
  pixelAspect: PixelAspect | undefined;
}

/** Reads what pictures can be decoded without: what was read before it breaks off stays. Tells whether it did not break off. */
export function readHints(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof CodecDataError) return false;
    throw error;
  }
}

/** aspect_ratio_idc 1 to 16 (H.264 table E-1, H.265 table E.1). */
const PIXEL_ASPECTS: readonly PixelAspect[] = [
  [1, 1],
  [12, 11],
  [10, 11],
  [16, 11],
  [40, 33],
  [24, 11],
  [20, 11],
  [32, 11],
  [80, 33],
  [18, 11],
  [15, 11],
  [64, 33],
  [160, 99],
  [4, 3],
  [3, 2],
  [2, 1],
];

/** Reads the shape of a pixel, which the VUI parameters of H.264 and H.265 begin with. */
export function readPixelAspect(r: BitReader): PixelAspect | undefined {
  if (r.bit() === 0) return undefined;
  const id = r.bits(8);
  if (id !== 255) return PIXEL_ASPECTS[id - 1];
  const width = r.bits(16);
  const height = r.bits(16);
  return width > 0 && height > 0 ? [width, height] : undefined;
}

/** Reads the VUI parameters (H.264 annex E) as far as max_num_reorder_frames. */
function readVui(r: BitReader, hints: VuiHints): void {
  hints.pixelAspect = readPixelAspect(r);
  if (r.bit() === 1) r.skip(1);
  if (r.bit() === 1) {
    r.skip(4);
    if (r.bit() === 1) r.skip(24);
  }
  if (r.bit() === 1) {
    r.ue();
    r.ue();
  }
  if (r.bit() === 1) r.skip(65);
  const nalHrd = skipHrd(r);
  if (skipHrd(r) || nalHrd) r.skip(1);
  r.skip(1);
  if (r.bit() === 0) return;
  r.skip(1);
  for (let i = 0; i < 4; i++) r.ue();
  hints.maxReorder = atMost(r.ue(), 16, 'number of reordered frames');
}

function skipHrd(r: BitReader): boolean {
  if (r.bit() === 0) return false;
  const count = atMost(r.ue(), 31, 'number of buffers') + 1;
  r.skip(8);
  for (let i = 0; i < count; i++) {
    r.ue();
    r.ue();
    r.skip(1);
  }
  r.skip(20);
  return true;
}

function skipScalingList(r: BitReader, size: number): void {
  let last = 8;
  for (let i = 0, next = 8; i < size; i++) {
    if (next !== 0) next = (last + r.se() + 256) % 256;
    if (next !== 0) last = next;
  }
}

/** @throws CodecDataError when the value is more than the standard allows */
export function atMost(value: number, limit: number, what: string): number {
  if (value > limit) throw new CodecDataError(`${what}: ${value} is more than ${limit}`);
  return value;
}
