import type { Clock } from './clock.js';

/** Into how many parts the time is divided. */
const PARTS = 8;

/**
 * Tells when nothing has been heard for a time.
 *
 * The time is counted in parts, each by a timer of its own. Between two timers the platform hands over what has arrived, so that a process
 * which had no time to listen hears of it before the silence is over: the silence is the other side's, and not this process's.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #partMs: number;
  readonly #onSilence: () => void;
  #from: number;
  #left = PARTS;
  #cancel: (() => void) | undefined;

  /** @param timeoutMs how long the silence may be; a time that is not finite never ends */
  constructor(clock: Clock, timeoutMs: number, onSilence: () => void) {
    this.#clock = clock;
    this.#partMs = timeoutMs / PARTS;
    this.#onSilence = onSilence;
    this.#from = clock.now();
    if (Number.isFinite(timeoutMs)) this.#schedule(this.#partMs);
  }

  /** Something has come: the time begins again. */
  heard(): void {
    this.#from = this.#clock.now();
    this.#left = PARTS;
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(ms: number): void {
    this.#cancel = this.#clock.schedule(() => this.#tick(), ms);
  }

  #tick(): void {
    this.#cancel = undefined;
    const now = this.#clock.now();
    const rest = this.#from + this.#partMs - now;
    // Timers of the platform may be up to a millisecond early.
    if (rest > 1) {
      this.#schedule(rest);
      return;
    }
    if (--this.#left === 0) {
      this.#onSilence();
      return;
    }
    this.#from = now;
    this.#schedule(this.#partMs);
  }
}
