import type { EbmlErrorCode } from './errors.js';
import { decodeUint } from './values.js';
import { MAX_HEADER_LENGTH, readVint, vintLength } from './vint.js';

/** What {@link HeaderReader.read} says when the bytes end before the header does. */
export const INCOMPLETE = 0;

/** Fields of up to so many bytes, as nearly all are, are read with the engine's small integers. */
const SHORT = 4;

/** Reads the header of an element, its id and data size (RFC 8794 sections 5 and 6), within the limits of the document. */
export class HeaderReader {
  /** EBMLMaxIDLength of the document; not more than 7, so that an id is an exact number. */
  maxIdLength = 4;
  /** EBMLMaxSizeLength of the document. */
  maxSizeLength = 8;
  /** The id last read, with its length marker. */
  id = 0;
  /** The data size last read; `undefined` when unknown. */
  dataSize: number | undefined = 0;
  /** How many bytes a header that was {@link INCOMPLETE} has at least. */
  needed = 0;
  /** The length of the id last read, in bytes. */
  idLength = 0;
  /** How much of the header at hand lies in earlier chunks. */
  begun = 0;
  readonly #beginning = new Uint8Array(MAX_HEADER_LENGTH);
  readonly #refuse: (code: EbmlErrorCode, position: number, text: string) => void;

  /** @param refuse is told what is wrong with a header, and at which of its bytes; it throws */
  constructor(refuse: (code: EbmlErrorCode, position: number, text: string) => void) {
    this.#refuse = refuse;
  }

  /** What of the header at hand lies in earlier chunks. */
  get beginning(): Uint8Array {
    return this.#beginning.slice(0, this.begun);
  }

  /** Whether the header at hand goes on behind a chunk that comes next. `false` also when a look at its size field, or at an error, is due. */
  goesOnBehind(chunk: Uint8Array): boolean {
    if (this.begun === 0) {
      const idLength = vintLength(chunk[0]!);
      this.needed = idLength > this.maxIdLength ? 0 : idLength + 1;
    }
    return this.begun + chunk.length < this.needed;
  }

  /** Takes a chunk that the header at hand {@link HeaderReader.goesOnBehind}. */
  begin(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length; i++) this.#beginning[this.begun++] = chunk[i]!;
  }

  /** Takes the next byte of a header that was {@link INCOMPLETE}, or of one that begins; otherwise as {@link HeaderReader.read}. */
  readOn(byte: number): number {
    this.#beginning[this.begun++] = byte;
    const length = this.read(this.#beginning, 0, this.begun);
    if (length !== INCOMPLETE) this.begun = 0;
    return length;
  }

  /** @returns the length of the header that begins at `start`, {@link INCOMPLETE} when it goes on past `end` */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return this.#lacks(1);
    const idLength = vintLength(bytes[start]!);
    if (idLength > this.maxIdLength) this.#refuse('InvalidId', 0, 'no element id begins here');
    const sizeStart = start + idLength;
    if (sizeStart >= end) return this.#lacks(idLength + 1);
    if (isAllOnes(bytes, start, idLength)) this.#refuse('InvalidId', idLength - 1, 'a reserved element id');
    const sizeLength = vintLength(bytes[sizeStart]!);
    if (sizeLength > this.maxSizeLength) this.#refuse('InvalidSize', idLength, 'no data size begins here');
    const length = idLength + sizeLength;
    if (start + length > end) return this.#lacks(length);
    this.id = idLength <= SHORT ? readInt(bytes, start, sizeStart) : decodeUint(bytes, start, sizeStart);
    this.idLength = idLength;
    if (sizeLength <= SHORT) {
      const unknownSize = (1 << (7 * sizeLength)) - 1;
      const size = readInt(bytes, sizeStart, start + length) & unknownSize;
      this.dataSize = size === unknownSize ? undefined : size;
    } else {
      this.dataSize = isAllOnes(bytes, sizeStart, sizeLength) ? undefined : readVint(bytes, sizeStart, sizeLength);
      if ((this.dataSize ?? 0) > Number.MAX_SAFE_INTEGER)
        this.#refuse('ElementTooLarge', length - 1, 'a data size beyond 2^53 - 1');
    }
    return length;
  }

  #lacks(needed: number): number {
    this.needed = needed;
    return INCOMPLETE;
  }
}

/** An unsigned integer of up to 4 bytes and 31 bits. */
function readInt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = (value << 8) | bytes[i]!;
  return value;
}

/** Whether all bits of a variable-size integer are set: a reserved id, the unknown size. */
export function isAllOnes(bytes: Uint8Array, start: number, length: number): boolean {
  if (bytes[start] !== 0xff >>> (length - 1)) return false;
  for (let i = 1; i < length; i++) if (bytes[start + i] !== 0xff) return false;
  return true;
}

/** A byte or id in hexadecimal, as error messages show it. */
export function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
