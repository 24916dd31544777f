import type { Fragment } from '../fragments/fragment.js';
import { FragmentConsumer } from '../fragments/read.js';
import type { MkvGap } from '../mkv/reader.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';

/** A fragment as a connection gave it. */
export interface ReadFragment {
  readonly fragment: Fragment;
  /**
   * `whole`: something that ends a fragment has come behind it. `cut`: something is missing. `open`: the connection ended behind it with
   * nothing that ends a fragment, so that nothing tells whether all of it has come.
   */
  readonly state: 'whole' | 'cut' | 'open';
}

/** How a connection's bytes are read. */
export interface FragmentReaderOptions {
  readonly verifyCrc: boolean;
  /** Pass over damage instead of stopping at it. */
  readonly recover?: boolean | undefined;
  readonly onGap?: ((gap: MkvGap) => void) | undefined;
}

/** Makes fragments of the bytes of one connection, and tells how sure it is of each. */
export class FragmentReader {
  readonly #consumer: FragmentConsumer;
  #ended = false;

  constructor(options: FragmentReaderOptions) {
    this.#consumer = new FragmentConsumer(options);
  }

  /** What is known of the fragment that the bytes are in, or that came last. */
  get current(): FragmentMetadata | undefined {
    return this.#consumer.currentFragmentMetadata;
  }

  /** Whether the end has been said. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes bytes. */
  push(chunk: Uint8Array): void {
    this.#consumer.push(chunk);
  }

  /** Says that no more come. */
  end(): void {
    this.#ended = true;
    this.#consumer.end();
  }

  /**
   * The next fragment that the bytes so far give.
   *
   * @throws MkvParseError when the bytes are wrong
   */
  next(): ReadFragment | undefined {
    const fragment = this.#consumer.nextIfAvailable();
    if (fragment === undefined) return undefined;
    if (fragment.truncated) return { fragment, state: 'cut' };
    const closed = !this.#ended || fragment.continuationToken !== undefined || fragment.millisBehindNow !== undefined;
    return { fragment, state: closed ? 'whole' : 'open' };
  }
}
