import { CodecDataError } from '../mkv/codec/codec-error.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { AudioClock, reorderDepth, type SampleTimes, toMicroseconds, toTicks, VideoClock } from './decode-times.js';
import { Payload } from './payload.js';
import { Mp4RemuxError } from './remux-error.js';
import { sameSetup, setUpTrack, type TrackSetup } from './track-setup.js';

/** What is remuxed at once: a fragment's frames, or a Cluster's. A `Fragment` is one. */
export interface FragmentInput {
  readonly tracks: readonly TrackMetadata[];
  /** In stream order: decode order. */
  readonly frames: readonly Frame[];
  readonly metadata?: FragmentMetadata | undefined;
}

/** How fragments become samples. */
export interface RemuxOptions {
  /** Which tracks go into the MP4. Default: all video and audio; one of them that cannot be remuxed is then an error. */
  readonly tracks?: ((track: TrackMetadata) => boolean) | undefined;
  /** Let the presentation begin at 0. Otherwise it has the source's times, which may count from 1970. */
  readonly startAtZero?: boolean | undefined;
}

/** A track of the MP4 for as long as its setup stays. */
export interface Mp4Track {
  /** track_ID, 1 and up. */
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
  /** Whether the source's times went back, so that this fragment's were put behind those before. */
  readonly timeReset: boolean;
}

const SYNC = 0x0200_0000;
const NOT_SYNC = 0x0101_0000;
const DISPOSABLE = 0x0080_0000;

/** Whether a sample with these flags is a sync sample. */
export const isSync = (flags: number): boolean => (flags & 0x0001_0000) === 0;

/** In microseconds: less than this between fragments is rounding or jitter, no gap and no reset of the producer's clock. */
const GAP = 100_000;
const RESET = 500_000;

interface TrackState {
  readonly track: Mp4Track;
  readonly clock: VideoClock | AudioClock;
}

/** Turns fragments into MP4 samples with decode times, one fragment at a time. */
export class FragmentRemuxer {
  readonly #options: RemuxOptions;
  #states: readonly TrackState[] = [];
  /** The last state of each track that there was, by its number: one may be missing from a fragment and come back. */
  readonly #seen = new Map<number, TrackState>();
  #tracks: readonly Mp4Track[] = [];
  /** Is added to the source's times, in microseconds. */
  #offset: number | undefined;
  /** Where the presentation of each track ends so far, by its number, in microseconds. */
  readonly #ends = new Map<number, number>();

  constructor(options: RemuxOptions = {}) {
    this.#options = options;
  }

