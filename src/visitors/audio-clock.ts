/** In seconds: more than rounding explains, and less than anyone hears between sound and picture. */
const TOLERANCE = 0.01;

/** In seconds: half a sample's duration is tolerated, but not more than this. */
const MOST_TOLERANCE = 0.05;

/** How many frames are looked at to tell that some are missing from times that jitter. */
const WINDOW = 32;

/** How many times the jitter that one frame shows is more than chance; that of several goes with the root of their number. */
const CHANCE = 4;

/** In seconds: sound that begins this much too early is brought back bit by bit, without a frame that is cut short. */
const CATCH_UP = 0.1;

/** In seconds: over which the distance from the stream's times is averaged, and how large it may be on the average. */
const AVERAGED = 2;
const DRIFT = 0.008;

/** In seconds: no producer's times jitter by more from one frame to the next. */
const MOST_JITTER = 0.1;

/** How much of the jitter of one frame is believed at once. */
const LEARNED = 0.1;

/** In seconds: more samples than these are not waited for to time one. */
const LOOK_AHEAD = 0.5;

/** Times of a run of samples of audio, in ticks. */
export interface AudioTimes {
  /** When each is decoded, and presented: strictly increasing, also over the runs. */
  readonly decode: number[];
  readonly presentation: number[];
  /** When the sample after the last would be decoded. */
  readonly nextDecode: number;
  /** When the last one ends. */
  readonly end: number;
}

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
  time(times: readonly number[], durations: readonly number[]): AudioTimes {
    const decode = times.map((_, index) => this.#place(times, durations, index));
    const end = this.#next ?? 0;
    // A frame without bytes lasts no time.
    return { decode, presentation: decode, nextDecode: Math.max(end, this.#lastDecode + 1), end };
  }

  /**
   * Times the first of some samples; the others are looked at where it takes more than one to tell.
   *
   * @param times as for {@link AudioClock.time}, of one sample or more
   * @param durations likewise
   * @returns where it begins, in whole ticks
   */
  timeFirst(times: readonly number[], durations: readonly number[]): number {
    return this.#place(times, durations, 0);
  }

  /** Whether the first of some samples cannot be timed well before more of them are there. Parameters are those of {@link AudioClock.timeFirst}. */
  needsMore(times: readonly number[], durations: readonly number[]): boolean {
    const length = durations.reduce((sum, duration) => sum + duration, 0);
    if (times.length >= WINDOW || length >= this.#rate * LOOK_AHEAD) return false;
    if (this.#next === undefined) return true;
    const error = Math.abs(times[0]! - this.#next);
    // What is this far off is no jitter.
    return error > this.#tolerance(durations[0]!) && error < this.#rate * LOOK_AHEAD;
  }

  #place(times: readonly number[], durations: readonly number[], index: number): number {
    const time = times[index]!;
    const duration = durations[index]!;
    const next = this.#next ?? this.#anchor(times, durations, index);
    const start = this.#next === undefined ? next : next + this.#jump(next, times, durations, index);
    if (start !== next) this.#drift = 0;
    this.#lastDecode = Math.max(Math.round(start), this.#lastDecode + 1);
    this.#next = this.#lastDecode + duration + this.#follow(time - this.#lastDecode, duration);
    return this.#lastDecode;
  }

  /** How far a sample may be from the clock without anyone asking why, in ticks. */
  #tolerance(duration: number): number {
    return Math.max(this.#rate * TOLERANCE, Math.min(duration / 2, this.#rate * MOST_TOLERANCE));
  }

  /** Where the clock starts: with the first sample, or later, in the middle of where the samples to come say that it was. */
  #anchor(times: readonly number[], durations: readonly number[], index: number): number {
    const first = times[index]!;
    const all = this.#errors(first, times, durations, index);
    // A gap is one step among many, or a large one.
    const steps = all.slice(1).map((error, i) => Math.abs(error - all[i]!));
    const small = steps.filter((step) => step < this.#rate * MOST_JITTER).sort(ascending);
    const jitter = small[(small.length - 1) >> 1] ?? 0;
    const errors = this.#unbroken(all, durations[index]!, jitter).sort(ascending);
    const spread = errors[errors.length - 1]! - errors[0]!;
    if (spread <= this.#rate * TOLERANCE) return Math.round(first);
    this.#jitter = spread / 3;
    return Math.round(first + Math.max(0, median(errors)));
  }

  /** How far the clock has to jump before a sample; 0 mostly. */
  #jump(next: number, times: readonly number[], durations: readonly number[], index: number): number {
    const error = times[index]! - next;
    const tolerance = this.#tolerance(durations[index]!);
    if (Math.abs(error) <= tolerance) return 0;
    const all = this.#errors(next, times, durations, index);
    const errors = this.#unbroken(all, durations[index]!, this.#jitter).sort(ascending);
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

  /** How far this and the next samples are from a clock that goes on from `next`. */
  #errors(next: number, times: readonly number[], durations: readonly number[], index: number): number[] {
    const errors: number[] = [];
    for (let i = index, clock = next; i < times.length && errors.length < WINDOW; i++) {
      errors.push(times[i]! - clock);
      clock += durations[i]!;
    }
    return errors;
  }

  /** Those before the next gap. */
  #unbroken(errors: readonly number[], duration: number, jitter: number): number[] {
    const most = this.#tolerance(duration) + CHANCE * jitter;
    const gap = errors.findIndex((error, i) => i > 0 && Math.abs(error - errors[i - 1]!) > most);
    return errors.slice(0, gap < 0 ? errors.length : gap);
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

function median(sorted: readonly number[]): number {
  return sorted[sorted.length >> 1]!;
}
