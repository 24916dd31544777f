import type { EbmlElementType } from './element-type.js';

/** Which elements someone asked for, and which masters have to be entered to find them. Parsers that are asked for the same may share one. */
export class ElementFilter implements Iterable<EbmlElementType> {
  readonly #taken: ReadonlySet<EbmlElementType> | undefined;
  readonly #entered = new Set<EbmlElementType>();
  #entersAll = false;
  // Most elements are of the type of the one before.
  #last: EbmlElementType | undefined;
  #takesLast = false;

  /** @param elements what was asked for; `undefined` for everything */
  constructor(elements: Iterable<EbmlElementType> | undefined) {
    this.#taken = elements && new Set(elements);
    this.#entersAll = elements === undefined;
    for (const type of this.#taken ?? []) {
      // A global element may stand in every master.
      if (type.global) this.#entersAll = true;
      if (type.recursive) this.#entered.add(type);
      for (let { parent } = type; parent !== undefined; { parent } = parent) this.#entered.add(parent);
    }
  }

  /** What was asked for, which may be a filter already. */
  static of(elements: Iterable<EbmlElementType> | undefined): ElementFilter {
    return elements instanceof ElementFilter ? elements : new ElementFilter(elements);
  }

  /** What was asked for; nothing where that is everything. */
  [Symbol.iterator](): Iterator<EbmlElementType> {
    return (this.#taken ?? new Set<EbmlElementType>()).values();
  }

  /** Whether elements of the type were asked for. */
  takes(type: EbmlElementType): boolean {
    if (this.#taken === undefined) return true;
    if (type !== this.#last) {
      this.#last = type;
      this.#takesLast = this.#taken.has(type);
    }
    return this.#takesLast;
  }

  /** Whether a master of the type may hold elements that were asked for. */
  enters(type: EbmlElementType): boolean {
    return this.#entersAll || this.#entered.has(type);
  }
}
