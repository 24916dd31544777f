import type { EbmlElementType } from './element-type.js';

/** Which elements someone asked for, and which masters have to be entered to find them. */
export class ElementFilter {
  readonly #taken: ReadonlySet<EbmlElementType> | undefined;
  readonly #entered = new Set<EbmlElementType>();
  #entersAll = false;

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

  /** Whether elements of the type were asked for. */
  takes(type: EbmlElementType): boolean {
    return this.#taken === undefined || this.#taken.has(type);
  }

  /** Whether a master of the type may hold elements that were asked for. */
  enters(type: EbmlElementType): boolean {
    return this.#entersAll || this.#entered.has(type);
  }
}
