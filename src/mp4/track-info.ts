import type { TrackMetadata } from '../mkv/track.js';
import type { TrackSetup } from './track-setup.js';

/** A track of an MP4. */
export interface Mp4TrackInfo {
  /** track_ID, 1 and up. */
  readonly id: number;
  /** The Matroska track that it is made from. */
  readonly track: TrackMetadata;
  /** `video` or `audio`. */
  readonly kind: 'video' | 'audio';
  /** Its part of the `codecs` parameter (RFC 6381). */
  readonly codec: string;
  /** Ticks per second of its times. */
  readonly timescale: number;
  /** What its decoder is configured with: AVCC, HVCC, AudioSpecificConfig; empty for G.711. */
  readonly config: Uint8Array;
  /** Width of the picture in pixels, of a video track. */
  readonly width: number | undefined;
  /** Height of the picture in pixels, of a video track. */
  readonly height: number | undefined;
}

/** What is told of a track. */
export function describeTrack({ id, setup }: { readonly id: number; readonly setup: TrackSetup }): Mp4TrackInfo {
  const { track, kind, codec, timescale, config } = setup;
  const [width, height] = setup.kind === 'video' ? [setup.width, setup.height] : [];
  return { id, track, kind, codec, timescale, config, width, height };
}
