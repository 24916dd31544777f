import { type ArchivedFragment, timeOf } from './archive.js';
import { type DiscontinuityMode, type FragmentSelectorType, JITTER } from './options.js';

/** Where a stored fragment goes, in microseconds of the timeline. */
export interface ArchivePlace {
  /** Where its first Cluster's Timestamp goes. */
  readonly cluster: number;
  /** Where playlists say that it begins, and how long it is. */
  readonly start: number;
  readonly duration: number;
  /** Whether it is said not to continue the one before. */
  readonly discontinuity: boolean;
}

/** Puts stored fragments on a timeline by what their list tells, before any of them is read. */
export class ArchiveTimeline {
  readonly #type: FragmentSelectorType;
  readonly #mode: DiscontinuityMode;
  readonly #start: number;
  #last: { readonly time: number; readonly cluster: number; readonly end: number } | undefined;

  /** @param start where the first begins, in microseconds */
  constructor(type: FragmentSelectorType, mode: DiscontinuityMode, start: number) {
    this.#type = type;
    this.#mode = mode;
    this.#start = start;
  }

  /** The place of the next fragment. */
  place(fragment: ArchivedFragment): ArchivePlace {
    const time = timeOf(fragment, this.#type) * 1000;
    const length = Math.max(1, Math.round(fragment.fragmentLengthInMilliseconds * 1000));
    const last = this.#last;
    const { cluster, start, isJump } =
      last === undefined ? { cluster: this.#start, start: this.#start, isJump: false } : this.#behind(last, time);
    const end = Math.max(start + 1000, cluster + length);
    this.#last = { time, cluster, end };
    const discontinuity =
      last !== undefined && (this.#mode === 'ALWAYS' || (this.#mode === 'ON_DISCONTINUITY' && isJump));
    return { cluster, start, duration: end - start, discontinuity };
  }

  #behind(last: { time: number; cluster: number; end: number }, time: number) {
    const expected = last.cluster + time - last.time;
    const distance = expected - last.end;
    if (distance > JITTER) return { cluster: expected, start: expected, isJump: true };
    if (distance < -JITTER) return { cluster: last.end, start: last.end, isJump: true };
    // The service's clock tells when a fragment arrived, which is not exact.
    return { cluster: this.#type === 'PRODUCER_TIMESTAMP' ? expected : last.end, start: last.end, isJump: false };
  }
}
