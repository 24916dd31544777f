import { MinHeap } from './min-heap.js';

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

/** In ticks: the longest duration of a sample that readers of 32 bits with a sign take, with room for what decode times go back. */
export const LONGEST_SAMPLE = 0x7000_0000;

/**
 * Gives the decode times of video back, which Matroska does not store: samples come in decode order, so a sample is decoded when one
 * that comes `reorder` places earlier in presentation order is presented. That is the earliest a decoder with room for `reorder`
 * pictures needs it, and never too late.
 */
export class VideoClock {
  readonly #reorder: number;
  /** Presentation times that have not been used as decode times: `reorder` of them between the runs. */
  #pool = new MinHeap();
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
   * @param following the presentation time of the sample behind the run, where it is known already
   */
  time(times: readonly number[], duration: number, following?: number): SampleTimes {
    const step = Math.max(1, Math.round(duration));
    this.#prepare(times, step);
    const pool = this.#pool;
    const decode: number[] = [];
    const presentation: number[] = [];
    let last = this.#lastDecode ?? Number.NEGATIVE_INFINITY;
    let latest = Number.NEGATIVE_INFINITY;
    for (const time of times) {
      pool.add(time);
      last = Math.max(pool.take() ?? time, last + 1);
      const shown = Math.max(time, last);
      decode.push(last);
      presentation.push(shown);
      latest = Math.max(latest, shown);
    }
    this.#lastDecode = last;
    this.#end = latest + step;
    // A run that reorders more than any encoder does must not make work for those behind it.
    while (pool.size > Math.max(MOST_REORDERED, this.#reorder)) pool.take();
    const next = following ?? this.#end;
    const nextDecode = Math.max(Math.min(pool.least ?? next, next), last + 1);
    return { decode, presentation, nextDecode, end: this.#end };
  }

  /** Fills the pool at the beginning and after a gap, and deepens it where a run reorders more than was known. */
  #prepare(times: readonly number[], step: number): void {
    const first = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    if (this.#end === undefined || first > this.#end + GAP_FRAMES * step) {
      // Decoding begins no earlier before a gap's end than the pictures need.
      const depth = Math.max(this.#reorder, this.#pool.size);
      const filled = new MinHeap();
      for (let i = 0; i < depth; i++) {
        filled.add(Math.max(this.#pool.take() ?? Number.NEGATIVE_INFINITY, first - (depth - i) * step));
      }
      this.#pool = filled;
    }
    const more = reorderDepth(times) - this.#pool.size;
    for (let i = 0; i < more; i++) this.#pool.add((this.#lastDecode ?? first - more) + i);
  }
}

/** How deep pictures are reordered at most (H.264 section E.2.1, H.265 section A.4). */
const MOST_REORDERED = 16;

/**
 * How many frames must be missing for a gap. A run that is cut off within a group of pictures begins with one that is presented after
 * those to come, 16 of them with the encoders there are.
 */
const GAP_FRAMES = 18;

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
