import type { Fragment } from '../fragments/fragment.js';
import type { Frame } from '../visitors/frame.js';
import { isAfter, keyOf } from './fragment-number.js';
import type { RekognitionResult } from './rekognition.js';

/** A result with its fragment and frame. */
export interface RekognitionJoin {
  /** What Rekognition says of the frame. */
  readonly result: RekognitionResult;
  /** The fragment that the result names. */
  readonly fragment: Fragment;
  /** The video frame that it describes; `undefined` where the fragment has none near enough. */
  readonly frame: Frame | undefined;
}

/** Options of {@link RekognitionIndex}. */
export interface RekognitionIndexOptions {
  /** How far a frame may be from the time that a result says, in microseconds. Default 10,000: 10 ms. */
  readonly tolerance?: number | undefined;
  /** So many fragments, those that were added last, are kept for results that come late; they hold their frames. Default 30. */
  readonly maxFragments?: number | undefined;
  /** So many results are kept for fragments that come later. Default 10,000. */
  readonly maxResults?: number | undefined;
  /** Receives a result that is given up: its fragment has not come, or is not kept any more. */
  readonly onUnmatched?: ((result: RekognitionResult) => void) | undefined;
}

const TOLERANCE = 10_000;
const MAX_FRAGMENTS = 30;
const MAX_RESULTS = 10_000;

interface Entry {
  readonly fragment: Fragment;
  /** By the frame's offset in microseconds. */
  readonly joins: Map<number, RekognitionJoin>;
}

/**
 * Joins the results of a stream processor to the fragments of its stream by their numbers, and to frames by time. Either may come first,
 * and in any order; a result that comes twice, as Kinesis data streams may give records, is joined once.
 *
 * ```ts
 * for await (const fragment of consumer) for (const join of index.addFragment(fragment)) draw(join);
 * // and where records come in:
 * for (const join of index.addResult(parseRekognitionResult(record.Data))) draw(join);
 * ```
 */
export class RekognitionIndex {
  readonly #tolerance: number;
  readonly #maxFragments: number;
  readonly #maxResults: number;
  readonly #onUnmatched: (result: RekognitionResult) => void;
  /** By number, in the order in which they were added. */
  readonly #fragments = new Map<string, Entry>();
  /** The largest number of a fragment that is not kept any more. */
  #forgotten: string | undefined;
  /** Results without their fragment, by its number and the frame's offset, in the order in which the first of a fragment came. */
  readonly #waiting = new Map<string, Map<number, RekognitionResult>>();
  #waitingCount = 0;

  /** @throws RangeError when a limit is not above 0 */
  constructor(options: RekognitionIndexOptions = {}) {
    const { tolerance = TOLERANCE, maxFragments = MAX_FRAGMENTS, maxResults = MAX_RESULTS, onUnmatched } = options;
    if (!(tolerance >= 0)) throw new RangeError('tolerance must be 0 or more');
    if (!(maxFragments >= 1 && maxResults >= 1)) throw new RangeError('maxFragments and maxResults must be 1 or more');
    this.#tolerance = tolerance;
    this.#maxFragments = maxFragments;
    this.#maxResults = maxResults;
    this.#onUnmatched = onUnmatched ?? (() => {});
  }

  /**
   * Takes a fragment.
   *
   * @returns the results that waited for it, in the order of their frames
   */
  addFragment(fragment: Fragment): RekognitionJoin[] {
    const { fragmentNumber } = fragment;
    if (fragmentNumber === undefined) return [];
    const key = keyOf(fragmentNumber);
    if (this.#fragments.has(key)) return [];
    const entry: Entry = { fragment, joins: new Map() };
    this.#fragments.set(key, entry);
    const waiting = this.#waiting.get(key) ?? new Map<number, RekognitionResult>();
    this.#waiting.delete(key);
    this.#waitingCount -= waiting.size;
    const results = [...waiting.values()].sort((a, b) => a.frameOffset - b.frameOffset);
    const joins = results.map((result) => this.#join(entry, result));
    for (const oldest of this.#fragments.keys()) {
      if (this.#fragments.size <= this.#maxFragments) break;
      this.#fragments.delete(oldest);
      if (this.#forgotten === undefined || isAfter(oldest, this.#forgotten)) this.#forgotten = oldest;
    }
    return joins;
  }

  /**
   * Takes a result.
   *
   * @returns it with its fragment where that is known; nothing where the result waits for it, or has come before
   */
  addResult(result: RekognitionResult): RekognitionJoin[] {
    const key = keyOf(result.fragmentNumber);
    const entry = this.#fragments.get(key);
    if (entry !== undefined) return entry.joins.has(result.frameOffset) ? [] : [this.#join(entry, result)];
    if (this.#forgotten !== undefined && !isAfter(key, this.#forgotten)) {
      this.#onUnmatched(result);
      return [];
    }
    const waiting = this.#waiting.get(key) ?? new Map<number, RekognitionResult>();
    this.#waiting.set(key, waiting);
    if (!waiting.has(result.frameOffset)) this.#waitingCount++;
    waiting.set(result.frameOffset, result);
    for (const [oldest, results] of this.#waiting) {
      if (this.#waitingCount <= this.#maxResults) break;
      this.#waiting.delete(oldest);
      this.#waitingCount -= results.size;
      for (const each of results.values()) this.#onUnmatched(each);
    }
    return [];
  }

  /** All results so far of a fragment that is kept, in the order of their frames. */
  joinsOf(fragmentNumber: string): RekognitionJoin[] {
    const joins = this.#fragments.get(keyOf(fragmentNumber))?.joins.values() ?? [];
    return [...joins].sort((a, b) => a.result.frameOffset - b.result.frameOffset);
  }

  /**
   * The result of a frame, such as the `source` of a picture; `undefined` where there is none (yet). Its fragment need not have been added.
   */
  resultOf(frame: Frame): RekognitionResult | undefined {
    const { fragmentNumber, clusterTimestamp } = frame.fragment ?? {};
    if (fragmentNumber === undefined || clusterTimestamp === undefined) return undefined;
    const key = keyOf(fragmentNumber);
    const joined = [...(this.#fragments.get(key)?.joins.values() ?? [])].map(({ result }) => result);
    const offset = frame.timestamp - clusterTimestamp;
    return this.#nearest(
      [...joined, ...(this.#waiting.get(key)?.values() ?? [])],
      ({ frameOffset }) => frameOffset - offset,
    );
  }

  /** No more fragments come: results that wait are given up. */
  close(): void {
    for (const results of this.#waiting.values()) for (const result of results.values()) this.#onUnmatched(result);
    this.#waiting.clear();
    this.#waitingCount = 0;
    this.#fragments.clear();
  }

  #join(entry: Entry, result: RekognitionResult): RekognitionJoin {
    const { fragment } = entry;
    const begin = fragment.clusterTimestamp ?? 0;
    const frames = fragment.frames.filter(({ track }) => track.type === 'video');
    const frame = this.#nearest(frames, ({ timestamp }) => timestamp - begin - result.frameOffset);
    const join = { result, fragment, frame };
    entry.joins.set(result.frameOffset, join);
    return join;
  }

  #nearest<T>(list: Iterable<T>, distanceOf: (each: T) => number): T | undefined {
    let found: T | undefined;
    let least = this.#tolerance;
    for (const each of list) {
      const distance = Math.abs(distanceOf(each));
      if (distance > least || (distance === least && found !== undefined)) continue;
      found = each;
      least = distance;
    }
    return found;
  }
}
