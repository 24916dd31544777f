import { compareFragmentNumbers } from '../visitors/fragment-metadata.js';
import type { CheckedFragment } from './checked-fragment.js';
import { type Report, seconds } from './finding.js';

/** What the service calls a discontinuity, in microseconds (HLSDiscontinuityMode ON_DISCONTINUITY). */
const DISCONTINUITY = 50_000;

/**
 * How far a fragment begins behind the end of the one before it, in microseconds; negative where they overlap; `undefined` where that is no
 * more than 50 ms.
 *
 * @param ends where each track ended before, by its number
 * @param shift what is added to the fragment's times
 */
export function discontinuity(
  { tracks }: CheckedFragment,
  ends: ReadonlyMap<number, number>,
  shift = 0,
): number | undefined {
  const distances = [...tracks].flatMap(([number, { start, frames }]) => {
    const end = ends.get(number);
    return frames === 0 || end === undefined ? [] : [start + shift - end];
  });
  if (distances.length === 0) return undefined;
  // Tracks do not begin and end at the same time: only what all of them have is a gap or an overlap.
  const least = distances.reduce((a, b) => Math.min(a, b));
  const most = distances.reduce((a, b) => Math.max(a, b));
  if (least > DISCONTINUITY) return least;
  return most < -DISCONTINUITY ? most : undefined;
}

/** Holds each fragment against those before it. */
export class Timeline {
  #number: string | undefined;
  #start: number | undefined;
  /** Where each track ends, by its number, in microseconds. */
  #ends = new Map<number, number>();

  /** The next whole fragment. */
  add(fragment: CheckedFragment, report: Report): void {
    this.#checkNumber(fragment, report);
    this.#checkTimes(fragment, report);
  }

  #checkNumber({ metadata, place }: CheckedFragment, report: Report): void {
    const number = metadata?.fragmentNumber;
    if (metadata === undefined) return;
    const before = this.#number;
    if (number === undefined || !/^\d{1,128}$/.test(number)) {
      if (metadata.error === undefined)
        report('FragmentNumber', place, 'the fragment has no number of 1 to 128 digits');
      return;
    }
    this.#number = number;
    if (before === undefined) return;
    const order = compareFragmentNumbers(before, number);
    if (order === 0) report('FragmentNumber', place, 'the fragment has the number of the one before it');
    else if (order > 0)
      report('FragmentNumber', place, `the fragment's number is lower than that before it, ${before}`);
  }

  #checkTimes(fragment: CheckedFragment, report: Report): void {
    const { start, place } = fragment;
    if (start === undefined) return;
    const gap = discontinuity(fragment, this.#ends);
    const before = this.#start;
    if (before !== undefined && start <= before) {
      const text = `the times begin at ${seconds(start)}, not behind ${seconds(before)}, where those before begin`;
      report('TimeRestart', place, text);
    } else if (gap !== undefined && gap > 0) {
      report('Gap', place, `nothing is recorded for ${seconds(gap)} before ${seconds(start)}`);
    } else if (gap !== undefined) {
      report('Overlap', place, `the fragment begins ${seconds(-gap)} before the one before it ends`);
    }
    this.#start = start;
    this.#ends = new Map();
    for (const [number, { end }] of fragment.tracks) if (end !== undefined) this.#ends.set(number, end);
  }
}
