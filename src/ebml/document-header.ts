import { type EbmlElementType, EbmlId } from './element-type.js';
import type { HeaderReader } from './header.js';
import { decodeString, decodeUint } from './values.js';

/** Whether the element stands in the EBML header itself. */
export function isHeaderElement(type: EbmlElementType): boolean {
  return type.level === 1 && type.parent?.id === EbmlId.EBML;
}

/**
 * Whether this reader can read a document whose EBML header has such a child (RFC 8794 section 11.2). The limits of ids and sizes
 * that it sets go into `limits`.
 */
export function acceptHeaderElement(
  type: EbmlElementType,
  data: Uint8Array,
  docTypes: readonly string[] | undefined,
  limits: Pick<HeaderReader, 'maxIdLength' | 'maxSizeLength'>,
): boolean {
  const value = data.length > 8 ? Number.NaN : data.length > 0 ? decodeUint(data) : Number(type.defaultValue);
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
      return docTypes === undefined || docTypes.includes(decodeString(data));
    default:
      return true;
  }
}
