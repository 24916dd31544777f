/** How long to wait before the next try. */
export interface BackoffOptions {
  /** The most that is waited before the first repetition, in milliseconds. Default 200. It doubles with each one after. */
  readonly baseDelayMs?: number | undefined;
  /** The most that is waited before any, in milliseconds. Default 20,000. */
  readonly maxDelayMs?: number | undefined;
}

/**
 * Exponential back-off with full jitter: a random time between 0 and a bound that doubles with every failure in a row. Of many consumers
 * that failed together, no two come back together.
 */
export class Backoff {
  readonly #base: number;
  readonly #max: number;
  readonly #random: () => number;
  #attempt = 0;

  /** @param random a number from 0 up to 1 */
  constructor(options: BackoffOptions, random: () => number) {
    this.#base = options.baseDelayMs ?? 200;
    this.#max = options.maxDelayMs ?? 20_000;
    if (!(this.#base >= 0 && this.#max >= 0)) throw new RangeError('delays must be 0 or more milliseconds');
    this.#random = random;
  }

  /** How many delays were taken since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The next delay in milliseconds. */
  next(): number {
    // Beyond 2^30 the bound is the maximum whatever the base is.
    const bound = Math.min(this.#max, this.#base * 2 ** Math.min(this.#attempt, 30));
    this.#attempt++;
    return this.#random() * bound;
  }

  /** Something went well: the next failure is a first one. */
  reset(): void {
    this.#attempt = 0;
  }
}
