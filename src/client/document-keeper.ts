import { type Bytes, unshared } from '../ebml/bytes.js';
import { MkvParseError } from '../mkv/parse-error.js';

/** A document of the service is one fragment, of 50 MB at most. */
const DEFAULT_MAX_SIZE = 256 * 1024 * 1024;

interface Piece {
  readonly offset: number;
  readonly bytes: Bytes;
}

/** Keeps the bytes of the document that is being read, and gives those of each fragment, without copying any. */
export class DocumentKeeper {
  readonly #maxSize: number;
  readonly #pieces: Piece[] = [];
  #length = 0;
  #start = 0;

  /** @param maxSize how many bytes to keep of a document */
  constructor(maxSize = DEFAULT_MAX_SIZE) {
    this.#maxSize = maxSize;
  }

  /**
   * The next bytes of the stream.
   *
   * @throws MkvParseError `ElementTooLarge` when more would have to be kept than a document of the service ever has
   */
  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#pieces.push({ offset: this.#length, bytes: unshared(bytes) });
    this.#length += bytes.length;
    if (this.#length - (this.#pieces[0]?.offset ?? this.#length) <= this.#maxSize) return;
    throw new MkvParseError('ElementTooLarge', this.#length, `${this.#maxSize} bytes without the end of a fragment`);
  }

  /** A document begins here: what lies before is not wanted any more. */
  begin(offset: number): void {
    this.#start = offset;
    this.#forget();
  }

  /** A fragment ends here: its bytes from the beginning of its document, or behind the fragment before it in the same one. */
  take(end: number): Bytes[] {
    const start = this.#start;
    const taken: Bytes[] = [];
    for (const { offset, bytes } of this.#pieces) {
      if (offset >= end) break;
      if (offset + bytes.length > start) taken.push(bytes.subarray(Math.max(0, start - offset), end - offset));
    }
    this.#start = end;
    this.#forget();
    return taken;
  }

  /** Lets go of what lies before the bytes that are wanted. */
  #forget(): void {
    const kept = this.#pieces.findIndex(({ offset, bytes }) => offset + bytes.length > this.#start);
    this.#pieces.splice(0, kept < 0 ? this.#pieces.length : kept);
  }
}
