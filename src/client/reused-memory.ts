import { type Bytes, viewOf } from '../ebml/bytes.js';
import { bufferFor, type PooledBuffer } from './buffer-pool.js';

/** What bytes become whose memory is given back, so that whoever still reads them finds out. */
const OVERWRITTEN = 0xdd;

/** The memory of a fragment that has been read. */
export interface FragmentMemory {
  /** Nobody reads the fragment's bytes any more. */
  release(): void;
}

/** A buffer, and which bytes of the stream lie in it. */
interface Piece {
  readonly buffer: PooledBuffer;
  readonly start: number;
  end: number;
}

/**
 * The bytes of one connection in memory that is used again: each chunk is copied behind the one before, into buffers of a pool, to which they
 * return when the fragments in them are released.
 */
export class ReusedMemory {
  readonly #take: (fragmentSize: number) => PooledBuffer;
  readonly #overwrite: boolean;
  /** In the order of the stream; the last one is written to. */
  #pieces: Piece[] = [];
  #length = 0;
  /** How much of the stream belongs to fragments. */
  #taken = 0;
  /** The size of the last fragment. */
  #fragmentSize = 0;

  /**
   * @param overwrite whether memory that is given back is overwritten, to find those who still read it
   * @param take gives a buffer for fragments of a size
   */
  constructor(overwrite: boolean, take = bufferFor) {
    this.#overwrite = overwrite;
    this.#take = take;
  }

  /** Copies a chunk; gives views of the copy, one for each buffer that it lies in. */
  store(chunk: Uint8Array): Bytes[] {
    const views: Bytes[] = [];
    for (let at = 0; at < chunk.length; ) {
      const piece = this.#writable();
      const written = this.#length - piece.start;
      const size = Math.min(piece.buffer.bytes.length - written, chunk.length - at);
      const view = viewOf(piece.buffer.bytes, written, written + size);
      view.set(viewOf(chunk, at, at + size));
      views.push(view);
      at += size;
      this.#length += size;
      piece.end = this.#length;
    }
    return views;
  }

  /**
   * The memory of a fragment.
   *
   * @param end where in the stream it ends: what is read before that is read for it alone
   */
  take(end: number): FragmentMemory {
    const bytes = this.#bytesUpTo(end);
    this.#fragmentSize = end - this.#taken;
    this.#taken = end;
    let held = this.#pieces.filter((piece) => piece.end <= end).map(({ buffer }) => buffer);
    this.#pieces.splice(0, held.length);
    const shared = this.#pieces[0];
    if (shared !== undefined && shared.start < end) {
      shared.buffer.users++;
      held.push(shared.buffer);
    }
    return {
      release: () => {
        if (held.length > 0) for (const view of bytes) view.fill(OVERWRITTEN);
        for (const buffer of held) buffer.pool.release(buffer);
        held = [];
      },
    };
  }

  /** Nothing more is stored, and nobody reads what has not been taken. */
  close(): void {
    for (const view of this.#bytesUpTo(this.#length)) view.fill(OVERWRITTEN);
    for (const { buffer } of this.#pieces) buffer.pool.release(buffer);
    this.#pieces = [];
  }

  #writable(): Piece {
    const last = this.#pieces[this.#pieces.length - 1];
    if (last !== undefined && last.end - last.start < last.buffer.bytes.length) return last;
    const piece = { buffer: this.#take(this.#fragmentSize), start: this.#length, end: this.#length };
    this.#pieces.push(piece);
    return piece;
  }

  /** What has not been taken, where it is to be overwritten. */
  #bytesUpTo(limit: number): Bytes[] {
    if (!this.#overwrite) return [];
    const views: Bytes[] = [];
    for (const { buffer, start, end } of this.#pieces) {
      const from = Math.max(start, this.#taken);
      const to = Math.min(end, limit);
      if (from < to) views.push(viewOf(buffer.bytes, from - start, to - start));
    }
    return views;
  }
}
