import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { Mp4RemuxError } from './remux-error.js';
import type { FragmentInput, Mp4Track } from './samples.js';
import { sameSetup, setUpTrack, type TrackSetup } from './track-setup.js';
import { beginTiming, type TrackTiming } from './track-timing.js';

/** Which tracks go into an MP4. */
export interface TrackOptions {
  /** Selects tracks. Default: all video and audio. */
  readonly tracks?: ((track: TrackMetadata) => boolean) | undefined;
  /**
   * Whether a player can play a track, by its MIME type: `(type) => MediaSource.isTypeSupported(type)`. A track that it cannot play is
   * left out. Default: all of them can be played.
   */
  readonly canPlay?: ((mimeType: string) => boolean) | undefined;
  /**
   * Receives each track that is left out, once for each reason: it cannot be remuxed or played, or has no frames. The other tracks are not
   * affected. The track is added later if that becomes possible.
   */
  readonly onTrackLeftOut?: ((error: Mp4RemuxError) => void) | undefined;
}

/** A track with what is counted for it. */
export interface TrackState {
  track: Mp4Track;
  readonly timing: TrackTiming;
}

/** A track of a fragment that goes in. */
export interface Selected {
  readonly setup: TrackSetup;
  /** The fragment's, in stream order; none of a track that is silent here. */
  readonly frames: readonly Frame[];
}

/** What of a fragment goes in. */
export interface Selection {
  readonly selected: readonly Selected[];
  readonly leftOut: readonly Mp4RemuxError[];
  /** Of each track that goes in otherwise, why its frames of this fragment do not. */
  readonly broken: readonly Mp4RemuxError[];
}

/** How many tracks without frames are named at most, of a stream that declares thousands. */
const MOST_EMPTY = 32;

/** Which of a stream's tracks are wanted. */
interface Wanted {
  /** The tracks that were sorted. */
  readonly of: readonly TrackMetadata[];
  /** By their numbers, in order. */
  readonly tracks: ReadonlyMap<number, TrackMetadata>;
  /** The numbers of all, wanted or not. */
  readonly described: ReadonlySet<number>;
  /** Where each stands. */
  readonly order: ReadonlyMap<number, number>;
  /** Whether there is any media. */
  readonly hasMedia: boolean;
}

/** So many times it is told of a track that is left out. */
const MOST_TOLD = 1024;

/** After so many fragments of which nothing could be remuxed there is no waiting for another track to begin. */
const PATIENCE = 10;

/** Decides which tracks go in, and knows those that do. */
export class TrackSet {
  readonly #options: TrackOptions;
  /** Each track that there was, by its number: one may be missing and come back. */
  readonly #states = new Map<number, TrackState>();
  #current: readonly TrackState[] = [];
  #tracks: readonly Mp4Track[] = [];
  #leftOut: readonly Mp4RemuxError[] = [];
  readonly #told = new Set<string>();
  #unusable = 0;
  #wanted: Wanted | undefined;

  constructor(options: TrackOptions) {
    this.#options = options;
  }

  /** The tracks that go in; the same array for as long as nothing about them changes. */
  get tracks(): readonly Mp4Track[] {
    return this.#tracks;
  }

  /** Why the others do not. */
  get leftOut(): readonly Mp4RemuxError[] {
    return this.#leftOut;
  }

  /** What is counted for the tracks that go in. */
  get states(): readonly TrackState[] {
    return this.#current;
  }

  /** Whether a track of a fragment is wanted. */
  isWanted({ tracks }: FragmentInput, number: number): boolean {
    return this.#wantedOf(tracks).tracks.has(number);
  }

  /** Tracks are the same array for as long as nothing changes, so that many of them are not sorted with every Cluster. */
  #wantedOf(tracks: readonly TrackMetadata[]): Wanted {
    if (this.#wanted?.of === tracks) return this.#wanted;
    const media = tracks.filter(isMedia);
    const wanted = media.filter((track) => this.#options.tracks?.(track) !== false);
    this.#wanted = {
      of: tracks,
      tracks: new Map(wanted.map((track) => [track.number, track])),
      described: new Set(tracks.map(({ number }) => number)),
      order: new Map(wanted.map(({ number }, index) => [number, index])),
      hasMedia: media.length > 0,
    };
    return this.#wanted;
  }

