import type { Clock } from '../../src/client/clock.js';

/** How many times faster the time of the consumers passes than ours. */
const SPEED = 100;

/** How often timers are looked at, and how much of our time passes between two looks at most, in milliseconds. */
const TICK_MS = 2;
const MOST_MS = 5;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Time that passes faster, and that knows which of its timers are still set. It stands still while the process does: service and consumers
 * share it, and an answer that a busy machine holds back has not taken longer.
 */
export class FastClock implements Clock {
  readonly #set = new Set<Timer>();
  #now = 0;
  #last = performance.now();
  #ticking = false;

  now(): number {
    const now = performance.now();
    this.#now += Math.min(now - this.#last, MOST_MS) * SPEED;
    this.#last = now;
    return this.#now;
  }

  schedule(callback: () => void, ms: number): () => void {
    const timer = { at: this.now() + ms, callback };
    this.#set.add(timer);
    this.#tick();
    return () => {
      this.#set.delete(timer);
    };
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#set.size;
  }

  #tick(): void {
    if (this.#ticking || this.#set.size === 0) return;
    this.#ticking = true;
    setTimeout(() => {
      this.#ticking = false;
      const now = this.now();
      const due = [...this.#set].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      for (const timer of due) {
        if (!this.#set.delete(timer)) continue;
        timer.callback();
      }
      this.#tick();
    }, TICK_MS);
  }
}
