import type { Frame } from '../visitors/frame.js';

/**
 * Which pictures are wanted: every so many microseconds, or a duration such as `'1s'`, `'500ms'` or `'2m'`: the picture that is shown then;
 * `'keyframe'`; `'frame'`, all of them; or every n-th, such as `'5frames'`.
 */
export type PictureInterval = number | 'keyframe' | 'frame' | `${number}${'ms' | 's' | 'm' | 'h'}` | `${number}frames`;

/** A place on the timeline: microseconds of the stream, or by the producer's clock. */
export type MediaTime = number | Date;

/** An interval that has been taken apart. */
export type Sampling =
  | { readonly kind: 'keyframe' }
  | { readonly kind: 'frames'; readonly every: number }
  /** In microseconds. */
  | { readonly kind: 'time'; readonly every: number };

const UNITS: Readonly<Record<string, number>> = { ms: 1000, s: 1_000_000, m: 60_000_000, h: 3_600_000_000 };

/**
 * Takes an interval apart.
 *
 * @throws RangeError when it is none
 */
export function parseInterval(every: PictureInterval): Sampling {
  if (every === 'keyframe') return { kind: 'keyframe' };
  if (every === 'frame') return { kind: 'frames', every: 1 };
  if (typeof every === 'number') {
    if (every > 0 && every < Number.POSITIVE_INFINITY) return { kind: 'time', every };
  } else {
    const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|frames?)$/.exec(every) ?? [];
    const count = Number(digits);
    if (unit.startsWith('frame') && Number.isInteger(count) && count >= 1) return { kind: 'frames', every: count };
    const microseconds = count * (UNITS[unit] ?? 0);
    if (microseconds > 0) return { kind: 'time', every: microseconds };
  }
  throw new RangeError(`every must be a time above 0, 'keyframe', 'frame' or a number of frames, not ${String(every)}`);
}

/** Whether a frame lies before a place, at it, or behind it: a negative number, 0, or a positive one; `NaN` where that is not known. */
export function compareToTime(frame: Frame, time: MediaTime): number {
  if (typeof time === 'number') return frame.timestamp - time;
  return (frame.producerTimestamp?.getTime() ?? Number.NaN) - time.getTime();
}
