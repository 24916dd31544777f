import type { TrackMetadata } from '../mkv/track.js';
import type { Mp4Track } from './samples.js';
import { sameSetup, type TrackSetup } from './track-setup.js';

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

/** What is told of tracks, each the same object for as long as an initialization segment has the same of it, whatever becomes of others. */
export class TrackInfos<T extends Mp4TrackInfo> {
  readonly #describe: (track: Mp4Track) => T;
  /** The last that there was of each track, by its id. */
  readonly #known = new Map<number, { readonly from: Mp4Track; readonly info: T }>();

  constructor(describe: (track: Mp4Track) => T) {
    this.#describe = describe;
  }

  /** What is told of a track as it is now. */
  of(from: Mp4Track): T {
    const known = this.#known.get(from.id);
    if (known !== undefined && known.from.shift === from.shift && sameSetup(known.from.setup, from.setup)) {
      return known.info;
    }
    const info = this.#describe(from);
    this.#known.set(from.id, { from, info });
    return info;
  }
}
