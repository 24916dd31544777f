import { randomUUID } from 'node:crypto';
import type { StreamIdentity } from '../client/access.js';
import { sleep, systemClock } from '../client/clock.js';
import { CALLS_PER_SECOND, type CallLimiter, RateLimiter } from '../client/rate-limiter.js';
import { jobIdOf } from './names.js';
import type { Run } from './scripts.js';

/** The service's second, and what clocks and ways to it differ by. */
const WINDOW_MS = 1050;

/** How long a call counts whose answer nobody tells: its worker is gone. */
const UNANSWERED_MS = 20_000;

/** How long is waited before Redis is asked again when it has not answered. */
const RETRY_MS = 500;

/** Lets calls of all processes through at one rate: each takes its turn here first, and then in Redis. */
export class SharedLimiter implements CallLimiter {
  readonly #run: Run;
  readonly #key: string;
  readonly #limit: number;
  readonly #own: RateLimiter;

  /** @param key where the calls are counted */
  constructor(run: Run, key: string, limit: number) {
    this.#run = run;
    this.#key = key;
    this.#limit = limit;
    this.#own = new RateLimiter(limit);
  }

  async take(signal: AbortSignal, weight = 1): Promise<() => void> {
    const called = await this.#own.take(signal, weight);
    try {
      for (const name = randomUUID(); ; ) {
        const waitMs = await this.#ask(weight, name);
        if (waitMs === 0) {
          return () => {
            called();
            // What is not told counts for longer.
            this.#run('kvsAnswered', [this.#key, Math.min(weight, this.#limit), name]).catch(() => {});
          };
        }
        await sleep(systemClock, waitMs, signal);
      }
    } catch (error) {
      called();
      throw error;
    }
  }

  async #ask(weight: number, name: string): Promise<number> {
    try {
      return Number(await this.#run('kvsLimit', [this.#key, this.#limit, WINDOW_MS, weight, name, UNANSWERED_MS]));
    } catch {
      return RETRY_MS;
    }
  }
}

/**
 * Lets calls of GetDataEndpoint for a stream through: the service counts those for all of its operations together.
 *
 * @param toKey gives a name in Redis, the same for the whole fleet
 */
export function endpointLimiter(run: Run, toKey: (name: string) => string, stream: StreamIdentity): SharedLimiter {
  return new SharedLimiter(run, toKey(`calls:GetDataEndpoint:${jobIdOf(stream)}`), CALLS_PER_SECOND);
}
