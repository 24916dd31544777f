import { ElementFilter } from '../ebml/element-filter.js';
import { canDescendFrom, type EbmlElementType } from '../ebml/element-type.js';
import { MKV_SCHEMA, Mkv } from '../mkv/elements.js';
import { isTrackType, type TrackType } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';

/** Selects frames. */
export interface FrameFilterOptions {
  /** Frames of this track only: its number, or the kind of track. Default: all. */
  readonly track?: number | TrackType | undefined;
  /** Key frames only. */
  readonly keyframesOnly?: boolean | undefined;
  /**
   * Of the frames that are left, every n-th of each track, the first among them; tracks after the first 1,024 are counted together. Default
   * 1.
   */
  readonly every?: number | undefined;
  /** Of the frames that are left, those for which this returns `true`. It is shown them in stream order, once each. */
  readonly filter?: ((frame: Frame) => boolean) | undefined;
}

/** Tracks that are counted each by itself: no stream that means well has as many. */
const MOST_COUNTED = 1024;
/** What all others are counted under. */
const OTHERS = -1;

/**
 * A function that tells whether a frame is wanted; to be asked once for each frame, in order.
 *
 * @throws RangeError when `every` or the number of a track is not an integer of 1 or more; TypeError when `track` is neither a number nor
 * a type of track
 */
export function frameFilter(options: FrameFilterOptions): (frame: Frame) => boolean {
  const { track, keyframesOnly = false, every = 1, filter = () => true } = options;
  if (!(Number.isInteger(every) && every >= 1))
    throw new RangeError(`every must be an integer of 1 or more, not ${every}`);
  checkTrack(track);
  if (track === undefined && !keyframesOnly && every === 1 && options.filter === undefined) return takeAll;
  const counts = new Map<number, number>();
  const place = (number: number) => (counts.has(number) || counts.size < MOST_COUNTED ? number : OTHERS);
  return (frame) => {
    if (typeof track === 'number' ? frame.track.number !== track : track !== undefined && frame.track.type !== track)
      return false;
    if (keyframesOnly && !frame.keyframe) return false;
    if (every > 1) {
      const key = place(frame.track.number);
      const count = counts.get(key) ?? 0;
      counts.set(key, (count + 1) % every);
      if (count !== 0) return false;
    }
    return filter(frame);
  };
}

function takeAll(): true {
  return true;
}

/** A track that no stream can have would be no error, only silence. */
function checkTrack(track: unknown): void {
  if (track === undefined || isTrackType(track)) return;
  if (typeof track !== 'number') throw new TypeError(`track must be a number or a type of track, not ${String(track)}`);
  if (!Number.isSafeInteger(track) || track < 1)
    throw new RangeError(`track must be an integer of 1 or more, not ${track}`);
}

let wanted: ElementFilter | undefined;

/** The elements that frames and fragments are made of: the others need not be looked at. */
export function frameElements(): Iterable<EbmlElementType> {
  if (wanted !== undefined) return wanted;
  const single: readonly EbmlElementType[] = [
    Mkv.Segment,
    Mkv.TimestampScale,
    Mkv.Cluster,
    Mkv.Timestamp,
    Mkv.SimpleBlock,
  ];
  // One for all readers: to make it takes as long as to read a hundred frames.
  wanted = new ElementFilter(
    [...MKV_SCHEMA.values()].filter(
      (type) =>
        single.includes(type) ||
        [Mkv.Tracks, Mkv.Tags, Mkv.BlockGroup].some((master) => type === master || canDescendFrom(type, master)),
    ),
  );
  return wanted;
}
