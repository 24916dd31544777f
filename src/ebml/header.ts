import { vintLength } from './vint.js';

/** What {@link HeaderReader.read} says when the bytes end before the header does. */
export const INCOMPLETE = 0;

/** Reads the header of an element, its id and data size (RFC 8794 sections 5 and 6), within the limits of the document. */
export class HeaderReader {
  /** EBMLMaxIDLength of the document. */
  maxIdLength = 4;
  /** EBMLMaxSizeLength of the document. */
  maxSizeLength = 8;
  /** The id last read, with its length marker. */
  id = 0;
  /** The data size last read; `undefined` when unknown. */
  dataSize: number | undefined = 0;
  /** The length of the id last read, in bytes. */
  idLength = 0;
  /** Why the last header is refused, and at which of its bytes; to be looked at after {@link HeaderReader.read} gave -1. */
  fault: { code: 'InvalidId' | 'InvalidSize' | 'ElementTooLarge'; position: number; text: string } | undefined;

  /**
   * @returns the length of the header that begins at `start`, {@link INCOMPLETE} when it goes on past `end`, -1 when it is
   * none, for the reason left in `fault`
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return INCOMPLETE;
    const first = bytes[start]!;
    const idLength = vintLength(first);
    if (idLength > this.maxIdLength || idLength > 7) {
      return this.#refuse(
        'InvalidId',
        0,
        `0x${hex(first)} does not begin an element id of up to ${this.maxIdLength} bytes`,
      );
    }
    let at = start + idLength;
    if (at >= end) return INCOMPLETE;
    let id = first;
    for (let i = start + 1; i < at; i++) id = id * 256 + bytes[i]!;
    // A reserved id: all bits of its value set.
    if (first === 0xff >>> (idLength - 1) && id === 2 ** (7 * idLength + 1) - 1) {
      return this.#refuse('InvalidId', idLength - 1, `0x${hex(id)} is a reserved element id`);
    }
    const sizeFirst = bytes[at]!;
    const sizeLength = vintLength(sizeFirst);
    if (sizeLength > this.maxSizeLength) {
      return this.#refuse(
        'InvalidSize',
        idLength,
        `0x${hex(sizeFirst)} does not begin a data size of up to ${this.maxSizeLength} bytes`,
      );
    }
    const headerEnd = at + sizeLength;
    if (headerEnd > end) return INCOMPLETE;
    const mask = 0xff >>> sizeLength;
    let size = sizeFirst & mask;
    let unknown = size === mask;
    while (++at < headerEnd) {
      const byte = bytes[at]!;
      size = size * 256 + byte;
      unknown = unknown && byte === 0xff;
    }
    if (size > Number.MAX_SAFE_INTEGER && !unknown) {
      return this.#refuse('ElementTooLarge', headerEnd - start - 1, 'a data size beyond 2^53 - 1');
    }
    this.id = id;
    this.idLength = idLength;
    this.dataSize = unknown ? undefined : size;
    return headerEnd - start;
  }

  #refuse(code: 'InvalidId' | 'InvalidSize' | 'ElementTooLarge', position: number, text: string): -1 {
    this.fault = { code, position, text };
    return -1;
  }
}

/** A byte or id in hexadecimal, as error messages show it. */
export function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
