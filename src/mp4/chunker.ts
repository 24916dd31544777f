import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import type { FragmentInput } from './samples.js';

/** Tells what has to be known to cut a fragment that is still arriving. */
export interface ChunkTracks {
  /**
   * The numbers of the tracks that go in, the one first by whose frames chunks are cut; `undefined` while that cannot be told.
   *
   * @param frames of the fragment so far
   */
  numbers(tracks: readonly TrackMetadata[], frames: readonly Frame[]): readonly number[] | undefined;
  /** How long a frame of a track with pictures out of order lasts, in microseconds: 0 where they are in order, `undefined` while nobody knows. */
  interval(number: number): number | undefined;
}

/** Decides where a fragment is cut into chunks. */
export class Chunker {
  readonly #duration: number;
  readonly #tracks: ChunkTracks;
  /** Of each track, by its number: where the chunk at hand begins, in microseconds, and how many frames it has. */
  readonly #begins = new Map<number, { readonly time: number; frames: number }>();

  /** @param duration of a chunk, in microseconds */
  constructor(duration: number, tracks: ChunkTracks) {
    this.#duration = duration;
    this.#tracks = tracks;
  }

  /** A fragment begins. */
  start(): void {
    this.#begins.clear();
  }

  /**
   * Whether the next chunk begins with a frame.
   *
   * @param soFar tells what there is of the chunk before it
   */
  isDue(frame: Frame, soFar: () => Pick<FragmentInput, 'tracks' | 'frames'>): boolean {
    const { number } = frame.track;
    const begins = this.#begins.get(number);
    if (begins === undefined) {
      this.#begins.set(number, { time: frame.timestamp, frames: 1 });
      return false;
    }
    begins.frames++;
    if (!this.#isLong(frame, begins.time, begins.frames - 1)) return false;
    const { tracks, frames } = soFar();
    const numbers = this.#tracks.numbers(tracks, frames);
    const lead = numbers?.find((each) => this.#begins.has(each));
    if (lead !== number) return false;
    this.#begins.clear();
    this.#begins.set(number, { time: frame.timestamp, frames: 1 });
    return true;
  }

  /** Of pictures out of order, their number tells how much time has passed, and not when the last is shown. */
  #isLong({ track, timestamp }: Frame, since: number, frames: number): boolean {
    const interval = this.#tracks.interval(track.number) ?? 0;
    const distance = timestamp - since;
    if (interval === 0 || distance >= 2 * this.#duration + MOST_REORDERED * interval) return distance >= this.#duration;
    return frames * interval >= this.#duration - interval / 4;
  }
}

/** How many pictures one is shown before that come before it, at most. */
const MOST_REORDERED = 16;
