import type { Bytes } from './bytes.js';
import { viewOf } from './bytes.js';
import type { EbmlElementType } from './element-type.js';

/** Binary data from this size on stays in parts until it is read. To keep parts of less costs more than to put them together. */
const PARTED_SIZE = 4096;

/** Parts below this are copied together: an object for each would take more memory than they do. */
const SMALL = 1024;
const LARGEST_BUFFER = 64 * 1024;

/** How many bytes of the data are there to be looked at without putting all of it together. */
const HEAD_LENGTH = 16;

/** Bytes that lie in `bytes` from `start` to `end`. */
export interface DataPart {
  readonly bytes: Bytes;
  readonly start: number;
  readonly end: number;
}

/**
 * The data of one element where it lies, in parts of several chunks, until someone wants it in one piece: then it is put together, once.
 *
 * Of small parts only the first and the last stay in their chunks, where the elements before and after them lie too. What is allocated
 * until then is at most twice the data.
 */
export class DataParts {
  /** Of the data, in bytes. */
  readonly size: number;
  #parts: { readonly bytes: Bytes; readonly start: number; end: number }[] = [];
  #missing: number;
  /** The last part, when it is a copy. */
  #copies: { readonly bytes: Bytes; end: number } | undefined;
  #head: DataPart | undefined;
  #whole: Bytes | undefined;

  constructor(size: number) {
    this.size = size;
    this.#missing = size;
  }

  /** What has been taken, in order. */
  get parts(): readonly DataPart[] {
    return this.#parts;
  }

  /** What has been appended, put together. */
  get taken(): Bytes {
    return joinParts(this.#parts, this.size - this.#missing);
  }

  /** All of the data, put together. The parts are then given up for it. */
  get bytes(): Bytes {
    if (this.#whole === undefined) {
      this.#whole = joinParts(this.#parts, this.size);
      this.#parts = [{ bytes: this.#whole, start: 0, end: this.size }];
      this.#head = undefined;
    }
    return this.#whole;
  }

  /** Bytes in which at least the first 16 of the data lie behind each other, from {@link DataParts.headStart}. */
  get head(): Bytes {
    return this.#first().bytes;
  }

  /** Where in `head` the data begins. */
  get headStart(): number {
    return this.#first().start;
  }

  /** A view of `length` of the bytes, from `start`, put together. */
  view(start: number, length: number): Bytes {
    return viewOf(this.bytes, start, start + length);
  }

  /** The same bytes where they lie. */
  views(start: number, length: number): Bytes[] {
    const views: Bytes[] = [];
    let from = start;
    let missing = length;
    for (const part of this.#parts) {
      const size = part.end - part.start;
      const taken = Math.min(missing, size - from);
      if (taken > 0) {
        views.push(viewOf(part.bytes, part.start + from, part.start + from + taken));
        missing -= taken;
      }
      from = Math.max(0, from - size);
    }
    return views;
  }

  /** Takes `chunk` from `start` to `end`, which must not be more than is missing. */
  append(chunk: Bytes, start: number, end: number): void {
    if (start === end) return;
    this.#missing -= end - start;
    if (end - start >= SMALL && this.#extend(chunk, start, end)) return;
    if (end - start < SMALL && this.#parts.length > 0 && this.#missing > 0) {
      for (let at = start; at < end; ) at = this.#copy(chunk, at, end);
    } else {
      this.#copies = undefined;
      this.#parts.push({ bytes: chunk, start, end });
    }
  }

  /** Lengthens the last part, where the bytes lie right behind it in the same buffer: chunks may be parts of one. */
  #extend(chunk: Bytes, start: number, end: number): boolean {
    const last = this.#parts[this.#parts.length - 1];
    if (last === undefined || last === this.#copies || last.bytes.buffer !== chunk.buffer) return false;
    const from = last.bytes.byteOffset + last.start;
    const length = last.end - last.start;
    if (from + length !== chunk.byteOffset + start) return false;
    const bytes = new Uint8Array(chunk.buffer, from, length + end - start);
    this.#parts[this.#parts.length - 1] = { bytes, start: 0, end: bytes.length };
    // What was looked at before is a part of it.
    this.#head = undefined;
    return true;
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

  #first(): DataPart {
    if (this.#head === undefined) {
      const length = Math.min(HEAD_LENGTH, this.size);
      const first = this.#parts[0];
      this.#head =
        first !== undefined && first.end - first.start >= length
          ? first
          : { bytes: joinParts(this.#parts, length), start: 0, end: length };
    }
    return this.#head;
  }
}

/** Whether data of so many bytes, which begins in a chunk of so many and goes on in others, is worth keeping in parts. */
export function mayStayInParts({ type }: EbmlElementType, size: number, chunkLength: number): boolean {
  return type === 'binary' && size >= PARTED_SIZE && chunkLength >= SMALL;
}

/** The first `length` bytes of the parts, put together. */
function joinParts(parts: readonly DataPart[], length: number): Bytes {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const { bytes, start, end } of parts) {
    if (at === length) break;
    const stop = Math.min(end, start + length - at);
    joined.set(viewOf(bytes, start, stop), at);
    at += stop - start;
  }
  return joined;
}
