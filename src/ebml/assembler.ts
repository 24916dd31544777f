/** A size read from the stream is believed up to here; beyond, memory is taken only for bytes that have arrived. */
const TRUSTED_SIZE = 1 << 20;

/**
 * Puts together the data of one element from pieces of several chunks.
 *
 * Up to 1 MiB the bytes go straight to a buffer of the element's exact size, each copied once. A larger element is gathered in
 * blocks of 1 MiB, taken as its bytes arrive, and copied a second time when it is whole.
 */
export class Assembler {
  readonly #size: number;
  #filled = 0;
  #block: Uint8Array;
  #blockFilled = 0;
  #blocks: Uint8Array[] | undefined;

  constructor(size: number) {
    this.#size = size;
    this.#block = new Uint8Array(Math.min(size, TRUSTED_SIZE));
  }

  /** How many bytes are still to come. */
  get missing(): number {
    return this.#size - this.#filled;
  }

  /** Takes `chunk` from `start` to `end`, which must not be more than is missing. */
  append(chunk: Uint8Array, start: number, end: number): void {
    this.#filled += end - start;
    let at = start;
    while (at < end) {
      if (this.#blockFilled === this.#block.length) {
        this.#blocks ??= [];
        this.#blocks.push(this.#block);
        this.#block = new Uint8Array(Math.min(this.#size - this.#blocks.length * TRUSTED_SIZE, TRUSTED_SIZE));
        this.#blockFilled = 0;
      }
      const length = Math.min(end - at, this.#block.length - this.#blockFilled);
      if (length < 16) {
        // A call of set() costs more than this loop.
        for (let i = 0; i < length; i++) this.#block[this.#blockFilled + i] = chunk[at + i]!;
      } else {
        this.#block.set(chunk.subarray(at, at + length), this.#blockFilled);
      }
      this.#blockFilled += length;
      at += length;
    }
  }

  /** The whole data; to be called when nothing is missing. */
  take(): Uint8Array {
    if (this.#blocks === undefined) return this.#block;
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const block of this.#blocks) {
      whole.set(block, at);
      at += block.length;
    }
    whole.set(this.#block, at);
    return whole;
  }
}
