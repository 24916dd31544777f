import type { EbmlElementType } from '../ebml/element-type.js';
import type { EbmlGap, EbmlHandler, EbmlWarning } from '../ebml/handler.js';
import { EbmlParser } from '../ebml/parser.js';
import type { SyncMark } from '../ebml/sync-scanner.js';
import { MkvDataElement, type MkvElement, MkvEndMasterElement, MkvStartMasterElement } from './element.js';
import { MKV_SCHEMA } from './elements.js';
import { MkvParseError } from './parse-error.js';

/** Bytes that were skipped, or that did not fit their CRC-32. */
export type MkvGap = EbmlGap;

/** Something that the standard forbids and practice tolerates. */
export type MkvWarning = EbmlWarning;

/** How {@link StreamingMkvReader} reads. */
export interface MkvReaderOptions {
  /** The elements to give: exactly these, beginnings, ends and data. Others are passed over without being buffered. Default: all. */
  readonly elements?: Iterable<EbmlElementType> | undefined;
  /** The largest data element to accept, in bytes; a larger one is an error. Default 64 MiB: a fragment has at most 50 MB. */
  readonly maxElementSize?: number | undefined;
  /** How many masters may be open at once, default 64. */
  readonly maxDepth?: number | undefined;
  /** Copy each chunk when it is pushed: for a caller that uses its buffer again. Otherwise the reader refers to it. */
  readonly copyChunks?: boolean | undefined;
  /** Refuse what the standard forbids and practice tolerates, and a stream that ends inside an element. */
  readonly strict?: boolean | undefined;
  /**
   * At damaged bytes, go on at the next EBML header or Cluster that looks right, and report what was skipped through `onGap`. An
   * element is then given when the 12 bytes after it have arrived as well, or the end.
   */
  readonly recover?: boolean | undefined;
  /** Check every CRC-32 element against the bytes of its parent. A mismatch is an error; with `recover`, a gap. */
  readonly verifyCrc?: boolean | undefined;
  /** Is told of every gap, once, in order (with `recover`). The bytes of a gap whose CRC-32 was wrong have been given all the same. */
  readonly onGap?: ((gap: MkvGap) => void) | undefined;
  /** Is told of what is tolerated. */
  readonly onWarning?: ((warning: MkvWarning) => void) | undefined;
}

/** EBML headers and Clusters, by the children that they begin with. */
const SYNC_MARKS: readonly SyncMark[] = [
  // Ids of the EBML header's children begin with 0x42; Void; CRC-32.
  { id: 0x1a45dfa3, firstChildren: [0x42, 0xec, 0xbf] },
  // Timestamp, CRC-32, Position, PrevSize, SimpleBlock, BlockGroup, Void, SilentTracks, EncryptedBlock.
  { id: 0x1f43b675, firstChildren: [0xe7, 0xbf, 0xa7, 0xab, 0xa3, 0xa0, 0xec, 0x58, 0xaf] },
];

/**
 * Reads Matroska elements from bytes as they arrive: synchronous, never waiting, for any chunking, any number of documents one after
 * another.
 *
 * ```ts
 * const reader = new StreamingMkvReader();
 * reader.push(chunk);
 * for (let element; (element = reader.nextIfAvailable()); ) element.accept(visitor);
 * reader.end();
 * ```
 *
 * Data that lies in one chunk is a view of it; data that spans chunks is put together in a buffer of its own. Elements and the reader
 * refer to pushed chunks, so a caller that writes to its buffer again passes `copyChunks`. The reader holds the chunks that are not read
 * yet and at most one incomplete element.
 */
export class StreamingMkvReader {
  readonly #parser: EbmlParser<MkvStartMasterElement>;
  #next: MkvElement | undefined;
  #ended = false;
  #failed = false;

  constructor(options: MkvReaderOptions = {}) {
    const handler: EbmlHandler<MkvStartMasterElement> = {
      masterStart: (type, offset, headerSize, dataSize, parent, asked) => {
        const start = new MkvStartMasterElement(type, offset, headerSize, dataSize, parent);
        if (asked) this.#give(start);
        return start;
      },
      masterEnd: (start, offset, truncated) => this.#give(new MkvEndMasterElement(start, offset, truncated)),
      data: (type, offset, headerSize, dataSize, bytes, start, parent) =>
        this.#give(new MkvDataElement(type, offset, headerSize, dataSize, bytes, start, parent)),
    };
    const { recover, ...others } = options;
    this.#parser = new EbmlParser(handler, {
      ...others,
      schema: MKV_SCHEMA,
      docTypes: ['matroska', 'webm'],
      recoverAt: recover === true ? SYNC_MARKS : undefined,
      createError: (code, offset, text) => new MkvParseError(code, offset, text),
    });
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
    if (this.#next === undefined) this.#read();
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
