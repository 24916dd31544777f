import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';

/** A SimpleTag (RFC 9559 section 5.1.8.1.2): a name and a value. It refers to no chunk. */
export class MkvTag {
  /** TagName; empty where the tag has none. */
  readonly name: string;
  /** TagString up to its first NUL; empty where the tag has none. */
  readonly value: string;
  /** TagBinary. */
  readonly binary: Uint8Array | undefined;
  /** Language of the value, where the tag says. */
  readonly language: string | undefined;
  /** TagTrackUID of the Tag that holds it: which tracks it speaks of; empty for all. */
  readonly trackUids: readonly bigint[];
  /** The SimpleTags within it. */
  readonly children: readonly MkvTag[];

  /** @internal */
  constructor(draft: TagDraft, trackUids: readonly bigint[]) {
    this.name = draft.name;
    this.value = draft.value;
    this.binary = draft.binary;
    this.language = draft.language;
    this.children = draft.children ?? NO_TAGS;
    this.trackUids = trackUids;
  }
}

/** What a tag is made of. */
export interface TagDraft {
  name: string;
  value: string;
  binary: Uint8Array | undefined;
  language: string | undefined;
  children: MkvTag[] | undefined;
}

/**
 * How much memory tags may take, in bytes, roughly. A fragment of Kinesis Video Streams has at most 10 tags of 384 bytes; only a stream
 * that means harm comes near it.
 */
const TAG_BUDGET = 4 * 1024 * 1024;
/** What a tag takes besides its bytes. */
const TAG_OVERHEAD = 200;

/** A list of tags that stops growing before it fills the memory: what does not fit its budget is left out. */
export class TagList {
  #tags: MkvTag[] = [];
  #size = 0;

  /** The tags, in order. The array is the list's own and grows with it. */
  get tags(): readonly MkvTag[] {
    return this.#tags;
  }

  /** Adds a tag if it fits. */
  add(tag: MkvTag): void {
    if (this.#size > TAG_BUDGET) return;
    this.#size += sizeOfTag(tag);
    this.#tags.push(tag);
  }

  /** Gives the tags away and is empty. */
  take(): readonly MkvTag[] {
    const tags = this.#tags;
    this.#tags = [];
    this.#size = 0;
    return tags;
  }
}

function sizeOfTag({ name, value, binary, children }: MkvTag): number {
  const own = TAG_OVERHEAD + 2 * (name.length + value.length) + (binary?.length ?? 0);
  if (children.length === 0) return own;
  return children.reduce((size, child) => size + sizeOfTag(child), own);
}

const NO_TAGS: readonly MkvTag[] = Object.freeze([]);
/** A stream of Kinesis Video Streams has three tracks. */
const MAX_TRACK_UIDS = 100;
/** Of a tag that speaks of all tracks. */
export const NO_UIDS: readonly bigint[] = Object.freeze([]);

/** Makes {@link MkvTag}s of the elements of Tags, shown to it in order. Elements outside of Tags do nothing. */
export class TagCollector {
  #tags: TagList | undefined;
  /** Of the tags within the open one. */
  #innerSize = 0;
  #trackUids: readonly bigint[] = NO_UIDS;
  readonly #open: TagDraft[] = [];

  /** A master begins. */
  start(element: MkvStartMasterElement): void {
    const { type } = element;
    if (type === Mkv.Tags) {
      this.#tags = new TagList();
      this.#open.length = 0;
      this.#innerSize = 0;
      this.#trackUids = NO_UIDS;
    } else if (type === Mkv.Tag) {
      this.#trackUids = NO_UIDS;
    } else if (type === Mkv.SimpleTag) {
      this.#open.push({ name: '', value: '', binary: undefined, language: undefined, children: undefined });
    }
  }

  /** A data element. */
  data(element: MkvDataElement): void {
    const draft = this.#open[this.#open.length - 1];
    if (draft === undefined) {
      // 0 stands for all tracks, which is what no element at all says too.
      if (!element.is(Mkv.TagTrackUID) || element.value === 0n || this.#trackUids.length >= MAX_TRACK_UIDS) return;
      this.#trackUids = [...this.#trackUids, element.value];
      return;
    }
    if (element.is(Mkv.TagName)) draft.name = element.value;
    else if (element.is(Mkv.TagString)) draft.value = element.value;
    else if (element.is(Mkv.TagBinary)) draft.binary = element.value.slice();
    else if (element.is(Mkv.TagLanguage) || element.is(Mkv.TagLanguageBCP47)) draft.language = element.value;
  }

  /** A master ends; gives all tags of Tags at its end, in order, whether it is whole or not. */
  end(element: MkvEndMasterElement): readonly MkvTag[] | undefined {
    const { type } = element;
    if (type === Mkv.SimpleTag) {
      const draft = this.#open.pop();
      if (draft === undefined || element.truncated) return undefined;
      const tag = new MkvTag(draft, this.#trackUids);
      const outer = this.#open[this.#open.length - 1];
      if (outer === undefined) {
        this.#tags?.add(tag);
        this.#innerSize = 0;
      } else if (this.#innerSize <= TAG_BUDGET) {
        this.#innerSize += sizeOfTag(tag);
        if (outer.children === undefined) outer.children = [tag];
        else outer.children.push(tag);
      }
    } else if (type === Mkv.Tags) {
      const tags = this.#tags?.take();
      this.#tags = undefined;
      return tags;
    }
    return undefined;
  }
}
