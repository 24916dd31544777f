import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';

/** A SimpleTag (RFC 9559 section 5.1.8.1.2): a name and a value. It refers to no chunk, except through `binary`. */
export class MkvTag {
  /** TagName; empty where the tag has none. */
  readonly name: string;
  /** TagString up to its first NUL; empty where the tag has none. */
  readonly value: string;
  /** TagBinary, a view of the element's data. */
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

interface TagDraft {
  name: string;
  value: string;
  binary: Uint8Array | undefined;
  language: string | undefined;
  children: MkvTag[] | undefined;
}

const NO_TAGS: readonly MkvTag[] = Object.freeze([]);
const NO_UIDS: readonly bigint[] = Object.freeze([]);

/** Makes {@link MkvTag}s of the elements of Tags, shown to it in order. Elements outside of Tags do nothing. */
export class TagCollector {
  #tags: MkvTag[] | undefined;
  #trackUids: readonly bigint[] = NO_UIDS;
  readonly #open: TagDraft[] = [];

  /** A master begins. */
  start(element: MkvStartMasterElement): void {
    const { type } = element;
    if (type === Mkv.Tags) {
      this.#tags = [];
      this.#open.length = 0;
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
      if (element.is(Mkv.TagTrackUID) && element.value !== 0n) this.#trackUids = [...this.#trackUids, element.value];
      return;
    }
    if (element.is(Mkv.TagName)) draft.name = element.value;
    else if (element.is(Mkv.TagString)) draft.value = element.value;
    else if (element.is(Mkv.TagBinary)) draft.binary = element.value;
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
      if (outer === undefined) this.#tags?.push(tag);
      else if (outer.children === undefined) outer.children = [tag];
      else outer.children.push(tag);
    } else if (type === Mkv.Tags) {
      const tags = this.#tags;
      this.#tags = undefined;
      return tags;
    }
    return undefined;
  }
}
