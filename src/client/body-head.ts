import { count } from '../ebml/plural.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { NotMediaError } from './service-error.js';

/** The id of an EBML header (RFC 8794 section 11.2.1), with which every document begins. */
const EBML_ID = 0x1a45dfa3;

/** How far the beginning of a document is looked for: more than a fragment has. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Looks at how a body begins. Media begins with an EBML header. Where it does not, it is damaged if one comes later, and no media at all if
 * none does: a page of HTML, JSON, something compressed.
 */
export class BodyHead {
  #last = 0;
  #length = 0;
  #isMedia = false;

  /** Whether the body has begun as media does. */
  get isMedia(): boolean {
    return this.#isMedia;
  }

  /** Whether it is plain that the body has not. */
  get isOther(): boolean {
    return !this.#isMedia && this.#length > 0 && !this.#isPrefix();
  }

  /**
   * The next bytes, until it is media.
   *
   * @throws MkvParseError when a document begins, but not at the beginning; NotMediaError when it is plain that none will
   */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at++) {
      this.#last = ((this.#last << 8) | (chunk[at] ?? 0)) >>> 0;
      this.#length++;
      if (this.#last === EBML_ID && this.#length >= 4) {
        this.#isMedia = true;
        if (this.#length === 4) return;
        throw new MkvParseError(
          'UnexpectedElement',
          0,
          `the body begins with ${count(this.#length - 4, 'byte')} of no document`,
        );
      }
      if (this.#length === 2) this.#expectNoOther();
    }
    if (this.#length > MOST_BYTES) throw new NotMediaError(`no document within ${MOST_BYTES} bytes`);
  }

  /**
   * The body ends.
   *
   * @throws NotMediaError when there were bytes, and none of a document
   */
  end(): void {
    if (this.#isMedia || this.#length === 0) return;
    if (this.#isPrefix()) return;
    throw new NotMediaError(`a body of ${count(this.#length, 'byte')} that is no Matroska`);
  }

  #isPrefix(): boolean {
    return this.#length < 4 && EBML_ID >>> (32 - 8 * this.#length) === this.#last;
  }

  /** Some beginnings are well known, and nothing that a wrong bit makes of an EBML header. */
  #expectNoOther(): void {
    const kind = OTHERS.get(this.#last >>> 8) ?? OTHERS.get(this.#last);
    if (kind !== undefined) throw new NotMediaError(`a body of ${kind} in place of media`);
  }
}

/** The first byte, or the first two. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [0x3c, 'HTML or XML'],
  [0x7b, 'JSON'],
  [0x5b, 'JSON'],
  [0x1f8b, 'gzip'],
]);
