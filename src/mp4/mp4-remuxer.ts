import type { Bytes } from '../ebml/bytes.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import { Chunker } from './chunker.js';
import { ClusterCollector } from './cluster-collector.js';
import { toMicroseconds } from './decode-times.js';
import { FragmentRemuxer, type RemuxOptions } from './fragment-remuxer.js';
import { Mp4RemuxError } from './remux-error.js';
import type { FragmentInput, FragmentPart, Mp4Track, RemuxedFragment } from './samples.js';
import { mimeTypeOf, writeInitSegment, writeMediaSegment } from './segments.js';
import { describeTrack, type Mp4TrackInfo } from './track-info.js';

/**
 * An initialization segment. It comes before the first media segment, and again when the tracks or their configurations change, or one
 * that had no samples yet begins before time 0.
 */
export interface Mp4InitSegment {
  readonly type: 'init';
  /** `ftyp` and `moov`, in an array of its own. */
  readonly bytes: Bytes;
  /** For `MediaSource.isTypeSupported` and `addSourceBuffer`: `video/mp4; codecs="avc1.4d401e,mp4a.40.2"`. */
  readonly mimeType: string;
  readonly tracks: readonly Mp4TrackInfo[];
  /** Of each other track that is wanted, why it is left out: it cannot be remuxed, or has no frames so far. Of the latter 32 at most. */
  readonly leftOut: readonly Mp4RemuxError[];
}

/** A media segment: a fragment's media, or a chunk of it. */
export interface Mp4MediaSegment {
  readonly type: 'media';
  /** `styp` (of the chunks of a fragment only before the first), `moof` and `mdat`, in an array of its own. */
  readonly bytes: Bytes;
  /** The tracks that it has samples of: where their presentation begins and how long it is, in microseconds. */
  readonly tracks: readonly { readonly id: number; readonly start: number; readonly duration: number }[];
  /** The fragment it is made from; grows by what the service sends behind the frames. */
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

/** What a {@link Mp4Remuxer} gives. */
export type Mp4Segment = Mp4InitSegment | Mp4MediaSegment;

/** How a stream is remuxed. */
export interface Mp4RemuxerOptions extends RemuxOptions {
  /**
   * How many bytes of frames to hold of one Cluster, with 180 for each Block and 96 for each further frame of a laced one, default 256 MiB; a larger one is a `MkvParseError`, or
   * left out where damage is (`onInvalidFragment`, `recover`). A fragment of Kinesis Video Streams has at most 50 MB.
   */
  readonly maxFragmentSize?: number | undefined;
  /**
   * Is told of a fragment that cannot be remuxed, or has Blocks that cannot be read; the fragments after it still come. Where it is one
   * track's fault, only that track's frames of the fragment are left out. Without it the error is thrown: of Blocks a `MkvParseError`.
   */
  readonly onInvalidFragment?: ((error: Mp4RemuxError) => void) | undefined;
}

/**
 * Turns fragments into the segments of a fragmented MP4, for Media Source Extensions, HLS and DASH. As a visitor it is shown all
 * elements of a stream and gives each media segment as soon as the fragment's Cluster ends; fragments that are there whole are given to
 * {@link Mp4Remuxer.addFragment}.
 *
 * H.264, H.265, AAC and G.711 are remuxed. All tracks share the segments; CMAF and DASH want one track in each, which the option
 * `tracks` picks.
 */
export class Mp4Remuxer extends MkvElementVisitor {
  readonly #emit: (segment: Mp4Segment) => void;
  readonly #onInvalidFragment: ((error: Mp4RemuxError) => void) | undefined;
  readonly #remuxer: FragmentRemuxer;
  readonly #chunker: Chunker | undefined;
  readonly #collector: ClusterCollector;
  #tracks: readonly Mp4Track[] | undefined;
  #sequenceNumber = 0;
  #chunk = 0;
  #broken = false;

