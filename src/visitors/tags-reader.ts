import { decodeString } from '../ebml/text.js';
import { vintLength } from '../ebml/vint.js';
import { Mkv } from '../mkv/elements.js';
import { MkvTag, NO_UIDS, TagList } from './tag.js';

/**
 * Reads the tags of a Tags element from its bytes at once, where all of them are plain names and values: those of the service are, and
 * nearly all of producers. Of the elements of a fragment with tags most are within them.
 */
export class TagsReader {
  // The data of the element at hand.
  #start = 0;
  #end = 0;

  /**
   * @param bytes the data of the Tags lies in it from `start` to `end`
   * @returns what a {@link TagCollector} makes of the elements; `undefined` when there is anything else, which has to be taken element by
   * element
   */
  read(bytes: Uint8Array, start: number, end: number): readonly MkvTag[] | undefined {
    const tags = new TagList();
    let at = start;
    while (at < end) {
      if (this.#next(bytes, at, end) !== Mkv.Tag.id) return undefined;
      const tagEnd = this.#end;
      at = this.#start;
      let hasTargets = false;
      while (at < tagEnd) {
        const id = this.#next(bytes, at, tagEnd);
        at = this.#end;
        // Targets that say nothing are like none.
        if (id === Mkv.Targets.id && this.#start === at && !hasTargets) {
          hasTargets = true;
          continue;
        }
        const tag = id === Mkv.SimpleTag.id ? this.#readSimpleTag(bytes) : undefined;
        if (tag === undefined) return undefined;
        tags.add(tag);
      }
    }
    return tags.take();
  }

  #readSimpleTag(bytes: Uint8Array): MkvTag | undefined {
    const end = this.#end;
    const tag = { name: '', value: '', binary: undefined, language: undefined, children: undefined };
    let hasName = false;
    let hasValue = false;
    for (let at = this.#start; at < end; at = this.#end) {
      const id = this.#next(bytes, at, end);
      // A second name or value is against the standard.
      if (id === Mkv.TagName.id && !hasName) {
        hasName = true;
        tag.name = decodeString(bytes, this.#start, this.#end);
      } else if (id === Mkv.TagString.id && !hasValue) {
        hasValue = true;
        tag.value = decodeString(bytes, this.#start, this.#end);
      } else return undefined;
    }
    return new MkvTag(tag, NO_UIDS);
  }

  /**
   * Reads the header of the element at `at`. All that can occur have ids of two bytes.
   *
   * @returns its id; 0 when its size is unknown, has more than 4 bytes, or goes on past `end`
   */
  #next(bytes: Uint8Array, at: number, end: number): number {
    const sizeLength = at + 2 < end ? vintLength(bytes[at + 2]!) : 9;
    this.#start = at + 2 + sizeLength;
    if (sizeLength > 4) return 0;
    const unknown = (1 << (7 * sizeLength)) - 1;
    let size = 0;
    for (let i = at + 2; i < this.#start; i++) size = (size << 8) | bytes[i]!;
    size &= unknown;
    this.#end = this.#start + size;
    if (size === unknown || this.#end > end) return 0;
    return (bytes[at]! << 8) | bytes[at + 1]!;
  }
}
