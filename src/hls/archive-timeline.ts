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
  /** How long nothing is there before it. */
  readonly gap: number;
}

/** What is known of the fragments that have a place. */
interface Last {
  /** Where the last one ends. */
  readonly end: number;
  /** A time of the clock, and where it is on the timeline: what arrives late once does not put off all that comes after it. */
  readonly time: number;
  readonly cluster: number;
}

/** In microseconds: fragments that lie later than the service's clock has them by more than this did not come in their time. */
const MOST_LATE = 5_000_000;

/** Puts stored fragments on a timeline by what their list tells, before any of them is read. */
export class ArchiveTimeline {
  readonly #type: FragmentSelectorType;
  readonly #mode: DiscontinuityMode;
  readonly #start: number;
  #last: Last | undefined;

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
    const last = this.#last ?? { end: this.#start, time, cluster: this.#start };
    const { cluster, start, isJump } = this.#behind(last, time);
    const end = Math.max(start + 1000, cluster + length);
    const isLate = cluster - last.cluster - (time - last.time) > MOST_LATE;
    const isAnchor = this.#type === 'PRODUCER_TIMESTAMP' || isLate;
    const isFirst = this.#last === undefined;
    this.#last = isAnchor ? { end, time, cluster } : { ...last, end };
    const discontinuity = !isFirst && (this.#mode === 'ALWAYS' || (this.#mode === 'ON_DISCONTINUITY' && isJump));
    return { cluster, start, duration: end - start, discontinuity, gap: start - last.end };
  }

  #behind({ end, time: from, cluster }: Last, time: number) {
    const expected = cluster + time - from;
    const distance = expected - end;
    if (distance > JITTER) return { cluster: expected, start: expected, isJump: true };
    if (distance < -JITTER) return { cluster: end, start: end, isJump: true };
    // The service's clock tells when a fragment arrived, which is not exact.
    return { cluster: this.#type === 'PRODUCER_TIMESTAMP' ? expected : end, start: end, isJump: false };
  }
}
