import type { EbmlElementType } from '../ebml/element-type.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { MkvElementVisitor } from './visitor.js';

/** Counts elements by type: data elements, and masters at their beginning and at their end. */
export class CountVisitor extends MkvElementVisitor {
  readonly #types: ReadonlySet<EbmlElementType> | undefined;
  readonly #counts = new Map<EbmlElementType, number>();
  readonly #ends = new Map<EbmlElementType, number>();

  /** @param types what to count; default: everything that Matroska knows */
  constructor(types?: Iterable<EbmlElementType>) {
    super();
    this.#types = types === undefined ? undefined : new Set(types);
  }

  /** How many elements of a type began. */
  getCount(type: EbmlElementType): number {
    return this.#counts.get(type) ?? 0;
  }

  /** Whether as many masters of a type ended as began. */
  doEndAndStartMatch(type: EbmlElementType): boolean {
    return this.getCount(type) === (this.#ends.get(type) ?? 0);
  }

  /** All counts by element name. */
  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#counts].map(([type, count]) => [type.name ?? '', count]));
  }

  override visitStart(element: MkvStartMasterElement): void {
    this.#add(this.#counts, element.type);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    this.#add(this.#ends, element.type);
  }

  override visitData(element: MkvDataElement): void {
    this.#add(this.#counts, element.type);
  }

  #add(counts: Map<EbmlElementType, number>, type: EbmlElementType): void {
    // Unknown elements each have a type of their own, so counting them would let a stream fill the memory.
    if (type.name === undefined || this.#types?.has(type) === false) return;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
}
