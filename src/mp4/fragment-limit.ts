import type { FragmentMetadata } from '../visitors/fragment-metadata.js';

/** Which fragments to take, and where to stop. */
export interface FragmentLimits {
  /** Bytes of frame data; the fragment that goes beyond is not taken. GetClip takes 100 MB. */
  readonly bytes?: number | undefined;
  /** How many fragments. GetClip takes 200. */
  readonly fragments?: number | undefined;
  /** Fragments of a time range only, both ends included. The first fragment after it is where reading stops. */
  readonly timeRange?: FragmentTimeRange | undefined;
}

/** A range of the fragments' timestamps. A fragment without that timestamp is not within it. */
export interface FragmentTimeRange {
  /** Whose clock `start` and `end` are of: `'producerTimestamp'` or `'serverTimestamp'`. */
  readonly by: 'producerTimestamp' | 'serverTimestamp';
  /** Fragments with an earlier time are left out. Default: none are. */
  readonly start?: Date | undefined;
  /** Reading stops at the first fragment with a later time. Default: at the end of the stream. */
  readonly end?: Date | undefined;
}

/** The limit that reading stopped at: `bytes`, `fragments` or `timeRange` of {@link FragmentLimits}. */
export type LimitReached = 'bytes' | 'fragments' | 'timeRange';

interface LimitedFragment {
  readonly frames: readonly { readonly size: number }[];
  readonly metadata?: FragmentMetadata | undefined;
}

function sizeOf(frames: LimitedFragment['frames']): number {
  return frames.reduce((sum, frame) => sum + frame.size, 0);
}

/** Counts fragments against limits. */
export class FragmentLimit {
  readonly #limits: FragmentLimits;
  #bytes = 0;
  #fragments = 0;
  #last: FragmentMetadata | undefined;
  #reached: LimitReached | undefined;

  constructor(limits: FragmentLimits) {
    this.#limits = limits;
  }

  /** The limit at which no more is taken. */
  get reached(): LimitReached | undefined {
    return this.#reached;
  }

  /** How many fragments were counted. */
  get fragments(): number {
    return this.#fragments;
  }

  /** Whether a fragment, or a further Cluster of it, is to be taken. */
  admits({ frames, metadata }: LimitedFragment): boolean {
    const { bytes, fragments, timeRange } = this.#limits;
    if (this.#reached !== undefined) return false;
    if (timeRange !== undefined) {
      const time = metadata?.[timeRange.by];
      if (time === undefined || time < (timeRange.start ?? time)) return false;
      if (time > (timeRange.end ?? time)) return this.#stop('timeRange');
    }
    const isNew = metadata === undefined || metadata !== this.#last;
    if (isNew && this.#fragments >= (fragments ?? Number.POSITIVE_INFINITY)) return this.#stop('fragments');
    if (this.#bytes + sizeOf(frames) > (bytes ?? Number.POSITIVE_INFINITY)) return this.#stop('bytes');
    return true;
  }

  /** Counts a fragment, or a further Cluster of it, that was taken. */
  count({ frames, metadata }: LimitedFragment): void {
    this.#bytes += sizeOf(frames);
    if (metadata === undefined || metadata !== this.#last) this.#fragments++;
    this.#last = metadata;
  }

  #stop(limit: LimitReached): false {
    this.#reached = limit;
    return false;
  }
}
