import { count } from '../../ebml/plural.js';
import { CodecDataError, type CodecErrorCode } from './codec-error.js';

/** A codec whose frames consist of NAL units. */
export type NalCodec = 'h264' | 'h265';

/** What a NAL unit is to somebody who only passes it on. `key` is a slice of a picture that decoding can start at. */
export type NalKind = 'vps' | 'sps' | 'pps' | 'key' | 'slice' | 'other';

const H265_PARAMETER_SETS = ['vps', 'sps', 'pps'] as const;

/** The kind of a NAL unit by its first byte (H.264 table 7-1; H.265 table 7-1: a key is any IRAP picture). */
export function nalKind(codec: NalCodec, firstByte: number): NalKind {
  if (codec === 'h264') {
    const type = firstByte & 31;
    if (type === 5) return 'key';
    if (type > 0 && type < 5) return 'slice';
    return type === 7 ? 'sps' : type === 8 ? 'pps' : 'other';
  }
  const type = (firstByte >> 1) & 63;
  if (type < 32) return type > 15 && type < 24 ? 'key' : 'slice';
  return H265_PARAMETER_SETS[type - 32] ?? 'other';
}

/** Whether the bytes begin with a start code (H.264 annex B): two zeros or more, which may stand before the first one, and a 1. */
export function isAnnexB(data: Uint8Array): boolean {
  let at = 0;
  while (data[at] === 0) at++;
  return at >= 2 && data[at] === 1;
}

/**
 * Calls `visit` with the place of every NAL unit of a frame, in order, without copying. Units of no bytes are left out, and so are zeros
 * before the first start code and behind the last unit.
 *
 * @param lengthSize width of the length before each unit in bytes, 1 to 4; 0 for Annex B, with start codes of 3 bytes and more
 * @param code what an error is called
 * @throws CodecDataError when the lengths do not add up to the data's, or data in Annex B does not begin with a start code
 */
export function eachNal(
  data: Uint8Array,
  lengthSize: number,
  visit: (start: number, end: number) => void,
  code: CodecErrorCode = 'InvalidMediaFrame',
): void {
  const size = data.length;
  if (lengthSize === 0) {
    let start = startCode(data, 0);
    if (size > 0 && !isAnnexB(data)) throw new CodecDataError('no start code at the beginning', code);
    while (start < size) {
      const next = startCode(data, start);
      let end = next < size || isStartCode(data, size - 3) ? next - 3 : size;
      // What stands before a start code of 4 bytes, and what may follow a unit (trailing_zero_8bits): no unit ends in a zero.
      while (end > start && data[end - 1] === 0) end--;
      if (end > start) visit(start, end);
      start = next;
    }
    return;
  }
  let at = 0;
  let found = false;
  while (at < size) {
    const start = at + lengthSize;
    let length = 0;
    for (; at < start; at++) length = length * 256 + (data[at] ?? 0);
    at += length;
    if (at > size) {
      // Some encoders fill frames up with zeros, also with fewer than a length has bytes.
      if (length === 0 && found) return;
      throw new CodecDataError(
        `a NAL unit of ${count(length, 'byte')} ends ${count(at - size, 'byte')} behind the end`,
        code,
      );
    }
    if (length === 0) continue;
    found = true;
    visit(start, at);
  }
}

/** The NAL units of a frame, as views. Throws as {@link eachNal}. */
export function splitNals(data: Uint8Array, lengthSize: number, code?: CodecErrorCode): Uint8Array[] {
  const units: Uint8Array[] = [];
  eachNal(data, lengthSize, (start, end) => units.push(data.subarray(start, end)), code);
  return units;
}

/**
 * Puts NAL units behind each other in a new array.
 *
 * @param lengthSize width of the length before each unit, 1 to 4 bytes; 0 for start codes of 4 bytes
 * @throws CodecDataError when a unit is too long for the width
 */
export function joinNals(units: readonly Uint8Array[], lengthSize: number): Uint8Array {
  const prefix = lengthSize === 0 ? 4 : lengthSize;
  let size = 0;
  for (const unit of units) size += prefix + unit.length;
  const data = new Uint8Array(size);
  let at = 0;
  for (const unit of units) {
    if (lengthSize > 0 && unit.length >= 256 ** lengthSize) {
      throw new CodecDataError(
        `a NAL unit of ${count(unit.length, 'byte')} is too long for a length of ${lengthSize}`,
        'InvalidMediaFrame',
      );
    }
    at += prefix;
    for (let i = 1, rest = lengthSize === 0 ? 1 : unit.length; i <= prefix; i++, rest = Math.floor(rest / 256)) {
      data[at - i] = rest % 256;
    }
    data.set(unit, at);
    at += unit.length;
  }
  return data;
}

/** The position after the next start code from `from` on; the data's length when there is none. */
function startCode(data: Uint8Array, from: number): number {
  const last = data.length - 3;
  for (let i = from; i <= last; ) {
    const third = data[i + 2]!;
    if (third > 1) i += 3;
    else if (third === 1) {
      if (data[i] === 0 && data[i + 1] === 0) return i + 3;
      i += 3;
    } else i++;
  }
  return data.length;
}

function isStartCode(data: Uint8Array, at: number): boolean {
  return data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1;
}
