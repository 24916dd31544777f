import { Column } from './column.js';
import type { FrameBatch } from './protocol.js';

/** One frame of a {@link FrameTable}. */
export interface FrameRow {
  /** The `id` of its track's record. */
  readonly track: number;
  readonly fragment: number;
  /** On the time axis, in milliseconds. */
  readonly time: number;
  /** Presentation time, in microseconds. */
  readonly timestamp: number;
  /** In microseconds. */
  readonly duration: number | undefined;
  readonly size: number;
  /** See `FrameFlag`. */
  readonly flags: number;
  /** Of the Block. */
  readonly block: number;
  /** Of its first byte as it is stored. */
  readonly data: number;
}

/**
 * Frames, a column for each property: see {@link FrameBatch} for what they are. Frame N is at `N - first` of each column. The columns are views
 * of what is there when they are read: they are to be read again when frames have come or gone.
 */
export class FrameTable {
  /** Number of the first frame that is kept. */
  first = 0;
  readonly #track = Column.shorts();
  readonly #fragment = Column.integers();
  readonly #time = Column.floats();
  readonly #timestamp = Column.floats();
  readonly #duration = Column.floats();
  readonly #size = Column.integers();
  readonly #flags = Column.bytes();
  readonly #block = Column.floats();
  readonly #data = Column.floats();

  /** How many are kept. */
  get count(): number {
    return this.#time.length;
  }

  /** Number of the frame behind the last one. */
  get end(): number {
    return this.first + this.count;
  }

  get track(): Uint16Array<ArrayBuffer> {
    return this.#track.values;
  }

  get fragment(): Uint32Array<ArrayBuffer> {
    return this.#fragment.values;
  }

  get time(): Float64Array<ArrayBuffer> {
    return this.#time.values;
  }

  get timestamp(): Float64Array<ArrayBuffer> {
    return this.#timestamp.values;
  }

  get duration(): Float64Array<ArrayBuffer> {
    return this.#duration.values;
  }

  get size(): Uint32Array<ArrayBuffer> {
    return this.#size.values;
  }

  get flags(): Uint8Array<ArrayBuffer> {
    return this.#flags.values;
  }

  get block(): Float64Array<ArrayBuffer> {
    return this.#block.values;
  }

  get data(): Float64Array<ArrayBuffer> {
    return this.#data.values;
  }

  /** Whether a frame of that number is kept. */
  has(frame: number): boolean {
    return frame >= this.first && frame < this.end;
  }

  /** A frame by its number; `undefined` where it is not kept. */
  row(frame: number): FrameRow | undefined {
    if (!this.has(frame)) return undefined;
    const at = frame - this.first;
    const duration = this.#duration.at(at);
    return {
      track: this.#track.at(at),
      fragment: this.#fragment.at(at),
      time: this.#time.at(at),
      timestamp: this.#timestamp.at(at),
      duration: Number.isNaN(duration) ? undefined : duration,
      size: this.#size.at(at),
      flags: this.#flags.at(at),
      block: this.#block.at(at),
      data: this.#data.at(at),
    };
  }

  /** Adds a frame behind the last one. */
  push({ track, fragment, time, timestamp, duration, size, flags, block, data }: FrameRow): void {
    this.#track.push(track);
    this.#fragment.push(fragment);
    this.#time.push(time);
    this.#timestamp.push(timestamp);
    this.#duration.push(duration ?? Number.NaN);
    this.#size.push(size);
    this.#flags.push(flags);
    this.#block.push(block);
    this.#data.push(data);
  }

  /** Adds frames behind the last one. */
  append({ track, fragment, time, timestamp, duration, size, flags, block, data }: FrameBatch): void {
    this.#track.append(track);
    this.#fragment.append(fragment);
    this.#time.append(time);
    this.#timestamp.append(timestamp);
    this.#duration.append(duration);
    this.#size.append(size);
    this.#flags.append(flags);
    this.#block.append(block);
    this.#data.append(data);
  }

  /** The frames from one on, in memory of its own. */
  batch(from: number): FrameBatch {
    const at = Math.max(0, from - this.first);
    const { count } = this;
    return {
      first: this.first + at,
      count: count - at,
      track: this.#track.slice(at, count),
      fragment: this.#fragment.slice(at, count),
      time: this.#time.slice(at, count),
      timestamp: this.#timestamp.slice(at, count),
      duration: this.#duration.slice(at, count),
      size: this.#size.slice(at, count),
      flags: this.#flags.slice(at, count),
      block: this.#block.slice(at, count),
      data: this.#data.slice(at, count),
    };
  }

  /** Puts the frames from one on, before another, so many milliseconds later. */
  shift(from: number, end: number, millis: number): void {
    const stop = Math.min(end, this.end) - this.first;
    for (let at = Math.max(0, from - this.first); at < stop; at++) this.#time.set(at, this.#time.at(at) + millis);
  }

  /** Lets go of all frames before one. */
  dropBefore(frame: number): void {
    const gone = Math.min(this.count, frame - this.first);
    if (gone <= 0) return;
    this.first += gone;
    for (const column of [this.#track, this.#fragment, this.#time, this.#timestamp, this.#duration]) column.drop(gone);
    for (const column of [this.#size, this.#flags, this.#block, this.#data]) column.drop(gone);
  }
}
