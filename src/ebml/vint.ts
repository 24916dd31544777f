import type { Bytes } from './bytes.js';
/** The longest id and size fields together, in bytes: what a header can need before it is complete. */
export const MAX_HEADER_LENGTH = 16;

/** How many bytes a variable-size integer has by its first byte (RFC 8794 section 4): 1 to 8, or 9 when there is no marker. */
export function vintLength(firstByte: number): number {
  return Math.clz32(firstByte) - 23;
}

/** The value of the variable-size integer of `length` bytes at `start`, without its marker; beyond 2^53, a number near it. */
export function readVint(bytes: Uint8Array, start: number, length: number): number {
  let value = bytes[start]! & (0xff >>> length);
  for (let i = 1; i < length; i++) value = value * 256 + bytes[start + i]!;
  return value;
}

/** The number of bytes of an id as it is stored; ids keep their length marker, so the value tells. */
export function idLength(id: number): number {
  let length = 1;
  for (let limit = 256; id >= limit; limit *= 256) length++;
  return length;
}

/** The fewest bytes that can hold `size` as an EBML data size (RFC 8794 section 6.1): 1 to 8. */
export function sizeLength(size: number): number {
  let length = 1;
  // All ones is the unknown size, so each length holds one value less than its bits allow.
  for (let limit = 2 ** 7 - 1; size >= limit; limit = (limit + 1) * 128 - 1) length++;
  return length;
}

/** Writes an id at `position` and returns the position after it. */
export function putId(target: Uint8Array, position: number, id: number): number {
  const length = idLength(id);
  putUint(target, position, id, length);
  return position + length;
}

/**
 * Writes a data size at `position` and returns the position after it.
 *
 * @param size the size in bytes, or `undefined` for the unknown size
 * @param length the width of the field in bytes, 1 to 8; it must be able to hold the size
 */
export function putSize(target: Uint8Array, position: number, size: number | undefined, length: number): number {
  if (size === undefined) target.fill(0xff, position, position + length);
  else putUint(target, position, size, length);
  // The marker, above it zeros.
  const marker = 0x80 >>> (length - 1);
  target[position] = (target[position]! & (marker - 1)) | marker;
  return position + length;
}

/** The bytes of a header: Id, data size and the length of both determine them. */
export function headerBytes(id: number, dataSize: number | undefined, headerSize: number): Bytes {
  const bytes = new Uint8Array(headerSize);
  const idEnd = putId(bytes, 0, id);
  putSize(bytes, idEnd, dataSize, headerSize - idEnd);
  return bytes;
}

/** Writes the low `length` bytes of a non-negative integer up to 2^53 - 1, the most significant byte first. */
export function putUint(target: Uint8Array, position: number, value: number, length: number): void {
  let rest = value;
  for (let at = position + length - 1; at >= position; at--) {
    target[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
