import { compareFragmentNumbers } from '../visitors/fragment-metadata.js';
import type { CheckedFragment } from './checked-fragment.js';
import { type Report, seconds } from './finding.js';

/** What the service calls a discontinuity, in microseconds (HLSDiscontinuityMode ON_DISCONTINUITY). */
const DISCONTINUITY = 50_000;

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
    const distances = [...fragment.tracks].flatMap(([number, { start: own, frames }]) => {
      const end = this.#ends.get(number);
      return frames === 0 || end === undefined ? [] : [own - end];
    });
    // Tracks do not begin and end at the same time: only what all of them have is a gap or an overlap.
    const least = distances.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const most = distances.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const before = this.#start;
    if (before !== undefined && start <= before) {
      const text = `the times begin at ${seconds(start)}, not behind ${seconds(before)}, where those before begin`;
      report('TimeRestart', place, text);
    } else if (distances.length > 0 && least > DISCONTINUITY) {
      report('Gap', place, `nothing is recorded for ${seconds(least)} before ${seconds(start)}`);
    } else if (distances.length > 0 && most < -DISCONTINUITY) {
      report('Overlap', place, `the fragment begins ${seconds(-most)} before the one before it ends`);
    }
    this.#start = start;
    this.#ends = new Map();
    for (const [number, { end }] of fragment.tracks) if (end !== undefined) this.#ends.set(number, end);
  }
}
