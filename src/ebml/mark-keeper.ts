import { viewOf } from './bytes.js';
import { LONGEST_MARK, type SyncMark, SyncScanner } from './sync-scanner.js';

/** Keeps the bytes of an element that nobody asked for from the first on that looks like a mark: the size may be a lie. */
export class MarkKeeper {
  /** Where the bytes that are kept begin in the stream; `undefined` when there are none. */
  offset: number | undefined;
  readonly #scanner: SyncScanner;
  readonly #from: number;
  #passed: number;
  #bytes = new Uint8Array(0);
  #length = 0;

  /**
   * @param offset of the first byte that is appended
   * @param from where in the stream a mark has to be found: what follows one before that is too much to keep
   */
  constructor(marks: readonly SyncMark[], offset: number, from: number) {
    this.#passed = offset;
    this.#from = from;
    this.#scanner = new SyncScanner(marks, (bytes, marked) => {
      if (marked) this.offset ??= this.#passed;
      if (this.offset !== undefined) this.#keep(bytes);
      this.#passed += bytes.length;
    });
  }

  /** Whether too much follows the mark that has been found. */
  get isTooMuch(): boolean {
    return this.offset !== undefined && this.offset < this.#from;
  }

  /**
   * Where in a chunk to stop with the next `append`, at `end` or before. What comes behind the first mark is not looked at where it would be too
   * much to keep: elements with such a size may stand behind each other, and the chunk would be looked at for each of them.
   */
  share(chunk: Uint8Array, start: number, end: number): number {
    if (this.offset !== undefined || this.#passed >= this.#from) return end;
    const mark = this.#scanner.find(chunk, start, end);
    return mark < 0 ? end : Math.min(mark + LONGEST_MARK, end);
  }

  /** Takes the next bytes: `chunk` from `start` to `end`. */
  append(chunk: Uint8Array, start: number, end: number): void {
    // What the scanner holds back when it has found a mark comes before what follows, so that it is shown all the rest as well.
    if (start < end) this.#scanner.push(viewOf(chunk, start, end));
  }

  /** The bytes that are kept. After the last append. */
  take(): Uint8Array {
    const { held } = this.#scanner;
    if (held.length > 0) {
      this.offset ??= this.#passed;
      this.#keep(held);
    }
    return viewOf(this.#bytes, 0, this.#length);
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(viewOf(this.#bytes, 0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }
}
