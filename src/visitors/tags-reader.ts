import { decodeString } from '../ebml/text.js';
import { vintLength } from '../ebml/vint.js';
import { Mkv } from '../mkv/elements.js';
import { MkvTag, NO_UIDS, TagList } from './tag.js';

/** A tag whose name is another than what is asked for. */
const NOT_WANTED = 'not wanted';

/**
 * Reads the tags of a Tags element from its bytes at once, where all of them are plain names and values: those of the service are, and
 * nearly all of producers. Of the elements of a fragment with tags most are within them.
 */
export class TagsReader {
  readonly #prefix: string;
  // The data of the element at hand.
  #start = 0;
  #end = 0;

  /** @param prefix what the names of the tags that are wanted begin with, in ASCII; the others are passed over */
  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  /**
   * @param bytes the data of the Tags lies in it from `start` to `end`
   * @returns what a {@link TagCollector} makes of the elements, but for tags that are not wanted; `undefined` when there is anything else,
   * which has to be taken element by element
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
        if (tag !== NOT_WANTED) tags.add(tag);
      }
    }
    return tags.take();
  }

  #readSimpleTag(bytes: Uint8Array): MkvTag | typeof NOT_WANTED | undefined {
    const end = this.#end;
    let nameStart = -1;
    let nameEnd = -1;
    let valueStart = -1;
    let valueEnd = -1;
    for (let at = this.#start; at < end; at = this.#end) {
      const id = this.#next(bytes, at, end);
      // A second name or value is against the standard.
      if (id === Mkv.TagName.id && nameStart < 0) {
        nameStart = this.#start;
        nameEnd = this.#end;
      } else if (id === Mkv.TagString.id && valueStart < 0) {
        valueStart = this.#start;
        valueEnd = this.#end;
      } else return undefined;
    }
    if (!this.#isWanted(bytes, nameStart, nameEnd)) return NOT_WANTED;
    const name = nameStart < 0 ? '' : decodeString(bytes, nameStart, nameEnd);
    const value = valueStart < 0 ? '' : decodeString(bytes, valueStart, valueEnd);
    return new MkvTag({ name, value, binary: undefined, language: undefined, children: undefined }, NO_UIDS);
  }

  #isWanted(bytes: Uint8Array, start: number, end: number): boolean {
    const prefix = this.#prefix;
    if (end - start < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix.charCodeAt(i)) return false;
    return true;
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
