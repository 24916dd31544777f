import type { Bytes } from '../ebml/bytes.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { toMicroseconds } from './decode-times.js';
import { extentOf } from './mp4-remuxer.js';
import type { Mp4RemuxError } from './remux-error.js';
import { type Mp4RemuxerOptions, type RemuxedPlace, RemuxingVisitor } from './remuxing-visitor.js';
import { isSync, type Mp4Track, type RemuxedFragment, type TrackRun } from './samples.js';
import { writeInitSegment, writeMediaSegment } from './segments.js';
import { describeTrack, type Mp4TrackInfo, TrackInfos } from './track-info.js';

/** A track with an initialization segment of its own; the same object for as long as that stays. */
export interface CmafTrack extends Mp4TrackInfo {
  /** `ftyp` and `moov` (a CMAF header, ISO/IEC 23000-19 section 7.3.1), in an array of its own. */
  readonly init: Bytes;
}

/** The media of one track in a fragment, or in a chunk of it. Times are in microseconds. */
export interface CmafMedia {
  /** Its track. */
  readonly track: CmafTrack;
  /** `styp` (of the chunks of a fragment only before the first), `moof` and `mdat`, in an array of its own. */
  readonly bytes: Bytes;
  /** When its presentation begins. */
  readonly start: number;
  /** How long it is presented. */
  readonly duration: number;
  /** When its first sample is decoded. */
  readonly decodeStart: number;
  /** When the sample behind its last one would be decoded. */
  readonly decodeEnd: number;
  /** How many samples. */
  readonly samples: number;
  /** Whether it begins with a sample that decoding can begin at. */
  readonly independent: boolean;
}

/** The output of {@link CmafRemuxer}: a fragment, or a chunk of it, with a segment for each track. */
export interface CmafFragment {
  /** All tracks; the same array for as long as nothing about them changes. */
  readonly tracks: readonly CmafTrack[];
  /** Of each track that it has frames of; video and audio in the order of `tracks`. */
  readonly media: readonly CmafMedia[];
  /** Why other tracks are left out. */
  readonly leftOut: readonly Mp4RemuxError[];
  /** The fragment that it is made from. Its metadata grows with what the service sends behind the frames. */
  readonly fragment: FragmentMetadata | undefined;
  /** Which chunk of its fragment it is, from 0. */
  readonly chunk: number;
  /** Whether it is the last chunk of its fragment. */
  readonly endsFragment: boolean;
  /** How long nothing is presented before it, in microseconds. */
  readonly gap: number;
  /** Whether it does not continue what came before: a gap, a fragment left out, a producer's clock that was set back. */
  readonly discontinuity: boolean;
  /** Whether the stream ended in the middle of the fragment. */
  readonly truncated: boolean;
  /** What was added to the source's times, in microseconds. */
  readonly offset: number;
}

/**
 * Turns fragments into CMAF tracks (ISO/IEC 23000-19), as HLS and DASH want them: an initialization segment and media segments for each
 * track, all on one timeline. Otherwise it works as `Mp4Remuxer` does.
 */
export class CmafRemuxer extends RemuxingVisitor {
  readonly #emit: (fragment: CmafFragment) => void;
  #mp4Tracks: readonly Mp4Track[] | undefined;
  /** Those of `#mp4Tracks`, one for one. */
  #tracks: readonly CmafTrack[] = [];
  readonly #infos = new TrackInfos<CmafTrack>((track) => ({
    ...describeTrack(track),
    init: writeInitSegment([track]),
  }));
  readonly #sequenceNumbers = new Map<number, number>();
  /** Of each track, by its id, in ticks: what is added to its decode times, and the last that there was. */
  readonly #delays = new Map<number, { readonly delay: number; readonly last: number }>();

  /**
   * @param emit is given each fragment, or chunk
   * @throws Mp4RemuxError from the visitor's methods and from `addFragment`
   */
  constructor(emit: (fragment: CmafFragment) => void, options: Mp4RemuxerOptions = {}) {
    super(options);
    this.#emit = emit;
  }

  protected override write(remuxed: RemuxedFragment, { chunk, discontinuity }: RemuxedPlace): void {
    const { tracks, runs, metadata, gap, truncated, ends, offset } = remuxed;
    if (tracks !== this.#mp4Tracks) {
      this.#mp4Tracks = tracks;
      const now = tracks.map((track) => this.#infos.of(track));
      if (now.length !== this.#tracks.length || now.some((track, i) => track !== this.#tracks[i])) this.#tracks = now;
    }
    this.#emit({
      tracks: this.#tracks,
      media: runs.map((run) => this.#mediaOf(remuxed, run, discontinuity)),
      leftOut: this.leftOut,
      fragment: metadata,
      chunk,
      endsFragment: ends,
      gap,
      discontinuity,
      truncated,
      offset,
    });
  }

  #mediaOf(remuxed: RemuxedFragment, run: TrackRun, isBreak: boolean): CmafMedia {
    const { track, times, flags } = run;
    const delay = this.#delayOf(run, isBreak);
    const { id, setup } = track;
    const sequenceNumber = (this.#sequenceNumbers.get(id) ?? 0) + 1;
    this.#sequenceNumbers.set(id, sequenceNumber);
    return {
      track: this.#infos.of(track),
      bytes: writeMediaSegment({ ...remuxed, runs: [run] }, sequenceNumber, delay),
      ...extentOf(run),
      decodeStart: toMicroseconds(times.decode[0]! + delay, setup.timescale),
      decodeEnd: toMicroseconds(times.nextDecode + delay, setup.timescale),
      samples: flags.length,
      independent: isSync(flags[0]!),
    };
  }

  /**
   * Where media begins anew, the first sample is decoded when it is presented, and those behind it as much later: players align segments
   * by decode times (negative composition offsets, ISO/IEC 23000-19 section 7.5.17).
   */
  #delayOf({ track, times: { decode }, start }: TrackRun, isBreak: boolean): number {
    const before = this.#delays.get(track.id);
    const first = decode[0]!;
    let delay = before === undefined || isBreak ? start - first : before.delay;
    if (before !== undefined) delay = Math.max(delay, before.last + 1 - first);
    this.#delays.set(track.id, { delay, last: decode.at(-1)! + delay });
    return delay;
  }
}
