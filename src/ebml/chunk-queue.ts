import { ByteRun } from './byte-run.js';

/** A run of bytes of the stream. */
interface Piece {
  bytes: Uint8Array;
  readonly marked: boolean;
  next: Piece | undefined;
}

const NO_BYTES = new Uint8Array(0);

/** The bytes that have arrived and are not read yet, piece by piece: the chunks, and parts of them that begin at marks. */
export class ChunkQueue {
  /** The piece that is being read. */
  bytes: Uint8Array = NO_BYTES;
  /** Where in it reading stands. */
  position = 0;
  #base = 0;
  #run: ByteRun | undefined;
  #piece: Piece = { bytes: NO_BYTES, marked: false, next: undefined };
  #last = this.#piece;

  /** Where reading stands in the stream. */
  get offset(): number {
    return this.#base + this.position;
  }

  /** The piece that is being read, for those who keep parts of it. */
  get run(): ByteRun {
    this.#run ??= new ByteRun(this.bytes);
    return this.#run;
  }

  /** Whether a damaged stream can be read on at the beginning of the piece. */
  get marked(): boolean {
    return this.#piece.marked;
  }

  /** The same of the piece after it. */
  get nextMarked(): boolean {
    return this.#piece.next?.marked === true;
  }

  /** Adds bytes at the end. */
  push(bytes: Uint8Array, marked = false): void {
    if (bytes.length > 0) this.#last = this.#last.next = { bytes, marked, next: undefined };
  }

  /** Steps over bytes that were read without having been pushed, when none are left of those that were. */
  skip(length: number): void {
    this.#base += length;
  }

  /** Leaves what is left of the piece and goes on to the next; `false` when it has not arrived. */
  advance(): boolean {
    const { next } = this.#piece;
    this.#base += this.bytes.length;
    this.bytes = NO_BYTES;
    this.#run = undefined;
    this.position = 0;
    if (next === undefined) return false;
    this.#piece = next;
    this.bytes = next.bytes;
    // What has been read must not stay in memory until more arrives.
    next.bytes = NO_BYTES;
    return true;
  }
}
