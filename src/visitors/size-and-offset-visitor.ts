import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import type { MaybePromise } from '../mkv/element-visitor.js';
import { MkvElementVisitor } from './visitor.js';

/** Where an element lies in the stream. */
export interface ElementPlace {
  /** The element's name; `undefined` for an id that Matroska does not know. */
  readonly name: string | undefined;
  /** The number of masters that hold it. */
  readonly level: number;
  /** Of its first byte, from the start of the stream. */
  readonly offset: number;
  /** Length of id and size, in bytes. */
  readonly headerSize: number;
  /** Length of the data in bytes; `undefined` when unknown. */
  readonly dataSize: number | undefined;
}

/** Reports the position and the size of each element. */
export class ElementSizeAndOffsetVisitor extends MkvElementVisitor {
  readonly #report: (place: ElementPlace) => MaybePromise;

  /** @param report is told of each master at its beginning and of each data element; a promise is waited for */
  constructor(report: (place: ElementPlace) => MaybePromise) {
    super();
    this.#report = report;
  }

  override visitStart(element: MkvStartMasterElement): MaybePromise {
    return this.#report(placeOf(element));
  }

  override visitData(element: MkvDataElement): MaybePromise {
    return this.#report(placeOf(element));
  }
}

function placeOf(element: MkvStartMasterElement | MkvDataElement): ElementPlace {
  const { type, offset, headerSize, dataSize, path } = element;
  return { name: type.name, level: path.length, offset, headerSize, dataSize };
}
