import {
  canDescendFrom,
  type EbmlElementType,
  type EbmlSchema,
  isDocument,
  isLandmark,
  isSizeOf,
} from './element-type.js';
import { isAllOnes } from './header.js';
import { decodeUint } from './values.js';
import { readVint, vintLength } from './vint.js';

/** What the bytes at a place say about an element beginning there: none can. */
export const IMPOSSIBLE = 0;
/** It depends on bytes that have not arrived. */
export const OPEN = 1;
/** One may, but bytes of any kind often look so. */
export const POSSIBLE = 2;
/** One does: its id belongs there, its size fits, its data begin right. Other bytes seldom look so. */
export const PLAIN = 3;
/** What {@link ElementSight.look} says. */
export type Sight = typeof IMPOSSIBLE | typeof OPEN | typeof POSSIBLE | typeof PLAIN;

/** The part of an open master that tells what may stand in it. */
export interface Surroundings {
  readonly type: EbmlElementType;
  /** Where it ends at the latest. */
  readonly end: number;
  readonly sizeKnown: boolean;
  /** Where it ended by its size before that was given up; `undefined` when it was not. */
  readonly saidEnd?: number | undefined;
  readonly parent: Surroundings | undefined;
}

/** Tells whether binary data of a type may begin with the bytes at `start`; `undefined` where nothing is known of them. */
export type DataLook = (type: EbmlElementType, bytes: Uint8Array, start: number, size: number) => boolean | undefined;

/** How many bytes of the data a {@link DataLook} may look at. */
export const LOOKED_AT = 4;

const LONGEST_ID = 4;
const LONGEST_SIZE = 8;

/** Looks at the place of an element without reading it. What was seen there last is in the properties. */
export class ElementSight {
  /** `undefined` for an id that the schema does not have. */
  type: EbmlElementType | undefined;
  headerSize = 0;
  /** `undefined` when unknown. */
  dataSize: number | undefined;
  /** The master that the element stands in. */
  parent: Surroundings | undefined;
  /** Whether the element is one that is read there with a warning only. */
  misplaced = false;
  /** Whether the element can begin there only if a master ends before its size says. */
  breaksOut = false;
  /** How many bytes from the place on have to be there when it is open. */
  needed = 0;
  readonly #schema: EbmlSchema;
  readonly #dataLook: DataLook | undefined;
  readonly #maxElementSize: number;

  constructor(schema: EbmlSchema, maxElementSize: number, dataLook: DataLook | undefined) {
    this.#schema = schema;
    this.#maxElementSize = maxElementSize;
    this.#dataLook = dataLook;
  }

  /** Whether the header seen last has a size, and one that a data element may have. */
  get hasModestSize(): boolean {
    return this.dataSize !== undefined && this.dataSize <= this.#maxElementSize;
  }

  /** The length of the whole element seen last; 0 when its size is unknown. */
  get length(): number {
    return this.dataSize === undefined ? 0 : this.headerSize + this.dataSize;
  }

  /**
   * What stands at `at` in `bytes`, of which those before `end` have arrived. The place is at `offset` in the stream and in `top` or behind
   * it.
   */
  look(bytes: Uint8Array, at: number, end: number, offset: number, top: Surroundings | undefined): Sight {
    const sight = this.#readHeader(bytes, at, end);
    if (sight !== PLAIN) return sight;
    const { type } = this;
    this.misplaced = false;
    this.breaksOut = false;
    if (type === undefined) return this.#fits(leave(top, offset), offset) ? POSSIBLE : IMPOSSIBLE;
    const placed = this.#place(type, leave(top, offset));
    this.misplaced = placed === POSSIBLE && type.level >= 0;
    if (placed === IMPOSSIBLE || !this.#fits(this.parent, offset)) return IMPOSSIBLE;
    const { dataSize } = this;
    if (isLandmark(type)) return placed;
    if (dataSize === undefined) return type.type === 'master' ? POSSIBLE : IMPOSSIBLE;
    const data = this.#lookAtData(type, bytes, at + this.headerSize, end, dataSize);
    if (data === OPEN) this.needed += this.headerSize;
    return Math.min(data, placed) as Sight;
  }

  #readHeader(bytes: Uint8Array, at: number, end: number): Sight {
    if (at >= end) return this.#open(1);
    const idLength = vintLength(bytes[at]!);
    if (idLength > LONGEST_ID) return IMPOSSIBLE;
    const idEnd = at + idLength;
    if (idEnd >= end) return this.#open(idLength + 1);
    const sizeLength = vintLength(bytes[idEnd]!);
    if (sizeLength > LONGEST_SIZE) return IMPOSSIBLE;
    if (idEnd + sizeLength > end) return this.#open(idLength + sizeLength);
    this.headerSize = idLength + sizeLength;
    this.type = this.#schema.get(decodeUint(bytes, at, idEnd));
    if (this.type === undefined && isAllOnes(bytes, at, idLength)) return IMPOSSIBLE;
    this.dataSize = isAllOnes(bytes, idEnd, sizeLength) ? undefined : readVint(bytes, idEnd, sizeLength);
    return PLAIN;
  }

