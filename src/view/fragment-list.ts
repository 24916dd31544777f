import type { CheckedFragment } from '../check/checked-fragment.js';
import type { StreamError } from '../visitors/fragment-metadata.js';
import { type FragmentRecord, MOST_TAG_TEXT, type TagRecord } from './protocol.js';
import { shortened } from './shortened.js';
import { elementsOf, serviceTagsOf, type TagGroup } from './tag-places.js';
import type { FragmentTime } from './time-axis.js';

/** How much text of tags is kept in all, in characters. */
const MOST_TEXT = 16 * 1024 * 1024;
/** What a value is cut to when there is more. */
const SHORT_TEXT = 64;

/** A fragment in the making. */
export interface OpenFragment {
  readonly index: number;
  readonly fragment: CheckedFragment;
  readonly firstFrame: number;
  /** What is added to the presentation times of its frames, in microseconds. */
  shift: number;
  frames: number;
  keyframes: number;
  frameBytes: number;
  damagedBytes: number;
  /** Of its first byte: of a fragment within a document, of the first of its own Tags. */
  readonly offset: number;
  /** The Tags that have come with it. */
  groups: readonly TagGroup[];
}

/** The fragments of a stream. */
export class FragmentList {
  readonly #records: FragmentRecord[] = [];
  readonly #changed = new Set<number>();
  #text = 0;
  /** Number of the first that is kept. */
  first = 0;

  /** Number of the fragment behind the last one. */
  get end(): number {
    return this.first + this.#records.length;
  }

  get(index: number): FragmentRecord | undefined {
    return this.#records[index - this.first];
  }

  /** Puts down what is known of a fragment by now. */
  put(open: OpenFragment, time: FragmentTime, element: number | undefined, size: number, isOpen: boolean): void {
    const { index, fragment, offset, firstFrame, frames, keyframes, frameBytes, damagedBytes, groups } = open;
    if (index < this.first) return;
    const { metadata } = fragment;
    const before = this.get(index - 1);
    const tags = this.#tags(open, before, this.get(index));
    this.#records[index - this.first] = {
      index,
      fragmentNumber: shortened(metadata?.fragmentNumber),
      producerTimestamp: metadata?.producerTimestamp?.getTime(),
      serverTimestamp: metadata?.serverTimestamp?.getTime(),
      millisBehindNow: metadata?.millisBehindNow,
      continuationToken: shortened(metadata?.continuationToken),
      offset,
      size,
      time: time.start === undefined ? undefined : time.start / 1000,
      duration: time.duration,
      firstFrame,
      frames,
      keyframes,
      frameBytes,
      tags,
      serviceTags: serviceTagsOf(groups),
      error: shortenedError(metadata?.error),
      truncated: fragment.truncated,
      damagedBytes,
      gap: time.gap,
      isKinesisVideo: fragment.isKinesisVideo,
      element,
      open: isOpen,
    };
    this.#changed.add(index);
    if (before !== undefined) this.#markPersistent(before, tags);
  }

  /** Puts the fragments before one so many milliseconds later. */
  moveBefore(index: number, millis: number): void {
    for (const record of this.#records) {
      if (record.index >= index || record.time === undefined) continue;
      this.#replace({ ...record, time: record.time + millis });
    }
  }

  /** The records that are new or have changed since this was asked for before. */
  takeChanged(): FragmentRecord[] {
    const changed = [...this.#changed].sort((a, b) => a - b).flatMap((index) => this.get(index) ?? []);
    this.#changed.clear();
    return changed;
  }

  /** Lets go of the fragments before one. */
  dropBefore(index: number): void {
    const gone = this.#records.splice(0, Math.max(0, index - this.first));
    for (const { tags } of gone) for (const { value } of tags) this.#text -= value.length;
    this.first = Math.max(this.first, index);
  }

  #replace(record: FragmentRecord): void {
    this.#records[record.index - this.first] = record;
    this.#changed.add(record.index);
  }

  #tags(
    { fragment, groups }: OpenFragment,
    before: FragmentRecord | undefined,
    known: FragmentRecord | undefined,
  ): TagRecord[] {
    for (const { value } of known?.tags ?? []) this.#text -= value.length;
    const there = keysOf(before?.tags ?? []);
    const tags = fragment.metadata?.tags ?? fragment.tags;
    const elements = elementsOf(tags, groups);
    return tags.map((tag, at) => {
      const value = tag.value.slice(0, this.#text < MOST_TEXT ? MOST_TAG_TEXT : SHORT_TEXT);
      this.#text += value.length;
      const record = {
        name: shortened(tag.name),
        value,
        length: tag.value.length,
        element: elements[at],
        persistent: false,
        behind: fragment.tagsBehind.has(tag),
      };
      return { ...record, persistent: there.has(keyOf(record)) };
    });
  }

  /** Tags that come again behind a fragment were persistent in it. */
  #markPersistent(before: FragmentRecord, tags: readonly TagRecord[]): void {
    const there = keysOf(tags);
    const isNews = (tag: TagRecord) => !tag.persistent && there.has(keyOf(tag));
    if (!before.tags.some(isNews)) return;
    this.#replace({ ...before, tags: before.tags.map((tag) => (isNews(tag) ? { ...tag, persistent: true } : tag)) });
  }
}

function shortenedError(error: StreamError | undefined): StreamError | undefined {
  return error && { ...error, code: shortened(error.code), message: shortened(error.message) };
}

function keysOf(tags: readonly Pick<TagRecord, 'name' | 'value' | 'length'>[]): Set<string> {
  return new Set(tags.map(keyOf));
}

function keyOf({ name, value, length }: Pick<TagRecord, 'name' | 'value' | 'length'>): string {
  return `${name}\0${length}\0${value}`;
}
