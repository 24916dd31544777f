import type { Bytes } from '../ebml/bytes.js';
import { acceptHeaderElement, isHeaderElement } from '../ebml/document-header.js';
import { writeEbmlHeader } from '../mkv/ebml-header.js';
import { Mkv } from '../mkv/elements.js';
import { DOC_TYPES } from '../mkv/mkv-parser.js';
import { integerOf } from './integer-of.js';
import { type Opening, strictForm } from './strict-form.js';

// A reader can tolerate an EBML header that says what it does not support. What is written has to be right for those that do not.

const LONGEST_SIZE = 8;

/**
 * The EBML header to write in the place of one.
 *
 * @param elements the header and what is in it; `undefined` where there is none
 * @returns a plain one where there is none, or one that says what no reader supports although its elements can be read; `undefined` where it is
 * right
 */
export function strictEbmlHeader(elements: readonly Opening[] | undefined): Bytes | undefined {
  if (elements === undefined) return writeEbmlHeader();
  let docType: string | undefined;
  let isSupported = true;
  for (const element of elements) {
    if (element.kind !== 'data' || !isHeaderElement(element.type)) continue;
    const { bytes, start, dataSize, type } = element;
    const limits = { maxIdLength: 0, maxSizeLength: 0 };
    const isAccepted = acceptHeaderElement(type, bytes, start, start + dataSize, DOC_TYPES, limits);
    if (element.is(Mkv.DocType)) docType = isAccepted ? element.value : undefined;
    // What is written may have longer sizes than what was read.
    const isShort = element.is(Mkv.EBMLMaxSizeLength) && (integerOf(element) ?? 0) < LONGEST_SIZE;
    isSupported &&= isAccepted && !isShort;
  }
  return isSupported ? strictForm(elements) : writeEbmlHeader(docType);
}
