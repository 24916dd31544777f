import type { TrackMetadata } from '../mkv/track.js';
import { Mp4RemuxError } from './remux-error.js';
import type { FragmentPart } from './samples.js';
import { sameSetup, setUpTrack, type TrackSetup } from './track-setup.js';

/** Cuts a fragment where a track's configuration changes in the middle: with a key frame that brings other parameter sets. */
export function* splitAtChanges(part: FragmentPart): Generator<FragmentPart, void> {
  const { tracks, frames, metadata, truncated } = part;
  const known = new Map<number, TrackMetadata>();
  let from = 0;
  for (const [index, next] of frames.entries()) {
    const { track } = next;
    const before = known.get(track.number);
    if (before === track) continue;
    known.set(track.number, track);
    if (before === undefined || !isChange(before, track)) continue;
    const continues = from > 0 || part.continues === true;
    yield { tracks, frames: frames.slice(from, index), metadata, continues, next };
    from = index;
  }
  if (from === 0) yield part;
  else yield { tracks, frames: frames.slice(from), metadata, truncated, continues: true, next: part.next };
}

function isChange(before: TrackMetadata, after: TrackMetadata): boolean {
  const [a, b] = [setUp(before), setUp(after)];
  return a === undefined || b === undefined ? a !== b : !sameSetup(a, b);
}

function setUp(track: TrackMetadata): TrackSetup | undefined {
  try {
    return setUpTrack(track, undefined, undefined);
  } catch (error) {
    if (error instanceof Mp4RemuxError) return undefined;
    throw error;
  }
}
