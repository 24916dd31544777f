import type { CheckedFragment } from '../check/checked-fragment.js';
import { discontinuity } from '../check/timeline.js';

/** A fragment on the time axis, in microseconds. */
export interface FragmentTime {
  /** `undefined` where it has no frames and no producer timestamp. */
  readonly start: number | undefined;
  readonly duration: number | undefined;
  /** How far it begins behind the end of the one before; `undefined` below 50 ms either way. */
  readonly gap: number | undefined;
}

/**
 * Lays fragments on one axis: the producer's clock where fragments have its timestamps, else the presentation timeline. A fragment without
 * one among others that have it stands behind the one before.
 */
export class TimeAxis {
  /** What the axis is, see `ReadState`. */
  clock: 'producer' | 'presentation' = 'presentation';
  /** Where each track ended in the fragment before, by its number. */
  #ends = new Map<number, number>();
  #end: number | undefined;

  /**
   * What to add to a presentation time of a fragment, in microseconds.
   *
   * @param first the first time of its frames, where there are some
   */
  shiftOf({ metadata }: CheckedFragment, first: number | undefined): number {
    const producer = metadata?.producerTimestamp?.getTime();
    const origin = metadata?.clusterTimestamp ?? first;
    if (producer !== undefined && origin !== undefined) return producer * 1000 - origin;
    if (this.clock === 'presentation' || first === undefined || this.#end === undefined) return 0;
    return this.#end - first;
  }

  /**
   * Takes the first producer timestamp of a stream.
   *
   * @param start where its fragment begins on the axis, in microseconds
   * @returns how far what was laid on the axis before has to be moved to end there, in microseconds; `undefined` where nothing changes
   */
  takeProducerClock(start: number): number | undefined {
    if (this.clock === 'producer') return undefined;
    this.clock = 'producer';
    const end = this.#end;
    if (end === undefined) return 0;
    const by = start - end;
    for (const [number, time] of this.#ends) this.#ends.set(number, time + by);
    this.#end = end + by;
    return by;
  }

  /** Where a fragment lies that is moved by so much. */
  place(fragment: CheckedFragment, shift: number): FragmentTime {
    const { start, duration, metadata } = fragment;
    const producer = metadata?.producerTimestamp?.getTime();
    const begin = start === undefined ? (producer === undefined ? undefined : producer * 1000) : start + shift;
    return { start: begin, duration, gap: discontinuity(fragment, this.#ends, shift) };
  }

  /** A fragment has ended: the next one is held against it. */
  finish(fragment: CheckedFragment, shift: number): void {
    if (fragment.start === undefined) return;
    this.#ends = new Map();
    let last = Number.NEGATIVE_INFINITY;
    for (const [number, { end, frames }] of fragment.tracks) {
      if (frames === 0 || end === undefined) continue;
      this.#ends.set(number, end + shift);
      last = Math.max(last, end + shift);
    }
    this.#end = last === Number.NEGATIVE_INFINITY ? fragment.start + shift : last;
  }
}
