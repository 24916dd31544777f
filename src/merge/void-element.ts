import type { Bytes } from '../ebml/bytes.js';
import { sizeLength } from '../ebml/vint.js';
import { concatBytes, writeHeader } from '../ebml/writer.js';
import { Mkv } from '../mkv/elements.js';

/**
 * A Void element (RFC 8794 section 11.3.2) that takes up `length` bytes with its header; the data are zeros.
 *
 * @throws RangeError when `length` is below 2, the smallest an element can be
 */
export function voidElement(length: number): Bytes {
  const header = voidHeader(length);
  return concatBytes([header, new Uint8Array(length - header.length)]);
}

/** The header of such an element. Throws as {@link voidElement}. */
export function voidHeader(length: number): Bytes {
  if (length < 2) throw new RangeError(`no element has ${length} bytes`);
  let width = 1;
  while (sizeLength(length - 1 - width) > width) width++;
  return writeHeader(Mkv.Void, length - 1 - width, { sizeLength: width });
}
