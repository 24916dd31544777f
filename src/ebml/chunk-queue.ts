import { ByteRun } from './byte-run.js';
import type { Bytes } from './bytes.js';
import { sameBytes, unshared, viewOf } from './bytes.js';

/** A run of bytes of the stream. */
interface Piece {
  bytes: Bytes;
  next: Piece | undefined;
}

const NO_BYTES = new Uint8Array(0);

/** The bytes that have arrived and are not read yet, piece by piece. */
export class ChunkQueue {
  /** The piece that is being read. */
  bytes: Bytes = NO_BYTES;
  /** Where in it reading stands. */
  position = 0;
  /** Where what has arrived ends in the stream. */
  end = 0;
  #base = 0;
  #run: ByteRun | undefined;
  #piece: Piece = { bytes: NO_BYTES, next: undefined };
  #last = this.#piece;
  /** The buffer at the beginning of which the piece lies, when the piece was gathered: there is room behind it. */
  #room: Bytes | undefined;

  /** Where reading stands in the stream. */
  get offset(): number {
    return this.#base + this.position;
  }

  /** Whether more has arrived than the piece that is being read. */
  get hasMore(): boolean {
    return this.#piece.next !== undefined;
  }

  /** The piece that is being read, for those who keep parts of it. */
  get run(): ByteRun {
    this.#run ??= new ByteRun(this.bytes);
    return this.#run;
  }

  /** Adds bytes at the end. */
  push(bytes: Bytes): void {
    if (bytes.length > 0) this.#last = this.#last.next = { bytes, next: undefined };
    this.end += bytes.length;
  }

  /** Steps over bytes that were read without having been pushed, when none are left of those that were. */
  skip(length: number): void {
    this.#base += length;
    this.end += length;
  }

  /** Leaves what is left of the piece and goes on to the next; `false` when it has not arrived. */
  advance(): boolean {
    const { next } = this.#piece;
    this.#base += this.bytes.length;
    this.#set(NO_BYTES);
    this.position = 0;
    if (next === undefined) return false;
    this.#piece = next;
    this.bytes = next.bytes;
    // What has been read must not stay in memory until more arrives.
    next.bytes = NO_BYTES;
    return true;
  }

  /** Goes on to a place before which all bytes have arrived. */
  stepTo(offset: number): void {
    while (this.#base + this.bytes.length < offset && this.advance());
    this.position = Math.min(this.bytes.length, offset - this.#base);
  }

  /** Goes on to the end of what has arrived. */
  drain(): void {
    while (this.advance());
  }

  /** Puts bytes that were read last back before the others. They must not be changed afterwards. */
  unread(bytes: Uint8Array): void {
    const { length } = bytes;
    const start = this.position - length;
    if (start >= 0 && sameBytes(viewOf(this.bytes, start, this.position), bytes)) {
      this.position = start;
      return;
    }
    const { offset } = this;
    const piece: Piece = { bytes: NO_BYTES, next: this.#piece.next };
    const rest = viewOf(this.bytes, this.position, this.bytes.length);
    if (rest.length > 0) piece.next = { bytes: rest, next: piece.next };
    this.#piece = piece;
    if (piece.next === undefined) this.#last = piece;
    else if (piece.next.next === undefined) this.#last = piece.next;
    this.#set(unshared(bytes));
    this.position = 0;
    this.#base = offset - length;
  }

  /**
   * Has at least `length` of the bytes that come next lie in the piece that is being read, if so many have arrived, or all that have.
   *
   * @returns whether they do
   */
  gather(length: number): boolean {
    let has = this.bytes.length - this.position;
    for (let { next } = this.#piece; has < length && next !== undefined; { next } = this.#piece) {
      // A buffer of twice the size has each byte copied twice on average, however small the pieces are.
      const wanted = Math.max(length - has, Math.min(has, next.bytes.length));
      const taken = Math.min(wanted, next.bytes.length);
      this.#append(viewOf(next.bytes, 0, taken));
      if (taken < next.bytes.length) next.bytes = viewOf(next.bytes, taken, next.bytes.length);
      else {
        this.#piece.next = next.next;
        if (next.next === undefined) this.#last = this.#piece;
      }
      has += taken;
    }
    return has >= length;
  }

  #append(more: Bytes): void {
    const offset = this.offset;
    const length = this.bytes.length + more.length;
    let room = this.#room;
    if (room === undefined || room.length < length) {
      const rest = viewOf(this.bytes, this.position, this.bytes.length);
      room = new Uint8Array(Math.max(64, 2 * (rest.length + more.length)));
      room.set(rest);
      room.set(more, rest.length);
      this.#set(viewOf(room, 0, rest.length + more.length));
      this.position = 0;
    } else {
      room.set(more, this.bytes.length);
      this.#set(viewOf(room, 0, length));
    }
    this.#room = room;
    this.#base = offset - this.position;
  }

  #set(bytes: Bytes): void {
    this.bytes = bytes;
    this.#run = undefined;
    this.#room = undefined;
  }
}
