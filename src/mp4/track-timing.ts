import { least, most } from '../mkv/extremes.js';
import { AudioClock } from '../visitors/audio-clock.js';
import type { Frame } from '../visitors/frame.js';
import { LONGEST_SAMPLE, reorderDepth, type SampleTimes, toTicks, VideoClock } from './decode-times.js';
import { FrameRate, type FrameSpan, LONGEST_FRAGMENT } from './frame-rate.js';
import type { Payload } from './payload.js';
import type { TrackSetup } from './track-setup.js';

/** Gives the samples of a track their times. */
export interface TrackTiming {
  /** Whether it is known how long a frame lasts. */
  readonly isSteady: boolean;
  /** How long a frame that comes out of order lasts, in microseconds: 0 where all are in order, `undefined` while nobody knows. */
  readonly reordered: number | undefined;
  /** Times frames. */
  time(run: TimedFrames): SampleTimes;
}

/** Frames of a track that are to be timed. */
export interface TimedFrames {
  readonly frames: readonly Frame[];
  /** Of the same frames. */
  readonly payload: Payload;
  /** The track's frames in the fragment behind, where it is there. */
  readonly following: readonly Frame[];
  /** Whether a part of the same fragment came before. */
  readonly continues: boolean;
  /** The track's next frame in the same fragment, where it is there. */
  readonly next: Frame | undefined;
  /** Is added to the source's times, in microseconds. */
  readonly offset: number;
  /** The last time of the fragment's other tracks, in microseconds of the source. */
  readonly beside: number;
}

/** The timing of a track that begins with these frames. */
export function beginTiming(setup: TrackSetup, frames: readonly Frame[]): TrackTiming {
  if (setup.kind === 'audio') return new AudioTiming(setup.timescale);
  return new VideoTiming(setup.timescale, setup.reorder ?? reorderDepth(frames.map((frame) => frame.timestamp)));
}

/** When frames of video are presented, and what else tells how long they last. */
export function spanOf(frames: readonly Frame[]): FrameSpan {
  const times = frames.map((frame) => frame.timestamp);
  const first = least(times);
  const last = most(times);
  const { fragment, duration } = frames.at(-1)!;
  const time = fragment?.producerTimestamp ?? fragment?.serverTimestamp;
  const wallClock = time === undefined ? undefined : time.getTime() * 1000;
  const said = duration !== undefined && duration > 0 && duration <= LONGEST_FRAGMENT ? duration : undefined;
  return { first, last, frames: last > first ? frames.length : 1, wallClock, said };
}

class VideoTiming implements TrackTiming {
  readonly #timescale: number;
  readonly #reorder: number;
  readonly #clock: VideoClock;
  readonly #rate = new FrameRate();
  /** Of the fragment at hand. */
  #span: FrameSpan | undefined;

  constructor(timescale: number, reorder: number) {
    this.#timescale = timescale;
    this.#reorder = reorder;
    this.#clock = new VideoClock(reorder);
  }

  get reordered(): number | undefined {
    return this.#reorder === 0 ? 0 : this.#rate.interval;
  }

  /** Whether it is known how long a frame lasts. */
  get isSteady(): boolean {
    return this.#rate.interval !== undefined;
  }

  time({ frames, following, continues, next, offset, beside }: TimedFrames): SampleTimes {
    const ticks = (frame: Frame) => Math.round(toTicks(frame.timestamp + offset, this.#timescale));
    const span = { ...spanOf(frames), beside };
    // What comes so much later that MP4 cannot count it does not tell how long a frame lasts.
    const near =
      next !== undefined && toTicks(next.timestamp - span.last, this.#timescale) <= LONGEST_SAMPLE ? next : undefined;
    const interval = this.#interval(span, continues, following, near);
    return this.#clock.time(
      frames.map(ticks),
      Math.min(toTicks(interval, this.#timescale), LONGEST_SAMPLE),
      near === undefined ? undefined : ticks(near),
    );
  }

  #interval(own: FrameSpan, continues: boolean, following: readonly Frame[], next: Frame | undefined): number {
    const before = this.#span;
    const span = continues && before !== undefined ? joinSpans(before, own) : own;
    this.#span = span;
    // A frame that was alone and could not be waited for tells now how long it was.
    if (!continues && before?.frames === 1) this.#rate.single(before, own);
    if (span.frames > 1) return this.#rate.average(span);
    if (next !== undefined) return this.#rate.guess(span, spanOf([next]));
    return this.#rate.single(span, following.length === 0 ? undefined : spanOf(following));
  }
}

function joinSpans(a: FrameSpan, b: FrameSpan): FrameSpan {
  const first = Math.min(a.first, b.first);
  const last = Math.max(a.last, b.last);
  return { ...b, first, last, frames: a.frames + b.frames };
}

class AudioTiming implements TrackTiming {
  readonly #timescale: number;
  readonly #clock: AudioClock;

  constructor(timescale: number) {
    this.#timescale = timescale;
    this.#clock = new AudioClock(timescale);
  }

  time({ payload: { durations, timestamps }, offset }: TimedFrames): SampleTimes {
    const times = timestamps.map((timestamp) => toTicks(timestamp + offset, this.#timescale));
    return this.#clock.time(times, durations);
  }

  readonly reordered = 0;

  /** Its codec tells how long a frame lasts. */
  get isSteady(): boolean {
    return true;
  }
}
