import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import type { SampleTimes } from './decode-times.js';
import type { Payload } from './payload.js';
import type { TrackSetup } from './track-setup.js';

/** The frames that are remuxed together: of a fragment, or of a Cluster. A `Fragment` has this shape. */
export interface FragmentInput {
  /** The tracks that are described, also those without frames. */
  readonly tracks: readonly TrackMetadata[];
  /** In stream order: decode order. */
  readonly frames: readonly Frame[];
  /** What the service says of the fragment; `undefined` or left out for other Matroska. */
  readonly metadata?: FragmentMetadata | undefined;
  /** Whether the stream ended within it. */
  readonly truncated?: boolean | undefined;
}

/** A fragment, or what has arrived of it since the part before. */
export interface FragmentPart extends FragmentInput {
  /** Whether a part of the same fragment came before. */
  readonly continues?: boolean | undefined;
  /** The frame that the next part begins with, where it is of the same fragment. */
  readonly next?: Frame | undefined;
}

/** A track of the MP4 for as long as its setup stays. */
export interface Mp4Track {
  /** track_ID, 1 and up; the same for a Matroska track as long as the stream lasts. */
  readonly id: number;
  readonly setup: TrackSetup;
  /** What is added to media times so that none is negative, in ticks; an edit list takes it away again. */
  readonly shift: number;
}

/** The samples that a fragment has of a track. */
export interface TrackRun {
  readonly track: Mp4Track;
  readonly payload: Payload;
  /** In ticks, without the track's shift. */
  readonly times: SampleTimes;
  /** sample_flags of each sample (ISO/IEC 14496-12 section 8.8.3.1). */
  readonly flags: readonly number[];
  /** Where presentation begins, in ticks. */
  readonly start: number;
}

/** A fragment as MP4 samples. */
export interface RemuxedFragment {
  /** All tracks; the same array for as long as nothing about them changes. */
  readonly tracks: readonly Mp4Track[];
  /** Of the tracks that the fragment has frames of. */
  readonly runs: readonly TrackRun[];
  readonly metadata: FragmentMetadata | undefined;
  /** Whether every video track begins with a key frame. */
  readonly independent: boolean;
  /** The first presentation time in the source, in microseconds. */
  readonly startTime: number;
  /** How long nothing is presented before it, in microseconds. */
  readonly gap: number;
  /** Whether the stream ended within it. */
  readonly truncated: boolean;
  /** Whether a part of the same fragment came before, and whether this is the last. */
  readonly continues: boolean;
  readonly ends: boolean;
  /** What was added to the source's times, in microseconds. */
  readonly offset: number;
  /** Whether the source's times went back, so that this fragment's were put behind those before. */
  readonly timeReset: boolean;
}

const SYNC = 0x0200_0000;
const NOT_SYNC = 0x0101_0000;
const DISPOSABLE = 0x0080_0000;

/** Whether a sample with these flags is a sync sample. */
export const isSync = (flags: number): boolean => (flags & 0x0001_0000) === 0;

/** The sample_flags of a frame. */
export function sampleFlags(setup: TrackSetup, frame: Frame | undefined): number {
  if (setup.kind === 'audio' || frame === undefined || frame.keyframe) return SYNC;
  return frame.discardable ? NOT_SYNC | DISPOSABLE : NOT_SYNC;
}
