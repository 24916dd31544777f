import { type ReadonlySignal, signal } from '@preact/signals';
import { lowerBound } from '../lower-bound.js';
import { type FragmentRecord, FrameFlag, type TagRecord, type TrackRecord } from '../protocol.js';
import type { StreamModel } from '../stream-model.js';

/** The time between two showings of what has come, in milliseconds, at the least. */
const LEAST_WAIT = 100;

/** A tag and where it is. */
export interface PlacedTag {
  readonly fragment: FragmentRecord;
  readonly tag: TagRecord;
  /** Whether the service has written it, and not the producer. */
  readonly isService: boolean;
}

/**
 * What a page makes of what is known of a stream: orders, lists, places. It is made anew when the model has changed, not more often than it can be
 * shown.
 */
export class ShownModel {
  /** What is known; it grows in place. */
  readonly data: StreamModel;
  readonly #version = signal(0);
  readonly #derived = new Map<string, { version: number; value: unknown }>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #shown = 0;
  #cost = 0;

  constructor(data: StreamModel) {
    this.data = data;
  }

  /** Counts the showings of changes. */
  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  /** Says that the model has changed. */
  changed(): void {
    if (this.#timer !== undefined) return;
    // Showing takes time that grows with the stream: it is done the less often, so that the page stays quick.
    const wait = Math.max(LEAST_WAIT, this.#cost * 4) - (performance.now() - this.#shown);
    const show = () => {
      this.#timer = undefined;
      this.#shown = performance.now();
      this.#cost = 0;
      this.#version.value++;
    };
    this.#timer = setTimeout(show, Math.max(0, wait));
  }

  /** What is made of the model, once for each version. */
  derive<T>(name: string, make: () => T): T {
    const version = this.#version.value;
    const known = this.#derived.get(name);
    if (known?.version === version) return known.value as T;
    const begin = performance.now();
    const value = make();
    this.#cost += performance.now() - begin;
    this.#derived.set(name, { version, value });
    return value;
  }

  /** All tags in stream order. */
  get tags(): readonly PlacedTag[] {
    return this.derive('tags', () =>
      this.data.fragments.flatMap((fragment) => [
        ...fragment.tags.map((tag) => ({ fragment, tag, isService: false })),
        ...fragment.serviceTags.map((tag) => ({
          fragment,
          tag: { ...tag, length: tag.value.length, persistent: false, behind: false },
          isService: true,
        })),
      ]),
    );
  }

  /** Numbers of the frames by their time, and their times. */
  get byTime(): { readonly frames: Uint32Array; readonly times: Float64Array } {
    return this.derive('by time', () => {
      const { time, count, first } = this.data.frames;
      const frames = new Uint32Array(count);
      for (let i = 0; i < count; i++) frames[i] = i;
      if (!isSorted(time)) frames.sort((a, b) => time[a]! - time[b]! || a - b);
      // Not by `from`, which puts all of them into a list first.
      const times = new Float64Array(count);
      for (let i = 0; i < count; i++) times[i] = time[frames[i]!]!;
      for (let i = 0; i < count; i++) frames[i]! += first;
      return { frames, times };
    });
  }

  /** Numbers of the frames of a track, by TrackNumber, in the order of their times. */
  framesOf(number: number): Uint32Array {
    return this.derive('frames of tracks', () => this.#byTrack(this.byTime.frames)).get(number) ?? NO_FRAMES;
  }

  /** The same in the order of the stream; without a number, the frames of all tracks. */
  storedFramesOf(number: number | undefined): Uint32Array {
    const all = this.derive('stored frames', () => {
      const { first, count } = this.data.frames;
      const frames = new Uint32Array(count);
      for (let i = 0; i < count; i++) frames[i] = first + i;
      return frames;
    });
    if (number === undefined) return all;
    return this.derive('stored frames of tracks', () => this.#byTrack(all)).get(number) ?? NO_FRAMES;
  }

  /** TrackNumbers with the newest record of each. */
  get trackNumbers(): ReadonlyMap<number, TrackRecord> {
    return this.derive('track numbers', () => new Map(this.data.tracks.map((track) => [track.number, track])));
  }

  /** The track that a viewer wants to see first: the first of video that has frames. */
  get mainTrack(): TrackRecord | undefined {
    return this.derive('main track', () => {
      const { track } = this.data.frames;
      const used = new Set<number>();
      for (let i = 0; i < track.length; i++) used.add(track[i]!);
      const videos = this.data.tracks.filter(({ type }) => type === 'video');
      return videos.find(({ id }) => used.has(id)) ?? videos[0] ?? this.data.tracks.find(({ id }) => used.has(id));
    });
  }

  trackOf(frame: number): TrackRecord | undefined {
    return this.data.tracks[this.data.frames.track[frame - this.data.frames.first] ?? -1];
  }

  timeOf(frame: number): number | undefined {
    return this.data.frames.time[frame - this.data.frames.first];
  }

  isKey(frame: number): boolean {
    return ((this.data.frames.flags[frame - this.data.frames.first] ?? 0) & FrameFlag.key) !== 0;
  }

  /** The frame that is shown at a time: the last one of a track, or of all, that has begun by then. */
  frameAt(time: number, number: number | undefined): number | undefined {
    if (number === undefined) {
      const { frames, times } = this.byTime;
      return frames[Math.max(0, lowerBound(times, time + 1e-6) - 1)];
    }
    const { frames, times } = this.derive(`times of ${number}`, () => {
      const own = this.framesOf(number);
      const { time, first } = this.data.frames;
      const ownTimes = new Float64Array(own.length);
      for (let i = 0; i < own.length; i++) ownTimes[i] = time[own[i]! - first]!;
      return { frames: own, times: ownTimes };
    });
    return frames[Math.max(0, lowerBound(times, time + 1e-6) - 1)];
  }

  /** A frame of the same track some frames behind one, in the order of the stream, within its group of pictures. */
  aheadOf(frame: number, count: number): number {
    const number = this.trackOf(frame)?.number;
    let last = frame;
    for (let next = frame + 1, left = count; left > 0 && this.data.frames.has(next); next++) {
      if (this.trackOf(next)?.number !== number) continue;
      if (this.isKey(next)) break;
      last = next;
      left--;
    }
    return last;
  }

  /** The fragment that holds a byte. */
  fragmentAtOffset(offset: number): FragmentRecord | undefined {
    const all = this.data.fragments;
    let from = 0;
    let to = all.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (all[middle]!.offset <= offset) from = middle + 1;
      else to = middle;
    }
    return all[from - 1];
  }

  /** The first frame whose Block is at an offset or behind it. */
  frameAtOffset(offset: number): number | undefined {
    const { block, first, count } = this.data.frames;
    const at = lowerBound(block, offset);
    return at < count ? first + at : undefined;
  }

  /** Frames by the TrackNumber of each, in one pass: a stream may have thousands of tracks. */
  #byTrack(frames: Uint32Array): ReadonlyMap<number, Uint32Array> {
    const { track, first } = this.data.frames;
    const numberOf = (frame: number) => this.data.tracks[track[frame - first] ?? -1]?.number;
    const counts = new Map<number, number>();
    for (let i = 0; i < frames.length; i++) {
      const number = numberOf(frames[i]!);
      if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1);
    }
    const lists = new Map([...counts].map(([number, count]) => [number, { frames: new Uint32Array(count), at: 0 }]));
    for (let i = 0; i < frames.length; i++) {
      const frame = frames[i]!;
      const list = lists.get(numberOf(frame) ?? Number.NaN);
      if (list !== undefined) list.frames[list.at++] = frame;
    }
    return new Map([...lists].map(([number, list]) => [number, list.frames]));
  }
}

const NO_FRAMES = new Uint32Array(0);

function isSorted(values: Float64Array): boolean {
  for (let i = 1; i < values.length; i++) if (values[i]! < values[i - 1]!) return false;
  return true;
}
