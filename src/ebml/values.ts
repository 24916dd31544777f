/** The values of EBML elements (RFC 8794 section 7), decoded from the bytes from `start` to `end`. Lengths are not checked here. */

/** An unsigned integer of up to 6 bytes, or of up to 8 when it is below 2^53; beyond, a number near it. */
export function decodeUint(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 256 + bytes[i]!;
  return value;
}

/** An unsigned integer of up to 8 bytes, exact. */
export function decodeBigUint(bytes: Uint8Array, start = 0, end = bytes.length): bigint {
  let value = 0n;
  for (let i = start; i < end; i++) value = value * 256n + BigInt(bytes[i]!);
  return value;
}

/** A two's complement integer of up to 8 bytes, exact. */
export function decodeBigInt(bytes: Uint8Array, start = 0, end = bytes.length): bigint {
  return BigInt.asIntN((end - start) * 8, decodeBigUint(bytes, start, end));
}

/** A float of 4 or 8 bytes, big-endian; `undefined` for any other length. */
export function decodeFloat(bytes: Uint8Array, start = 0, end = bytes.length): number | undefined {
  const length = end - start;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  return length === 4 ? view.getFloat32(0) : length === 8 ? view.getFloat64(0) : undefined;
}

/** What an EBML date counts from, as a JavaScript time: 2001-01-01T00:00:00Z in milliseconds since 1970. */
export const EBML_EPOCH_MS = 978307200000;

/** The `Date` of an EBML date value (nanoseconds since 2001-01-01T00:00:00Z), rounded down to the millisecond. */
export function dateFromEbml(nanoseconds: bigint): Date {
  let ms = nanoseconds / 1_000_000n;
  if (nanoseconds < 0n && ms * 1_000_000n !== nanoseconds) ms -= 1n;
  return new Date(Number(ms) + EBML_EPOCH_MS);
}
