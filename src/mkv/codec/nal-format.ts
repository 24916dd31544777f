import { sameBytes } from '../../ebml/bytes.js';
import { BitReader } from './bit-reader.js';
import { CodecDataError } from './codec-error.js';
import { eachNal, isAnnexB, type NalCodec, nalKind } from './nal.js';
import type { NalConfig } from './nal-config.js';

/** Parameter sets, NAL units without length or start code; `vps` is empty for H.264. */
export type ParameterSets = Pick<NalConfig, 'vps' | 'sps' | 'pps'>;

/** What the NAL units of a frame come to, up to its first slice. */
export interface AccessUnitLook {
  /** Whether it has a slice of a picture. */
  readonly picture: boolean;
  /** Whether decoding can start here: an IDR picture of H.264 or one that its SEI says so of, an IRAP picture of H.265. */
  readonly key: boolean;
  /** How many frames after it pictures are right, by H.264's recovery point; `undefined` where there is none. */
  readonly recovery: number | undefined;
  /** Whether its first slice begins a picture, rather than going on with one. */
  readonly beginsPicture: boolean;
}

/** The same, and how the NAL units are stored. */
export interface NalLook extends AccessUnitLook {
  /** Width of the length before each NAL unit, 1 to 4 bytes; 0 for Annex B. */
  readonly lengthSize: number;
  /** The parameter sets before the first slice, as views; `undefined` where there are none. */
  readonly sets: ParameterSets | undefined;
  /** Where its first slice begins, behind its length or start code; 0 where it has none. */
  readonly sliceStart: number;
}

/** The lengths that frames have, the usual ones first. Lengths of one byte add up by chance, so they must have been said. */
const LENGTH_SIZES = [4, 2, 3];
/** Width of the lengths of frames that nothing says them of. */
export const USUAL_LENGTH_SIZE = 4;

/**
 * How the NAL units of a frame are really stored. Producers convert frames and CodecPrivate each by itself, or not, so one does not tell the
 * other.
 *
 * @param data the frame
 * @param said what CodecPrivate says: width of the lengths, 0 for Annex B
 * @returns width of the lengths, 0 for Annex B; `undefined` when it is neither
 */
export function storedLengthSize(data: Uint8Array, said: number): number | undefined {
  // A length from 256 to 511 looks like a start code; that lengths add up by chance is what does not happen.
  if (said > 0 && addsUp(data, said)) return said;
  if (said !== USUAL_LENGTH_SIZE && addsUp(data, USUAL_LENGTH_SIZE)) return USUAL_LENGTH_SIZE;
  if (isAnnexB(data)) return 0;
  return LENGTH_SIZES.find((size) => size !== said && addsUp(data, size));
}

/**
 * How the NAL units of a frame are stored whose track's frames are known: as they are, unless it cannot be. In Annex B, a start code may pass
 * for a length by chance.
 *
 * @param known how those before are stored: width of the lengths, 0 for Annex B
 */
export function knownLengthSize(data: Uint8Array, known: number): number {
  return known === 0 && isAnnexB(data) ? 0 : (storedLengthSize(data, known) ?? known);
}

/**
 * As {@link storedLengthSize}, from the first bytes of a frame where they are enough.
 *
 * @param head at least the first 16 bytes of it
 * @param size of the frame, in bytes
 * @param whole gives all of it
 */
export function lengthSizeOfHead(
  head: Uint8Array,
  size: number,
  said: number,
  whole: () => Uint8Array,
): number | undefined {
  if (head.length >= size) return storedLengthSize(head, said);
  const expected = said === 0 ? USUAL_LENGTH_SIZE : said;
  const isPlausible = reachOf(head, size, expected) !== 'no';
  if (isAnnexB(head)) {
    const mayHaveLengths =
      isPlausible || (expected !== USUAL_LENGTH_SIZE && reachOf(head, size, USUAL_LENGTH_SIZE) !== 'no');
    return mayHaveLengths ? storedLengthSize(whole(), said) : 0;
  }
  return isPlausible
    ? expected
    : LENGTH_SIZES.find((other) => other !== expected && reachOf(head, size, other) === 'all');
}

