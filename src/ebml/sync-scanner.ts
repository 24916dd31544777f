/** How an element that reading can begin anew at is told from other bytes. */
export interface SyncMark {
  /** The four bytes of its id. */
  readonly id: number;
  /** First bytes of the ids that its first child may have. */
  readonly firstChildren: readonly number[];
}

/** Id, the longest size field, and the first byte of a child. */
const MARK_LENGTH = 4 + 8 + 1;
const LOOK_AHEAD = MARK_LENGTH - 1;

/**
 * Finds the places at which a damaged stream can be read on: where the id of a marked element is followed by a valid size
 * and by the id of a child that it may begin with.
 *
 * Bytes leave the scanner when it is known whether a mark begins there, so its output is 12 bytes behind its input.
 */
export class SyncScanner {
  readonly #marks: readonly SyncMark[];
  readonly #found: (offset: number) => void;
  /** The bytes that have not left yet, at most 12. */
  #held: Uint8Array = new Uint8Array(0);
  /** The stream offset of the first byte held. */
  #offset = 0;

  /**
   * @param marks the elements to look for
   * @param found is told the stream offset of each, in order, before the bytes there leave
   */
  constructor(marks: readonly SyncMark[], found: (offset: number) => void) {
    this.#marks = marks;
    this.#found = found;
  }

  /** Takes a chunk and gives the bytes that are decided, in order, to `emit`. */
  push(chunk: Uint8Array, emit: (bytes: Uint8Array) => void): void {
    const held = this.#held;
    if (chunk.length <= MARK_LENGTH * 4) {
      const joined = join(held, chunk);
      this.#release(joined, Math.max(0, joined.length - LOOK_AHEAD), emit);
      return;
    }
    if (held.length > 0) {
      // Marks that begin in the bytes held reach into the chunk by LOOK_AHEAD bytes at most.
      this.#scan(join(held, chunk.subarray(0, LOOK_AHEAD)), held.length);
      this.#offset += held.length;
      emit(held);
    }
    this.#release(chunk, chunk.length - LOOK_AHEAD, emit);
  }

  /** Gives the bytes still held. */
  end(emit: (bytes: Uint8Array) => void): void {
    this.#release(this.#held, this.#held.length, emit);
  }

  #release(bytes: Uint8Array, decided: number, emit: (bytes: Uint8Array) => void): void {
    this.#scan(bytes, decided);
    this.#held = bytes.slice(decided);
    this.#offset += decided;
    if (decided > 0) emit(bytes.subarray(0, decided));
  }

  #scan(bytes: Uint8Array, decided: number): void {
    for (let at = 0; at < decided; at++) {
      const first = bytes[at];
      // Every id of four bytes begins so; most other bytes do not.
      if (first === undefined || first >>> 4 !== 1) continue;
      for (const mark of this.#marks) if (isMark(mark, bytes, at)) this.#found(this.#offset + at);
    }
  }
}

function isMark(mark: SyncMark, bytes: Uint8Array, at: number): boolean {
  const { id } = mark;
  if (bytes[at] !== id >>> 24 || bytes[at + 1] !== ((id >>> 16) & 0xff)) return false;
  if (bytes[at + 2] !== ((id >>> 8) & 0xff) || bytes[at + 3] !== (id & 0xff)) return false;
  const size = bytes[at + 4];
  if (size === undefined || size === 0) return false;
  const child = bytes[at + 4 + Math.clz32(size) - 23];
  return child !== undefined && mark.firstChildren.includes(child);
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
