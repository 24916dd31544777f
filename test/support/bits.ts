/** Bits as a string of `0` and `1`, as a codec's syntax tables list them; for tests that write what the library reads. */

/** `u(count)`: an unsigned integer of `count` bits. */
export function u(count: number, value: number | bigint): string {
  return count === 0 ? '' : value.toString(2).padStart(count, '0');
}

/** `ue(v)`: an unsigned Exp-Golomb code. */
export function ue(value: number): string {
  const code = (value + 1).toString(2);
  return '0'.repeat(code.length - 1) + code;
}

/** `se(v)`: a signed Exp-Golomb code. */
export function se(value: number): string {
  return ue(value > 0 ? 2 * value - 1 : -2 * value);
}

/** The bits in bytes; zeros fill the last one. */
export function packBits(bits: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [at, bit] of [...bits].entries()) if (bit === '1') bytes[at >> 3]! |= 0x80 >> (at & 7);
  return bytes;
}

/** The bytes with a 3 put in wherever two zeros and a byte up to 3 would follow each other (H.264 section 7.4.1). */
export function escapeNal(raw: Uint8Array): Uint8Array {
  const escaped: number[] = [];
  let zeros = 0;
  for (const byte of raw) {
    if (zeros === 2 && byte <= 3) {
      escaped.push(3);
      zeros = 0;
    }
    escaped.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(escaped);
}