  /**
   * Remuxes the next fragment.
   *
   * @returns `undefined` when it has no frames of the tracks that are wanted
   * @throws Mp4RemuxError when its media cannot go into MP4. The fragment has then left no trace, and the next one can be given.
   */
  remux(fragment: FragmentInput): RemuxedFragment | undefined {
    const { metadata } = fragment;
    if (fragment.frames.length === 0) return undefined;
    const wanted = fragment.tracks.filter(
      (track) => (track.type === 'video' || track.type === 'audio') && this.#options.tracks?.(track) !== false,
    );
    if (wanted.length === 0) {
      if (fragment.tracks.some((track) => track.type === 'video' || track.type === 'audio')) return undefined;
      throw new Mp4RemuxError('UnsupportedStreamMediaType', 'there is no track of video or audio', {
        fragment: metadata,
      });
    }
    const frames = new Map(wanted.map((track) => [track.number, [] as Frame[]]));
    for (const frame of fragment.frames) frames.get(frame.track.number)?.push(frame);
    const setups = wanted.map((track) => this.#setUp(track, frames.get(track.number) ?? [], metadata));
    const payloads = setups.map((setup) => collect(setup, frames.get(setup.track.number) ?? [], metadata));
    if (payloads.every(({ sizes }) => sizes.length === 0)) return undefined;
    const { offset, startTime, gap, timeReset } = this.#place([...frames.values()]);
    for (const setup of setups) checkTimes(setup, frames.get(setup.track.number) ?? [], offset, metadata);
    // Nothing throws from here on.
    this.#offset = offset;
    const changed = this.#change(setups, frames);
    const runs = this.#states.flatMap(({ clock, track }, index): TrackRunDraft[] => {
      const own = frames.get(track.setup.track.number) ?? [];
      const payload = payloads[index];
      if (own.length === 0 || payload === undefined) return [];
      return [{ state: index, payload, times: timeFrames(clock, track.setup, own, payload, offset), frames: own }];
    });
    // A track that was missing before may begin before the others did.
    const shifts = changed || runs.some(({ state, times }) => times.decode[0]! + this.#states[state]!.track.shift < 0);
    if (shifts) {
      this.#shift(runs);
      this.#tracks = this.#states.map(({ track }) => track);
    }
    const done = runs.map(({ state, payload, times, frames: own }): TrackRun => {
      const track = this.#tracks[state]!;
      const start = least(times.presentation);
      return { track, payload, times, flags: own.map((frame) => sampleFlags(track.setup, frame)), start };
    });
    for (const { track, times } of done) {
      this.#ends.set(track.setup.track.number, toMicroseconds(times.end, track.setup.timescale));
    }
    const independent = done.every(({ track, flags }) => track.setup.kind === 'audio' || isSync(flags[0]!));
    return { tracks: this.#tracks, runs: done, metadata, independent, startTime, gap, timeReset };
  }

  #setUp(track: TrackMetadata, frames: readonly Frame[], metadata: FragmentMetadata | undefined): TrackSetup {
    const known = this.#states.find((state) => state.track.setup.track.number === track.number)?.track.setup;
    const first = frames.find((frame) => frame.keyframe) ?? frames[0];
    // A fragment without frames of a track says nothing new of it.
    if (first === undefined && known !== undefined) return known;
    return setUpTrack(track, first?.data, known, metadata);
  }

  /** Where on the timeline the fragment is to be put. */
  #place(frames: readonly (readonly Frame[])[]): Place {
    const firsts = frames.flatMap((own) => {
      const first = least(own.map((frame) => frame.timestamp));
      return own[0] === undefined ? [] : [{ first, end: this.#ends.get(own[0].track.number) }];
    });
    const first = least(firsts.map((each) => each.first));
    const before = this.#offset ?? (this.#options.startAtZero === true ? -first : 0);
    // Tracks do not begin and end at the same time: the producer's clock was set back only when all of them went back.
    const distances = firsts.map((each) => each.first + before - (each.end ?? each.first + before));
    const timeReset = most(distances) < -RESET;
    const offset = timeReset ? before - least(distances) : before;
    const gap = this.#ends.size === 0 ? 0 : first + offset - most([...this.#ends.values()]);
    // What begins with another than a key frame was cut within a group of pictures: what seems to be missing may still come.
    const isCut = frames.some((own) => own[0]?.keyframe === false);
    return { offset, startTime: first, gap: gap > GAP && !isCut ? gap : 0, timeReset };
  }

  /** Takes over the setups; `true` when they are not those that were. Clocks go on where a track only changes its configuration. */
  #change(setups: readonly TrackSetup[], frames: ReadonlyMap<number, readonly Frame[]>): boolean {
    const old = this.#states;
    const same =
      setups.length === old.length && setups.every((setup, index) => sameSetup(setup, old[index]!.track.setup));
    if (same) {
      // How the source stores frames may change without the configuration.
      this.#states = old.map(({ track, clock }, index) => ({ track: { ...track, setup: setups[index]! }, clock }));
      return false;
    }
    for (const state of old) this.#seen.set(state.track.setup.track.number, state);
    this.#states = setups.map((setup, index) => {
      const last = this.#seen.get(setup.track.number);
      const goesOn = last?.track.setup.format === setup.format && last.track.setup.timescale === setup.timescale;
      const before = goesOn ? last : undefined;
      const own = (frames.get(setup.track.number) ?? []).map((frame) => frame.timestamp);
      const clock =
        before?.clock ??
        (setup.kind === 'audio' ? new AudioClock(setup.timescale) : new VideoClock(setup.reorder ?? reorderDepth(own)));
      return { track: { id: index + 1, setup, shift: before?.track.shift ?? 0 }, clock };
    });
    return true;
  }

  /** Moves media times to where none is negative. */
  #shift(runs: readonly TrackRunDraft[]): void {
    this.#states = this.#states.map(({ track, clock }, index) => {
      const first = runs.find(({ state }) => state === index)?.times.decode[0] ?? 0;
      return { track: { ...track, shift: Math.max(track.shift, -first) }, clock };
    });
  }
}

