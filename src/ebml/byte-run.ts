import type { Bytes } from './bytes.js';
import type { DataParts } from './data-parts.js';

/**
 * Bytes that lie behind each other in a buffer. It remembers the buffer: to ask an array for it takes longer than to make a view of a part
 * of it, and each element's data is one.
 */
export class ByteRun {
  /** The bytes. */
  readonly bytes: Bytes;
  /** `undefined` until a view has been asked for: a short array has no buffer before it is asked for one. */
  #buffer: Bytes['buffer'] | undefined;
  #start = 0;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** The bytes; see {@link DataParts.head}. */
  get head(): Bytes {
    return this.bytes;
  }

  /** Where in `head` the bytes begin. */
  get headStart(): number {
    return 0;
  }

  /** A view of `length` of the bytes, from `start`. */
  view(start: number, length: number): Bytes {
    if (this.#buffer === undefined) {
      // Not a Buffer of Node, which a chunk may be.
      if (length === this.bytes.length && this.bytes.constructor === Uint8Array) return this.bytes;
      this.#buffer = this.bytes.buffer;
      this.#start = this.bytes.byteOffset;
    }
    return new Uint8Array(this.#buffer, this.#start + start, length);
  }

  /** The same, as the only one of a list. */
  views(start: number, length: number): Bytes[] {
    return [this.view(start, length)];
  }
}

/** Where data lies: in one buffer, or in several. */
export type DataRun = ByteRun | DataParts;
