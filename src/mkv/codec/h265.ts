import { BitReader } from './bit-reader.js';
import { CodecDataError } from './codec-error.js';
import { atMost, type PixelAspect, pushSet, readHints, readPixelAspect } from './h264.js';

/** General profile, tier and level (H.265 section 7.3.3). */
export interface H265Profile {
  /** general_profile_space, 0 to 3. */
  readonly profileSpace: number;
  /** general_tier_flag. */
  readonly tier: number;
  /** general_profile_idc. */
  readonly profile: number;
  /** general_profile_compatibility_flags, 32 bits. */
  readonly compatibility: number;
  /** The 48 bits of constraint flags that follow, in 6 bytes. */
  readonly constraints: readonly number[];
  /** general_level_idc: 30 times the level. */
  readonly level: number;
}

/** An HEVCDecoderConfigurationRecord ("HVCC", ISO/IEC 14496-15 section 8.3.3). The parameter sets are views. */
export interface HevcConfig extends H265Profile {
  /** Width of the length before each NAL unit of a frame: 1, 2 or 4 bytes. */
  readonly lengthSize: number;
  /** NAL units, without length or start code. */
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** What a sequence parameter set says (H.265 section 7.3.2.2). */
export interface H265Sps extends H265Profile {
  /** sps_max_sub_layers_minus1 + 1. */
  readonly temporalLayers: number;
  /** sps_temporal_id_nesting_flag. */
  readonly temporalNesting: number;
  /** 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** Of the picture within the conformance window, in pixels. */
  readonly width: number;
  readonly height: number;
  /** How many pictures may come before a picture in decoding order and after it in output; `undefined` when that is not said. */
  readonly maxReorder: number | undefined;
  /** The shape of a pixel; `undefined` when it is not said. */
  readonly pixelAspect: PixelAspect | undefined;
  /** Whether the hints at its end could all be read. */
  readonly hintsRead: boolean;
}

function readProfile(r: BitReader): Omit<H265Profile, 'level'> {
  return {
    profileSpace: r.bits(2),
    tier: r.bit(),
    profile: r.bits(5),
    compatibility: r.bits(32),
    constraints: Array.from({ length: 6 }, () => r.bits(8)),
  };
}

/**
 * Reads an HEVCDecoderConfigurationRecord.
 *
 * @returns what is wrong when it is none, or is cut short
 */
export function readHvcC(data: Uint8Array): HevcConfig | string {
  if (data.length < 23 || data[0] !== 1) return 'no HEVC configuration of version 1';
  const r = new BitReader(data, 1);
  const profile = readProfile(r);
  const level = r.bits(8);
  const sets: Uint8Array[][] = [[], [], []];
  let at = 23;
  for (let arrays = data[22]!; arrays > 0; arrays--) {
    const type = (data[at]! & 63) - 32;
    let count = data[at + 1]! * 256 + data[at + 2]!;
    at += 3;
    if (!(at <= data.length)) return 'an HEVC configuration ends early';
    for (; count > 0; count--) {
      const start = at + 2;
      at = start + data[at]! * 256 + data[at + 1]!;
      if (!(at > start && at <= data.length)) return 'an HEVC configuration ends within a parameter set';
      sets[type]?.push(data.subarray(start, at));
    }
  }
  const [vps = [], sps = [], pps = []] = sets;
  return { ...profile, level, lengthSize: (data[21]! & 3) + 1, vps, sps, pps };
}

/**
 * The same with an error.
 *
 * @throws CodecDataError when it is none, or is cut short
 */
export function parseHvcC(data: Uint8Array): HevcConfig {
  const config = readHvcC(data);
  if (typeof config === 'string') throw new CodecDataError(config);
  return config;
}

/**
 * Builds an HEVCDecoderConfigurationRecord from parameter sets (NAL units without start code).
 *
 * @param lengthSize width of the length before each NAL unit of a frame: 1, 2 or 4 bytes
 * @throws CodecDataError when there is no sequence parameter set, or one is invalid or too long
 */
export function writeHvcC(
  vps: readonly Uint8Array[],
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
  lengthSize = 4,
): Uint8Array {
  const first = sps[0];
  if (first === undefined) throw new CodecDataError('there is no sequence parameter set');
  const s = parseH265Sps(first);
  // 0 where the standard has a value for "not known": segmentation, parallelism and frame rate. biome-ignore format: one field a line
  const bytes = [
    1,
    (s.profileSpace << 6) | (s.tier << 5) | s.profile,
    ...[24, 16, 8, 0].map((shift) => (s.compatibility >>> shift) & 255),
    ...s.constraints,
    s.level,
    0xf0,
    0,
    0xfc,
    0xfc | s.chromaFormat,
    0xf8 | (s.bitDepthLuma - 8),
    0xf8 | (s.bitDepthChroma - 8),
    0,
    0,
    (s.temporalLayers << 3) | (s.temporalNesting << 2) | (lengthSize - 1),
  ];
  const lists = [vps, sps, pps]
    .map((sets, index) => ({ sets, type: 32 + index }))
    .filter(({ sets }) => sets.length > 0);
  bytes.push(lists.length);
  for (const { sets, type } of lists) {
    // 0x80: all sets of the type are here, none comes in the frames alone, which is what "hvc1" promises.
    bytes.push(0x80 | type, sets.length >> 8, sets.length & 255);
    for (const set of sets) pushSet(bytes, set);
  }
  return Uint8Array.from(bytes);
}

/**
 * Reads a sequence parameter set, as far as the shape of a pixel. What follows the bit depths is only hints here: as far as they cannot be
 * read, they count as not said.
 *
 * @param nal the NAL unit, without length or start code
 * @throws CodecDataError when it is none, or is cut short before that
 */
export function parseH265Sps(nal: Uint8Array): H265Sps {
  if (((nal[0]! >> 1) & 63) !== 33) throw new CodecDataError('no H.265 sequence parameter set');
  const r = new BitReader(nal, 2, true);
  r.skip(4);
  const subLayers = atMost(r.bits(3), 6, 'number of temporal layers');
  const temporalNesting = r.bit();
  const profile = readProfile(r);
  const level = r.bits(8);
  const present = Array.from({ length: subLayers > 0 ? 8 : 0 }, () => r.bits(2)).slice(0, subLayers);
  for (const flags of present) r.skip((flags & 2) * 44 + (flags & 1) * 8);
  r.ue();
  const chromaFormat = atMost(r.ue(), 3, 'chroma format');
  const separatePlanes = chromaFormat === 3 ? r.bit() : 0;
  let width = r.ue();
  let height = r.ue();
  if (r.bit() === 1) {
    const subsampled = separatePlanes === 0 ? chromaFormat : 0;
    width -= (r.ue() + r.ue()) * (subsampled === 1 || subsampled === 2 ? 2 : 1);
    height -= (r.ue() + r.ue()) * (subsampled === 1 ? 2 : 1);
  }
  if (!(width > 0 && height > 0 && width <= 0xffff && height <= 0xffff)) {
    throw new CodecDataError(`a picture of ${width} by ${height}`);
  }
  const bitDepthLuma = 8 + atMost(r.ue(), 8, 'bit depth');
  const bitDepthChroma = 8 + atMost(r.ue(), 8, 'bit depth');
  const hints: SpsHints = { maxReorder: undefined, pixelAspect: undefined };
  const hintsRead = readHints(() => readSpsHints(r, subLayers, hints));
  return {
    ...profile,
    level,
    temporalLayers: subLayers + 1,
    temporalNesting,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    width,
    height,
    ...hints,
    hintsRead,
  };
}

interface SpsHints {
  maxReorder: number | undefined;
  pixelAspect: PixelAspect | undefined;
}

function readSpsHints(r: BitReader, subLayers: number, hints: SpsHints): void {
  const orderBits = 4 + atMost(r.ue(), 12, 'bits of the picture order');
  let reorder = 0;
  // The last layer's is the whole stream's; without the flag there is only that one.
  for (let i = r.bit() === 1 ? 0 : subLayers; i <= subLayers; i++) {
    r.ue();
    reorder = r.ue();
    r.ue();
  }
  if (reorder <= 16) hints.maxReorder = reorder;
  for (let i = 0; i < 6; i++) r.ue();
  if (r.bit() === 1 && r.bit() === 1) skipScalingLists(r);
  r.skip(2);
  if (r.bit() === 1) {
    r.skip(8);
    r.ue();
    r.ue();
    r.skip(1);
  }
  skipPictureSets(r);
  if (r.bit() === 1) {
    const count = atMost(r.ue(), 32, 'number of long-term pictures');
    r.skip(count * (orderBits + 1));
  }
  r.skip(2);
  if (r.bit() === 1) hints.pixelAspect = readPixelAspect(r);
}

/** Passes over scaling_list_data (H.265 section 7.3.4). */
function skipScalingLists(r: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (r.bit() === 0) {
        r.ue();
        continue;
      }
      if (size > 1) r.se();
      for (let i = Math.min(64, 1 << (4 + 2 * size)); i > 0; i--) r.se();
    }
  }
}

/** Passes over the short-term reference picture sets (H.265 section 7.3.7). */
function skipPictureSets(r: BitReader): void {
  const count = atMost(r.ue(), 64, 'number of reference picture sets');
  /** How many pictures the set before has. */
  let pictures = 0;
  for (let index = 0; index < count; index++) {
    if (index > 0 && r.bit() === 1) {
      r.skip(1);
      r.ue();
      let kept = 0;
      for (let i = 0; i <= pictures; i++) {
        const used = r.bit();
        // use_delta_flag is taken to be set where it does not stand.
        if (used === 1 || r.bit() === 1) kept++;
      }
      pictures = kept;
      continue;
    }
    pictures = atMost(r.ue(), 16, 'number of reference pictures') + atMost(r.ue(), 16, 'number of reference pictures');
    for (let i = 0; i < pictures; i++) {
      r.ue();
      r.skip(1);
    }
  }
}
