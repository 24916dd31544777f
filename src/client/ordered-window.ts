import { abortable } from './abort.js';

/** Consecutive fragments that are asked for together: those from `from` up to, without, `to`. */
export interface Batch {
  readonly from: number;
  readonly to: number;
}

/** How much may be on its way or waiting to be taken. */
export interface WindowLimits {
  readonly batchSize: number;
  readonly fragments: number;
  readonly bytes: number;
}

/**
 * Brings results that come in any order into the order that they were asked for in, and lets no more be asked for than may be held: a
 * batch is begun when all of it fits behind what has been taken.
 */
export class OrderedWindow<T> {
  readonly #limits: WindowLimits;
  /** Bytes of all fragments before each index. */
  readonly #bytesBefore: readonly number[];
  readonly #results = new Map<number, T>();
  readonly #count: number;
  #taken = 0;
  #given = 0;
  #mostHeld = 0;
  #wake: (() => void)[] = [];

  /** @param sizes the fragments' sizes in bytes, 0 where they are not known */
  constructor(sizes: readonly number[], limits: WindowLimits) {
    this.#limits = limits;
    this.#count = sizes.length;
    let sum = 0;
    this.#bytesBefore = [0, ...sizes.map((size) => (sum += size))];
  }

  /** How many results wait to be taken. */
  get held(): number {
    return this.#results.size;
  }

  /** The most that ever waited. */
  get mostHeld(): number {
    return this.#mostHeld;
  }

  /** The next batch, when there is room for it; `undefined` when all have been given out. */
  async nextBatch(signal: AbortSignal): Promise<Batch | undefined> {
    for (;;) {
      if (this.#given >= this.#count) return undefined;
      const batch = { from: this.#given, to: this.#endOfBatch() };
      if (this.#fits(batch)) {
        this.#given = batch.to;
        return batch;
      }
      await this.#change(signal);
    }
  }

  /** A result has come. */
  settle(index: number, result: T): void {
    this.#results.set(index, result);
    this.#mostHeld = Math.max(this.#mostHeld, this.#results.size);
    this.#notify();
  }

  /** The next result in order, as soon as it is there; `undefined` behind the last. */
  async take(signal: AbortSignal): Promise<T | undefined> {
    while (this.#taken < this.#count) {
      signal.throwIfAborted();
      const index = this.#taken;
      const result = this.#results.get(index);
      if (result !== undefined) {
        this.#results.delete(index);
        this.#taken++;
        this.#notify();
        return result;
      }
      await this.#change(signal);
    }
    return undefined;
  }

  #endOfBatch(): number {
    const { batchSize, fragments, bytes } = this.#limits;
    const from = this.#given;
    const end = Math.min(this.#count, from + batchSize, from + fragments);
    let to = from + 1;
    while (to < end && this.#bytesBetween(from, to + 1) <= bytes) to++;
    return to;
  }

  #fits({ from, to }: Batch): boolean {
    if (this.#taken >= from) return true;
    const { fragments, bytes } = this.#limits;
    return to - this.#taken <= fragments && this.#bytesBetween(this.#taken, to) <= bytes;
  }

  #bytesBetween(from: number, to: number): number {
    return (this.#bytesBefore[to] ?? 0) - (this.#bytesBefore[from] ?? 0);
  }

  #change(signal: AbortSignal): Promise<void> {
    return abortable(new Promise<void>((resolve) => this.#wake.push(resolve)), signal);
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
