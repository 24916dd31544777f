import { parseTimestamp } from '../visitors/fragment-metadata.js';

/** Seconds since 1970 have fewer digits for the next thousand years, milliseconds since 2001 as many or more. */
const MILLISECOND_DIGITS = 12;

/** A time as the service writes it outside of streams: seconds since 1970 with decimals, or milliseconds, as the number of digits tells. */
export function parseMoment(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const [whole = ''] = text.trim().split('.');
  const seconds = parseTimestamp(text.trim());
  if (whole.length < MILLISECOND_DIGITS) return seconds;
  const milliseconds = Number(text);
  return /^\d+(\.\d+)?$/.test(text.trim()) && milliseconds <= 8.64e15 ? new Date(milliseconds) : undefined;
}
