import type { Segment } from './segment.js';
import { type TrackDescription, TrackWindow } from './track-window.js';

/** How much of a presentation is kept. */
export interface WindowLimits {
  /** How many fragments playlists list: the newest. */
  readonly listed: number;
  /** How many fragments before those can still be had: viewers have playlists that name them (RFC 8216 section 6.2.2). */
  readonly kept: number;
}

/** Who waits for something. */
export interface Viewer {
  /** Whether it waits no more. */
  readonly isGone: boolean;
  /** Has a function called when it goes, unless what is returned is called before. */
  whenGone(listener: () => void): () => void;
}

interface Waiting {
  readonly isOver: () => boolean;
  readonly done: (over: boolean) => void;
}

const AT_ONCE = 8;

/** What there is to be played: tracks on one timeline, whose fragments come at the end and leave at the beginning. */
export class Presentation {
  readonly tracks = new Map<string, TrackWindow>();
  readonly limits: WindowLimits;
  /** Where each stretch of one configuration begins, by its number, in microseconds. */
  readonly epochs = new Map<number, number>();
  /** Counts the changes. */
  version = 0;
  /** Whether nothing more comes. */
  ended = false;
  /** What ended it, where that was an error. */
  failure: unknown;
  /** How many fragments are complete. */
  fragments = 0;
  /** When the timeline's 0 was by the clock here, in milliseconds since 1970: the earliest by what has arrived. */
  origin = Number.POSITIVE_INFINITY;
  readonly #waiting = new Set<Waiting>();

  constructor(limits: WindowLimits) {
    this.limits = limits;
  }

  /** The ordinal of the oldest fragment that playlists list. */
  get firstListed(): number {
    return Math.max(0, this.fragments - this.limits.listed);
  }

  /**
   * The segments of a track that playlists list.
   *
   * @param fragments how many fragments there are, or were
   */
  listed({ segments }: TrackWindow, fragments = this.fragments): readonly Segment[] {
    const first = fragments - this.limits.listed;
    const from = segments.findIndex(({ ordinal }) => ordinal >= first);
    if (from < 0) return [];
    if (fragments === this.fragments) return segments.slice(from);
    return segments.slice(from).filter(({ ordinal }) => ordinal < fragments);
  }

  /** A track by its name, made where it is new. */
  track(name: string, description: TrackDescription): TrackWindow {
    let track = this.tracks.get(name);
    if (track === undefined) {
      track = new TrackWindow(name, description);
      this.tracks.set(name, track);
    }
    return track;
  }

  /** A fragment is complete: older ones leave. */
  completeFragment(): void {
    this.fragments++;
    const oldest = this.firstListed - this.limits.kept;
    if (oldest > 0) for (const track of this.tracks.values()) track.drop(oldest);
    const epochs = [...this.tracks.values()].map(({ segments, open }) => (segments[0] ?? open)?.epoch ?? 0);
    const oldestEpoch = epochs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    for (const epoch of this.epochs.keys()) if (epoch < oldestEpoch) this.epochs.delete(epoch);
  }

  /** Nothing more comes. */
  end(failure?: unknown): void {
    this.ended = true;
    this.failure ??= failure;
    this.changed();
  }

  /** Tells those who wait that something is new. */
  changed(): void {
    this.version++;
    this.#wake([...this.#waiting], 0);
  }

  /** A few at a time: the first are answered while the others are still to be woken. */
  #wake(all: readonly Waiting[], from: number): void {
    const to = from + AT_ONCE;
    for (const waiting of all.slice(from, to)) if (waiting.isOver()) waiting.done(true);
    if (to < all.length) queueMicrotask(() => this.#wake(all, to));
  }

  /**
   * Waits until something is so.
   *
   * @returns whether it came to be so; `false` when the time is over or the viewer has gone
   */
  until(isOver: () => boolean, timeoutMs: number, viewer: Viewer): Promise<boolean> {
    if (isOver()) return Promise.resolve(true);
    if (viewer.isGone) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        isOver,
        done: (over) => {
          clearTimeout(timer);
          stay();
          this.#waiting.delete(waiting);
          resolve(over);
        },
      };
      const giveUp = () => waiting.done(false);
      const timer = setTimeout(giveUp, timeoutMs);
      const stay = viewer.whenGone(giveUp);
      this.#waiting.add(waiting);
    });
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiting.size;
  }
}
