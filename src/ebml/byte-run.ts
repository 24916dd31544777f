import type { DataParts } from './data-parts.js';

/**
 * Bytes that lie behind each other in a buffer. It remembers the buffer: to ask an array for it takes longer than to make a view of a part
 * of it, and each element's data is one.
 */
export class ByteRun {
  /** The bytes. */
  readonly bytes: Uint8Array;
  readonly #buffer: ArrayBufferLike;
  readonly #start: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#buffer = bytes.buffer;
    this.#start = bytes.byteOffset;
  }

  /** The bytes; see {@link DataParts.head}. */
  get head(): Uint8Array {
    return this.bytes;
  }

  /** Where in `head` the bytes begin. */
  get headStart(): number {
    return 0;
  }

  /** A view of `length` of the bytes, from `start`. */
  view(start: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#start + start, length);
  }

  /** The same, as the only one of a list. */
  views(start: number, length: number): Uint8Array[] {
    return [this.view(start, length)];
  }
}

/** Where data lies: in one buffer, or in several. */
export type DataRun = ByteRun | DataParts;
