import type { Bytes } from '../ebml/bytes.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { toMicroseconds } from './decode-times.js';
import type { Mp4RemuxError } from './remux-error.js';
import { type Mp4RemuxerOptions, type RemuxedPlace, RemuxingVisitor } from './remuxing-visitor.js';
import type { Mp4Track, RemuxedFragment, TrackRun } from './samples.js';
import { mimeTypeOf, writeInitSegment, writeMediaSegment } from './segments.js';
import { describeTrack, type Mp4TrackInfo, TrackInfos } from './track-info.js';

/**
 * An initialization segment. It comes before the first media segment, and again when the tracks or their configurations change, or one
 * that had no samples yet begins before time 0.
 */
export interface Mp4InitSegment {
  /** Distinguishes it from a media segment. */
  readonly type: 'init';
  /** `ftyp` and `moov`, in an array of its own. */
  readonly bytes: Bytes;
  /** For `MediaSource.isTypeSupported` and `addSourceBuffer`: `video/mp4; codecs="avc1.4d401e,mp4a.40.2"`. */
  readonly mimeType: string;
  /**
   * The tracks that are in it, in the order of their `trak` boxes. Each is the same object as in the initialization segment before, if that
   * describes it in the same way.
   */
  readonly tracks: readonly Mp4TrackInfo[];
  /** Of each other track that is wanted, why it is left out: it cannot be remuxed, or has no frames so far. Of the latter 32 at most. */
  readonly leftOut: readonly Mp4RemuxError[];
}

/** A media segment: a fragment's media, or a chunk of it. */
export interface Mp4MediaSegment {
  /** Distinguishes it from an initialization segment. */
  readonly type: 'media';
  /** `styp` (of the chunks of a fragment only before the first), `moof` and `mdat`, in an array of its own. */
  readonly bytes: Bytes;
  /** The tracks that it has samples of: track `id`, `start` of their presentation and its `duration`, in microseconds. */
  readonly tracks: readonly { readonly id: number; readonly start: number; readonly duration: number }[];
  /** The fragment that it is made from. Its metadata grows with what the service sends behind the frames. */
  readonly fragment: FragmentMetadata | undefined;
  /**
   * Which chunk of its fragment it is, from 0. Without `chunkDuration` there is only one, unless parameter sets change in the middle: then
   * an initialization segment comes between.
   */
  readonly chunk: number;
  /** Whether it ends its fragment. The last chunk before damage says that it does not. */
  readonly endsFragment: boolean;
  /** Whether its video begins with a key frame, so that playing can begin here. */
  readonly independent: boolean;
  /** How long nothing is presented before it, in microseconds; 0 when it follows at once. */
  readonly gap: number;
  /** Whether it does not continue what came before: a gap, a fragment left out, a producer's clock that was set back. */
  readonly discontinuity: boolean;
  /** Whether the stream ended in the middle of the fragment: what had arrived is here. */
  readonly truncated: boolean;
}

/** The output of {@link Mp4Remuxer}. */
export type Mp4Segment = Mp4InitSegment | Mp4MediaSegment;

/**
 * Turns fragments into the segments of a fragmented MP4, for Media Source Extensions, HLS and DASH. As a visitor, it visits all elements of
 * a stream, and emits each media segment as soon as the fragment's Cluster ends. For whole fragments, call {@link Mp4Remuxer.addFragment}.
 *
 * H.264, H.265, AAC and G.711 are remuxed. All tracks share the segments; `CmafRemuxer` gives each track segments of its own.
 */
export class Mp4Remuxer extends RemuxingVisitor {
  readonly #emit: (segment: Mp4Segment) => void;
  readonly #infos = new TrackInfos(describeTrack);
  #tracks: readonly Mp4Track[] | undefined;
  #sequenceNumber = 0;

  /**
   * @param emit is given each segment
   * @throws Mp4RemuxError from the visitor's methods and from `addFragment`
   */
  constructor(emit: (segment: Mp4Segment) => void, options: Mp4RemuxerOptions = {}) {
    super(options);
    this.#emit = emit;
  }

  protected override write(remuxed: RemuxedFragment, { chunk, discontinuity }: RemuxedPlace): void {
    const { tracks, runs, metadata, independent, gap, truncated, ends } = remuxed;
    if (tracks !== this.#tracks) {
      this.#tracks = tracks;
      this.#emit({
        type: 'init',
        bytes: writeInitSegment(tracks),
        mimeType: mimeTypeOf(tracks.map(({ setup }) => setup)),
        tracks: tracks.map((track) => this.#infos.of(track)),
        leftOut: this.leftOut,
      });
    }
    this.#emit({
      type: 'media',
      bytes: writeMediaSegment(remuxed, ++this.#sequenceNumber),
      tracks: runs.map((run) => ({ id: run.track.id, ...extentOf(run) })),
      fragment: metadata,
      chunk,
      endsFragment: ends,
      independent,
      gap,
      discontinuity,
      truncated,
    });
  }
}

/** Where the presentation of a run begins and how long it is, in microseconds. */
export function extentOf({ track: { setup }, start, times }: TrackRun): { start: number; duration: number } {
  const begin = toMicroseconds(start, setup.timescale);
  return { start: begin, duration: toMicroseconds(times.end, setup.timescale) - begin };
}
