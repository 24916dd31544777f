import { BitReader } from './bit-reader.js';
import { CodecDataError } from './codec-error.js';

/** Fewer samples do not tell sound from chance. */
const FEWEST_SAMPLES = 40;
/** The root of the mean square of 16 random bits. */
const RANDOM_LEVEL = 18918;

/**
 * Whether bytes look like samples of 16 bits, little-endian: compressed sound looks like random numbers, which are as loud as can be and have
 * nothing to do with their neighbours; samples of a voice, a tone or of silence have.
 */
export function looksLikePcm(data: Uint8Array): boolean {
  const count = data.length >> 1;
  if (data.length % 2 !== 0 || count < FEWEST_SAMPLES) return false;
  let square = 0;
  // Neighbours at a distance of one and of two samples: for one channel, and for two.
  const products = [0, 0];
  let last = 0;
  let lastButOne = 0;
  for (let i = 0; i < data.length; i += 2) {
    const sample = ((data[i]! | (data[i + 1]! << 8)) << 16) >> 16;
    square += sample * sample;
    products[0]! += sample * last;
    products[1]! += sample * lastButOne;
    lastButOne = last;
    last = sample;
  }
  if (Math.sqrt(square / count) < 0.7 * RANDOM_LEVEL) return true;
  // Six times what chance comes to.
  const chance = 6 / Math.sqrt(count);
  return products.some((product) => Math.abs(product) / square > Math.max(0.3, chance));
}

/** The most bytes that a frame of AAC takes for each channel (ISO/IEC 14496-3 section 4.5.3.1). */
const LARGEST_CHANNEL = 768;
/** Scale factor bands of a long window and of a short one, by the index of the sampling frequency (ISO/IEC 14496-3 section 4.5.4). */
const LONG_BANDS = [41, 41, 47, 49, 49, 51, 47, 47, 43, 43, 43, 40, 40];
const SHORT_BANDS = [12, 12, 12, 14, 14, 14, 15, 15, 15, 15, 15, 15, 15];
const EIGHT_SHORT = 2;

/**
 * Whether bytes may be a raw_data_block of AAC (ISO/IEC 14496-3 section 4.4.2.1), as far as can be told without its code books: the first
 * channel's sections must add up, and the last bits that are set must be those of the end.
 *
 * @param channels how many it has; `undefined` where it is not known
 */
export function mayBeAac(data: Uint8Array, channels: number | undefined, frequencyIndex: number): boolean {
  if (data.length > LARGEST_CHANNEL * (channels ?? 8) || !endsLikeAac(data)) return false;
  try {
    return beginsLikeAac(new BitReader(data), frequencyIndex);
  } catch (error) {
    if (error instanceof CodecDataError) return false;
    throw error;
  }
}

/** ID_END, three ones, and zeros up to the end of the byte; behind it at most more zeros. */
function endsLikeAac(data: Uint8Array): boolean {
  let end = data.length;
  while (end > 0 && data[end - 1] === 0) end--;
  if (end === 0) return false;
  const tail = ((data[end - 2] ?? 0) << 8) | data[end - 1]!;
  let shift = 0;
  while (((tail >> shift) & 1) === 0) shift++;
  return ((tail >> shift) & 7) === 7;
}

function beginsLikeAac(r: BitReader, frequencyIndex: number): boolean {
  for (let silent = 0; ; ) {
    const id = r.bits(3);
    // A frame of nothing, and one that begins with the list of its channels: both are rare, so little of chance may pass for them.
    if (id === 7) return r.remaining < 64;
    if (id === 6) {
      const count = r.bits(4);
      r.skip(8 * (count === 15 ? 14 + r.bits(8) : count));
    } else if (id === 4) {
      r.skip(4);
      const align = r.bit();
      const count = r.bits(8);
      const size = count === 255 ? 255 + r.bits(8) : count;
      if (align === 1) r.skip(r.remaining % 8);
      r.skip(8 * size);
    } else if (id === 0 || id === 3) {
      r.skip(4);
      const bands = sectionsAddUp(r, readInfo, frequencyIndex);
      if (bands !== 0) return bands !== undefined;
      // A channel of silence, which a row of zeros passes for: no pulses, no shaping of noise, no gain, and no second one like it.
      if (r.bits(3) !== 0 || ++silent > 1) return false;
    } else if (id === 1) {
      r.skip(4);
      if (r.bit() === 0) return sectionsAddUp(r, readInfo, frequencyIndex) !== undefined;
      const info = readInfo(r);
      if (info === undefined) return false;
      const mask = r.bits(2);
      if (mask === 3) return false;
      if (mask === 1) r.skip(info.groups * info.bands);
      return sectionsAddUp(r, () => info, frequencyIndex) !== undefined;
    } else if (id === 5) {
      r.skip(6);
      return r.bits(4) === frequencyIndex;
    } else return false;
  }
}

interface StreamInfo {
  readonly short: boolean;
  readonly groups: number;
  readonly bands: number;
}

/** ics_info; `undefined` when its reserved bit is set. */
function readInfo(r: BitReader): StreamInfo | undefined {
  if (r.bit() === 1) return undefined;
  const short = r.bits(2) === EIGHT_SHORT;
  r.skip(1);
  if (!short) {
    const bands = r.bits(6);
    // Prediction is for other profiles than those that are sent.
    return r.bit() === 1 ? undefined : { short, groups: 1, bands };
  }
  const bands = r.bits(4);
  let groups = 1;
  for (let i = 0; i < 7; i++) groups += 1 - r.bit();
  return { short, groups, bands };
}

/** How many scale factor bands a channel has; `undefined` when its sections do not add up to them. */
function sectionsAddUp(
  r: BitReader,
  info: (r: BitReader) => StreamInfo | undefined,
  frequencyIndex: number,
): number | undefined {
  r.skip(8);
  const stream = info(r);
  if (stream === undefined) return undefined;
  const { short, groups, bands } = stream;
  if (bands > ((short ? SHORT_BANDS : LONG_BANDS)[frequencyIndex] ?? 51)) return undefined;
  const bits = short ? 3 : 5;
  const most = (1 << bits) - 1;
  for (let group = 0; group < groups; group++) {
    for (let band = 0; band < bands; ) {
      if (r.bits(4) === 12) return undefined;
      let length = 0;
      for (let more = most; more === most; length += more) more = r.bits(bits);
      band += length;
      if (length === 0 || band > bands) return undefined;
    }
  }
  return bands;
}
