import type { EbmlElementType } from '../ebml/element-type.js';
import type { Fragment } from '../fragments/fragment.js';
import { FragmentAssembler } from '../fragments/fragment-assembler.js';
import { frameElements } from '../fragments/frame-filter.js';
import type { MkvElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { DocumentKeeper } from './document-keeper.js';

/** A fragment as a connection gave it. */
export interface ReadFragment {
  readonly fragment: Fragment;
  /**
   * `whole`: something that ends a fragment has come behind it. `cut`: something is missing. `open`: the connection ended behind it with
   * nothing that ends a fragment, so that nothing tells whether all of it has come.
   */
  readonly state: 'whole' | 'cut' | 'open';
  /** The bytes of its document up to its end, where they are kept: views of the chunks that they came in. */
  readonly document: readonly Uint8Array[];
}

/** How a connection's bytes are read. */
export interface FragmentReaderOptions {
  readonly verifyCrc: boolean;
  /** Whether the bytes of documents are wanted. */
  readonly keepDocuments: boolean;
  /** Pass over damage instead of stopping at it; the function is told what it was. */
  readonly recover?: ((reason: string) => void) | undefined;
}

let elements: readonly EbmlElementType[] | undefined;

/** Makes fragments of the bytes of one connection, and tells how sure it is of each. */
export class FragmentReader {
  readonly #reader: StreamingMkvReader;
  readonly #assembler: FragmentAssembler;
  readonly #keeper: DocumentKeeper | undefined;
  readonly #ready: Fragment[] = [];
  #length = 0;
  /** Where the last element stood. */
  #offset = 0;
  #ended = false;
  #finished = false;

  constructor(options: FragmentReaderOptions) {
    const { verifyCrc, keepDocuments, recover } = options;
    elements ??= [Mkv.EBML, ...frameElements()];
    const gap = (reason: string) => {
      recover?.(reason);
      this.#assembler.noteGap();
    };
    this.#reader = new StreamingMkvReader({
      verifyCrc,
      elements,
      recover: recover !== undefined,
      onGap: ({ reason }) => gap(reason),
    });
    this.#assembler = new FragmentAssembler(
      () => true,
      (fragment) => this.#ready.push(fragment),
      recover === undefined ? {} : { onInvalidElement: ({ message }) => gap(message) },
      undefined,
    );
    if (keepDocuments) this.#keeper = new DocumentKeeper();
  }

  /** What is known of the fragment that the bytes are in, or that came last. */
  get current(): FragmentMetadata | undefined {
    return this.#assembler.currentFragmentMetadata;
  }

  /** Whether the end has been said. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes bytes. */
  push(chunk: Uint8Array): void {
    this.#keeper?.push(chunk);
    this.#length += chunk.length;
    this.#reader.push(chunk);
  }

  /** Says that no more come. */
  end(): void {
    this.#ended = true;
    this.#reader.end();
  }

  /**
   * The next fragment that the bytes so far give.
   *
   * @throws MkvParseError when the bytes are wrong
   */
  next(): ReadFragment | undefined {
    while (this.#ready.length === 0) {
      const element = this.#reader.nextIfAvailable();
      if (element !== undefined) {
        this.#show(element);
      } else if (this.#ended && !this.#finished) {
        this.#finished = true;
        this.#offset = this.#length;
        this.#assembler.end();
      } else {
        return undefined;
      }
    }
    const fragment = this.#ready.shift();
    if (fragment === undefined) return undefined;
    return { fragment, state: this.#stateOf(fragment), document: this.#keeper?.take(this.#offset) ?? [] };
  }

  #show(element: MkvElement): void {
    this.#offset = element.offset;
    if (element.type === Mkv.EBML) {
      if (element.kind === 'start') this.#keeper?.begin(element.offset);
    } else {
      element.accept(this.#assembler);
    }
  }

  #stateOf(fragment: Fragment): ReadFragment['state'] {
    if (fragment.truncated) return 'cut';
    const closed = !this.#ended || fragment.continuationToken !== undefined || fragment.millisBehindNow !== undefined;
    return closed ? 'whole' : 'open';
  }
}
