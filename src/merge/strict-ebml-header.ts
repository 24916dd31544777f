import { acceptHeaderElement, isHeaderElement } from '../ebml/document-header.js';
import { writeElement, writeMaster } from '../ebml/writer.js';
import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { DOC_TYPES } from '../mkv/mkv-parser.js';

// A reader can tolerate an EBML header that says what it does not support. What is written has to be right for those that do not.

type Opening = MkvStartMasterElement | MkvDataElement;

/** The EBML header of a document that has none, or one that says what no reader supports although its elements can be read. */
const EBML_HEADER = writeMaster(Mkv.EBML, [
  writeElement(Mkv.EBMLVersion, 1),
  writeElement(Mkv.EBMLReadVersion, 1),
  writeElement(Mkv.EBMLMaxIDLength, 4),
  writeElement(Mkv.EBMLMaxSizeLength, 8),
  writeElement(Mkv.DocType, 'matroska'),
  writeElement(Mkv.DocTypeVersion, 4),
  writeElement(Mkv.DocTypeReadVersion, 2),
]);

/**
 * The EBML header to write in the place of one.
 *
 * @param elements the header and what is in it; `undefined` where there is none
 * @returns `undefined` where it is right
 */
export function strictEbmlHeader(elements: readonly Opening[] | undefined): Uint8Array | undefined {
  const isRight = elements?.every((element) => {
    if (element.kind !== 'data' || !isHeaderElement(element.type)) return true;
    const { bytes, start, dataSize, type } = element;
    return acceptHeaderElement(type, bytes, start, start + dataSize, DOC_TYPES, { maxIdLength: 0, maxSizeLength: 0 });
  });
  return isRight === true ? undefined : EBML_HEADER;
}
