import type { Fragment } from '../fragments/fragment.js';
import type { Clock } from './clock.js';

/** Counters and the state of a `FragmentListConsumer`, since it was created, over all loops. */
export interface FragmentListMetrics {
  /** Fragments handed out. */
  readonly fragments: number;
  /** Frames in them. */
  readonly frames: number;
  /** Bytes of these frames. */
  readonly frameBytes: number;
  /** Bytes received over all connections, those that were read again among them. */
  readonly bytes: number;
  /** Fragments that could not be read. */
  readonly failed: number;
  /** Fragments left out because another has the same producer time (`duplicates`). */
  readonly duplicates: number;
  /** Calls of ListFragments and GetMediaForFragmentList that the service has answered. */
  readonly calls: number;
  /** Calls that failed, or whose answers were not whole, and were made again; those of GetDataEndpoint among them. */
  readonly retries: number;
  /** Fragments that wait in memory to be taken. */
  readonly held: number;
  /** Milliseconds since the last fragment was handed out. */
  readonly millisSinceLastFragment: number | undefined;
}

/** Counts for {@link FragmentListMetrics}. */
export class FragmentListRecorder {
  readonly #clock: Clock;
  fragments = 0;
  frames = 0;
  frameBytes = 0;
  bytes = 0;
  failed = 0;
  duplicates = 0;
  calls = 0;
  retries = 0;
  #lastAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A fragment is handed out. */
  handOut(fragment: Fragment): void {
    this.fragments++;
    this.frames += fragment.frames.length;
    for (const frame of fragment.frames) this.frameBytes += frame.size;
    this.#lastAt = this.#clock.now();
  }

  /** The counts as they are now. */
  snapshot(held: number): FragmentListMetrics {
    const { fragments, frames, frameBytes, bytes, failed, duplicates, calls, retries } = this;
    const millisSinceLastFragment = this.#lastAt === undefined ? undefined : this.#clock.now() - this.#lastAt;
    return { fragments, frames, frameBytes, bytes, failed, duplicates, calls, retries, held, millisSinceLastFragment };
  }
}
