import { least, most } from '../mkv/extremes.js';
import type { TrackMetadata } from '../mkv/track.js';
import { joinAccessUnits } from '../visitors/access-units.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { splitAtChanges } from './configuration-changes.js';
import { LONGEST_SAMPLE, toMicroseconds, toTicks } from './decode-times.js';
import { gatherSamples } from './gather-samples.js';
import { Payload } from './payload.js';
import { Mp4RemuxError } from './remux-error.js';
import { type FragmentPart, isSync, type RemuxedFragment, sampleFlags, type TrackRun } from './samples.js';
import { type Extent, type Place, type StartOfPresentation, Timeline } from './timeline.js';
import { type Selected, type Selection, type TrackOptions, TrackSet } from './track-set.js';
import type { TrackSetup } from './track-setup.js';
import { spanOf } from './track-timing.js';

/** How fragments become samples. */
export interface RemuxOptions extends TrackOptions {
  /** Let the presentation begin at 0. Otherwise it has the source's times, which may count from 1970. */
  readonly startAtZero?: boolean | undefined;
  /** Where the presentation is to begin instead, in microseconds. Fragments behind the first keep their distance to it. */
  readonly startOf?: StartOfPresentation | undefined;
  /**
   * The duration of a chunk in milliseconds (CMAF, ISO/IEC 23000-19 section 7.3.3.2). Chunks of a fragment are emitted before its end;
   * joined, they are its segment. The first fragment is split as soon as each of its tracks has frames, and its parameter sets say how
   * pictures are reordered. Default: whole fragments.
   */
  readonly chunkDuration?: number | undefined;
}

/** A fragment whose media can go in, but has no times yet. */
interface Draft {
  readonly part: FragmentPart;
  readonly selection: Selection;
  readonly payloads: readonly Payload[];
  readonly place: Place;
}

/** In microseconds: a track that has no frames for longer does not hold the others up. */
const SILENCE = 1_000_000;

/**
 * Turns fragments into MP4 samples with decode times, one fragment at a time. One that has a single frame of video lasts until the next
 * one begins, so it is held until then.
 */
export class FragmentRemuxer {
  readonly #tracks: TrackSet;
  readonly #timeline: Timeline;
  readonly #waits: boolean;
  readonly #onBroken: ((error: Mp4RemuxError) => void) | undefined;
  /** The tracks whose frames of the fragment at hand are left out, until one that decoding can begin at. */
  readonly #cut = new Set<number>();
  #held: Draft | undefined;

  /**
   * @param onBroken is told where a track's frames of a fragment cannot go in, and the others do. Without it the fragment is refused.
   */
  constructor(options: RemuxOptions = {}, onBroken?: (error: Mp4RemuxError) => void) {
    this.#onBroken = onBroken;
    this.#tracks = new TrackSet(options);
    this.#timeline = new Timeline(options.startOf ?? (options.startAtZero === true ? () => 0 : undefined));
    this.#waits = options.chunkDuration === undefined;
  }

  /** The tracks by which a fragment can be cut into parts, as {@link ChunkTracks} has them. */
  numbers(tracks: readonly TrackMetadata[], frames: readonly Frame[]): readonly number[] | undefined {
    return this.#tracks.numbers({ tracks, frames });
  }

  /** How long a frame lasts that comes out of order, as {@link ChunkTracks} has it. */
  interval(number: number): number | undefined {
    return this.#tracks.states.find(({ track }) => track.setup.track.number === number)?.timing.reordered;
  }

  /** Why tracks are left out for now. */
  get leftOut(): readonly Mp4RemuxError[] {
    return this.#tracks.leftOut;
  }

