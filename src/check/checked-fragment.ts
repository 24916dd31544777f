import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { MkvTag } from '../visitors/tag.js';
import { CheckedTrack } from './checked-track.js';
import type { FindingPlace } from './finding.js';

/** What is known of a fragment while it is checked. Its frames are looked at and let go. */
export class CheckedFragment {
  /** Of its first byte, from the start of the stream. */
  readonly offset: number;
  /** What the service says of it; `undefined` in a document that is not of Kinesis Video Streams. */
  metadata: FragmentMetadata | undefined;
  /** Its tracks, by number, those without frames too. */
  readonly tracks = new Map<number, CheckedTrack>();
  /** The producer's tags. */
  tags: readonly MkvTag[] = [];
  /** Those of them that stand behind the Cluster. */
  readonly tagsBehind = new Set<MkvTag>();
  /** In bytes, with everything that belongs to it. */
  size = 0;
  clusterSeen = false;
  truncated = false;

  constructor(offset: number, metadata: FragmentMetadata | undefined) {
    this.offset = offset;
    this.metadata = metadata;
  }

  get isKinesisVideo(): boolean {
    return this.metadata !== undefined;
  }

  /** The place of a finding about all of it. */
  get place(): FindingPlace {
    return this.at(this.offset);
  }

  /** A place within it. */
  at(offset: number, track?: number): FindingPlace {
    return { fragmentNumber: this.metadata?.fragmentNumber, track, offset };
  }

  /** The track of that description. */
  track(metadata: TrackMetadata): CheckedTrack {
    const known = this.tracks.get(metadata.number);
    if (known !== undefined) return known;
    const track = new CheckedTrack(metadata);
    this.tracks.set(metadata.number, track);
    return track;
  }

  /** How many frames it has. */
  get frames(): number {
    let frames = 0;
    for (const track of this.tracks.values()) frames += track.frames;
    return frames;
  }

  /** Its earliest time, in microseconds; `undefined` where it has no frames. */
  get start(): number | undefined {
    let start = Number.POSITIVE_INFINITY;
    for (const track of this.tracks.values()) start = Math.min(start, track.start);
    return start === Number.POSITIVE_INFINITY ? undefined : start;
  }

  /** Where its longest track ends, in microseconds; `undefined` where nobody can tell. */
  get end(): number | undefined {
    let end: number | undefined;
    for (const track of this.tracks.values()) {
      if (track.frames === 0) continue;
      const own = track.end;
      if (own !== undefined && own > (end ?? Number.NEGATIVE_INFINITY)) end = own;
    }
    return end;
  }

  /** In microseconds. */
  get duration(): number | undefined {
    const { start, end } = this;
    return start === undefined || end === undefined ? undefined : end - start;
  }
}
