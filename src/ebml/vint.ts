/** The longest id and size fields together, in bytes: what a header can need before it is complete. */
export const MAX_HEADER_LENGTH = 16;

/** How many bytes a variable-size integer has by its first byte (RFC 8794 section 4): 1 to 8, or 9 when there is no marker. */
export function vintLength(firstByte: number): number {
  return Math.clz32(firstByte) - 23;
}

/** The number of bytes of an id as it is stored; ids keep their length marker, so the value tells. */
export function idLength(id: number): number {
  if (id < 0x100) return 1;
  if (id < 0x10000) return 2;
  if (id < 0x1000000) return 3;
  if (id < 0x100000000) return 4;
  let length = 5;
  for (let limit = 2 ** 40; id >= limit; limit *= 256) length++;
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
  if (size === undefined) {
    target.fill(0xff, position, position + length);
    target[position] = 0xff >>> (length - 1);
    return position + length;
  }
  putUint(target, position, size, length);
  target[position] = (target[position] ?? 0) | (0x80 >>> (length - 1));
  return position + length;
}

/** Writes the low `length` bytes of a non-negative integer up to 2^53 - 1, the most significant byte first. */
export function putUint(target: Uint8Array, position: number, value: number, length: number): void {
  let rest = value;
  for (let at = position + length - 1; at >= position; at--) {
    target[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
