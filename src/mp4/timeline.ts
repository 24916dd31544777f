import { least, most } from '../mkv/extremes.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';

/**
 * Where the presentation of a stream begins, in microseconds.
 *
 * @param first the first time of presentation in the source, in microseconds
 * @param fragment the first fragment
 */
export type StartOfPresentation = (first: number, fragment: FragmentMetadata | undefined) => number;

/** The frames of a track that are to be placed, in microseconds of the source. */
export interface Placed {
  /** TrackNumber. */
  readonly number: number;
  /** The first time of presentation. */
  readonly first: number;
  /** Whether it is video that does not begin with a key frame. */
  readonly cut: boolean;
}

/** What a fragment has of a track, in microseconds of the timeline. */
export interface Extent {
  /** TrackNumber. */
  readonly number: number;
  /** When the first frame is presented. */
  readonly start: number;
  /** When the last frame is presented, and until when. */
  readonly latest: number;
  readonly end: number;
}

/** Where a fragment is put. */
export interface Place {
  /** Is added to the source's times, in microseconds. */
  readonly offset: number;
  /** The first presentation time in the source, in microseconds. */
  readonly startTime: number;
  /** How long nothing is presented before it, in microseconds. */
  readonly gap: number;
  /** Whether the source's times went back. */
  readonly timeReset: boolean;
}

/** In microseconds: less than this between fragments is rounding or jitter, no gap and no reset of the producer's clock. */
const GAP = 100_000;

/** In microseconds: a fragment that is cut within a group of pictures may begin this much before the end of the one before. */
const REORDERED = 500_000;

/** Puts fragments on one timeline, each in the light of those before it. */
export class Timeline {
  readonly #startOf: StartOfPresentation;
  #offset: number | undefined;
  /** The last that there was of each track, by its number. */
  readonly #last = new Map<number, Extent>();

  /** @param startOf default: at the source's time */
  constructor(startOf: StartOfPresentation = (first) => first) {
    this.#startOf = startOf;
  }

  /** Is added to the source's times so far, in microseconds. */
  get offset(): number {
    return this.#offset ?? 0;
  }

  /** Finds the place of a fragment; changes nothing. */
  place(tracks: readonly Placed[], fragment: FragmentMetadata | undefined): Place {
    const first = least(tracks.map((track) => track.first));
    const before = this.#offset ?? this.#startOf(first, fragment) - first;
    const backs: number[] = [];
    let timeReset = true;
    for (const track of tracks) {
      const last = this.#last.get(track.number);
      if (last === undefined) continue;
      const start = track.first + before;
      backs.push(last.end - start);
      // Tracks do not begin and end at the same time: the producer's clock was set back only when all of them went back.
      const isBack = last.latest - start > (track.cut ? REORDERED : GAP);
      const isAgain = start <= last.start && start < last.end;
      timeReset &&= isBack || isAgain;
    }
    timeReset &&= backs.length > 0;
    const offset = timeReset ? before + most(backs) : before;
    const ends = [...this.#last.values()].map(({ end }) => end);
    const gap = ends.length === 0 ? 0 : first + offset - most(ends);
    // What begins with another than a key frame was cut within a group of pictures: what seems to be missing may still come.
    const isGap = gap > GAP && !tracks.some(({ cut }) => cut);
    return { offset, startTime: first, gap: isGap ? gap : 0, timeReset };
  }

  /**
   * Notes what was put there.
   *
   * @param continues whether it belongs to the fragment before
   */
  take(place: Place, extents: readonly Extent[], continues: boolean): void {
    this.#offset = place.offset;
    for (const extent of extents) {
      const before = continues ? this.#last.get(extent.number) : undefined;
      const latest = Math.max(extent.latest, before?.latest ?? extent.latest);
      const end = Math.max(extent.end, before?.end ?? extent.end);
      this.#last.set(extent.number, { ...extent, start: before?.start ?? extent.start, latest, end });
    }
  }

  /** Where the part of a fragment goes that another part came before. */
  goOn(startTime: number): Place {
    return { offset: this.offset, startTime, gap: 0, timeReset: false };
  }

  /** Where a track's presentation ends so far, in microseconds. */
  endOf(number: number): number | undefined {
    return this.#last.get(number)?.end;
  }
}
