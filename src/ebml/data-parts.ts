/** Parts below this are copied together: an object for each would take more memory than they do. */
const SMALL = 1024;
const LARGEST_BUFFER = 64 * 1024;

/** Bytes that lie in `bytes` from `start` to `end`. */
export interface DataPart {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * Keeps the data of one element where it lies, in parts of several chunks. Of small parts only the first and the last stay in their
 * chunks, where the elements before and after them lie too; what is allocated is at most twice the data.
 */
export class DataParts {
  /** Of the data, in bytes. */
  readonly size: number;
  readonly #parts: { readonly bytes: Uint8Array; readonly start: number; end: number }[] = [];
  #missing: number;
  /** The last part, when it is a copy. */
  #copies: { readonly bytes: Uint8Array; end: number } | undefined;

  constructor(size: number) {
    this.size = size;
    this.#missing = size;
  }

  /** What has been taken, in order. */
  get parts(): readonly DataPart[] {
    return this.#parts;
  }

  /** Takes `chunk` from `start` to `end`, which must not be more than is missing. */
  append(chunk: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#missing -= end - start;
    if (end - start < SMALL && this.#parts.length > 0 && this.#missing > 0) {
      for (let at = start; at < end; ) at = this.#copy(chunk, at, end);
    } else {
      this.#copies = undefined;
      this.#parts.push({ bytes: chunk, start, end });
    }
  }

  /** Copies as much as there is room for and returns where that ends. */
  #copy(chunk: Uint8Array, start: number, end: number): number {
    let copies = this.#copies;
    if (copies === undefined || copies.end === copies.bytes.length) {
      const length = copies === undefined ? SMALL : Math.min(2 * copies.bytes.length, LARGEST_BUFFER);
      const part = { bytes: new Uint8Array(Math.min(length, end - start + this.#missing)), start: 0, end: 0 };
      this.#parts.push(part);
      this.#copies = part;
      copies = part;
    }
    const { bytes } = copies;
    const stop = Math.min(end, start + bytes.length - copies.end);
    for (let at = start; at < stop; at++) bytes[copies.end++] = chunk[at]!;
    return stop;
  }
}

/** The first `length` bytes of the parts, put together. */
export function joinParts(parts: readonly DataPart[], length: number): DataPart {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const { bytes, start, end } of parts) {
    if (at === length) break;
    const stop = Math.min(end, start + length - at);
    joined.set(bytes.subarray(start, stop), at);
    at += stop - start;
  }
  return { bytes: joined, start: 0, end: length };
}
