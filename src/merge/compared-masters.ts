import type { EbmlElementType } from '../ebml/element-type.js';
import { Mkv, type MkvMasterType } from '../mkv/elements.js';

/** The masters that must be the same for documents to be merged. */
export class ComparedMasters {
  /** The masters. */
  readonly types: ReadonlySet<MkvMasterType>;
  /** The children of the Segment, or the roots, that they are or stand in. */
  readonly #roots: ReadonlySet<EbmlElementType>;
  readonly #isAll: boolean;

  constructor(types: Iterable<MkvMasterType>) {
    this.types = new Set(types);
    this.#roots = new Set([...this.types].map(rootOf));
    this.#isAll = this.#roots.has(Mkv.Segment);
  }

  /** Whether there is something to compare in a child of the Segment, or a root, of the type. */
  areIn(type: EbmlElementType): boolean {
    return this.#isAll || this.#roots.has(type);
  }
}

function rootOf(type: EbmlElementType): EbmlElementType {
  let root = type;
  while (root.parent !== undefined && root.parent !== Mkv.Segment) root = root.parent;
  return root;
}
