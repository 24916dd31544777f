import type { FragmentSelectorType } from '../hls/options.js';
import { invalid, moment, objectIn } from './json-input.js';
import type { LocalStream, StoredFragment } from './local-stream.js';
import { ServiceError } from './service-error.js';

/** Which stored fragments a request of playback is about. */
export interface FragmentSelection {
  readonly type: FragmentSelectorType;
  /** In milliseconds since 1970, both included; `undefined` for all. */
  readonly range: { readonly start: number; readonly end: number } | undefined;
}

/**
 * Reads a fragment selector.
 *
 * @param name of it in the request
 * @param wants whether it must have a range of time, or must not
 * @throws ServiceError InvalidArgumentException
 */
export function readSelection(value: unknown, name: string, wants: 'range' | 'none'): FragmentSelection {
  const selector = objectIn(value, name);
  if (selector === undefined && wants === 'range') throw invalid(`${name} is missing.`);
  const { FragmentSelectorType: type = 'SERVER_TIMESTAMP', TimestampRange } = selector ?? {};
  if (type !== 'PRODUCER_TIMESTAMP' && type !== 'SERVER_TIMESTAMP') {
    throw invalid(`${JSON.stringify(type)} is no FragmentSelectorType.`);
  }
  const range = objectIn(TimestampRange, 'TimestampRange');
  if (wants === 'none') {
    if (range !== undefined) throw invalid('TimestampRange must not be given with the PlaybackMode LIVE.');
    return { type, range: undefined };
  }
  if (range === undefined) throw invalid('TimestampRange is missing.');
  const start = moment(range['StartTimestamp'], 'StartTimestamp');
  const end = moment(range['EndTimestamp'], 'EndTimestamp');
  if (end <= start) throw invalid('EndTimestamp must be after StartTimestamp.');
  return { type, range: { start, end } };
}

/** The stored fragments of a selection, in the order of storing; none without media. */
export function selected({ fragments }: LocalStream, { type, range }: FragmentSelection): readonly StoredFragment[] {
  return fragments.filter((fragment) => {
    const time = type === 'PRODUCER_TIMESTAMP' ? fragment.producerTimestamp : fragment.serverTimestamp;
    return fragment.media.length > 0 && (range === undefined || (time >= range.start && time <= range.end));
  });
}

/** Throws what the service answers where nothing is stored. */
export function requireRetention({ retentionHours, name }: LocalStream): void {
  if (retentionHours > 0) return;
  throw new ServiceError('NoDataRetentionException', `The stream ${name} has a data retention of 0 hours.`);
}