  /** The tracks that go in, video first; `undefined` while a fragment does not tell them and how its pictures are reordered. */
  numbers(fragment: FragmentInput): readonly number[] | undefined {
    if (this.#tracks.length > 0) return numbersOf(this.#tracks.map(({ setup }) => setup));
    try {
      const { selected, empty } = this.#sort(fragment, () => true);
      const setups = selected.map(({ setup }) => setup);
      const isKnown = setups.every((setup) => setup.kind === 'audio' || setup.reorder !== undefined);
      return empty.length === 0 && setups.length > 0 && isKnown ? numbersOf(setups) : undefined;
    } catch (error) {
      if (error instanceof Mp4RemuxError) return undefined;
      throw error;
    }
  }

  /** Whether it is known how long a track's frames last. */
  isSteady({ track: { number }, format, timescale }: TrackSetup): boolean {
    const state = this.#states.get(number);
    const setup = state?.track.setup;
    return setup?.format === format && setup.timescale === timescale && state?.timing.isSteady === true;
  }

  /**
   * Decides what of a fragment goes in.
   *
   * @param isSilent whether a track that goes in so far, and has no frames here, has had none for so long that it does not any more
   * @param tolerant whether a track that could be remuxed and no longer can is without frames here; else it throws
   * @returns nothing selected when there are no frames that can be used, and other tracks may still come
   * @throws Mp4RemuxError when nothing can be remuxed, or a track that could be no longer can
   */
  select(fragment: FragmentInput, isSilent: (number: number) => boolean, tolerant: boolean): Selection {
    const { selected, failed, empty, broken, undescribed } = this.#sort(fragment, isSilent);
    if (!tolerant) for (const error of broken) throw error;
    const leftOut = [...failed, ...empty, ...undescribed];
    if (selected.some((each) => each.frames.length > 0)) {
      this.#unusable = 0;
      return { selected, leftOut, broken };
    }
    for (const error of broken) throw error;
    const [error] = failed;
    if (error !== undefined && this.#tracks.length === 0 && (empty.length === 0 || ++this.#unusable >= PATIENCE)) {
      this.#tell(leftOut.filter((each) => each !== error));
      throw error;
    }
    if (this.#tracks.length === 0) this.#leftOut = leftOut;
    this.#tell(leftOut);
    return { selected: [], leftOut, broken };
  }

  /**
   * A selection in which some tracks have no frames of the fragment, because they are broken. One that did not go in before, or is silent,
   * is left out.
   *
   * @param errors what is wrong, by the track's number
   * @throws Mp4RemuxError the first of them, when no other track has frames
   */
  without(
    { selected, leftOut, broken }: Selection,
    errors: ReadonlyMap<number, Mp4RemuxError>,
    isSilent: (number: number) => boolean,
  ): Selection {
    const others = selected.filter(({ setup }) => !errors.has(setup.track.number));
    const [first] = errors.values();
    if (first !== undefined && others.every(({ frames }) => frames.length === 0)) throw first;
    const current = this.#setups();
    const gone: Mp4RemuxError[] = [];
    const rest = selected.flatMap((each): readonly Selected[] => {
      const { number } = each.setup.track;
      const error = errors.get(number);
      if (error === undefined) return [each];
      const known = current.get(number);
      if (known !== undefined && !isSilent(number)) return [{ setup: known, frames: [] }];
      gone.push(error);
      return [];
    });
    return { selected: rest, leftOut: [...leftOut, ...gone], broken: [...broken, ...errors.values()] };
  }

  /** Of the tracks that go in, by their numbers. */
  #setups(): Map<number, TrackSetup> {
    return new Map(this.#current.map(({ track: { setup } }) => [setup.track.number, setup]));
  }

  #sort(
    fragment: FragmentInput,
    isSilent: (number: number) => boolean,
  ): Pick<Selection, 'broken'> &
    Record<'failed' | 'empty' | 'undescribed', Mp4RemuxError[]> & { readonly selected: Selected[] } {
    const { metadata } = fragment;
    const { tracks, described, order, hasMedia } = this.#wantedOf(fragment.tracks);
    if (!hasMedia) {
      const text = 'there is no track of video or audio';
      throw new Mp4RemuxError('UnsupportedStreamMediaType', text, { fragment: metadata });
    }
    const current = this.#setups();
    const frames = new Map([...current.keys()].filter((number) => tracks.has(number)).map((n) => [n, [] as Frame[]]));
    const strays = new Map<number, TrackMetadata>();
    for (const frame of fragment.frames) {
      const { number } = frame.track;
      const own = frames.get(number);
      if (own !== undefined) own.push(frame);
      else if (tracks.has(number)) frames.set(number, [frame]);
      else if (!described.has(number) && strays.size < MOST_EMPTY) strays.set(number, frame.track);
    }
    const undescribed = [...strays.values()].map((track) => {
      const text = 'there are frames of a track that no TrackEntry describes';
      return new Mp4RemuxError('UnsupportedStreamMediaType', text, { track, fragment: metadata });
    });
    const selected: Selected[] = [];
    const failed: Mp4RemuxError[] = [];
    const empty: Mp4RemuxError[] = [];
    const broken: Mp4RemuxError[] = [];
    const noFrames = (track: TrackMetadata) =>
      empty.push(new Mp4RemuxError('NoFrames', 'there are no frames', { track, fragment: metadata }));
    for (const [number, own] of [...frames].sort(([a], [b]) => order.get(a)! - order.get(b)!)) {
      const track = tracks.get(number)!;
      const known = current.get(number);
      if (own.length === 0) {
        if (known !== undefined && !isSilent(number)) selected.push({ setup: known, frames: own });
        else noFrames(track);
        continue;
      }
      const setup = this.#setUp(track, own, known, metadata);
      if (!(setup instanceof Mp4RemuxError)) selected.push({ setup, frames: own });
      // What went in so far and is of a codec that can be remuxed has a fragment that is broken.
      else if (known === undefined || setup.code === 'UnsupportedStreamMediaType') failed.push(setup);
      else {
        broken.push(setup);
        if (isSilent(number)) failed.push(setup);
        else selected.push({ setup: known, frames: [] });
      }
    }
    for (const [number, track] of tracks) {
      if (empty.length >= MOST_EMPTY) break;
      if (!frames.has(number)) noFrames(track);
    }
    return { selected, failed, empty, broken, undescribed };
  }

  /**
   * Takes over what was selected.
   *
   * @returns whether the tracks are not those that were
   */
  take({ selected, leftOut }: Selection): boolean {
    const old = this.#current;
    const same =
      selected.length === old.length && selected.every(({ setup }, i) => sameSetup(setup, old[i]!.track.setup));
    this.#leftOut = leftOut;
    this.#tell(leftOut);
    if (same) {
      // How the source stores frames may change without the configuration.
      for (const [i, { setup }] of selected.entries()) old[i]!.track = { ...old[i]!.track, setup };
      return false;
    }
    this.#current = selected.map(({ setup, frames }) => {
      const { number } = setup.track;
      const last = this.#states.get(number);
      const goesOn = last?.track.setup.format === setup.format && last.track.setup.timescale === setup.timescale;
      const track = { id: last?.track.id ?? this.#states.size + 1, setup, shift: goesOn ? last.track.shift : 0 };
      // The times go on where a track only changes its configuration.
      const state: TrackState = { track, timing: goesOn ? last.timing : beginTiming(setup, frames) };
      this.#states.set(number, state);
      return state;
    });
    return true;
  }

