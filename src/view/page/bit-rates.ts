import { lowerBound } from '../lower-bound.js';

/** So many steps of bit rate are made of what is in sight. */
const STEPS = 240;

/** The shortest time over which a bit rate is taken, in milliseconds. */
const SHORTEST = 100;

/** Bits in a second of a track, in steps through a view. */
export function bitRates(
  times: Float64Array,
  sizes: ArrayLike<number>,
  from: number,
  to: number,
): { readonly times: number[]; readonly rates: number[] } {
  const step = Math.max((to - from) / STEPS, SHORTEST);
  const count = Math.max(1, Math.min(STEPS, Math.ceil((to - from) / step)));
  const sums = new Array<number>(count).fill(0);
  for (let at = lowerBound(times, from); at < times.length; at++) {
    const place = Math.floor((times[at]! - from) / step);
    if (place >= count) break;
    sums[place]! += sizes[at] ?? 0;
  }
  return {
    times: sums.map((_, index) => from + (index + 0.5) * step),
    rates: sums.map((bytes) => (bytes * 8 * 1000) / step),
  };
}