  /**
   * @param emit is given each segment
   * @throws Mp4RemuxError from the visitor's methods and from `addFragment`
   */
  constructor(emit: (segment: Mp4Segment) => void, options: Mp4RemuxerOptions = {}) {
    super();
    this.#emit = emit;
    this.#onInvalidFragment = options.onInvalidFragment;
    this.#remuxer = new FragmentRemuxer(options, options.onInvalidFragment);
    const { chunkDuration } = options;
    this.#chunker = chunkDuration === undefined ? undefined : new Chunker(chunkDuration * 1000, this.#remuxer);
    this.#collector = new ClusterCollector(
      (cluster) => this.#add(cluster),
      options.onInvalidFragment !== undefined,
      (error) => {
        this.end();
        this.#broken = true;
        if (error !== undefined) this.#onInvalidFragment?.(error);
      },
      options.maxFragmentSize,
      this.#chunker,
    );
  }

  /** Says that bytes of the stream are missing here: the fragment at hand is left out. */
  noteGap(): void {
    this.end();
    this.#broken = true;
    this.#collector.noteGap();
  }

  override visitStart(element: MkvStartMasterElement): void {
    this.#collector.visitStart(element);
  }

  override visitData(element: MkvDataElement): void {
    this.#collector.visitData(element);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    this.#collector.visitEnd(element);
  }

  /**
   * Remuxes a whole fragment. One with a single frame of video lasts until the next one begins, so its segment comes with the next
   * fragment, or with {@link Mp4Remuxer.end}.
   */
  addFragment(fragment: FragmentInput): void {
    const { tracks, frames, metadata, truncated } = fragment;
    let from = 0;
    this.#chunker?.start();
    for (const [index, next] of this.#chunker === undefined ? [] : frames.entries()) {
      if (this.#chunker?.isDue(next, () => ({ tracks, frames: frames.slice(from, index) })) !== true) continue;
      this.#add({ tracks, frames: frames.slice(from, index), metadata, continues: from > 0, next });
      from = index;
    }
    this.#add({ tracks, frames: frames.slice(from), metadata, continues: from > 0, truncated });
  }

  #add(fragment: FragmentPart): void {
    try {
      for (const remuxed of this.#remuxer.remux(fragment)) this.#give(remuxed);
    } catch (error) {
      if (!(error instanceof Mp4RemuxError) || this.#onInvalidFragment === undefined) throw error;
      this.#broken = true;
      this.#onInvalidFragment(error);
    }
  }

  /** Why tracks are left out for now. */
  get leftOut(): readonly Mp4RemuxError[] {
    return this.#remuxer.leftOut;
  }

  /** Gives what is held back: to be called at the end of the stream. More may follow. */
  end(): void {
    for (const remuxed of this.#remuxer.flush()) this.#give(remuxed);
  }

  #give(remuxed: RemuxedFragment): void {
    const { tracks, runs, metadata, independent, gap, timeReset, truncated, continues, ends } = remuxed;
    this.#chunk = continues ? this.#chunk + 1 : 0;
    if (tracks !== this.#tracks) {
      this.#tracks = tracks;
      this.#emit({
        type: 'init',
        bytes: writeInitSegment(tracks),
        mimeType: mimeTypeOf(tracks.map(({ setup }) => setup)),
        tracks: tracks.map(describeTrack),
        leftOut: this.#remuxer.leftOut,
      });
    }
    const discontinuity = this.#broken || gap > 0 || timeReset;
    this.#broken = false;
    this.#emit({
      type: 'media',
      bytes: writeMediaSegment(remuxed, ++this.#sequenceNumber),
      tracks: runs.map(({ track: { id, setup }, start, times }) => {
        const begin = toMicroseconds(start, setup.timescale);
        return { id, start: begin, duration: toMicroseconds(times.end, setup.timescale) - begin };
      }),
      fragment: metadata,
      chunk: this.#chunk,
      endsFragment: ends,
      independent,
      gap,
      discontinuity,
      truncated,
    });
  }
}
