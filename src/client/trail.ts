import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { isAfter, keyOf } from './fragment-number.js';

/** Where a fragment stands: its number, and when the service began to receive it, in milliseconds, where that is known. */
export interface TrailPoint {
  readonly number: string;
  readonly time: number | undefined;
}

/** How many fragments are remembered. */
const LENGTH = 4096;

/** How much larger than the largest step so far a step may be, for its time, before it is doubted. */
const STEP_FACTOR = 1_000_000n;

/** How many steps have to be known before one is doubted for its size. */
const STEPS_KNOWN = 2;

/** The fragments that were handed out last: what comes again is known by it, and what a next number is likely to be. */
export class Trail {
  /** The times of the fragments by their numbers' keys, the oldest first. */
  readonly #times = new Map<string, number | undefined>();
  #oldest: TrailPoint | undefined;
  /** The earliest of the times, when it has been looked for since the last fragment. */
  #earliest: number | undefined;
  #newest: TrailPoint | undefined;
  #ascending = 0;
  #steps = 0;
  #largestStep = 0n;
  #longestStepMs = 1;
  #tokensAreNumbers: boolean | undefined;

  /** How many fragments with larger and larger numbers have come in a row up to the newest. */
  get ascending(): number {
    return this.#ascending;
  }

  /** Whether it is one of the fragments that were handed out. The same number with another time is another fragment. */
  has({ number, time }: TrailPoint): boolean {
    const key = keyOf(number);
    if (!this.#times.has(key)) return false;
    const known = this.#times.get(key);
    return known === undefined || time === undefined || known === time;
  }

  /** Whether it lies before the oldest of the fragments by its number, and before all of them by its time, where times are known. */
  isBefore({ number, time }: TrailPoint): boolean {
    const oldest = this.#oldest;
    if (oldest === undefined || !isAfter(oldest.number, number)) return false;
    // One of the times may be wrong: the earliest one is compared, whosever it is.
    const earliest = this.#earliestTime();
    return time === undefined || earliest === undefined || time < earliest;
  }

  /** The same where the numbers may have begun anew: both have to say it. */
  isBeforeByBoth(point: TrailPoint): boolean {
    return point.time !== undefined && this.#earliestTime() !== undefined && this.isBefore(point);
  }

  /** Nothing is known of what lies before the fragments any more. */
  forgetOrder(): void {
    this.#oldest = undefined;
  }

  /** Whether the fragment can be the one behind the newest, by the size of the step and by its token. */
  fits({ number, time }: TrailPoint, token: string | undefined): boolean {
    if (this.#tokensAreNumbers === true && token !== undefined && keyOf(token) !== keyOf(number)) return false;
    const newest = this.#newest;
    if (newest === undefined || this.#steps < STEPS_KNOWN) return true;
    const step = BigInt(number) - BigInt(newest.number);
    const ms = time === undefined || newest.time === undefined ? 0 : time - newest.time;
    const stretch = Math.min(1e9, Math.max(1, Math.ceil(ms / this.#longestStepMs)));
    return step <= this.#largestStep * STEP_FACTOR * BigInt(stretch);
  }

  /** A fragment is handed out. */
  add(point: TrailPoint, metadata?: FragmentMetadata): void {
    const newest = this.#newest;
    const ascends = newest !== undefined && isAfter(point.number, newest.number);
    if (newest !== undefined && ascends && this.fits(point, undefined)) {
      const step = BigInt(point.number) - BigInt(newest.number);
      if (step > this.#largestStep) this.#largestStep = step;
      const ms = point.time === undefined || newest.time === undefined ? 0 : point.time - newest.time;
      this.#longestStepMs = Math.max(this.#longestStepMs, Math.min(ms, 60_000));
      this.#steps++;
    }
    this.#ascending = ascends ? this.#ascending + 1 : 1;
    this.#noteToken(point.number, metadata?.continuationToken);
    const key = keyOf(point.number);
    this.#times.delete(key);
    this.#times.set(key, point.time);
    this.#earliest = undefined;
    this.#newest = point;
    if (this.#oldest === undefined) this.#oldest = point;
    if (this.#times.size <= LENGTH) return;
    const [first] = this.#times.keys();
    if (first !== undefined) this.#times.delete(first);
    for (const [number, time] of this.#times) {
      this.#oldest = { number, time };
      break;
    }
  }

  /** The newest is not the stream's: the one before it is where to go on. What has been handed out stays known. */
  returnTo(point: TrailPoint): void {
    this.#newest = point;
    this.#ascending = 1;
  }

  /**
   * Nothing is known of what comes next: the stream may be another one, with other steps between its numbers. What has been handed out stays
   * known.
   *
   * @param keepsOrder whether what lies before all that was handed out is old
   */
  startOver(keepsOrder: boolean): void {
    this.#newest = undefined;
    this.#ascending = 0;
    this.#steps = 0;
    this.#largestStep = 0n;
    this.#longestStepMs = 1;
    this.#tokensAreNumbers = undefined;
    if (!keepsOrder) this.forgetOrder();
  }

  #earliestTime(): number | undefined {
    if (this.#earliest !== undefined) return this.#earliest;
    for (const time of this.#times.values()) {
      if (time !== undefined && (this.#earliest === undefined || time < this.#earliest)) this.#earliest = time;
    }
    return this.#earliest;
  }

  /** The service's tokens are the numbers of their fragments, as far as is known; a stream whose are not says nothing by them. */
  #noteToken(number: string, token: string | undefined): void {
    if (token === undefined || this.#tokensAreNumbers === false) return;
    this.#tokensAreNumbers = keyOf(token) === keyOf(number);
  }
}
