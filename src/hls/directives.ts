import type { Query } from './asked.js';
import { partTarget, targetDuration } from './media-playlist.js';
import type { Playback } from './options.js';
import type { Presentation } from './presentation.js';
import type { TrackWindow } from './track-window.js';

/** What a viewer asks of a media playlist (RFC 8216bis section 6.2.5). */
export interface Directives {
  /** The media sequence number, and the part of it, that the playlist is to have. */
  readonly sequence: number | undefined;
  readonly part: number | undefined;
  /** Whether it may be a delta update. */
  readonly skip: boolean;
}

/** Reads the directives in a query. Gives what is wrong with them, where something is. */
export function readDirectives(query: Query): Directives | string {
  const numbers = ['_HLS_msn', '_HLS_part'].map((name) => query.get(name));
  if (numbers.some((text) => text !== null && !/^\d{1,15}$/.test(text))) {
    return '_HLS_msn and _HLS_part must be decimal numbers';
  }
  const [sequence, part] = numbers.map((text) => (text === null ? undefined : Number(text)));
  if (part !== undefined && sequence === undefined) return '_HLS_part needs _HLS_msn';
  const skip = query.get('_HLS_skip');
  if (skip !== null && skip !== 'YES' && skip !== 'v2') return '_HLS_skip must be YES or v2';
  return { sequence, part, skip: skip !== null };
}

/** Whether a playlist asked for is too far ahead of what there is to be waited for. */
export function isTooFar({ sequence, part }: Directives, track: TrackWindow, playback: Playback): boolean {
  if (sequence === undefined) return false;
  const next = track.open?.sequence ?? track.nextSequence;
  if (sequence > next + 2) return true;
  if (part === undefined || playback.partTarget === undefined) return false;
  // A part is there within a part's duration: further ahead than a segment has is none that is waited for.
  const most = Math.ceil((targetDuration(track) * 1e6) / partTarget(track, playback.partTarget)) + 3;
  return sequence >= next && part > (track.open?.parts.length ?? 0) + most;
}

/** Whether the playlist has what was asked for. */
export function isThere({ sequence, part }: Directives, track: TrackWindow, presentation: Presentation): boolean {
  if (sequence === undefined || presentation.ended || sequence < track.nextSequence) return true;
  const { open } = track;
  return (
    part !== undefined &&
    open !== undefined &&
    (open.sequence > sequence || (open.sequence === sequence && open.parts.length > part))
  );
}
