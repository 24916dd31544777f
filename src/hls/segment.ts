import type { Bytes } from '../ebml/bytes.js';

/** What a viewer is told of the fragment that a segment is made from. */
export interface FragmentIdentity {
  /** The fragment's number, a decimal string. */
  readonly fragmentNumber: string | undefined;
  /** The wall clock of the segment's first frame by the producer and by the service, in milliseconds since 1970. */
  readonly producerTimestamp: number | undefined;
  readonly serverTimestamp: number | undefined;
}

/** Media that is there, or is fetched when it is asked for. */
export type MediaSource = Bytes | (() => Promise<Bytes>);

/** An initialization segment of a track. */
export interface InitSegment {
  /** Tells it from others of its track: part of its address. */
  readonly id: number;
  readonly media: MediaSource;
}

/** A part of a segment (RFC 8216bis section 4.4.4.9): what came of a fragment at once. */
export interface Part {
  readonly bytes: Bytes;
  /** In microseconds. */
  readonly duration: number;
  /** Whether decoding can begin here. */
  readonly independent: boolean;
}

/** A segment of one track, in the making or whole. Times are in microseconds of the presentation's timeline. */
export interface Segment extends FragmentIdentity {
  /** The media sequence number: its place in its track since the first. */
  readonly sequence: number;
  /** Which fragment of the presentation it is of, counted from 0. */
  readonly ordinal: number;
  /** Which stretch of the presentation it is in, in which no track changes its configuration and nothing is missing for long. */
  readonly epoch: number;
  /** How many discontinuities there have been up to its beginning. */
  readonly discontinuities: number;
  readonly init: InitSegment;
  readonly start: number;
  readonly duration: number;
  /** In bytes, as far as that is known. */
  readonly size: number;
  /** Whether decoding can begin at its first frame. */
  readonly independent: boolean;
  /** Those that it came in; none where it came whole. */
  readonly parts: readonly Part[];
  readonly media: MediaSource;
}
