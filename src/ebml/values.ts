/** The values of EBML elements (RFC 8794 section 7), decoded from their data. The data is not checked for its length here. */

/** An unsigned integer of up to 6 bytes, or of up to 8 when it is below 2^53; beyond, the nearest number. */
export function decodeUint(data: Uint8Array): number {
  let value = 0;
  for (let i = 0; i < data.length; i++) value = value * 256 + data[i]!;
  return value;
}

/** An unsigned integer of up to 8 bytes, exact. */
export function decodeBigUint(data: Uint8Array): bigint {
  let high = 0;
  let low = 0;
  const split = data.length - 4;
  for (let i = 0; i < data.length; i++) {
    if (i < split) high = high * 256 + data[i]!;
    else low = low * 256 + data[i]!;
  }
  return high === 0 ? BigInt(low) : BigInt(high) * 0x100000000n + BigInt(low);
}

/** A two's complement integer of up to 8 bytes, exact. */
export function decodeBigInt(data: Uint8Array): bigint {
  return data.length === 0 ? 0n : BigInt.asIntN(data.length * 8, decodeBigUint(data));
}

/** A float of 4 or 8 bytes, big-endian; 0 for no bytes; `undefined` for any other length. */
export function decodeFloat(data: Uint8Array): number | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (data.length === 4) return view.getFloat32(0);
  if (data.length === 8) return view.getFloat64(0);
  return data.length === 0 ? 0 : undefined;
}

const LONGEST_SHORT_STRING = 64;
let decoder: TextDecoder | undefined;

/** A string or UTF-8 element: it ends at the first NUL (RFC 8794 section 13); invalid UTF-8 becomes U+FFFD. */
export function decodeString(data: Uint8Array): string {
  if (data.length <= LONGEST_SHORT_STRING) {
    // Short ASCII is nearly all there is in tags, and a TextDecoder's call costs more than this loop.
    let text = '';
    let at = 0;
    for (; at < data.length; at++) {
      const byte = data[at]!;
      if (byte === 0) return text;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === data.length) return text;
  }
  const nul = data.indexOf(0);
  decoder ??= new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.decode(nul < 0 ? data : data.subarray(0, nul));
}

/** What an EBML date counts from, as a JavaScript time: 2001-01-01T00:00:00Z in milliseconds since 1970. */
export const EBML_EPOCH_MS = 978307200000;

/** The `Date` of an EBML date value (nanoseconds since 2001-01-01T00:00:00Z), rounded down to the millisecond. */
export function dateFromEbml(nanoseconds: bigint): Date {
  let ms = nanoseconds / 1_000_000n;
  if (nanoseconds < 0n && ms * 1_000_000n !== nanoseconds) ms -= 1n;
  return new Date(Number(ms) + EBML_EPOCH_MS);
}
