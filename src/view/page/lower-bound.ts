/** The first index of sorted values whose value is not below `value`. */
export function lowerBound(values: ArrayLike<number>, value: number): number {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((values[middle] ?? Number.NaN) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
