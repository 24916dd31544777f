import { sameBytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import type { MkvDataElement, MkvElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { MkvMasterType } from '../mkv/elements.js';
import { DETACHED_OVERHEAD, expectHoldable, weightOf } from '../mkv/holding.js';
import { MkvElementVisitor } from './visitor.js';

/**
 * Keeps what the masters of one type consist of, for comparing them; used for small masters like EBML and Tracks. Its methods throw
 * `MkvParseError` `ElementTooLarge` for a master of more than 64 MiB, with 700 bytes for each element.
 */
export class MkvChildElementCollector extends MkvElementVisitor {
  readonly #type: EbmlElementType;
  #open: MkvStartMasterElement | undefined;
  #elements: MkvElement[] = [];
  #weight = 0;

  /** @param type the masters to look into */
  constructor(type: MkvMasterType) {
    super();
    this.#type = type;
  }

  /** All elements within the newest master of the type, in order: data elements with bytes of their own, beginnings and ends. */
  get elements(): readonly MkvElement[] {
    return this.#elements;
  }

  /** Whether the newest masters of two collectors have the same elements with the same data, however their sizes are written. */
  equivalent(other: MkvChildElementCollector): boolean {
    const mine = this.#elements;
    const theirs = other.#elements;
    return mine.length === theirs.length && mine.every((element, index) => sameElement(element, theirs[index]!));
  }

  override visitStart(element: MkvStartMasterElement): void {
    if (this.#open !== undefined) {
      this.#keep(element);
    } else if (element.type === this.#type) {
      this.#open = element;
      this.#elements = [];
      this.#weight = 0;
    }
  }

  override visitEnd(element: MkvEndMasterElement): void {
    if (element.start === this.#open) this.#open = undefined;
    else if (this.#open !== undefined) this.#elements.push(element);
  }

  override visitData(element: MkvDataElement): void {
    if (this.#open === undefined) return;
    this.#weight += DETACHED_OVERHEAD;
    this.#keep(element.detach());
  }

  #keep(element: MkvStartMasterElement | MkvDataElement): void {
    this.#weight += weightOf(element);
    expectHoldable(this.#weight, element);
    this.#elements.push(element);
  }
}

function sameElement(a: MkvElement, b: MkvElement): boolean {
  if (a.kind !== b.kind || a.type.id !== b.type.id) return false;
  if (a.kind !== 'data' || b.kind !== 'data') return true;
  return sameBytes(a.data, b.data);
}
