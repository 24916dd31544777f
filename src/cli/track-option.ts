import { isTrackType, type TrackMetadata, type TrackType } from '../mkv/track.js';
import { UsageError } from './command.js';
import { suggestion } from './suggestion.js';

/** What `--track` takes. */
export const TRACK_USAGE = 'N|video|audio';

/**
 * The track or kind of tracks that `--track` names.
 *
 * @throws UsageError when it names none
 */
export function trackOf(word: string): number | TrackType {
  if (isTrackType(word)) return word;
  const number = /^\d+$/.test(word) ? Number(word) : 0;
  if (!Number.isSafeInteger(number) || number < 1)
    throw new UsageError(
      `--track ${word}: must be a track number from 1 on, or video or audio${suggestion(word, ['video', 'audio'])}`,
    );
  return number;
}

/** Tells the tracks that `--track`, given any number of times, names; `undefined` where it is not given: all of them. */
export function trackFilter(words: readonly string[] | undefined): ((track: TrackMetadata) => boolean) | undefined {
  if (words === undefined) return undefined;
  const wanted = new Set(words.flatMap((word) => word.split(',')).map(trackOf));
  return ({ number, type }) => wanted.has(number) || wanted.has(type);
}

/** That there is nothing of the tracks that `--track` names; `undefined` where it is not given. */
export function missingTracks(words: readonly string[] | undefined): string | undefined {
  return words === undefined ? undefined : `there are no frames of track ${words.join(' or ')} in it`;
}