interface Place extends Pick<RemuxedFragment, 'startTime' | 'gap' | 'timeReset'> {
  /** Is added to the source's times. */
  readonly offset: number;
}

interface TrackRunDraft {
  readonly state: number;
  readonly payload: Payload;
  readonly times: SampleTimes;
  readonly frames: readonly Frame[];
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** Gathers a track's frames. Throws Mp4RemuxError when one is not what its codec wants. */
function collect(setup: TrackSetup, frames: readonly Frame[], fragment: FragmentMetadata | undefined): Payload {
  const payload = new Payload();
  const { track } = setup;
  for (const frame of frames) {
    const { data } = frame;
    if (setup.kind === 'video') {
      try {
        payload.addNals(data, setup.sourceLengthSize, setup.lengthSize);
      } catch (error) {
        if (!(error instanceof CodecDataError)) throw error;
        const text = `frame at ${frame.timestamp} us: ${error.message}`;
        throw new Mp4RemuxError('InvalidMediaFrame', text, { track, fragment });
      }
    } else {
      if (!Number.isInteger(setup.frameDuration(data.length))) {
        const text = `frame at ${frame.timestamp} us: ${data.length} bytes for ${setup.channels} channels`;
        throw new Mp4RemuxError('InvalidMediaFrame', text, { track, fragment });
      }
      payload.add(data);
    }
  }
  return payload;
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
  for (const { timestamp } of frames) {
    const time = timestamp + offset;
    if (Math.abs(time) < LATEST && Math.abs(toTicks(time, timescale)) < LATEST) continue;
    const text = `frame at ${timestamp} us: too far from the others, or from 1970, to be counted in ticks`;
    throw new Mp4RemuxError('InvalidMediaFrame', text, { track, fragment });
  }
}

function timeFrames(
  clock: VideoClock | AudioClock,
  setup: TrackSetup,
  frames: readonly Frame[],
  payload: Payload,
  offset: number,
): SampleTimes {
  const exact = frames.map((frame) => toTicks(frame.timestamp + offset, setup.timescale));
  if (setup.kind === 'audio' && clock instanceof AudioClock) {
    return clock.time(
      exact,
      payload.sizes.map((size) => setup.frameDuration(size)),
    );
  }
  const times = exact.map((time) => Math.round(time));
  return (clock as VideoClock).time(times, frameDuration(frames, times, setup.timescale));
}

/** How long a frame of video lasts, in ticks: on the average, or as the stream says where that fits. */
function frameDuration(frames: readonly Frame[], times: readonly number[], timescale: number): number {
  const duration = frames.at(-1)?.duration ?? 0;
  const said = duration > 0 ? toTicks(duration, timescale) : undefined;
  const first = least(times);
  const last = most(times);
  if (times.length < 2 || last <= first) return said ?? timescale / DEFAULT_FRAME_RATE;
  const average = (last - first) / (times.length - 1);
  return said !== undefined && said < average * 1.5 && said > average / 1.5 ? said : average;
}

/** Where a fragment of one frame does not say how long it lasts. */
const DEFAULT_FRAME_RATE = 25;

function sampleFlags(setup: TrackSetup, frame: Frame): number {
  if (setup.kind === 'audio' || frame.keyframe) return SYNC;
  return frame.discardable ? NOT_SYNC | DISPOSABLE : NOT_SYNC;
}
