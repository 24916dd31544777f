import { type EbmlElementType, EbmlId } from './element-type.js';
import type { HeaderReader } from './header.js';
import { decodeString } from './text.js';
import { decodeUint } from './values.js';

const READ: readonly number[] = [
  EbmlId.EBMLMaxIDLength,
  EbmlId.EBMLMaxSizeLength,
  EbmlId.EBMLReadVersion,
  EbmlId.DocType,
];

/** Whether the element stands in the EBML header and says how to read the document, or whether it can be read. */
export function isHeaderElement(type: EbmlElementType): boolean {
  return type.level === 1 && READ.includes(type.id);
}

/**
 * Whether this reader can read a document whose EBML header has such a child (RFC 8794 section 11.2). The limits of ids and sizes
 * that it sets go into `limits`. Its data lies in `bytes` from `start` to `end`.
 */
export function acceptHeaderElement(
  type: EbmlElementType,
  bytes: Uint8Array,
  start: number,
  end: number,
  docTypes: readonly string[] | undefined,
  limits: Pick<HeaderReader, 'maxIdLength' | 'maxSizeLength'>,
): boolean {
  const size = end - start;
  const value = size > 8 ? Number.NaN : size > 0 ? decodeUint(bytes, start, end) : Number(type.defaultValue);
  switch (type.id) {
    case EbmlId.EBMLMaxIDLength:
      if (!(value >= 4 && value <= 8)) return false;
      // Longer ids are no exact numbers.
      limits.maxIdLength = Math.min(value, 7);
      return true;
    case EbmlId.EBMLMaxSizeLength:
      if (!(value >= 1 && value <= 8)) return false;
      limits.maxSizeLength = value;
      return true;
    case EbmlId.EBMLReadVersion:
      return value <= 1;
    case EbmlId.DocType:
      return docTypes === undefined || docTypes.includes(decodeString(bytes, start, end));
    default:
      return true;
  }
}
