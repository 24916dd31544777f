import { isTrackType, type TrackMetadata, type TrackType } from '../mkv/track.js';
import { UsageError } from './command.js';

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
    throw new UsageError(`--track ${word}: it is a number of 1 or more, or a type of track like video and audio`);
  return number;
}

/** Tells the tracks that `--track`, given any number of times, names; `undefined` where it is not given: all of them. */
export function trackFilter(words: readonly string[] | undefined): ((track: TrackMetadata) => boolean) | undefined {
  if (words === undefined) return undefined;
  const wanted = new Set(words.flatMap((word) => word.split(',')).map(trackOf));
  return ({ number, type }) => wanted.has(number) || wanted.has(type);
}
