import type { Bytes } from '../ebml/bytes.js';
import { canDescendFrom, type EbmlElementType } from '../ebml/element-type.js';
import type { Fragment } from '../fragments/fragment.js';
import { FragmentAssembler } from '../fragments/fragment-assembler.js';
import { frameElements } from '../fragments/frame-filter.js';
import type { MkvElement } from '../mkv/element.js';
import { MKV_SCHEMA, Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { BodyHead } from './body-head.js';
import { DescriptionReader, type DocumentDescription } from './document-description.js';
import { DocumentKeeper } from './document-keeper.js';
import { DocumentMeasure, type DocumentSize } from './document-measure.js';
import { type FragmentMemory, ReusedMemory } from './reused-memory.js';

/** A fragment as a connection gave it. */
export interface ReadFragment {
  readonly fragment: Fragment;
  /**
   * - `whole`: something that ends a fragment has come behind it.
   * - `cut`: something is missing.
   * - `bare`: nothing is missing but the Tags of the service behind the frames, which others of the stream have.
   * - `open`: the connection ended behind it with nothing that ends a fragment, so that nothing tells whether all of it has come.
   */
  readonly state: 'whole' | 'cut' | 'bare' | 'open';
  /** Whether the end of its frames was to be told by a size. */
  readonly sized: boolean;
  /** The bytes of its document up to its end, where they are kept: views of the chunks that they came in. */
  readonly document: readonly Bytes[];
  /** What its document says of how its frames are to be read. */
  readonly description: DocumentDescription;
  /** How much of its document there is, where that is measured. */
  readonly size: DocumentSize | undefined;
  /** The memory of its bytes, where that is used again. */
  readonly memory: FragmentMemory | undefined;
}

/** How a connection's bytes are read. */
export interface FragmentReaderOptions {
  readonly verifyCrc: boolean;
  /** Whether the bytes of documents are wanted. */
  readonly keepDocuments: boolean;
  /** Whether documents are measured. Default false. */
  readonly measure?: boolean | undefined;
  /** Pass over damage instead of stopping at it; the function is told what it was. */
  readonly recover?: ((reason: string) => void) | undefined;
  /** Whether fragments have Tags of the service behind their frames, so that one without is `bare`. Default: from the first on that has. */
  readonly expectTrailingTags?: boolean | undefined;
  /** How many bytes of frames, and of a document where they are kept, to hold of one fragment. Default 256 MiB. */
  readonly maxFragmentSize?: number | undefined;
  /** Whether the bytes of fragments lie in memory that is used again. Default false: they lie in the chunks that are pushed. */
  readonly reuseBuffers?: boolean | 'overwrite' | undefined;
}

let elements: readonly EbmlElementType[] | undefined;

/** Makes fragments of the bytes of one connection, and tells how sure it is of each. */
export class FragmentReader {
  readonly #reader: StreamingMkvReader;
  readonly #assembler: FragmentAssembler;
  readonly #keeper: DocumentKeeper | undefined;
  readonly #measure: DocumentMeasure | undefined;
  readonly #memory: ReusedMemory | undefined;
  readonly #description = new DescriptionReader();
  readonly #head = new BodyHead();
  readonly #recovers: boolean;
  readonly #ready: (Pick<ReadFragment, 'fragment' | 'sized' | 'description'> & { readonly cut: boolean })[] = [];
  #length = 0;
  /** Where the last element stood. */
  #offset = 0;
  #ended = false;
  #finished = false;
  /** A fragment with a number has come in the Segment. */
  #numbered = false;
  /** A Cluster has begun in the Segment. */
  #clusterSeen = false;
  /** The last Cluster has said its size. */
  #sized = false;
  /** Whether fragments have a token behind their frames; `undefined` before one has shown it. */
  #tokensExpected: boolean | undefined;
  /** What is shown last is the end of Tags: a fragment that ends with it is ended by the number of another. */
  #inTags = false;

  constructor(options: FragmentReaderOptions) {
    const { verifyCrc, keepDocuments, recover, expectTrailingTags, maxFragmentSize, reuseBuffers = false } = options;
    this.#recovers = recover !== undefined;
    elements ??= [
      ...[...MKV_SCHEMA.values()].filter((type) => type === Mkv.EBML || canDescendFrom(type, Mkv.EBML)),
      ...frameElements(),
    ];
    const gap = (reason: string) => {
      recover?.(reason);
      this.#assembler.noteGap();
    };
    this.#reader = new StreamingMkvReader({
      verifyCrc,
      elements,
      // Between two documents of the service nothing else is a part of the stream: a page there would swallow those behind it.
      refuseUnknown: true,
      recover: recover !== undefined,
      onGap: ({ reason }) => gap(reason),
      onWarning: (warning) => this.#description.warn(warning),
    });
    this.#assembler = new FragmentAssembler(
      () => true,
      (fragment) => this.#give(fragment),
      recover === undefined ? {} : { onInvalidElement: ({ message }) => gap(message) },
      false,
      maxFragmentSize,
    );
    this.#tokensExpected = expectTrailingTags;
    if (options.measure === true) this.#measure = new DocumentMeasure();
    if (keepDocuments) this.#keeper = new DocumentKeeper(maxFragmentSize);
    if (reuseBuffers !== false) this.#memory = new ReusedMemory(reuseBuffers === 'overwrite');
  }

  /** What is known of the fragment that the bytes are in, or that came last. */
  get current(): FragmentMetadata | undefined {
    return this.#assembler.currentFragmentMetadata;
  }

  /** Whether nothing of a chunk is read when `push` has returned. */
  get copiesChunks(): boolean {
    return this.#memory !== undefined;
  }

  /** Whether the end has been said. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Takes bytes.
   *
   * @throws MkvParseError when they begin with something else than a document and one comes later, or more would have to be kept than may
   * be; NotMediaError when they are no Matroska
   */
  push(chunk: Uint8Array): void {
    if (!this.#head.isMedia) {
      try {
        this.#head.push(chunk);
      } catch (error) {
        // Whoever reads on behind damage takes a document wherever it begins.
        if (!this.#recovers || !(error instanceof MkvParseError)) throw error;
      }
      if (this.#head.isOther && !this.#recovers) return;
    }
    if (this.#memory === undefined) this.#read(chunk);
    else for (const stored of this.#memory.store(chunk)) this.#read(stored);
  }

  #read(chunk: Uint8Array): void {
    this.#keeper?.push(chunk);
    this.#length += chunk.length;
    this.#reader.push(chunk);
  }

  /** Nothing more is read, and what has been read but not given is not wanted. */
  close(): void {
    this.#memory?.close();
  }

  /**
   * Says that no more come.
   *
   * @throws NotMediaError when what has come is no Matroska
   */
  end(): void {
    this.#ended = true;
    this.#head.end();
    this.#reader.end();
  }

  /**
   * Whether the bytes so far give another fragment.
   *
   * @throws MkvParseError when the bytes are wrong
   */
  get ready(): boolean {
    while (this.#ready.length === 0) {
      const element = this.#reader.nextIfAvailable();
      if (element !== undefined) {
        this.#show(element);
      } else if (this.#ended && !this.#finished) {
        this.#finished = true;
        this.#offset = this.#length;
        this.#assembler.end();
      } else {
        return false;
      }
    }
    return true;
  }

  /**
   * The next fragment that the bytes so far give.
   *
   * @throws MkvParseError when the bytes are wrong
   */
  next(): ReadFragment | undefined {
    const ready = this.ready ? this.#ready.shift() : undefined;
    if (ready === undefined) return undefined;
    const { fragment, cut, sized, description } = ready;
    const state = cut ? 'cut' : this.#stateOf(fragment);
    const document = this.#keeper?.take(this.#offset) ?? [];
    const size = this.#measure?.take(this.#offset);
    return { fragment, state, sized, document, description, size, memory: this.#memory?.take(this.#offset) };
  }

  /**
   * A document of the service is one fragment, whose number stands before its Cluster. Another number in the same document is not the
   * service's, unless frames of its own follow it: it may stand in the producer's Tags.
   */
  #give(fragment: Fragment): void {
    const { fragmentNumber, frames, continuationToken, error } = fragment;
    const numbered = fragmentNumber !== undefined && error === undefined;
    // It is ended by the number of another.
    const replaced = numbered && this.#inTags && continuationToken === undefined;
    if (numbered && frames.length === 0 && (this.#numbered || (replaced && !this.#clusterSeen))) return;
    if (numbered) this.#numbered = true;
    this.#ready.push({ fragment, cut: replaced, sized: this.#sized, description: this.#description.take() });
  }

  #show(element: MkvElement): void {
    this.#offset = element.offset;
    this.#measure?.show(element);
    this.#description.show(element);
    if (element.kind === 'start') {
      if (element.type === Mkv.Segment) {
        this.#numbered = false;
        this.#clusterSeen = false;
      } else if (element.type === Mkv.Cluster) {
        this.#clusterSeen = true;
        this.#sized = element.dataSize !== undefined;
      }
    }
    this.#inTags = element.type === Mkv.Tags;
    const { type } = element;
    if (type === Mkv.EBML) {
      if (element.kind === 'start') this.#keeper?.begin(element.offset);
    } else if (element.kind !== 'data' || element.parent?.type !== Mkv.EBML) {
      element.accept(this.#assembler);
    }
  }

  #stateOf(fragment: Fragment): ReadFragment['state'] {
    if (fragment.truncated) return 'cut';
    const { continuationToken, error } = fragment;
    if (continuationToken !== undefined) this.#tokensExpected ??= true;
    else if (this.#tokensExpected === true && error === undefined) return 'bare';
    const closed = !this.#ended || continuationToken !== undefined || fragment.millisBehindNow !== undefined;
    return closed ? 'whole' : 'open';
  }
}
