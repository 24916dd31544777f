import { crc32 } from '../ebml/crc32.js';

const POLYNOMIAL = 0xedb88320;
/** The polynomials 1 and x^8, the highest power in the lowest bit as CRC-32 has them. */
const ONE = 0x80000000;
const ONE_BYTE = 0x00800000;

/**
 * What the CRC-32 of a message becomes when its first bytes are replaced, also by more or fewer of them.
 *
 * CRC-32 is linear, so the bytes that stay need not be seen again: only how many they are counts. A CRC-32 that was wrong stays wrong.
 *
 * @param crc of the whole message as it was
 * @param before the first bytes as they were
 * @param after what stands there now
 * @param rest how many bytes follow
 * @returns an unsigned 32-bit number
 */
export function crcAfterChange(crc: number, before: Uint8Array, after: Uint8Array, rest: number): number {
  return (crc ^ multiply(crc32(before) ^ crc32(after), powerOfBytes(rest))) >>> 0;
}

/** x to the power of 8 * count, modulo the polynomial. */
function powerOfBytes(count: number): number {
  let result = ONE;
  let square = ONE_BYTE;
  for (let rest = count; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

/** The product of two polynomials, modulo that of CRC-32. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product;
}
