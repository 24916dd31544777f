import { Mkv } from '../mkv/elements.js';
import { areSame, GatheredElement } from './gathered-element.js';
import { integerOf } from './integer-of.js';
import type { Opening } from './strict-form.js';

/** A child of Tracks with all that is in it. */
interface Entry {
  number: number | undefined;
  elements: Opening[];
}

/**
 * A Tracks with the tracks of two: of those that have the same number, the ones of the second, as readers have it when a Segment describes its
 * tracks again.
 */
export function tracksOfBoth(first: GatheredElement, second: GatheredElement): GatheredElement {
  const entries = entriesOf(first);
  const byNumber = new Map(entries.map((entry) => [entry.number, entry]));
  for (const entry of entriesOf(second)) {
    const before = entry.number === undefined ? undefined : byNumber.get(entry.number);
    if (before === undefined) {
      entries.push(entry);
      byNumber.set(entry.number, entry);
    } else {
      before.elements = entry.elements;
    }
  }
  const both = new GatheredElement(first.root);
  for (const { elements } of entries) for (const element of elements) both.add(element);
  both.add(second.root);
  return both;
}

/** The tracks of a Tracks by their numbers: of several with the same number, the last. */
export class TrackEntries {
  readonly #elements: ReadonlyMap<number | undefined, readonly Opening[]>;

  constructor(tracks: GatheredElement) {
    this.#elements = new Map(entriesOf(tracks).map(({ number, elements }) => [number, elements]));
  }

  /** Whether another Tracks says nothing but what stands here. */
  have(tracks: GatheredElement): boolean {
    return entriesOf(tracks).every(({ number, elements }) => {
      const own = number === undefined ? undefined : this.#elements.get(number);
      return own !== undefined && areSame(own, elements);
    });
  }
}

function entriesOf({ root, elements }: GatheredElement): Entry[] {
  const entries: Entry[] = [];
  for (const element of elements) {
    if (element === root) continue;
    if (element.parent?.type === Mkv.Tracks) entries.push({ number: undefined, elements: [] });
    const entry = entries.at(-1);
    entry?.elements.push(element);
    if (entry !== undefined && element.kind === 'data' && element.is(Mkv.TrackNumber))
      entry.number = integerOf(element);
  }
  return entries;
}