function addsUp(data: Uint8Array, lengthSize: number): boolean {
  return reachOf(data, data.length, lengthSize) === 'all';
}

/** Whether the lengths in the head of a frame add up to all of it, go on behind the head, or do neither. */
function reachOf(head: Uint8Array, size: number, lengthSize: number): 'all' | 'so far' | 'no' {
  let units = 0;
  let at = 0;
  while (at < head.length) {
    let length = 0;
    const start = at + lengthSize;
    for (; at < start && at < head.length; at++) length = length * 256 + head[at]!;
    if (at < start) {
      // The rest of a length lies behind the head; at the end of a frame zeros may be left.
      if (head.length < size) return 'so far';
      return length === 0 && units > 0 ? 'all' : 'no';
    }
    // The first bit of every NAL unit is 0.
    if (start + length > size || (length > 0 && start < head.length && head[start]! >= 0x80)) return 'no';
    if (length > 0) units++;
    at = start + length;
  }
  return units === 0 ? 'no' : at === size ? 'all' : 'so far';
}

/**
 * Looks at the beginning of a frame: how its NAL units are stored, and which parameter sets stand before its first slice.
 *
 * @param head its first bytes
 * @param size its length, in bytes
 * @param said what CodecPrivate says: width of the lengths, 0 for Annex B
 * @param whole gives all of it, for where the head is not enough
 * @returns `undefined` when it does not consist of NAL units
 */
export function lookAtNals(
  codec: NalCodec,
  head: Uint8Array,
  size: number,
  said: number,
  whole: () => Uint8Array,
): NalLook | undefined {
  const lengthSize = lengthSizeOfHead(head, size, said, whole);
  if (lengthSize === undefined) return undefined;
  return (
    walk(codec, head, size, lengthSize, true) ??
    walk(codec, whole(), size, lengthSize, true) ?? { ...NO_PICTURE, lengthSize, sets: undefined, sliceStart: 0 }
  );
}

/**
 * Looks at the NAL units of a frame up to its first slice.
 *
 * @param head its first bytes
 * @param size its length, in bytes
 * @param lengthSize how they are stored; 0 for Annex B
 * @param whole gives all of it, for where the head is not enough
 */
export function lookAtAccessUnit(
  codec: NalCodec,
  head: Uint8Array,
  size: number,
  lengthSize: number,
  whole: () => Uint8Array,
): AccessUnitLook {
  return walk(codec, head, size, lengthSize, false) ?? walk(codec, whole(), size, lengthSize, false) ?? NO_PICTURE;
}

const NO_PICTURE = { picture: false, key: false, recovery: undefined, beginsPicture: false };

/** More are not looked at: a frame has a few. */
const MOST_UNITS = 300;

/** @returns `undefined` when the head ends before the first slice begins */
function walk(
  codec: NalCodec,
  head: Uint8Array,
  size: number,
  lengthSize: number,
  collects: boolean,
): NalLook | undefined {
  const found: ParameterSets & Record<'vps' | 'sps' | 'pps', Uint8Array[]> = { vps: [], sps: [], pps: [] };
  let sets: ParameterSets | undefined;
  let recovery: number | undefined;
  const isWhole = head.length >= size;
  let at = 0;
  for (let count = 0; count < MOST_UNITS; count++) {
    let start = at + lengthSize;
    let end = head.length;
    if (lengthSize === 0) start = afterStartCode(head, at);
    if (start >= head.length) break;
    if (lengthSize > 0) {
      let length = 0;
      for (let i = at; i < start; i++) length = length * 256 + head[i]!;
      end = start + length;
      if (length === 0) {
        at = end;
        continue;
      }
    }
    const kind = nalKind(codec, head[start]!);
    if (kind === 'slice' || kind === 'key') {
      const first = head[start + (codec === 'h264' ? 1 : 2)];
      if (first === undefined && !isWhole) return undefined;
      const key = kind === 'key' || recovery === 0;
      return {
        picture: true,
        key,
        recovery,
        beginsPicture: (first ?? 0x80) >= 0x80,
        lengthSize,
        sets,
        sliceStart: start,
      };
    }
    if (lengthSize === 0) {
      const next = afterStartCode(head, start);
      if (next >= head.length && !isWhole) return undefined;
      end = next >= head.length ? head.length : next - 3;
    } else if (end > head.length && !isWhole) return undefined;
    at = end;
    end = Math.min(end, head.length);
    if (kind === 'other') {
      if (isSei(codec, head[start]!)) recovery ??= recoveryPoint(head, start + 1, end);
    } else if (collects) {
      while (lengthSize === 0 && end > start && head[end - 1] === 0) end--;
      if (end > start) {
        found[kind].push(head.subarray(start, end));
        sets = found;
      }
    }
  }
  return isWhole ? { ...NO_PICTURE, recovery, lengthSize, sets, sliceStart: 0 } : undefined;
}

