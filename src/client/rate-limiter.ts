import { abortable } from './abort.js';
import { type Clock, sleep, systemClock } from './clock.js';

/** The service's calls a second, per stream and operation. */
export const CALLS_PER_SECOND = 5;

/** The service's fragments of media a second, per stream, for GetMediaForFragmentList. */
export const FRAGMENTS_PER_SECOND = 500;

/**
 * Longer than the second that the service counts in: calls that left a second apart may arrive closer together.
 */
const WINDOW_MS = 1250;

/**
 * Lets at most so many calls through in any stretch of time; the others wait in line.
 *
 * The service counts per stream, so consumers of one stream that run in one process do well to share one.
 */
export class RateLimiter {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #clock: Clock;
  /** When what was let through, oldest first; only what is within the window. */
  readonly #taken: { readonly at: number; readonly weight: number }[] = [];
  #weight = 0;
  #tail: Promise<void> = Promise.resolve();

  /**
   * @param limit how many in `windowMs`, 1 or more; default 5, the calls that the service allows a second
   * @param windowMs default 1,250 ms: a second and some reserve for calls that are slower than the ones behind them
   */
  constructor(limit: number = CALLS_PER_SECOND, windowMs: number = WINDOW_MS, clock: Clock = systemClock) {
    if (!(limit >= 1 && windowMs >= 0)) throw new RangeError(`no rate: ${limit} in ${windowMs} ms`);
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /**
   * Waits for its turn. One that weighs more than the limit goes alone.
   *
   * @param weight how many it counts for
   */
  async take(signal: AbortSignal, weight = 1): Promise<void> {
    const before = this.#tail;
    let done = () => {};
    const own = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#tail = before.then(() => own);
    try {
      await abortable(before, signal);
      for (;;) {
        const wait = this.#untilRoom(weight);
        if (wait <= 0) break;
        await sleep(this.#clock, wait, signal);
      }
      signal.throwIfAborted();
      this.#taken.push({ at: this.#clock.now(), weight });
      this.#weight += weight;
    } finally {
      done();
    }
  }

  /** Milliseconds until there may be room; 0 when there is. */
  #untilRoom(weight: number): number {
    const now = this.#clock.now();
    let oldest = this.#taken[0];
    while (oldest !== undefined && oldest.at + this.#windowMs <= now) {
      this.#taken.shift();
      this.#weight -= oldest.weight;
      oldest = this.#taken[0];
    }
    return oldest === undefined || this.#weight + weight <= this.#limit ? 0 : oldest.at + this.#windowMs - now;
  }
}
