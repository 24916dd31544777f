import type { CmafTrack } from '../mp4/cmaf-remuxer.js';
import type { InitSegment, Segment } from './segment.js';

/** What is told of a track to those who choose between tracks. */
export type TrackDescription = Pick<CmafTrack, 'kind' | 'codec' | 'width' | 'height' | 'timescale'>;

/** The name of a track in addresses: `video-1`, by the number of the Matroska track. */
export function trackName({ kind, track }: CmafTrack): string {
  return `${kind}-${track.number}`;
}

/** The segments of one track that can be had, oldest first, and the one in the making. */
export class TrackWindow {
  /** See {@link trackName}. */
  readonly name: string;
  /** As it is now. */
  description: TrackDescription;
  readonly segments: Segment[] = [];
  /** What has come of the fragment that is still arriving. */
  open: Segment | undefined;
  readonly inits = new Map<number, InitSegment>();
  /** The longest segment, and the longest part, that there was, in microseconds: these must not become smaller. */
  longest = 0;
  longestPart = 0;
  /** Bits a second: of the segment with the most, and what went into the average. */
  peak = 0;
  #bytes = 0;
  #duration = 0;
  #sequence = 0;

  constructor(name: string, description: TrackDescription) {
    this.name = name;
    this.description = description;
  }

  /** The media sequence number of the next segment that begins. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** Bits a second, over all that has come. */
  get average(): number {
    return this.#duration === 0 ? this.peak : Math.ceil((this.#bytes * 8e6) / this.#duration);
  }

  /** Takes a whole segment. */
  add(segment: Segment): void {
    this.open = undefined;
    this.segments.push(segment);
    this.inits.set(segment.init.id, segment.init);
    this.#sequence = segment.sequence + 1;
    this.longest = Math.max(this.longest, segment.duration);
    if (segment.duration > 0) this.peak = Math.max(this.peak, Math.ceil((segment.size * 8e6) / segment.duration));
    this.#bytes += segment.size;
    this.#duration += segment.duration;
  }

  /** Takes what has come of a segment. */
  grow(segment: Segment): void {
    this.open = segment;
    this.inits.set(segment.init.id, segment.init);
    for (const { duration } of segment.parts.slice(-1)) this.longestPart = Math.max(this.longestPart, duration);
  }

  /** The segment with a media sequence number. */
  find(sequence: number): Segment | undefined {
    const [first] = this.segments;
    return first === undefined ? undefined : this.segments[sequence - first.sequence];
  }

  /** Lets go of what is of fragments before this one. */
  drop(ordinal: number): void {
    let count = 0;
    while (count < this.segments.length && this.segments[count]!.ordinal < ordinal) count++;
    if (count === 0) return;
    this.segments.splice(0, count);
    const oldest = this.segments[0] ?? this.open;
    // Their ids grow: what the oldest segment needs is the first that is needed.
    for (const id of this.inits.keys()) if (oldest !== undefined && id < oldest.init.id) this.inits.delete(id);
  }
}