  #open(needed: number): Sight {
    this.needed = needed;
    return OPEN;
  }

  /** Finds the master that the element stands in, from `top` outwards. */
  #place(type: EbmlElementType, top: Surroundings | undefined): Sight {
    for (let at = top; at !== undefined; at = at.parent) {
      this.parent = at;
      if (type.level < 0 || type.parent === at.type || (type.recursive && type === at.type)) return PLAIN;
      // It is read all the same, with a warning, unless the size of the master is what is wrong.
      if (canDescendFrom(type, at.type) || (at.sizeKnown && !isLandmark(type))) return POSSIBLE;
      if (at.sizeKnown) this.breaksOut = true;
    }
    this.parent = undefined;
    if (type.level < 0) return POSSIBLE;
    return isLandmark(type) ? PLAIN : IMPOSSIBLE;
  }

  #fits(parent: Surroundings | undefined, offset: number): boolean {
    this.parent = parent;
    const { type, dataSize } = this;
    if (dataSize === undefined) return type !== undefined;
    if (type === undefined && dataSize > this.#maxElementSize) return false;
    // The size of a document is often wrong.
    return parent === undefined || isBoundByDocument(parent) || offset + this.headerSize + dataSize <= parent.end;
  }

  #lookAtData(type: EbmlElementType, bytes: Uint8Array, start: number, end: number, size: number): Sight {
    switch (type.type) {
      case 'master':
        return size === 0 ? POSSIBLE : this.#lookAtChild(type, bytes, start, end);
      case 'binary': {
        if (type.global) return type.maxOccurs === 1 && size === 4 ? PLAIN : POSSIBLE;
        const head = Math.min(size, LOOKED_AT);
        if (start + head > end) return this.#open(head);
        const looksRight = this.#dataLook?.(type, bytes, start, size) ?? type.id > 0xff;
        return looksRight ? PLAIN : POSSIBLE;
      }
      case 'string':
      case 'utf-8':
        return PLAIN;
      default:
        return isSizeOf(type, size) ? PLAIN : POSSIBLE;
    }
  }

  #lookAtChild(type: EbmlElementType, bytes: Uint8Array, start: number, end: number): Sight {
    if (start >= end) return this.#open(1);
    const idLength = vintLength(bytes[start]!);
    if (idLength > LONGEST_ID) return POSSIBLE;
    if (start + idLength > end) return this.#open(idLength);
    const child = this.#schema.get(decodeUint(bytes, start, start + idLength));
    return child !== undefined && (child.parent === type || child.global) ? PLAIN : POSSIBLE;
  }
}

/** Where the open masters end by their sizes that an element of the type cannot begin in, the innermost first. */
export function endsAgainst(type: EbmlElementType, top: Surroundings | undefined): number[] {
  const ends: number[] = [];
  for (let at = top; at !== undefined && !canDescendFrom(type, at.type); at = at.parent) {
    const end = saidEndOf(at);
    if (end !== undefined) ends.push(end);
  }
  return ends;
}

/** Where the document that is open ends by its size. */
export function documentEnd(top: Surroundings | undefined): number | undefined {
  let at = top;
  while (at?.parent !== undefined) at = at.parent;
  return at !== undefined && isDocument(at.type) ? saidEndOf(at) : undefined;
}

function saidEndOf({ end, sizeKnown, saidEnd }: Surroundings): number | undefined {
  return sizeKnown ? end : saidEnd;
}

/** Whether nothing but the size of the document, which is often wrong, tells where a master ends. */
export function isBoundByDocument(master: Surroundings): boolean {
  let at = master;
  while (!at.sizeKnown && at.parent !== undefined) at = at.parent;
  return isDocument(at.type);
}

/** The innermost of the open masters that does not end before `offset`, or there. */
export function leave(top: Surroundings | undefined, offset: number): Surroundings | undefined {
  let at = top;
  while (at !== undefined && offset >= at.end) at = at.parent;
  return at;
}
