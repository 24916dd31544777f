/**
 * Matroska's time in microseconds, exact where a number can be: a count of ticks times TimestampScale (RFC 9559 section 11.1).
 *
 * @param ticks an integer
 * @param scale TimestampScale: nanoseconds in a tick
 */
export function ticksToMicroseconds(ticks: number, scale: number): number {
  if (scale % 1000 === 0) return ticks * (scale / 1000);
  const nanoseconds = ticks * scale;
  if (Number.isSafeInteger(nanoseconds)) return nanoseconds / 1000;
  // Ticks of a fine scale that count from 1970 leave the range in which products are exact.
  const exact = BigInt(ticks) * BigInt(scale);
  return Number(exact / 1000n) + Number(exact % 1000n) / 1000;
}
