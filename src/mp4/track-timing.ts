import type { Frame } from '../visitors/frame.js';
import { AudioClock } from './audio-clock.js';
import { reorderDepth, type SampleTimes, toTicks, VideoClock } from './decode-times.js';
import { FrameRate, type FrameSpan } from './frame-rate.js';
import type { Payload } from './payload.js';
import { least, most } from './samples.js';
import type { TrackSetup } from './track-setup.js';

/** Gives the samples of a track their times. */
export interface TrackTiming {
  /**
   * Times frames.
   *
   * @param payload of the same frames
   * @param following the track's frames behind them, as far as they are known
   * @param offset is added to the source's times, in microseconds
   */
  time(frames: readonly Frame[], payload: Payload, following: readonly Frame[], offset: number): SampleTimes;
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
  const said = duration !== undefined && duration > 0 ? duration : undefined;
  return { first, last, frames: last > first ? frames.length : 1, wallClock, said };
}

class VideoTiming implements TrackTiming {
  readonly #timescale: number;
  readonly #clock: VideoClock;
  readonly #rate = new FrameRate();

  constructor(timescale: number, reorder: number) {
    this.#timescale = timescale;
    this.#clock = new VideoClock(reorder);
  }

  time(frames: readonly Frame[], _: Payload, following: readonly Frame[], offset: number): SampleTimes {
    const times = frames.map((frame) => Math.round(toTicks(frame.timestamp + offset, this.#timescale)));
    const span = spanOf(frames);
    const next = following.length === 0 ? undefined : spanOf(following);
    const interval = span.frames > 1 ? this.#rate.average(span) : this.#rate.single(span, next);
    return this.#clock.time(times, toTicks(interval, this.#timescale));
  }
}

class AudioTiming implements TrackTiming {
  readonly #timescale: number;
  readonly #clock: AudioClock;

  constructor(timescale: number) {
    this.#timescale = timescale;
    this.#clock = new AudioClock(timescale);
  }

  time(frames: readonly Frame[], { durations }: Payload, _: readonly Frame[], offset: number): SampleTimes {
    const times = frames.map((frame) => toTicks(frame.timestamp + offset, this.#timescale));
    return this.#clock.time(times, durations);
  }
}
