import type { SampleTimes } from './decode-times.js';

/** In seconds: more than rounding explains, and less than anyone hears between sound and picture. */
const TOLERANCE = 0.01;

/** How many frames are looked at to tell that some are missing from times that jitter. */
const WINDOW = 32;

/** How many times the jitter that one frame shows is more than chance; that of several goes with the root of their number. */
const CHANCE = 4;

/** In seconds: sound that begins this much too early is brought back bit by bit, without a frame that is cut short. */
const CATCH_UP = 0.1;

/** In seconds: over which the distance from the stream's times is averaged, and how large it may be on the average. */
const AVERAGED = 2;
const DRIFT = 0.008;

/** How much of the jitter of one frame is believed at once. */
const LEARNED = 0.1;

/**
 * Lets audio run on its sampling clock: each sample begins where the one before ended. The stream's own times are rounded to milliseconds
 * by Matroska and jitter with many producers, so they only tell where the clock starts, that it has to start again because frames are
 * missing, and how it drifts, which is followed by a tick a frame.
 */
export class AudioClock {
  readonly #rate: number;
  #next: number | undefined;
  #lastDecode = Number.NEGATIVE_INFINITY;
  /** How far the stream's times are from the clock's, in ticks: the average, and the average distance from that. */
  #drift = 0;
  #jitter = 0;

  /** @param rate ticks per second: the sampling frequency */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /**
   * Times a run of samples.
   *
   * @param times presentation times, in ticks, with fractions
   * @param durations how many ticks each sample has
   */
  time(times: readonly number[], durations: readonly number[]): SampleTimes {
    const decode: number[] = [];
    times.forEach((time, index) => {
      const duration = durations[index]!;
      const next = this.#next ?? this.#anchor(times, durations, index);
      const start = this.#next === undefined ? next : next + this.#jump(next, times, durations, index);
      if (start !== next) this.#drift = 0;
      this.#lastDecode = Math.max(Math.round(start), this.#lastDecode + 1);
      decode.push(this.#lastDecode);
      this.#next = this.#lastDecode + duration + this.#follow(time - this.#lastDecode, duration);
    });
    const end = this.#next ?? 0;
    return { decode, presentation: decode, nextDecode: end, end };
  }

  /** Where the clock starts: with the first sample, or later, in the middle of where the samples to come say that it was. */
  #anchor(times: readonly number[], durations: readonly number[], index: number): number {
    const first = times[index]!;
    const errors = this.#window(first, times, durations, index);
    const spread = errors[errors.length - 1]! - errors[0]!;
    if (spread <= this.#rate * TOLERANCE) return Math.round(first);
    this.#jitter = spread / 3;
    return Math.round(first + Math.max(0, median(errors)));
  }

  /** How far the clock has to jump before a sample; 0 mostly. */
  #jump(next: number, times: readonly number[], durations: readonly number[], index: number): number {
    const error = times[index]! - next;
    const tolerance = Math.max(this.#rate * TOLERANCE, durations[index]! / 2);
    if (Math.abs(error) <= tolerance) return 0;
    const errors = this.#window(next, times, durations, index);
    const middle = median(errors);
    const spread = errors[errors.length - 1]! - errors[0]!;
    if (Math.abs(middle) <= tolerance + (CHANCE * this.#jitter) / Math.sqrt(errors.length)) return 0;
    if (middle < 0 && middle > -this.#rate * CATCH_UP) return 0;
    return spread < tolerance ? error : middle;
  }

  /** What is added to a sample's duration so that the clock keeps near the stream's times. */
  #follow(error: number, duration: number): number {
    const part = Math.min(1, duration / (this.#rate * AVERAGED));
    this.#drift += (error - this.#drift) * part;
    const more = Math.abs(error - this.#drift) - this.#jitter;
    // Jitter is learned faster than forgotten.
    this.#jitter += more * (more > 0 ? LEARNED : part);
    if (Math.abs(this.#drift) < this.#rate * DRIFT) return 0;
    return Math.sign(this.#drift);
  }

  /** How far this and the next samples are from a clock that goes on from `next`, ascending. */
  #window(next: number, times: readonly number[], durations: readonly number[], index: number): number[] {
    const errors: number[] = [];
    for (let i = index, clock = next; i < times.length && errors.length < WINDOW; i++) {
      errors.push(times[i]! - clock);
      clock += durations[i]!;
    }
    return errors.sort((a, b) => a - b);
  }
}

function median(ascending: readonly number[]): number {
  return ascending[ascending.length >> 1]!;
}
