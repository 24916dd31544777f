/** A fragment's frames of a video track, in microseconds of the source. */
export interface FrameSpan {
  readonly first: number;
  readonly last: number;
  /** How many different times there are at least: 1, or the number of frames. */
  readonly frames: number;
  /** When the frame was taken by the wall clock, in microseconds, where that is known. */
  readonly wallClock: number | undefined;
  /** What the stream says that a frame lasts. */
  readonly said: number | undefined;
  /** The last time of the fragment's other tracks. */
  readonly beside?: number | undefined;
}

/** Where a fragment of one frame does not say how long it lasts, and none came before: 25 frames a second. */
const DEFAULT_INTERVAL = 40_000;

/** In microseconds: the longest fragment that the service takes. */
export const LONGEST_FRAGMENT = 20_000_000;

/** A frame that lasts this many times as long as those before had one missing behind it. */
const MISSING = 1.8;

/** Knows how long the frames of a video track last. */
export class FrameRate {
  /** Between the last frames that there were, in microseconds. */
  #interval: number | undefined;
  /** The longest lately; also one that was taken for a gap, in case it comes again. */
  #longest = 0;

  /** Between the last frames that there were, in microseconds. */
  get interval(): number | undefined {
    return this.#interval;
  }

  /** How long the frames of a fragment of several last. */
  average({ first, last, frames, said }: FrameSpan): number {
    const average = (last - first) / (frames - 1);
    const interval = said !== undefined && said < average * 1.5 && said > average / 1.5 ? said : average;
    this.#note(interval);
    return interval;
  }

  /**
   * How long a fragment's only frame lasts.
   *
   * @param next the fragment behind it; `undefined` when nobody knows
   */
  single(span: FrameSpan, next: FrameSpan | undefined): number {
    const distance = next === undefined ? undefined : this.#distance(span, next);
    if (distance !== undefined) {
      const fits = this.#longest === 0 ? distance <= LONGEST_FRAGMENT : distance <= this.#longest * MISSING;
      if (fits) {
        this.#note(distance);
        return distance;
      }
      this.#longest = distance;
    }
    const { first, beside = first, said } = span;
    return (
      this.#interval ??
      (beside > first && beside - first <= LONGEST_FRAGMENT ? beside - first : undefined) ??
      said ??
      DEFAULT_INTERVAL
    );
  }

  /** How long a frame lasts whose fragment is still arriving. */
  guess(span: FrameSpan, next: FrameSpan): number {
    return this.#interval ?? span.said ?? this.#distance(span, next) ?? DEFAULT_INTERVAL;
  }

  #distance(span: FrameSpan, next: FrameSpan): number | undefined {
    if (next.first > span.last) return next.first - span.last;
    // The times began again: the wall clock did not.
    const passed = (next.wallClock ?? Number.NaN) - (span.wallClock ?? Number.NaN);
    return passed > 0 && passed <= LONGEST_FRAGMENT ? passed : undefined;
  }

  #note(interval: number): void {
    this.#interval = interval;
    this.#longest = Math.max(interval, Math.min(this.#longest, interval * 2) * 0.9);
  }
}
