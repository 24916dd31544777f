import { abortable } from './abort.js';
import { type Clock, systemClock } from './clock.js';

/** The service's calls a second, per stream and operation. */
export const CALLS_PER_SECOND = 5;

/** The service's fragments of media a second, per stream, for GetMediaForFragmentList. */
export const FRAGMENTS_PER_SECOND = 500;

/** The second that the service counts in, and a little for clocks that do not run alike. */
const WINDOW_MS = 1020;

/** Limits the rate of calls: {@link RateLimiter} for one process. You can replace it with one for many processes. */
export interface CallLimiter {
  /**
   * Waits until the call may be made; rejects with the signal's reason when it is aborted.
   *
   * @param weight how many it counts for; default 1
   * @returns a function to call when the call has been answered or has failed
   */
  take(signal: AbortSignal, weight?: number): Promise<() => void>;
}

interface Entry {
  readonly weight: number;
  /** From when on it does not count any more; not known before it is over. */
  expires: number;
}

/**
 * Limits the number of calls in any interval. Further calls wait, in order.
 *
 * When a call reaches the service is not known, only that it is after it began and before it was answered. So it counts from its beginning
 * until the time has passed since its answer: however long calls are on their way, the service never sees more.
 *
 * The service counts per stream: consumers of one stream in one process do well to share one.
 */
export class RateLimiter implements CallLimiter {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();
  #weight = 0;
  #tail: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;

  /**
   * @param limit how many in `windowMs`, 1 or more; default 5, the calls that the service allows a second
   * @param windowMs default 1,020 ms
   */
  constructor(limit: number = CALLS_PER_SECOND, windowMs: number = WINDOW_MS, clock: Clock = systemClock) {
    if (!(limit >= 1 && windowMs >= 0)) throw new RangeError(`no rate: ${limit} in ${windowMs} ms`);
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /**
   * Waits for its turn. What weighs more than the limit goes alone.
   *
   * @param weight how many it counts for
   * @returns a function to call when the call has been answered or has failed
   */
  async take(signal: AbortSignal, weight = 1): Promise<() => void> {
    const before = this.#tail;
    let next = () => {};
    const own = new Promise<void>((resolve) => {
      next = resolve;
    });
    this.#tail = before.then(() => own);
    try {
      await abortable(before, signal);
      while (!this.#hasRoom(weight)) await this.#change(signal);
      signal.throwIfAborted();
    } finally {
      next();
    }
    const entry = { weight, expires: Number.POSITIVE_INFINITY };
    this.#entries.add(entry);
    this.#weight += weight;
    return () => {
      entry.expires = Math.min(entry.expires, this.#clock.now() + this.#windowMs);
      this.#wake?.();
    };
  }

  #hasRoom(weight: number): boolean {
    const now = this.#clock.now();
    for (const entry of this.#entries) {
      if (entry.expires > now) continue;
      this.#entries.delete(entry);
      this.#weight -= entry.weight;
    }
    return this.#entries.size === 0 || this.#weight + weight <= this.#limit;
  }

  /** Waits until a call expires or is over; only the first in line waits here. */
  async #change(signal: AbortSignal): Promise<void> {
    let expires = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries) expires = Math.min(expires, entry.expires);
    let cancel: (() => void) | undefined;
    try {
      await abortable(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (expires < Number.POSITIVE_INFINITY) cancel = this.#clock.schedule(resolve, expires - this.#clock.now());
        }),
        signal,
      );
    } finally {
      cancel?.();
      this.#wake = undefined;
    }
  }
}