/** The position after the next start code; the length of the data when there is none. */
function afterStartCode(data: Uint8Array, from: number): number {
  for (let i = from + 2; i < data.length; i++) {
    if (data[i]! > 1) i += 2;
    else if (data[i] === 1 && data[i - 1] === 0 && data[i - 2] === 0) return i + 1;
  }
  return data.length;
}

const isSei = (codec: NalCodec, firstByte: number) => codec === 'h264' && (firstByte & 31) === 6;

const RECOVERY_POINT = 6;

/** recovery_frame_cnt of a recovery point SEI message (H.264 section D.1.8); `undefined` when there is none. */
function recoveryPoint(data: Uint8Array, start: number, end: number): number | undefined {
  for (let at = start; at + 2 < end; ) {
    let type = 0;
    let size = 0;
    for (; at < end && data[at] === 255; at++) type += 255;
    type += data[at++] ?? 0;
    for (; at < end && data[at] === 255; at++) size += 255;
    size += data[at++] ?? 0;
    if (type === RECOVERY_POINT && at < end) {
      try {
        return new BitReader(data.subarray(at, end), 0, true).ue();
      } catch (error) {
        if (error instanceof CodecDataError) return undefined;
        throw error;
      }
    }
    at += size;
  }
  return undefined;
}

/** Parameter sets that frames brought, and those of CodecPrivate that they leave: the newer ones first, of each number one. */
export function mergeSets(codec: NalCodec, stored: ParameterSets, own: ParameterSets | undefined): ParameterSets {
  if (own === undefined) return stored;
  if (own.sps.length > 0) {
    return {
      vps: own.vps.length > 0 ? own.vps : stored.vps,
      sps: own.sps,
      pps: own.pps.length > 0 ? own.pps : stored.pps,
    };
  }
  const number = (pps: Uint8Array) => ppsNumber(codec, pps);
  const replaced = new Set(own.pps.map(number));
  return {
    vps: own.vps.length > 0 ? own.vps : stored.vps,
    sps: stored.sps,
    pps: [...own.pps, ...stored.pps.filter((pps) => !replaced.has(number(pps)))],
  };
}

/** pic_parameter_set_id, or the whole set as text where it is too short to have one. */
function ppsNumber(codec: NalCodec, pps: Uint8Array): number {
  try {
    return new BitReader(pps, codec === 'h264' ? 1 : 2, true).ue();
  } catch {
    return -1;
  }
}

const MOST_COMPARED = 512;

/** Whether all of the sets are among the others. */
export function hasSets(all: ParameterSets, some: ParameterSets): boolean {
  // More than a decoder can tell apart are not gone through for every key frame.
  if (all.vps.length + all.sps.length + all.pps.length > MOST_COMPARED) return false;
  const within = (a: readonly Uint8Array[], b: readonly Uint8Array[]) =>
    b.every((set) => a.some((other) => sameBytes(other, set)));
  return within(all.vps, some.vps) && within(all.sps, some.sps) && within(all.pps, some.pps);
}

/** Whether every byte of a frame is of a NAL unit or its length: nothing has to be left out for a decoder. */
export function isTight(data: Uint8Array, lengthSize: number): boolean {
  let used = 0;
  eachNal(data, lengthSize, (start, end) => {
    used += lengthSize + end - start;
  });
  return used === data.length;
}
