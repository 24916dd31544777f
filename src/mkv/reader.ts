import type { EbmlHandler } from '../ebml/handler.js';
import type { EbmlParser } from '../ebml/parser.js';
import { MkvDataElement, type MkvElement, MkvEndMasterElement, MkvStartMasterElement } from './element.js';
import { openMkvParser } from './mkv-parser.js';
import { MkvParseError } from './parse-error.js';
import type { MkvReaderOptions } from './reader-options.js';

export type { MkvGap, MkvReaderOptions, MkvWarning } from './reader-options.js';

/**
 * Reads Matroska elements from bytes as they arrive. It is synchronous and never waits. Chunks may have any size, and any number of documents
 * may follow each other.
 *
 * ```ts
 * const reader = new StreamingMkvReader();
 * reader.push(chunk);
 * for (let element; (element = reader.nextIfAvailable()); ) element.accept(visitor);
 * reader.end();
 * ```
 *
 * Data inside one chunk is a view of that chunk; data that spans chunks is copied into a buffer of its own. Elements and the reader refer to
 * pushed chunks, so pass `copyChunks` if you reuse your buffer. The reader holds the chunks that it has not read yet, and at most one
 * incomplete element.
 */
export class StreamingMkvReader {
  readonly #parser: EbmlParser<MkvStartMasterElement>;
  #next: MkvElement | undefined;
  #ended = false;
  #failed = false;

  /**
   * @param options limits, recovery, checks, and which elements to give; default: all, and damage is an error
   */
  constructor(options: MkvReaderOptions = {}) {
    const handler: EbmlHandler<MkvStartMasterElement> = {
      masterStart: (type, offset, headerSize, dataSize, parent, asked) => {
        const start = new MkvStartMasterElement(type, offset, headerSize, dataSize, parent);
        if (asked) this.#give(start);
        return start;
      },
      masterEnd: (start, offset, truncated) => this.#give(new MkvEndMasterElement(start, offset, truncated)),
      data: (type, offset, headerSize, dataSize, run, start, parent) =>
        this.#give(new MkvDataElement(type, offset, headerSize, dataSize, run, start, parent)),
    };
    this.#parser = openMkvParser(handler, options);
    this.#parser.pause();
  }

  /**
   * Takes the next bytes of the stream: any number of them, also none. Nothing is read yet.
   *
   * @throws TypeError when the chunk is not a `Uint8Array`, or after {@link StreamingMkvReader.end}
   * @throws MkvParseError the error that stopped the reader before
   */
  push(chunk: Uint8Array): void {
    this.#parser.push(chunk);
  }

  /** Says that no more bytes come. What is left is then to be taken, the ends of open masters among it. */
  end(): void {
    this.#ended = true;
    this.#parser.end();
  }

  /**
   * The next element if its bytes have arrived, else `undefined`.
   *
   * @throws MkvParseError when the bytes are wrong. The reader then stays stopped: every further call throws the same error.
   */
  nextIfAvailable(): MkvElement | undefined {
    if (this.#next === undefined && !this.#parser.starved) this.#read();
    const next = this.#next;
    this.#next = undefined;
    return next;
  }

  /**
   * Whether {@link StreamingMkvReader.nextIfAvailable} may ever give another element: `true` until the end of the stream has been
   * said and everything has been taken, or the reader has thrown its error.
   */
  mightHaveNext(): boolean {
    if (this.#next !== undefined) return true;
    if (this.#failed) return false;
    if (!this.#ended) return true;
    try {
      this.#read();
    } catch {
      // It is thrown when the element is asked for.
      this.#failed = false;
      return true;
    }
    return this.#next !== undefined;
  }

  /** Whether the stream ended in the middle of an element, so that the masters open there are not whole. */
  get truncated(): boolean {
    return this.#parser.truncated;
  }

  /** The error that stopped the reader. */
  get error(): MkvParseError | undefined {
    const { error } = this.#parser;
    return error instanceof MkvParseError ? error : undefined;
  }

  #read(): void {
    this.#failed = true;
    this.#parser.resume();
    // Bytes that are pushed from here on wait until they are asked for.
    this.#parser.pause();
    this.#failed = false;
  }

  #give(element: MkvElement): void {
    this.#next = element;
    this.#parser.pause();
  }
}
