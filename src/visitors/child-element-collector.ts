import { sameBytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import type { MkvDataElement, MkvElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { MkvMasterType } from '../mkv/elements.js';
import { MkvElementVisitor } from './visitor.js';

/** Keeps what the masters of one type consist of, for comparing them; used for small masters like EBML and Tracks. */
export class MkvChildElementCollector extends MkvElementVisitor {
  readonly #type: EbmlElementType;
  #open: MkvStartMasterElement | undefined;
  #elements: MkvElement[] = [];

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
      this.#elements.push(element);
    } else if (element.type === this.#type) {
      this.#open = element;
      this.#elements = [];
    }
  }

  override visitEnd(element: MkvEndMasterElement): void {
    if (element.start === this.#open) this.#open = undefined;
    else if (this.#open !== undefined) this.#elements.push(element);
  }

  override visitData(element: MkvDataElement): void {
    if (this.#open !== undefined) this.#elements.push(element.detach());
  }
}

function sameElement(a: MkvElement, b: MkvElement): boolean {
  if (a.kind !== b.kind || a.type.id !== b.type.id) return false;
  if (a.kind !== 'data' || b.kind !== 'data') return true;
  return sameBytes(a.data, b.data);
}
