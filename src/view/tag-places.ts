import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { isServiceTag, ServiceTagName } from '../visitors/fragment-metadata.js';
import type { MkvTag } from '../visitors/tag.js';
import type { ServiceTagRecord } from './protocol.js';
import { shortened } from './shortened.js';

/** Of so many tags in one Tags the places are remembered; of a fragment, until there are as many, or so many Tags. */
const MOST_PLACES = 5000;
const MOST_GROUPS = 1000;
/** The service's tags that stand behind the frames of their fragment. */
const TRAILERS: readonly string[] = [ServiceTagName.millisBehindNow, ServiceTagName.continuationToken];

/** An outermost SimpleTag. */
interface TagPlace {
  name: string;
  /** Of a tag of the service. */
  value: string;
  /** The element that holds the value. */
  element: number | undefined;
}

/** The tags of one Tags, in order. */
export interface TagGroup {
  /** Of the Tags. */
  readonly offset: number;
  readonly places: readonly Readonly<TagPlace>[];
}

/** Remembers which elements hold the values of tags. It is shown the elements. */
export class TagPlaces {
  #places: TagPlace[] = [];

  start({ type, parent }: MkvStartMasterElement): void {
    if (type === Mkv.Tags) {
      this.#places = [];
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

  /** A master ends; gives the tags of Tags at its end. */
  stop({ type, start, truncated }: MkvEndMasterElement): TagGroup | undefined {
    // One that is not whole makes no tag.
    if (type === Mkv.SimpleTag && truncated && start.parent?.type === Mkv.Tag) this.#places.pop();
    return type === Mkv.Tags ? { offset: start.offset, places: this.#places } : undefined;
  }
}

/** Whether more tags of a fragment are to be remembered. */
export function hasRoom(groups: readonly TagGroup[]): boolean {
  return groups.length < MOST_GROUPS && groups.reduce((sum, { places }) => sum + places.length, 0) < MOST_PLACES;
}

/** Whether tags are what the service puts behind the frames of a fragment. */
export function isTrailer({ places }: TagGroup): boolean {
  return places.some(({ name }) => TRAILERS.includes(name));
}

/** The service's tags among some. */
export function serviceTagsOf(groups: readonly TagGroup[]): ServiceTagRecord[] {
  return groups.flatMap(({ places }) => places.filter(({ name }) => isServiceTag(name)).map((place) => ({ ...place })));
}

/** The elements that hold the values of tags, which come in the order of the stream. */
export function elementsOf(tags: readonly MkvTag[], groups: readonly TagGroup[]): (number | undefined)[] {
  const places = groups.flatMap((group) => group.places);
  /** The places of each name, the first one last. */
  const byName = new Map<string, number[]>();
  for (let at = places.length - 1; at >= 0; at--) {
    const name = places[at]?.name ?? '';
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [at]);
    else same.push(at);
  }
  let next = 0;
  return tags.map(({ name }) => {
    const same = byName.get(name);
    let found = same?.pop();
    while (found !== undefined && found < next) found = same?.pop();
    // One that has no place leaves the others theirs.
    if (found === undefined) return undefined;
    next = found + 1;
    return places[found]?.element;
  });
}