  /** Notes that the tracks are other ones now, as is told by another initialization segment. */
  renew(): void {
    this.#tracks = this.#current.map(({ track }) => track);
  }

  #setUp(
    track: TrackMetadata,
    frames: readonly Frame[],
    known: TrackSetup | undefined,
    fragment: FragmentMetadata | undefined,
  ): TrackSetup | Mp4RemuxError {
    try {
      const setup = setUpTrack(frames[0]?.track ?? track, known, fragment);
      const mimeType = `${setup.kind}/mp4; codecs="${setup.codec}"`;
      if (this.#options.canPlay?.(mimeType) === false) {
        const text = `the player does not play ${mimeType}`;
        return new Mp4RemuxError('UnsupportedStreamMediaType', text, { track, fragment });
      }
      return setup;
    } catch (error) {
      if (!(error instanceof Mp4RemuxError)) throw error;
      return error;
    }
  }

  #tell(errors: readonly Mp4RemuxError[]): void {
    for (const error of errors) {
      const key = `${error.trackNumber} ${error.code}`;
      // Blocks may name any number of tracks.
      if (this.#told.has(key) || this.#told.size >= MOST_TOLD) continue;
      this.#told.add(key);
      this.#options.onTrackLeftOut?.(error);
    }
  }
}

function isMedia({ type }: TrackMetadata): boolean {
  return type === 'video' || type === 'audio';
}

function numbersOf(setups: readonly TrackSetup[]): number[] {
  const kinds = ['video', 'audio'] as const;
  return kinds.flatMap((kind) => setups.filter((setup) => setup.kind === kind).map(({ track }) => track.number));
}
