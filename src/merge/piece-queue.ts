import { idLength } from '../ebml/vint.js';
import { concatBytes } from '../ebml/writer.js';
import type { MkvDataElement } from '../mkv/element.js';

/** Pieces below this are copied together: a chunk of its own costs more than the copy. */
const SMALL = 1024;

const NOTHING: readonly Uint8Array[] = [];

/** Bytes that lie behind each other in memory. */
interface Run {
  readonly buffer: ArrayBufferLike;
  readonly start: number;
  end: number;
}

/**
 * Bytes on their way out, where they lie. What lies behind each other in memory becomes one piece, so that what is passed on unchanged
 * leaves in pieces as large as it came.
 */
export class PieceQueue {
  #runs: Run[] = [];
  #last: Run | undefined;
  #length = 0;
  /** All bytes of the buffer that data were last found in. */
  #window: Uint8Array = new Uint8Array(0);

  /** Whether nothing has been added since the last call of `take`. */
  get empty(): boolean {
    return this.#last === undefined;
  }

  /** How many bytes have been added in all. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes; they are referred to. */
  add(bytes: Uint8Array): void {
    this.#add(bytes.buffer, bytes.byteOffset, bytes.byteOffset + bytes.length);
  }

  /** Adds an element, header and data. */
  addElement(element: MkvDataElement): void {
    const { data, headerSize } = element;
    const { buffer, byteOffset } = data;
    if (this.#liesBefore(element, buffer, byteOffset - headerSize)) {
      this.#add(buffer, byteOffset - headerSize, byteOffset + data.length);
    } else {
      this.add(element.rawHeader);
      this.add(data);
    }
  }

  /** What has been added since the last call, if it is a single piece; else `undefined`, and it is to be taken with `take`. */
  takeSingle(): Uint8Array | undefined {
    const only = this.#last;
    if (only === undefined || this.#runs.length > 1) return undefined;
    this.#runs.length = 0;
    this.#last = undefined;
    return new Uint8Array(only.buffer, only.start, only.end - only.start);
  }

  /** What has been added since the last call. Only small pieces are copied. */
  take(): readonly Uint8Array[] {
    const runs = this.#runs;
    if (runs.length === 0) return NOTHING;
    const pieces: Uint8Array[] = [];
    this.#runs = [];
    this.#last = undefined;
    let small: Uint8Array[] = [];
    const join = () => {
      if (small.length > 0) pieces.push(concatBytes(small));
      small = [];
    };
    for (const { buffer, start, end } of runs) {
      const piece = new Uint8Array(buffer, start, end - start);
      if (piece.length < SMALL && runs.length > 1) {
        small.push(piece);
      } else {
        join();
        pieces.push(piece);
      }
    }
    join();
    return pieces;
  }

  #add(buffer: ArrayBufferLike, start: number, end: number): void {
    if (start === end) return;
    this.#length += end - start;
    const last = this.#last;
    if (last !== undefined && last.buffer === buffer && last.end === start) {
      last.end = end;
    } else {
      this.#last = { buffer, start, end };
      this.#runs.push(this.#last);
    }
  }

  /** Whether the bytes of the element's header lie at `start`: they do, before its data, when it came in one chunk. */
  #liesBefore(element: MkvDataElement, buffer: ArrayBufferLike, start: number): boolean {
    if (start < 0) return false;
    if (this.#window.buffer !== buffer) this.#window = new Uint8Array(buffer);
    const window = this.#window;
    const { headerSize, dataSize } = element;
    const { id } = element.type;
    if (dataSize > 0x7fffffff || id > 0xffffffff) return false;
    const sizeAt = start + idLength(id);
    let rest = dataSize;
    let at = start + headerSize - 1;
    for (; at > sizeAt; at--) {
      if (window[at] !== (rest & 0xff)) return false;
      rest >>>= 8;
    }
    if (window[at--] !== (rest | (0x80 >>> (start + headerSize - 1 - sizeAt)))) return false;
    for (rest = id; at >= start; at--) {
      if (window[at] !== (rest & 0xff)) return false;
      rest >>>= 8;
    }
    return true;
  }
}
