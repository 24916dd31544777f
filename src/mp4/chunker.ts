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
}

/** Decides where a fragment is cut into chunks. */
export class Chunker {
  readonly #duration: number;
  readonly #tracks: ChunkTracks;
  /** Where the chunk at hand begins in each track, by its number, in microseconds. */
  readonly #begins = new Map<number, number>();

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
    if (begins === undefined) this.#begins.set(number, frame.timestamp);
    if (begins === undefined || frame.timestamp - begins < this.#duration) return false;
    const { tracks, frames } = soFar();
    const numbers = this.#tracks.numbers(tracks, frames);
    const lead = numbers?.find((each) => this.#begins.has(each));
    if (lead !== number) return false;
    this.#begins.clear();
    this.#begins.set(number, frame.timestamp);
    return true;
  }
}
