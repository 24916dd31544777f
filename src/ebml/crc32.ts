/** CRC-32 as RFC 8794 section 11.3.1 wants it: IEEE 802.3, reflected, initial value and final XOR 0xFFFFFFFF. */

let tables: Int32Array | undefined;

/** Eight tables of 256 entries, so that eight bytes are taken at a step; made when first needed. */
function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    made[n] = c;
  }
  for (let n = 256; n < made.length; n++) {
    const previous = made[n - 256]!;
    made[n] = (previous >>> 8) ^ made[previous & 0xff]!;
  }
  return made;
}

/**
 * The CRC-32 of `bytes` from `start` to `end`, going on from `crc`.
 *
 * @param crc the CRC-32 of the bytes before, 0 at the beginning
 * @returns an unsigned 32-bit number; an EBML CRC-32 element stores it with the least significant byte first
 */
export function crc32(bytes: Uint8Array, crc = 0, start = 0, end = bytes.length): number {
  tables ??= makeTables();
  const t = tables;
  let c = ~crc;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    const low = c ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    c =
      t[1792 + (low & 0xff)]! ^
      t[1536 + ((low >>> 8) & 0xff)]! ^
      t[1280 + ((low >>> 16) & 0xff)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) c = (c >>> 8) ^ t[(c ^ bytes[at]!) & 0xff]!;
  return ~c >>> 0;
}
