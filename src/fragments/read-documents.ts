import type { Bytes } from '../ebml/bytes.js';
import { concatBytes } from '../ebml/writer.js';
import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import type { ByteStream } from '../mkv/byte-stream.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { type ChunkConsumer, pullThrough } from '../mkv/pull.js';
import type { MkvStreamOptions } from '../mkv/streams.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import {
  type DocumentFacts,
  type DocumentPart,
  DocumentSplitter,
  type DocumentSplitterOptions,
} from './document-splitter.js';

/** Options of {@link readDocumentParts}. */
export type ReadDocumentPartsOptions = DocumentSplitterOptions & Pick<MkvStreamOptions, 'signal'>;

/** Options of {@link readDocuments}. */
export interface ReadDocumentsOptions extends DocumentSplitterOptions, Pick<MkvStreamOptions, 'signal'> {
  /**
   * The largest document to hold, in bytes; a larger one is an error, with `recover` too. Default 256 MiB. A fragment of Kinesis Video
   * Streams has at most 50 MB; documents of any length are read by {@link readDocumentParts}.
   */
  readonly maxDocumentSize?: number | undefined;
}

const DEFAULT_MAX_DOCUMENT_SIZE = 256 * 1024 * 1024;

/** A whole document of a stream. GetMedia sends one for each fragment. */
export class MkvDocument implements DocumentFacts {
  /** The position among the documents of the stream, from 0. */
  readonly index: number;
  /** Where the first byte lies, in bytes from the start of the stream. */
  readonly offset: number;
  /** The size in bytes. */
  readonly length: number;
  /** Whether bytes are missing, or the Tags of the service that should end it: see {@link DocumentFacts.truncated}. */
  readonly truncated: boolean;
  /** What the service says of the fragment; `undefined` for a document without the service's tags. */
  readonly metadata: FragmentMetadata | undefined;
  #parts: readonly Bytes[];

  /** @internal */
  constructor({ index, offset, length, truncated, metadata }: DocumentFacts, parts: readonly Bytes[]) {
    this.index = index;
    this.offset = offset;
    this.length = length;
    this.truncated = truncated;
    this.metadata = metadata;
    this.#parts = parts;
  }

  /** Its bytes where they lie: views of the chunks that they came in, one after another. */
  get parts(): readonly Bytes[] {
    return this.#parts;
  }

  /** Its bytes in one piece: where they lie in one chunk a view of it, else a copy that is made when this is read for the first time. */
  get bytes(): Bytes {
    const [only, ...others] = this.#parts;
    if (only !== undefined && others.length === 0) return only;
    const bytes = concatBytes(this.#parts);
    this.#parts = [bytes];
    return bytes;
  }
}

/**
 * The documents of a byte stream, each when it has ended, with its bytes as they lie in the stream: of a GetMedia body, those of each
 * fragment. A document begins with an EBML header, or with a Segment that has none. Joined, their bytes are those of the stream; with
 * `recover`, but for damage outside of documents, which `onGap` receives. Leaving the loop cancels the stream.
 *
 * ```ts
 * for await (const { metadata, bytes } of readDocuments(payload)) await put(`${metadata?.fragmentNumber}.mkv`, bytes);
 * ```
 *
 * A document that the stream ends in is given too, with `truncated` set.
 *
 * @throws MkvParseError when the bytes are wrong or a document is larger than `maxDocumentSize`, whatever the source throws when it fails,
 * the signal's reason when it is aborted
 */
export function readDocuments(
  stream: ByteStream,
  options: ReadDocumentsOptions = {},
): ClosableAsyncIterator<MkvDocument> {
  return pullThrough(stream, new DocumentGatherer(options), options.signal);
}

/**
 * Reads the documents of a byte stream in parts, as soon as they arrive, for documents of any length. It holds no more than one incomplete
 * element. The last part of each document is marked; with it, all facts about the document are known.
 *
 * @throws MkvParseError when the bytes are wrong, whatever the source throws when it fails, the signal's reason when it is aborted
 */
export function readDocumentParts(
  stream: ByteStream,
  options: ReadDocumentPartsOptions = {},
): ClosableAsyncIterator<DocumentPart> {
  return pullThrough(stream, new DocumentSplitter(options), options.signal);
}

/** Holds the parts of a document until it has ended. */
class DocumentGatherer implements ChunkConsumer<MkvDocument> {
  readonly #splitter: DocumentSplitter;
  readonly #maxSize: number;
  #parts: Bytes[] = [];

  constructor(options: ReadDocumentsOptions) {
    this.#splitter = new DocumentSplitter(options);
    this.#maxSize = options.maxDocumentSize ?? DEFAULT_MAX_DOCUMENT_SIZE;
  }

  push(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
  }

  end(): void {
    this.#splitter.end();
  }

  nextIfAvailable(): MkvDocument | undefined {
    for (;;) {
      const part = this.#splitter.nextIfAvailable();
      if (part === undefined) return undefined;
      const { document, bytes, isLast } = part;
      if (bytes.length > 0) this.#parts.push(bytes);
      if (document.length > this.#maxSize) {
        const text = `a document of more than ${this.#maxSize} bytes`;
        throw new MkvParseError('ElementTooLarge', document.offset, text);
      }
      if (!isLast) continue;
      const parts = this.#parts;
      this.#parts = [];
      return new MkvDocument(document, parts);
    }
  }
}
