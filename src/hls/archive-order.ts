import { compareFragmentNumbers } from '../visitors/fragment-metadata.js';
import { type ArchivedFragment, timeOf } from './archive.js';
import type { FragmentSelectorType } from './options.js';

/**
 * Stored fragments in the order of playing. By the producer's clock, of several with one time only that counts which was ingested last, as
 * the service has it.
 */
export function inPlayingOrder(
  fragments: readonly ArchivedFragment[],
  type: FragmentSelectorType,
): readonly ArchivedFragment[] {
  const sorted = [...fragments].sort(
    (a, b) => timeOf(a, type) - timeOf(b, type) || compareFragmentNumbers(a.fragmentNumber, b.fragmentNumber),
  );
  if (type === 'SERVER_TIMESTAMP') return sorted;
  return sorted.filter((fragment, index) => {
    const next = sorted[index + 1];
    return next === undefined || timeOf(next, type) !== timeOf(fragment, type);
  });
}

/**
 * Those of a live stream that are to be added: behind the newest that is listed, never before it.
 *
 * @param sorted in the order of playing
 * @param most how many are listed at first
 */
export function newerThan(
  sorted: readonly ArchivedFragment[],
  last: ArchivedFragment | undefined,
  type: FragmentSelectorType,
  most: number,
): readonly ArchivedFragment[] {
  if (last === undefined) return most === Number.POSITIVE_INFINITY ? sorted : sorted.slice(-most);
  return sorted.filter((fragment) => timeOf(fragment, type) > timeOf(last, type));
}

/**
 * How many fragments a replay has reached: the first at once, each other when its own duration has passed.
 *
 * @param elapsed milliseconds since its beginning
 */
export function reached(sorted: readonly ArchivedFragment[], elapsed: number): number {
  let due = 0;
  let count = 0;
  for (const [index, { fragmentLengthInMilliseconds }] of sorted.entries()) {
    if (index > 0) due += fragmentLengthInMilliseconds;
    if (due > elapsed) break;
    count++;
  }
  return count;
}
