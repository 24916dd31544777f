import type { Clock } from './clock.js';

/** How long calls may take to begin in one turn of the event loop, in milliseconds. */
const SHARE_MS = 10;

/** Or this part of the turn before, where that took long: a process that has much to read must come to its calls as well. */
const SHARE = 0.25;

/** What Node has to find the end of the work that is at hand, and the next turn of the event loop. */
export interface Turns {
  readonly afterMicrotasks: (callback: () => void) => void;
  readonly nextTurn: (callback: () => void) => void;
}

const queues = new WeakMap<Clock, StartQueue>();

/**
 * Waits until a call may begin. To begin one takes the AWS SDK about a millisecond, in one go: where hundreds of consumers begin at the same time,
 * nothing else would get its turn for a second. So they begin one after the other, as many as fit into a part of a turn of the event
 * loop; what has arrived is read between two turns.
 *
 * @returns `undefined` where it may begin at once
 */
export function startTurn(clock: Clock): Promise<void> | undefined {
  let queue = queues.get(clock);
  if (queue === undefined) {
    queue = new StartQueue(clock, turnsOfNode());
    queues.set(clock, queue);
  }
  return queue.take();
}

/** Calls that wait for their beginning, in order. */
export class StartQueue {
  readonly #clock: Clock;
  readonly #turns: Turns | undefined;
  #waiting: (() => void)[] = [];
  /** A call is beginning, or none may before the next turn. */
  #busy = false;
  /** When the first call of this turn began. */
  #turnBegan: number | undefined;
  /** How long calls may take to begin in this turn. */
  #shareMs = SHARE_MS;

  /** @param turns without it, nothing waits */
  constructor(clock: Clock, turns: Turns | undefined) {
    this.#clock = clock;
    this.#turns = turns;
  }

  /** See {@link startTurn}. */
  take(): Promise<void> | undefined {
    const turns = this.#turns;
    if (turns === undefined) return undefined;
    if (this.#busy) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#begin(turns);
    return undefined;
  }

  #begin(turns: Turns): void {
    this.#busy = true;
    if (this.#turnBegan === undefined) {
      this.#turnBegan = this.#clock.now();
      turns.nextTurn(() => this.#endTurn(turns));
    }
    turns.afterMicrotasks(() => this.#goOn(turns));
  }

  /** The call has begun, as far as it can without waiting. */
  #goOn(turns: Turns): void {
    // The turn is over: those that wait begin in the next one.
    if (this.#turnBegan !== undefined && this.#clock.now() - this.#turnBegan >= this.#shareMs) return;
    this.#next(turns);
  }

  #endTurn(turns: Turns): void {
    const tookMs = this.#turnBegan === undefined ? 0 : this.#clock.now() - this.#turnBegan;
    this.#shareMs = Math.max(SHARE_MS, tookMs * SHARE);
    this.#turnBegan = undefined;
    this.#next(turns);
  }

  #next(turns: Turns): void {
    const next = this.#waiting.shift();
    this.#busy = false;
    if (next === undefined) return;
    this.#begin(turns);
    next();
  }
}

function turnsOfNode(): Turns | undefined {
  const { process, setImmediate } = globalThis as { readonly process?: unknown; readonly setImmediate?: unknown };
  if (typeof process !== 'object' || process === null || typeof setImmediate !== 'function') return undefined;
  const nextTick: unknown = Reflect.get(process, 'nextTick');
  if (typeof nextTick !== 'function') return undefined;
  return {
    // What is asked for by a microtask is done when no microtask is left.
    afterMicrotasks: (callback) => queueMicrotask(() => nextTick.call(process, callback)),
    nextTurn: (callback) => setImmediate(callback),
  };
}