  /**
   * Remuxes the next fragment, or part of one. Gives nothing when it has no frames of the tracks that are wanted, or is held.
   *
   * @returns whether the fragment goes in
   * @throws Mp4RemuxError when its media cannot go into MP4. The fragment has then left no trace, and the next one can be given.
   */
  *remux(fragment: FragmentPart): Generator<RemuxedFragment, boolean> {
    const { tracks, metadata, truncated, continues, next } = fragment;
    const frames = withoutEmptySound(joinAccessUnits(fragment.frames));
    const part = { tracks, frames, metadata, truncated, continues, next };
    if (part.frames.length === 0) return false;
    if (part.frames.some((frame) => this.#tracks.isWanted(part, frame.track.number))) yield* this.flush(part);
    let isUsed = false;
    for (const each of splitAtChanges(part)) {
      const draft = this.#tryDraft(this.#withoutCut(each));
      if (draft === undefined) continue;
      isUsed = true;
      if (this.#isOpen(draft)) this.#held = draft;
      else yield this.#finish(draft, []);
    }
    return isUsed;
  }

  /**
   * Gives what is held.
   *
   * @param next the fragment behind it, where there is one
   */
  *flush(next?: FragmentPart): Generator<RemuxedFragment, boolean> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) yield this.#finish(held, next?.frames ?? []);
    return false;
  }

  #tryDraft(part: FragmentPart): Draft | undefined {
    try {
      return this.#draft(part);
    } catch (error) {
      if (this.#onBroken !== undefined) for (const { track } of part.frames) this.#cut.add(track.number);
      throw error;
    }
  }

  #draft(part: FragmentPart): Draft | undefined {
    const { metadata } = part;
    const ends = part.frames.map(({ timestamp }) => timestamp);
    const isSilent = (number: number) => {
      const end = this.#timeline.endOf(number);
      return end === undefined || this.#timeline.offset + most(ends) - end > SILENCE;
    };
    const tolerant = this.#onBroken !== undefined;
    let selection = this.#tracks.select(part, isSilent, tolerant);
    if (selection.selected.length === 0) return undefined;
    const payloads = new Map<readonly Frame[], Payload>();
    const leaveOut = (check: (selected: Selected) => void): boolean => {
      const errors = new Map<number, Mp4RemuxError>();
      for (const selected of selection.selected) {
        try {
          check(selected);
        } catch (error) {
          if (!(error instanceof Mp4RemuxError) || !tolerant) throw error;
          errors.set(selected.setup.track.number, error);
        }
      }
      if (errors.size > 0) selection = this.#tracks.without(selection, errors, isSilent);
      return errors.size > 0;
    };
    leaveOut(({ setup, frames }) => payloads.set(frames, gatherSamples(setup, frames, metadata)));
    let place: Place;
    // Where the fragment is put depends on the tracks that go in, and whether their times can be counted on where it is put.
    do place = this.#place(part, selection);
    while (leaveOut(({ setup, frames }) => checkTimes(setup, frames, place.offset, metadata)));
    for (const error of selection.broken) this.#onBroken?.(error);
    for (const { trackNumber } of selection.broken) if (trackNumber !== undefined) this.#cut.add(trackNumber);
    return {
      part,
      selection,
      payloads: selection.selected.map(({ frames }) => payloads.get(frames) ?? new Payload()),
      place,
    };
  }

