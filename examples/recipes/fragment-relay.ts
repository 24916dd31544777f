import type { FragmentDocument } from 'kvs-parser/client';

/** One of those who watch. */
interface Viewer {
  readonly waiting: FragmentDocument[];
  wake: () => void;
}

/** How many fragments wait for a viewer at the most. One who is slower than the stream misses the oldest of them. */
const MOST_WAITING = 3;

/**
 * Gives one live stream to any number of viewers, over one connection to the service. A viewer begins with the newest fragment, which
 * begins with a key frame, and then gets each one that comes. Memory does not grow with slow viewers.
 */
export class FragmentRelay {
  readonly #viewers = new Set<Viewer>();
  #newest: FragmentDocument | undefined;
  #ended = false;

  /** How many are watching. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** Passes a consumer's fragments on until the consumer ends; then all viewers' streams end as well. */
  async run(consumer: { documents(): AsyncIterable<FragmentDocument> }): Promise<void> {
    try {
      for await (const document of consumer.documents()) {
        this.#newest = document;
        for (const viewer of this.#viewers) {
          viewer.waiting.push(document);
          if (viewer.waiting.length > MOST_WAITING) viewer.waiting.shift();
          viewer.wake();
        }
      }
    } finally {
      this.#ended = true;
      for (const viewer of this.#viewers) viewer.wake();
    }
  }

  /** The bytes for one viewer, whole fragments one behind the other: a body as GetMedia sends it. It ends with the signal. */
  async *watch(signal: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
    const viewer: Viewer = { waiting: this.#newest === undefined ? [] : [this.#newest], wake: () => {} };
    const leave = () => viewer.wake();
    this.#viewers.add(viewer);
    signal.addEventListener('abort', leave);
    try {
      while (!signal.aborted) {
        const document = viewer.waiting.shift();
        if (document !== undefined) yield* document.bytes;
        else if (this.#ended) return undefined;
        else {
          await new Promise<void>((resolve) => {
            viewer.wake = resolve;
          });
        }
      }
      return undefined;
    } finally {
      signal.removeEventListener('abort', leave);
      this.#viewers.delete(viewer);
    }
  }
}
