import type { Bytes } from '../ebml/bytes.js';
import { writeElement, writeMaster } from '../ebml/writer.js';
import { Mkv } from './elements.js';

/** The EBML header of a document (RFC 8794 section 11.2), as plain as a reader of Matroska wants it. */
export function writeEbmlHeader(docType = 'matroska'): Bytes {
  return writeMaster(Mkv.EBML, [
    writeElement(Mkv.EBMLVersion, 1),
    writeElement(Mkv.EBMLReadVersion, 1),
    writeElement(Mkv.EBMLMaxIDLength, 4),
    writeElement(Mkv.EBMLMaxSizeLength, 8),
    writeElement(Mkv.DocType, docType),
    writeElement(Mkv.DocTypeVersion, 4),
    writeElement(Mkv.DocTypeReadVersion, 2),
  ]);
}