  #place({ continues, metadata }: FragmentPart, { selected }: Selection): Place {
    const firsts = selected.flatMap(({ setup, frames }) => {
      if (frames.length === 0) return [];
      const first = least(frames.map((frame) => frame.timestamp));
      return [{ number: setup.track.number, first, cut: setup.kind === 'video' && frames[0]?.keyframe === false }];
    });
    return continues === true
      ? this.#timeline.goOn(least(firsts.map(({ first }) => first)))
      : this.#timeline.place(firsts, metadata);
  }

  /** The part without what cannot be decoded because frames before it in its fragment were left out. */
  #withoutCut(part: FragmentPart): FragmentPart {
    if (part.continues !== true) this.#cut.clear();
    if (this.#cut.size === 0) return part;
    const frames = part.frames.filter(({ track: { number, type }, keyframe }) => {
      if (type !== 'video' || keyframe) this.#cut.delete(number);
      return !this.#cut.has(number);
    });
    return { ...part, frames };
  }

  /** Whether how long the frames last is told by the fragment behind. */
  #isOpen({ part, selection }: Draft): boolean {
    if (part.next !== undefined || part.continues === true) return false;
    return selection.selected.some(({ setup, frames }) => {
      if (setup.kind === 'audio' || frames.length === 0 || spanOf(frames).frames > 1) return false;
      return this.#waits || !this.#tracks.isSteady(setup);
    });
  }

  /** Gives a draft its times; this throws nothing. */
  #finish({ part, selection, payloads, place }: Draft, following: readonly Frame[]): RemuxedFragment {
    const { metadata, next, continues = false, truncated = false } = part;
    const changed = this.#tracks.take(selection);
    const { states } = this.#tracks;
    const drafts = selection.selected.flatMap(({ setup, frames }: Selected, index) => {
      if (frames.length === 0) return [];
      const state = states[index]!;
      const { number } = setup.track;
      const payload = payloads[index]!;
      const times = state.timing.time({
        frames,
        payload,
        following: following.filter((frame) => frame.track.number === number),
        continues,
        next: next?.track.number === number ? next : undefined,
        offset: place.offset,
        beside: most(
          part.frames.map((frame) => (frame.track.number === number ? Number.NEGATIVE_INFINITY : frame.timestamp)),
        ),
      });
      return [{ state, frames, payload, times }];
    });
    // A track that was missing before may begin before the others did.
    let shifts = changed;
    for (const { state, times } of drafts) {
      const shift = Math.max(state.track.shift, -times.decode[0]!);
      if (shift > state.track.shift) {
        state.track = { ...state.track, shift };
        shifts = true;
      }
    }
    if (shifts) this.#tracks.renew();
    const { tracks } = this.#tracks;
    const runs = drafts.map(({ state, frames, payload, times }): TrackRun => {
      const track = tracks[states.indexOf(state)]!;
      const flags = payload.sizes.map((_, index) => sampleFlags(track.setup, frames[index]));
      return { track, payload, times, flags, start: least(times.presentation) };
    });
    const independent = runs.every(({ track, flags }) => track.setup.kind === 'audio' || isSync(flags[0]!));
    this.#timeline.take(place, runs.map(extentOf), continues);
    return { tracks, runs, metadata, independent, truncated, continues, ends: next === undefined, ...place };
  }
}

/** Frames without those of sound that have no bytes: nothing can be decoded of them, and readers refuse a file that ends with one. */
function withoutEmptySound(frames: readonly Frame[]): readonly Frame[] {
  return frames.some(isEmptySound) ? frames.filter((frame) => !isEmptySound(frame)) : frames;
}

function isEmptySound({ track, storage, size }: Frame): boolean {
  return size === 0 && track.type === 'audio' && storage === 'plain';
}

function extentOf({ track: { setup }, times, start }: TrackRun): Extent {
  const at = (ticks: number) => toMicroseconds(ticks, setup.timescale);
  return { number: setup.track.number, start: at(start), latest: at(most(times.presentation)), end: at(times.end) };
}

/** Beyond this, microseconds or ticks: what is added to times is then no longer exact. */
const LATEST = 2 ** 52;

/** Throws Mp4RemuxError when a frame's time cannot be counted with. */
function checkTimes(
  { track, timescale }: TrackSetup,
  frames: readonly Frame[],
  offset: number,
  fragment: FragmentMetadata | undefined,
): void {
  const times = frames.map(({ timestamp }) => timestamp);
  if (toTicks(most(times) - least(times), timescale) > LONGEST_SAMPLE) {
    const text = 'frames of one fragment are further from each other than MP4 can count';
    throw new Mp4RemuxError('InvalidMediaFrame', text, { track, fragment });
  }
  for (const timestamp of times) {
    const time = timestamp + offset;
    if (Math.abs(time) < LATEST && Math.abs(toTicks(time, timescale)) < LATEST) continue;
    const text = `frame at ${timestamp} us: too far from the others, or from 1970, to be counted in ticks`;
    throw new Mp4RemuxError('InvalidMediaFrame', text, { track, fragment });
  }
}
