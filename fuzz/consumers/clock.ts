import type { Clock } from '../../src/client/clock.js';

/** How many times faster the time of the consumers passes than ours. */
const SPEED = 100;

/** Time that passes faster, and that knows which of its timers are still set. */
export class FastClock implements Clock {
  readonly #set = new Set<NodeJS.Timeout>();

  now(): number {
    return performance.now() * SPEED;
  }

  schedule(callback: () => void, ms: number): () => void {
    const timer = setTimeout(() => {
      this.#set.delete(timer);
      callback();
    }, ms / SPEED);
    this.#set.add(timer);
    return () => {
      clearTimeout(timer);
      this.#set.delete(timer);
    };
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#set.size;
  }
}
