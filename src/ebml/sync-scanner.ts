import { decodeUint } from './values.js';
import { vintLength } from './vint.js';
import { concatBytes } from './writer.js';

/** How an element that reading can begin anew at is told from other bytes. */
export interface SyncMark {
  /** The four bytes of its id. */
  readonly id: number;
  /** First bytes of the ids that its first child may have. */
  readonly firstChildren: readonly number[];
}

/** What a mark needs besides its first byte: the rest of the id, the longest size field, and the first byte of a child. */
const LOOK_AHEAD = 3 + 8 + 1;

/**
 * Finds the places at which a damaged stream can be read on: where the id of a marked element is followed by a valid size
 * and by the id of a child that it may begin with.
 *
 * Bytes leave the scanner when it is known whether a mark begins there, so its output is 12 bytes behind its input. They leave in
 * pieces that end where a mark begins.
 */
export class SyncScanner {
  readonly #marks: readonly SyncMark[];
  readonly #emit: (bytes: Uint8Array, marked: boolean) => void;
  /** The bytes that have not left yet, at most 12. */
  #held: Uint8Array = new Uint8Array(0);

  /**
   * @param marks the elements to look for
   * @param emit is given the bytes that are decided, in order; `marked` says that a mark is where they begin. They may be none.
   */
  constructor(marks: readonly SyncMark[], emit: (bytes: Uint8Array, marked: boolean) => void) {
    this.#marks = marks;
    this.#emit = emit;
  }

  /** Takes a chunk. */
  push(chunk: Uint8Array): void {
    const held = this.#held.length;
    const joined = concatBytes([this.#held, chunk.subarray(0, LOOK_AHEAD)]);
    if (chunk.length > LOOK_AHEAD) {
      this.#release(joined, held);
      this.#release(chunk, chunk.length - LOOK_AHEAD);
    } else {
      this.#release(joined, Math.max(0, joined.length - LOOK_AHEAD));
    }
  }

  /** Lets go of the bytes still held. */
  end(): void {
    this.#release(this.#held, this.#held.length);
  }

  #release(bytes: Uint8Array, decided: number): void {
    let start = 0;
    let marked = false;
    for (let at = 0; at < decided; at++) {
      // Every id of four bytes begins so; most other bytes do not.
      if (bytes[at]! >>> 4 !== 1 || !this.#marks.some((mark) => isMark(mark, bytes, at))) continue;
      this.#emit(bytes.subarray(start, at), marked);
      start = at;
      marked = true;
    }
    this.#emit(bytes.subarray(start, decided), marked);
    this.#held = bytes.slice(decided);
  }
}

function isMark({ id, firstChildren }: SyncMark, bytes: Uint8Array, at: number): boolean {
  const sizeLength = vintLength(bytes[at + 4] ?? 0);
  return (
    sizeLength <= 8 && decodeUint(bytes, at, at + 4) === id && firstChildren.includes(bytes[at + 4 + sizeLength] ?? 0)
  );
}
