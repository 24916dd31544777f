import { most } from '../mkv/extremes.js';
import { targetDuration } from './media-playlist.js';
import type { Presentation } from './presentation.js';
import type { TrackWindow } from './track-window.js';

/** For how many target durations a playlist counts that a viewer was given. Players ask again after one. */
const MOST_OLD = 1.5;

/** What a playlist told that was given to a viewer. */
interface Told {
  readonly fragments: number;
  readonly discontinuities: number;
  /** The tracks whose playlists tell it. */
  readonly tracks: Set<TrackWindow>;
  /** When it was told first, in milliseconds of the monotonic clock. */
  readonly at: number;
}

/**
 * Which fragments live playlists list, so that those of a viewer's tracks tell of the same discontinuities. hls.js begins with the segments that it
 * chooses from one playlist each. Where a discontinuity comes in between its two requests, they are of different stretches: it waits with the
 * sound for pictures, and with the pictures for the sound, for ever.
 */
export class ToldFragments {
  readonly #presentation: Presentation;
  #told: Told | undefined;

  constructor(presentation: Presentation) {
    this.#presentation = presentation;
  }

  /** Of how many fragments a track's playlist that is asked for now tells: as many as that of another track, which was asked for just now. */
  ask(track: TrackWindow): number {
    const now = performance.now();
    const { fragments, tracks } = this.#presentation;
    const discontinuities = most([...tracks.values()].map(({ segments }) => segments.at(-1)?.discontinuities ?? 0));
    const told = this.#told;
    if (
      told !== undefined &&
      told.discontinuities < discontinuities &&
      !told.tracks.has(track) &&
      now - told.at < targetDuration(track) * MOST_OLD * 1000 &&
      this.#presentation.listed(track, told.fragments).length > 0
    ) {
      told.tracks.add(track);
      return told.fragments;
    }
    if (told?.fragments === fragments && !told.tracks.has(track)) told.tracks.add(track);
    else this.#told = { fragments, discontinuities, tracks: new Set([track]), at: now };
    return fragments;
  }
}
