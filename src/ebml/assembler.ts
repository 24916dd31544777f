import type { Bytes } from './bytes.js';
import { viewOf } from './bytes.js';

/** A size read from the stream is believed up to here, without anything that speaks for it. */
const MODEST_SIZE = 16 * 1024;
/** And up to here when as many bytes of the stream have been right before; beyond, memory is taken only for bytes that have arrived. */
const TRUSTED_SIZE = 1024 * 1024;

/**
 * Puts together the data of one element from pieces of several chunks.
 *
 * As far as the size is believed the bytes go straight to a buffer of it, each copied once. The buffer of a larger element grows with the
 * bytes that arrive, to twice their number at the most, so that each is copied twice on average.
 */
export class Assembler {
  /** The data, in a buffer of its exact size once all of it has been appended. */
  bytes: Bytes;
  readonly #size: number;
  #length = 0;

  /**
   * @param size of the data
   * @param trust how many bytes before it were right
   */
  constructor(size: number, trust: number) {
    this.#size = size;
    this.bytes = new Uint8Array(Math.min(size, Math.max(MODEST_SIZE, Math.min(trust, TRUSTED_SIZE))));
  }

  /** What has been appended. */
  get taken(): Bytes {
    return viewOf(this.bytes, 0, this.#length);
  }

  /** Takes `chunk` from `start` to `end`, which must not be more than is missing. */
  append(chunk: Uint8Array, start: number, end: number): void {
    let at = this.#length;
    this.#length += end - start;
    if (this.#length > this.bytes.length) {
      const larger = new Uint8Array(Math.min(this.#size, 2 * this.#length));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    // For a few bytes a call of set() costs more than this loop.
    if (end - start < 16) for (let i = start; i < end; i++) this.bytes[at++] = chunk[i]!;
    else this.bytes.set(viewOf(chunk, start, end), at);
  }
}
