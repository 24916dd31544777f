import { type Bytes, unshared, viewOf } from '../ebml/bytes.js';
import type { EbmlHandler } from '../ebml/handler.js';
import type { EbmlParser } from '../ebml/parser.js';
import { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { openMkvParser } from '../mkv/mkv-parser.js';
import type { ChunkConsumer } from '../mkv/pull.js';
import type { MkvGap, MkvReaderOptions } from '../mkv/reader-options.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { FragmentMetadataVisitor } from '../visitors/fragment-metadata-visitor.js';

/** Facts about a document of a stream. They are complete when its last part has arrived. */
export interface DocumentFacts {
  /** Its place among the documents of the stream, 0 for the first. */
  readonly index: number;
  /** Of its first byte, from the start of the stream. */
  readonly offset: number;
  /** How many bytes have come of it. */
  readonly length: number;
  /**
   * Whether bytes of it are missing: its header, its Segment, what damage took, what the stream ended before; or the service's Tags that
   * fragments of the same stream before it have at their end.
   */
  readonly truncated: boolean;
  /**
   * What the service says of the fragment that the document is, of the first one where it holds several; `undefined` where it says nothing.
   */
  readonly metadata: FragmentMetadata | undefined;
}

/** Some bytes of a document, as they lie in the stream. */
export interface DocumentPart {
  /** The document: the same object for all its parts. It grows with them. */
  readonly document: DocumentFacts;
  /** The bytes: a view of the chunk they came in. Those of the last part may be none. */
  readonly bytes: Bytes;
  /** Whether it is the last part of the document. */
  readonly isLast: boolean;
}

/** Options for splitting a stream into its documents. */
export interface DocumentSplitterOptions extends Omit<MkvReaderOptions, 'elements'> {
  /**
   * Whether each document has the service's Tags (the continuation token) at its end, as those of GetMedia have: one without them is then
   * truncated. Default: from the first document on that has them; with `false` never.
   */
  readonly expectTrailingTags?: boolean | undefined;
}

/** A document in the making. */
interface OpenDocument {
  readonly index: number;
  readonly offset: number;
  length: number;
  truncated: boolean;
  metadata: FragmentMetadata | undefined;
  hasSegment: boolean;
}

/** Bytes that have come, the first of them at `offset` of the stream. */
interface HeldChunk {
  readonly bytes: Bytes;
  readonly offset: number;
  /** Where in the stream the last of them ends; where they are copied together, there may be room behind. */
  end: number;
  readonly isOwn: boolean;
}

/** Chunks below this are copied together: an object for each would take more memory than they do. */
const SMALL = 1024;

const NO_BYTES = new Uint8Array(0);

/** Cuts the bytes of a stream where documents begin. It holds what it has been given up to the end of the element at hand. */
export class DocumentSplitter implements ChunkConsumer<DocumentPart> {
  readonly #parser: EbmlParser<MkvStartMasterElement>;
  readonly #copies: boolean;
  readonly #fragments = new FragmentMetadataVisitor();
  readonly #onGap: MkvReaderOptions['onGap'];
  /** What has come and has not all been given out. */
  #chunks: HeldChunk[] = [];
  /** How many bytes have come. */
  #length = 0;
  /** How far the bytes have been given out, or passed over. */
  #given = 0;
  /** How far it is known which document they are of. */
  #reached = 0;
  /** Where the element before ends. */
  #elementEnd = 0;
  #ready: DocumentPart[] = [];
  #taken = 0;
  #document: OpenDocument | undefined;
  #count = 0;
  #openSegment: MkvStartMasterElement | undefined;
  #inTags = false;
  /** Whether the service's Tags are due at the end of a document. */
  #expectsTrailer: boolean;
  readonly #learnsTrailers: boolean;
  #failure: { readonly error: unknown } | undefined;
  #ended = false;

  constructor(options: DocumentSplitterOptions) {
    this.#copies = options.copyChunks === true;
    this.#expectsTrailer = options.expectTrailingTags === true;
    this.#learnsTrailers = options.expectTrailingTags === undefined;
    this.#onGap = options.onGap;
    this.#parser = openMkvParser(this.#handler(), {
      ...options,
      elements: undefined,
      copyChunks: undefined,
      onGap: (gap) => this.#passGap(gap),
    });
    this.#parser.pause();
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#copies ? new Uint8Array(chunk) : unshared(chunk);
    this.#parser.push(bytes);
    if (bytes.length > 0) this.#hold(bytes);
  }

  #hold(bytes: Bytes): void {
    const { length } = bytes;
    const offset = this.#length;
    this.#length += length;
    if (length >= SMALL) {
      this.#chunks.push({ bytes, offset, end: this.#length, isOwn: false });
      return;
    }
    let last = this.#chunks.at(-1);
    if (last?.isOwn !== true || last.end - last.offset + length > last.bytes.length) {
      last = { bytes: new Uint8Array(4 * SMALL), offset, end: offset, isOwn: true };
      this.#chunks.push(last);
    }
    last.bytes.set(bytes, last.end - last.offset);
    last.end = this.#length;
  }

  end(): void {
    this.#parser.end();
    this.#ended = true;
  }

  /** The next part. What is wrong is thrown when all before it has been taken. */
  nextIfAvailable(): DocumentPart | undefined {
    if (this.#taken === this.#ready.length) {
      this.#ready = [];
      this.#taken = 0;
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#read();
    }
    if (this.#ready.length === 0 && this.#failure !== undefined) throw this.#failure.error;
    return this.#ready[this.#taken++] ?? this.#nothing();
  }

  #nothing(): undefined {
    this.#taken = 0;
  }

  #read(): void {
    try {
      this.#parser.resume();
      this.#parser.pause();
    } catch (error) {
      this.#failure = { error };
      this.#give(this.#reached);
      return;
    }
    if (!this.#ended) {
      this.#give(this.#reached);
      return;
    }
    if (this.#parser.truncated) this.#noteTruncated();
    this.#ended = false;
    this.#give(this.#length);
    this.#finish();
  }

  #handler(): EbmlHandler<MkvStartMasterElement> {
    const fragments = this.#fragments;
    return {
      masterStart: (type, offset, headerSize, dataSize, parent) => {
        const start = new MkvStartMasterElement(type, offset, headerSize, dataSize, parent);
        if (parent === undefined) this.#beginRoot(start);
        if (type === Mkv.Tags) this.#inTags = true;
        if (this.#inTags || type === Mkv.Segment || type === Mkv.Cluster) fragments.visitStart(start);
        this.#reachElement(offset + headerSize);
        return start;
      },
      takeMaster: (type, bytes, start, end, offset, headerSize) => {
        if (type !== Mkv.Tags || !fragments.takeMaster(type, bytes, start, end)) return false;
        this.#noteFragment(offset);
        this.#reachElement(offset + headerSize + end - start);
        return true;
      },
      masterEnd: (start, offset, truncated) => {
        const { type } = start;
        if (truncated) this.#noteTruncated();
        if (this.#inTags || type === Mkv.Segment || type === Mkv.Cluster) {
          fragments.visitEnd(new MkvEndMasterElement(start, offset, truncated));
          this.#noteFragment(start.offset);
        }
        if (type === Mkv.Tags) this.#inTags = false;
        if (start === this.#openSegment) this.#openSegment = undefined;
      },
      data: (type, offset, headerSize, dataSize, run, start, parent) => {
        if (this.#inTags)
          fragments.visitData(new MkvDataElement(type, offset, headerSize, dataSize, run, start, parent));
        this.#reachElement(offset + headerSize + dataSize);
      },
    };
  }

  /** A master begins that is in no other. */
  #beginRoot(start: MkvStartMasterElement): void {
    const { type, offset } = start;
    const document = this.#document;
    const isSegment = type === Mkv.Segment;
    if (type === Mkv.EBML || document === undefined || (isSegment && document.hasSegment)) {
      this.#beginDocument(offset, type !== Mkv.EBML && !isSegment, isSegment);
    } else if (isSegment) {
      document.hasSegment = true;
    }
    if (isSegment) this.#openSegment = start;
  }

  #beginDocument(offset: number, truncated: boolean, hasSegment: boolean): void {
    this.#give(offset);
    this.#finish();
    const index = this.#count++;
    this.#document = { index, offset, length: 0, truncated, metadata: undefined, hasSegment };
  }

  /** Where the stream ends in the first bytes of an EBML header, they are of the next document. */
  #beginCutHeader(offset: number): void {
    if (this.#document?.offset === offset) return;
    let at = 0;
    for (const { bytes, offset: start, end } of this.#chunks) {
      for (let i = Math.max(start, offset); i < end && at < 4; i++, at++) {
        if (bytes[i - start] !== ((Mkv.EBML.id >>> (24 - 8 * at)) & 0xff)) return;
      }
    }
    if (at > 0) this.#beginDocument(offset, true, false);
  }

  /** Bytes of the document at hand are missing. */
  #noteTruncated(): void {
    if (this.#ended && this.#parser.truncated) this.#beginCutHeader(this.#elementEnd);
    if (this.#document !== undefined) this.#document.truncated = true;
  }

  /** A master that began at `offset` may have told of the fragment. */
  #noteFragment(offset: number): void {
    const document = this.#document;
    if (document !== undefined && offset >= document.offset)
      document.metadata ??= this.#fragments.currentFragmentMetadata;
  }

  #passGap(gap: MkvGap): void {
    this.#onGap?.(gap);
    if (this.#ended && gap.offset + gap.length === this.#length) this.#beginCutHeader(gap.offset);
    const document = this.#document;
    if (document === undefined) {
      this.#give(gap.offset + gap.length);
    } else if (document.hasSegment && this.#openSegment === undefined) {
      // The document has ended before.
      this.#give(gap.offset);
      this.#finish();
      this.#give(gap.offset + gap.length);
    } else {
      document.truncated = true;
    }
  }

  /** An element, or the header of a master, ends. */
  #reachElement(offset: number): void {
    this.#elementEnd = offset;
    this.#reach(offset);
  }

  /** All bytes before `offset` are of the document at hand. */
  #reach(offset: number): void {
    this.#reached = Math.max(this.#reached, offset);
  }

  /** Gives out the bytes before `end`, or passes over them where they are of no document. */
  #give(end: number): void {
    const document = this.#document;
    let used = 0;
    for (const { bytes, offset, end: chunkEnd } of this.#chunks) {
      const from = Math.max(this.#given, offset);
      const to = Math.min(end, chunkEnd);
      if (to > from && document !== undefined) {
        document.length += to - from;
        this.#ready.push({ document, bytes: viewOf(bytes, from - offset, to - offset), isLast: false });
      }
      if (chunkEnd > end) break;
      used++;
    }
    if (used > 0) this.#chunks.splice(0, used);
    this.#given = Math.max(this.#given, end);
    this.#reach(end);
  }

  /** The document at hand has ended. */
  #finish(): void {
    const document = this.#document;
    if (document === undefined) return;
    this.#document = undefined;
    const { metadata } = document;
    if (metadata?.continuationToken !== undefined) this.#expectsTrailer ||= this.#learnsTrailers;
    else if (this.#expectsTrailer && metadata?.error === undefined) document.truncated = true;
    if (!document.hasSegment) document.truncated = true;
    const last = this.#ready.at(-1);
    if (last?.document === document) this.#ready[this.#ready.length - 1] = { ...last, isLast: true };
    else this.#ready.push({ document, bytes: NO_BYTES, isLast: true });
  }
}
