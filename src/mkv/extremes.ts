// Not Math.min(...values): arguments are as many as the stack has room for.

/** The least of numbers; infinity of none. */
export function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

/** The most of numbers; negative infinity of none. */
export function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
