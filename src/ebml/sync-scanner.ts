import { viewOf } from './bytes.js';
import { decodeUint } from './values.js';
import { vintLength } from './vint.js';
import { concatBytes } from './writer.js';

/** Describes an element at which reading can start again: its id, and how its data begin. */
export interface SyncMark {
  /** The four bytes of its id. */
  readonly id: number;
  /** First bytes of the ids that its first child may have. */
  readonly firstChildren: readonly number[];
}

const ID_LENGTH = 4;

/** What tells a mark at the most: the id, the longest size field, and the first byte of a child. */
export const LONGEST_MARK = ID_LENGTH + 8 + 1;

/** Between one look at four probes and the next. */
const PACE = 4 * ID_LENGTH;

const NO_BYTES = new Uint8Array(0);

/** What the bytes at a place say about a mark beginning there: no, it depends on bytes that have not come, yes. */
const NONE = 0;
const OPEN = 1;
const MARK = 2;
type Sight = typeof NONE | typeof OPEN | typeof MARK;

/**
 * Finds what looks like a marked element: its id, a valid size, and the id of a child that it may begin with. That tells which elements may
 * have swallowed others; where a damaged stream is read on is for `PlaceSearch` to say.
 *
 * Bytes leave the scanner when it is known whether a mark begins there: at once but for those at the end of a chunk that look like the
 * beginning of a mark, 12 at the most. They leave in pieces that end where a mark begins, uncopied but for what was held.
 */
export class SyncScanner {
  readonly #marks: readonly SyncMark[];
  readonly #emit: (bytes: Uint8Array, marked: boolean) => void;
  /** For each byte, where in an id it stands: bit 0 for the first place, to bit 3 for the last. */
  readonly #places = new Uint8Array(256);
  /** The bytes that have not left yet. */
  #held: Uint8Array = NO_BYTES;

  /**
   * @param marks the elements to look for
   * @param emit is given the bytes that are decided, in order; `marked` says that a mark is where they begin
   */
  constructor(marks: readonly SyncMark[], emit: (bytes: Uint8Array, marked: boolean) => void = () => {}) {
    this.#marks = marks;
    this.#emit = emit;
    for (const { id } of marks) {
      for (let place = 0; place < ID_LENGTH; place++) this.#places[(id >>> (24 - 8 * place)) & 0xff]! |= 1 << place;
    }
  }

  /** Takes a chunk. */
  push(chunk: Uint8Array): void {
    const held = this.#held;
    if (held.length > 0) {
      const joined = concatBytes([held, chunk.subarray(0, LONGEST_MARK)]);
      // Nothing that begins in what was held stays open when a whole mark follows it.
      const isShort = chunk.length < LONGEST_MARK;
      this.#scan(joined, isShort ? joined.length : held.length);
      if (isShort) return;
    }
    this.#scan(chunk, chunk.length);
  }

  /** The bytes that look like the beginning of a mark and have not left yet. */
  get held(): Uint8Array {
    return this.#held;
  }

  /**
   * Where in `bytes` from `start` to `end` a mark begins, or what may be one when more bytes follow; -1 for nowhere. What stands behind
   * `end` is not looked at.
   */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#find(bytes, start, end, OPEN, end);
  }

  /** Lets go of the bytes still held. */
  end(): void {
    this.#scan(this.#held, this.#held.length, MARK);
  }

  /** Gives the bytes before `end`, cut at the marks; from the first place on that is open, and `least` lets be, they are held. */
  #scan(bytes: Uint8Array, end: number, least: Sight = OPEN): void {
    let start = 0;
    let marked = false;
    this.#held = NO_BYTES;
    for (let at = this.#find(bytes, 0, end, least); at >= 0; at = this.#find(bytes, at + 1, end, least)) {
      if (at > start) this.#emit(viewOf(bytes, start, at), marked);
      start = at;
      marked = this.#look(bytes, at) === MARK;
      if (marked) continue;
      this.#held = bytes.slice(at);
      return;
    }
    if (end > start) this.#emit(start === 0 && end === bytes.length ? bytes : viewOf(bytes, start, end), marked);
  }

  /** The first place from `from` to before `end` with so much to see, -1 if there is none. */
  #find(bytes: Uint8Array, from: number, end: number, least: Sight, limit = bytes.length): number {
    const places = this.#places;
    // An id that begins before `end` has one of its bytes at every fourth place up to 3 behind it.
    const last = Math.min(end + ID_LENGTH - 1, limit);
    let probe = from + ID_LENGTH - 1;
    while (probe < last) {
      probe = passOver(bytes, probe, last, places);
      for (const stop = Math.min(probe + PACE, last); probe < stop; probe += ID_LENGTH) {
        const inId = places[bytes[probe]!]!;
        if (inId === 0) continue;
        for (let place = ID_LENGTH - 1; place >= 0; place--) {
          const at = probe - place;
          const begins = (inId & (1 << place)) !== 0 && (places[bytes[at]!]! & 1) !== 0;
          if (begins && at < end && this.#look(bytes, at, limit) >= least) return at;
        }
      }
    }
    for (let at = probe - ID_LENGTH + 1; at < end; at++) if (this.#look(bytes, at, limit) >= least) return at;
    return -1;
  }

  /** What is to be seen at a place; what is open comes to nothing when no more bytes follow. */
  #look(bytes: Uint8Array, at: number, limit = bytes.length): Sight {
    if ((this.#places[bytes[at]!]! & 1) === 0) return NONE;
    let sight: Sight = NONE;
    const idEnd = Math.min(at + ID_LENGTH, limit);
    const begun = decodeUint(bytes, at, idEnd);
    const sizeLength = idEnd < limit ? vintLength(bytes[idEnd]!) : 1;
    for (const { id, firstChildren } of this.#marks) {
      if (id >>> (8 * (at + ID_LENGTH - idEnd)) !== begun || sizeLength > 8) continue;
      if (idEnd + sizeLength >= limit) sight = OPEN;
      else if (firstChildren.includes(bytes[idEnd + sizeLength]!)) return MARK;
    }
    return sight;
  }
}

/** The next probe that may be one of four with a byte of an id: most are not, and are done faster together than one by one. */
function passOver(bytes: Uint8Array, from: number, end: number, places: Uint8Array): number {
  let probe = from;
  for (const last = end - PACE; probe < last; probe += PACE) {
    const first = places[bytes[probe]!]! | places[bytes[probe + ID_LENGTH]!]!;
    const second = places[bytes[probe + 2 * ID_LENGTH]!]! | places[bytes[probe + 3 * ID_LENGTH]!]!;
    if ((first | second) !== 0) break;
  }
  return probe;
}
