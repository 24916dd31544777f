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

  /** A view of `length` of the bytes, from `start`. */
  view(start: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#start + start, length);
  }
}
