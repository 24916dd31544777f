import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { isServiceTag } from '../visitors/fragment-metadata.js';
import type { MkvTag } from '../visitors/tag.js';
import type { ServiceTagRecord } from './protocol.js';
import { shortened } from './shortened.js';

/** Of so many tags in one Tags the places are remembered. */
const MOST_PLACES = 10_000;

/** Remembers which element holds the value of a tag. It is shown the elements of Tags before the tags that they make. */
export class TagPlaces {
  /** Of the Tags at hand: the outermost SimpleTags in order. */
  #places: { name: string; value: string; element: number | undefined }[] = [];
  #taken = 0;
  readonly #elements = new WeakMap<MkvTag, number>();

  start({ type, parent }: MkvStartMasterElement): void {
    if (type === Mkv.Tags) {
      this.#places = [];
      this.#taken = 0;
    } else if (type === Mkv.SimpleTag && parent?.type === Mkv.Tag && this.#places.length < MOST_PLACES) {
      this.#places.push({ name: '', value: '', element: undefined });
    }
  }

  /** @param number of the element in the index */
  data(element: MkvDataElement, number: number | undefined): void {
    const { parent } = element;
    if (parent?.type !== Mkv.SimpleTag || parent.parent?.type !== Mkv.Tag) return;
    const place = this.#places.at(-1);
    if (place === undefined) return;
    if (element.is(Mkv.TagName)) place.name = element.value;
    else if (element.is(Mkv.TagString) || element.is(Mkv.TagBinary)) place.element = number;
    // The name mostly stands before it.
    const mayBeService = place.name === '' || isServiceTag(place.name);
    if (mayBeService && element.is(Mkv.TagString)) place.value = shortened(element.value);
  }

  stop({ type, start, truncated }: MkvEndMasterElement): void {
    // One that is not whole makes no tag.
    if (type === Mkv.SimpleTag && truncated && start.parent?.type === Mkv.Tag) this.#places.pop();
  }

  /** A tag that the elements have made. Tags come in order; those of the service are not shown. */
  note(tag: MkvTag): void {
    for (let at = this.#taken; at < this.#places.length; at++) {
      const place = this.#places[at];
      if (place?.name !== tag.name) continue;
      this.#taken = at + 1;
      if (place.element !== undefined) this.#elements.set(tag, place.element);
      return;
    }
  }

  /** The service's own tags of the Tags at hand. */
  get serviceTags(): ServiceTagRecord[] {
    return this.#places.filter(({ name }) => isServiceTag(name)).map((place) => ({ ...place }));
  }

  /** The element that holds the value of a tag. */
  elementOf(tag: MkvTag): number | undefined {
    return this.#elements.get(tag);
  }
}
