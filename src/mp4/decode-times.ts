/** Pictures of a run that come before a picture in decode order and after it in presentation: the most for any of them. */
export function reorderDepth(times: readonly number[]): number {
  const order = times.map((_, index) => index).sort((a, b) => times[a]! - times[b]! || a - b);
  let depth = 0;
  order.forEach((index, rank) => {
    depth = Math.max(depth, index - rank);
  });
  return depth;
}

/** Times of a run of samples, in ticks. */
export interface SampleTimes {
  /** When each is decoded: strictly increasing, also over the runs. */
  readonly decode: number[];
  /** When each is presented, never before it is decoded. */
  readonly presentation: number[];
  /** When the sample after the last would be decoded. */
  readonly nextDecode: number;
  /** When the presentation of the last one ends. */
  readonly end: number;
}

/**
 * Gives the decode times of video back, which Matroska does not store: samples come in decode order, so a sample is decoded when one
 * that comes `reorder` places earlier in presentation order is presented. That is the earliest a decoder with room for `reorder`
 * pictures needs it, and never too late.
 */
export class VideoClock {
  readonly #reorder: number;
  /** Presentation times that have not been used as decode times, ascending: `reorder` of them between the runs. */
  #pool: number[] = [];
  #lastDecode: number | undefined;
  #end: number | undefined;

  /** @param reorder how deep the stream reorders, as its parameter sets say or its first frames show */
  constructor(reorder: number) {
    this.#reorder = reorder;
  }

  /**
   * Times a run of samples.
   *
   * @param times presentation times in decode order, in ticks
   * @param duration of a frame, in ticks
   */
  time(times: readonly number[], duration: number): SampleTimes {
    const step = Math.max(1, Math.round(duration));
    this.#prepare(times, step);
    const decode: number[] = [];
    const presentation: number[] = [];
    let last = this.#lastDecode ?? Number.NEGATIVE_INFINITY;
    let latest = Number.NEGATIVE_INFINITY;
    for (const time of times) {
      insert(this.#pool, time);
      const wanted = this.#pool.shift() ?? time;
      last = Math.max(wanted, last + 1);
      const shown = Math.max(time, last);
      decode.push(last);
      presentation.push(shown);
      latest = Math.max(latest, shown);
    }
    this.#lastDecode = last;
    this.#end = latest + step;
    const nextDecode = Math.max(this.#pool[0] ?? this.#end, last + 1);
    return { decode, presentation, nextDecode, end: this.#end };
  }

  /** Fills the pool at the beginning and after a gap, and deepens it where a run reorders more than was known. */
  #prepare(times: readonly number[], step: number): void {
    const first = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const pool = this.#pool;
    if (this.#end === undefined || first > this.#end + GAP_FRAMES * step) {
      // Decoding begins no earlier before a gap's end than the pictures need.
      const depth = Math.max(this.#reorder, pool.length);
      for (let i = 0; i < depth; i++) {
        pool[i] = Math.max(pool[i] ?? Number.NEGATIVE_INFINITY, first - (depth - i) * step);
      }
    }
    const more = reorderDepth(times) - pool.length;
    for (let i = 0; i < more; i++) insert(pool, (this.#lastDecode ?? first - more) + i);
  }
}

/**
 * How many frames must be missing for a gap. A run that is cut off within a group of pictures begins with one that is presented after
 * those to come, 16 of them with the encoders there are.
 */
const GAP_FRAMES = 18;

function insert(ascending: number[], value: number): void {
  let at = ascending.length;
  while (at > 0 && ascending[at - 1]! > value) at--;
  ascending.splice(at, 0, value);
}

/**
 * Lets audio run on its sampling clock: each sample begins where the one before ended. The stream's own times, rounded to milliseconds
 * by Matroska, only tell where the clock starts, and that it has to start again when they leave it.
 */
export class AudioClock {
  readonly #rate: number;
  #next: number | undefined;
  #lastDecode = Number.NEGATIVE_INFINITY;

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
      const tolerance = Math.max(this.#rate * TOLERANCE, duration / 2);
      if (this.#next === undefined || Math.abs(time - this.#next) > tolerance) this.#next = Math.round(time);
      this.#lastDecode = Math.max(this.#next, this.#lastDecode + 1);
      decode.push(this.#lastDecode);
      this.#next = this.#lastDecode + duration;
    });
    const end = this.#next ?? 0;
    return { decode, presentation: decode, nextDecode: end, end };
  }
}

/** In seconds: more than rounding explains, and less than anyone hears between sound and picture. */
const TOLERANCE = 0.01;

/** Microseconds in ticks, with a fraction; exact also for times since 1970. */
export function toTicks(microseconds: number, timescale: number): number {
  const seconds = Math.floor(microseconds / 1e6);
  return seconds * timescale + ((microseconds - seconds * 1e6) * timescale) / 1e6;
}

/** Ticks in microseconds, rounded. */
export function toMicroseconds(ticks: number, timescale: number): number {
  const seconds = Math.floor(ticks / timescale);
  return seconds * 1e6 + Math.round(((ticks - seconds * timescale) * 1e6) / timescale);
}
