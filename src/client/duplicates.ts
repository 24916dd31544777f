import { compareFragmentNumbers } from '../visitors/fragment-metadata.js';
import type { ListedFragment } from './list-fragments.js';

/**
 * What is done about fragments of the same producer time, as a producer that sends something again makes them. `keep`: all are given.
 * `first`: the one that was ingested first, with the smallest number, as GetClip does. `last`: the one with the largest number, as HLS
 * sessions by producer time do.
 */
export type DuplicateChoice = 'keep' | 'first' | 'last';

/** Leaves out all but one of the fragments of each producer time. The order stays. Those whose time is not known are kept. */
export function withoutDuplicates(listed: readonly ListedFragment[], choice: DuplicateChoice): ListedFragment[] {
  if (choice === 'keep') return [...listed];
  const sign = choice === 'first' ? 1 : -1;
  const chosen = new Map<number, string>();
  for (const { producerTimestamp, fragmentNumber } of listed) {
    if (producerTimestamp === undefined) continue;
    const time = producerTimestamp.getTime();
    const other = chosen.get(time);
    if (other === undefined || sign * compareFragmentNumbers(fragmentNumber, other) < 0)
      chosen.set(time, fragmentNumber);
  }
  return listed.filter(
    ({ producerTimestamp, fragmentNumber }) =>
      producerTimestamp === undefined || chosen.get(producerTimestamp.getTime()) === fragmentNumber,
  );
}
