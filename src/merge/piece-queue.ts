import { concatBytes } from '../ebml/writer.js';

/** Pieces below this are copied together: a chunk of its own costs more than the copy. */
const SMALL = 1024;

/**
 * Bytes on their way out, as views where they came from. Views that lie behind each other in memory become one, so that what is
 * passed on unchanged leaves in pieces as large as it came.
 */
export class PieceQueue {
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** How many bytes have been added in all. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes; they are referred to. */
  add(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length === 0) return;
    this.#length += length;
    const last = this.#pieces.length - 1;
    const before = this.#pieces[last];
    if (
      before !== undefined &&
      before.buffer === bytes.buffer &&
      before.byteOffset + before.length === bytes.byteOffset
    ) {
      this.#pieces[last] = new Uint8Array(before.buffer, before.byteOffset, before.length + length);
    } else {
      this.#pieces.push(bytes);
    }
  }

  /** Adds an element: where its header lies before its data in memory, the two are one view. */
  addElement(header: Uint8Array, data: Uint8Array): void {
    if (data.length > 0 && liesBefore(header, data)) {
      this.add(new Uint8Array(data.buffer, data.byteOffset - header.length, header.length + data.length));
    } else {
      this.add(header);
      this.add(data);
    }
  }

  /** What has been added since the last call. Only small pieces are copied. */
  take(): Uint8Array[] {
    const pieces = this.#pieces;
    if (pieces.length === 0) return pieces;
    this.#pieces = [];
    if (pieces.length === 1) return pieces;
    const joined: Uint8Array[] = [];
    let start = 0;
    const join = (end: number) => {
      if (end - start > 1) joined.push(concatBytes(pieces.slice(start, end)));
      else if (end > start) joined.push(...pieces.slice(start, end));
    };
    for (const [index, piece] of pieces.entries()) {
      if (piece.length < SMALL) continue;
      join(index);
      joined.push(piece);
      start = index + 1;
    }
    join(pieces.length);
    return joined;
  }
}

/** Whether the bytes in memory before `data` are those of `header`: they are, when the element lay in one chunk. */
function liesBefore(header: Uint8Array, data: Uint8Array): boolean {
  const from = data.byteOffset - header.length;
  if (from < 0) return false;
  const before = new Uint8Array(data.buffer, from, header.length);
  for (let i = 0; i < header.length; i++) if (before[i] !== header[i]) return false;
  return true;
}
