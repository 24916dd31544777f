import { CodecDataError } from './codec-error.js';

/** Reads bits, the most significant one first. Reading past the end throws {@link CodecDataError}. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #escaped: boolean;
  #at: number;
  #byte = 0;
  #left = 0;
  #zeros = 0;

  /**
   * @param start the first byte to read
   * @param escaped whether it is a NAL unit, in which a byte 3 after two zeros stands for nothing (H.264 section 7.4.1)
   */
  constructor(bytes: Uint8Array, start = 0, escaped = false) {
    this.#bytes = bytes;
    this.#at = start;
    this.#escaped = escaped;
  }

  /** How many bits are left, escapes counted in. */
  get remaining(): number {
    return (this.#bytes.length - this.#at) * 8 + this.#left;
  }

  /** One bit. */
  bit(): number {
    if (this.#left === 0) {
      let byte = this.#bytes[this.#at++];
      if (byte === 3 && this.#escaped && this.#zeros >= 2) {
        byte = this.#bytes[this.#at++];
        this.#zeros = 0;
      }
      if (byte === undefined) throw new CodecDataError('codec data ends too early');
      this.#zeros = byte === 0 ? this.#zeros + 1 : 0;
      this.#byte = byte;
      this.#left = 8;
    }
    return (this.#byte >>> --this.#left) & 1;
  }

  /** An unsigned integer of `count` bits, at most 53. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  /** Passes over `count` bits. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.bit();
  }

  /** An unsigned Exp-Golomb code (H.264 section 9.1), at most 2^32 - 2. */
  ue(): number {
    let zeros = 0;
    while (this.bit() === 0) if (++zeros > 31) throw new CodecDataError('codec data has a code of more than 32 bits');
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** A signed Exp-Golomb code. */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
