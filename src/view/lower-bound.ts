/** The first index below `count` from which on `holds` is true, up to the last one; `count` where there is none. */
export function firstIndex(count: number, holds: (index: number) => boolean): number {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The first index of sorted values whose value is not below `value`. */
export function lowerBound(values: ArrayLike<number>, value: number): number {
  return firstIndex(values.length, (index) => !((values[index] ?? Number.NaN) < value));
}
