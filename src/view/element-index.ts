import type { EbmlElementType } from '../ebml/element-type.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { MKV_SCHEMA } from '../mkv/elements.js';
import { Column } from './column.js';
import { firstIndex } from './lower-bound.js';

/** The parent of an outermost element. */
const NONE = 0xffffffff;

const UNKNOWN_SIZE = 1;
const TRUNCATED = 2;
const OPEN = 4;
const MASTER = 8;

/** What stands for bytes that were passed over. */
export const DAMAGE_ID = 0;

/** What an element is called by its EBML ID; `undefined` for an unknown one. */
export function nameOfId(id: number): string | undefined {
  return id === DAMAGE_ID ? 'damaged bytes' : MKV_SCHEMA.get(id)?.name;
}

/** What is kept of an element. */
export interface IndexedElement {
  readonly element: number;
  readonly parent: number | undefined;
  readonly id: number;
  /** `undefined` for an unknown id, and for damaged bytes. */
  readonly type: EbmlElementType | undefined;
  readonly level: number;
  readonly offset: number;
  readonly headerSize: number;
  /** By what follows it where `unknownSize`. */
  readonly dataSize: number;
  readonly unknownSize: boolean;
  readonly truncated: boolean;
  readonly open: boolean;
  readonly master: boolean;
}

/**
 * Where every element of a stream is, in some 30 bytes each. Elements are numbered in document order from 0; of a stream that grows, the first
 * ones go again.
 */
export class ElementIndex {
  readonly #most: number;
  readonly #id = Column.integers();
  readonly #offset = Column.floats();
  readonly #dataSize = Column.floats();
  readonly #headerSize = Column.bytes();
  readonly #level = Column.bytes();
  readonly #flags = Column.bytes();
  readonly #parent = Column.integers();
  /** Number of the first element behind all that it holds; of an open master, 0. */
  readonly #next = Column.integers();
  /** The open masters, outermost first. `undefined` for one that is not in the index. */
  readonly #path: (number | undefined)[] = [];
  /** Number of the first element that is kept. */
  first = 0;
  /** How many elements had no place in the index. */
  omitted = 0;

  /** @param most how many elements to keep */
  constructor(most: number) {
    this.#most = most;
  }

  /** Number of the element behind the last one. */
  get end(): number {
    return this.first + this.#id.length;
  }

  /** The innermost open master; `undefined` at the top level. */
  get innermost(): number | undefined {
    return this.#path.at(-1);
  }

  /** A master begins. */
  start({ type, offset, headerSize, dataSize }: MkvStartMasterElement): void {
    const unknown = dataSize === undefined ? UNKNOWN_SIZE : 0;
    this.#path.push(this.#add(type.id, offset, headerSize, dataSize ?? 0, OPEN | MASTER | unknown));
  }

  /** A data element; gives its number, where there is room for it. */
  data({ type, offset, headerSize, dataSize }: MkvDataElement): number | undefined {
    return this.#add(type.id, offset, headerSize, dataSize, 0);
  }

  /** Bytes were passed over. */
  damage(offset: number, length: number): void {
    // What is told late has no place in the order of the others.
    if (this.#offset.length === 0 || offset >= this.#offset.at(this.#offset.length - 1)) {
      this.#add(DAMAGE_ID, offset, 0, length, TRUNCATED);
    }
  }

  /** A master ends. */
  stop({ offset, truncated }: MkvEndMasterElement): void {
    const element = this.#path.pop();
    if (element === undefined || element < this.first) return;
    const at = element - this.first;
    const flags = this.#flags.at(at) & ~OPEN;
    this.#flags.set(at, truncated ? flags | TRUNCATED : flags);
    this.#next.set(at, this.end);
    const isOpenEnded = (flags & UNKNOWN_SIZE) !== 0 || truncated;
    if (isOpenEnded) this.#dataSize.set(at, Math.max(0, offset - this.#offset.at(at) - this.#headerSize.at(at)));
  }

  #add(id: number, offset: number, headerSize: number, dataSize: number, flags: number): number | undefined {
    if (this.#id.length >= this.#most) {
      this.omitted++;
      return undefined;
    }
    const element = this.end;
    this.#id.push(id);
    this.#offset.push(offset);
    this.#headerSize.push(headerSize);
    this.#dataSize.push(dataSize);
    this.#flags.push(flags);
    this.#level.push(Math.min(255, this.#path.length));
    this.#parent.push(this.innermost ?? NONE);
    this.#next.push((flags & MASTER) === 0 ? element + 1 : 0);
    return element;
  }

  /** Whether an element is kept. */
  has(element: number): boolean {
    return element >= this.first && element < this.end;
  }

  /** What is kept of an element; `undefined` where it is not. */
  get(element: number): IndexedElement | undefined {
    if (!this.has(element)) return undefined;
    const at = element - this.first;
    const flags = this.#flags.at(at);
    const parent = this.#parent.at(at);
    const id = this.#id.at(at);
    return {
      element,
      parent: parent === NONE || parent < this.first ? undefined : parent,
      id,
      type: MKV_SCHEMA.get(id),
      level: this.#level.at(at),
      offset: this.#offset.at(at),
      headerSize: this.#headerSize.at(at),
      dataSize: this.#dataSize.at(at),
      unknownSize: (flags & UNKNOWN_SIZE) !== 0,
      truncated: (flags & TRUNCATED) !== 0,
      open: (flags & OPEN) !== 0,
      master: (flags & MASTER) !== 0,
    };
  }

  /** EBML ID of an element that is kept. */
  idOf(element: number): number {
    return this.#id.at(element - this.first);
  }

  /** Number of the element behind all that this one holds. */
  #nextOf(element: number): number {
    return this.#next.at(element - this.first) || this.end;
  }

  /** The children of an element in order, or the outermost elements. */
  *children(parent: number | undefined): Generator<number, void> {
    if (parent !== undefined && (!this.has(parent) || (this.#flags.at(parent - this.first) & MASTER) === 0)) return;
    const end = parent === undefined ? this.end : this.#nextOf(parent);
    for (let at = parent === undefined ? this.first : parent + 1; at < end; at = this.#nextOf(at)) yield at;
  }

  /** How many children an element has by now. */
  countChildren(parent: number | undefined): number {
    let count = 0;
    for (const _ of this.children(parent)) count++;
    return count;
  }

  /** The last element that begins at or before an offset; `undefined` where there is none. */
  lastAt(offset: number): number | undefined {
    const behind = firstIndex(this.#offset.length, (at) => this.#offset.at(at) > offset);
    return behind === 0 ? undefined : this.first + behind - 1;
  }

  /** The innermost element that holds the byte at an offset; `undefined` where none does. */
  innermostAt(offset: number): number | undefined {
    for (let element = this.lastAt(offset); element !== undefined; ) {
      const found = this.get(element);
      if (found === undefined) return undefined;
      const isOpen = found.open && found.unknownSize;
      if (isOpen || offset < found.offset + found.headerSize + found.dataSize) return element;
      element = found.parent;
    }
    return undefined;
  }

  /** Lets go of the elements that begin before an offset. */
  dropBefore(offset: number): void {
    const count = firstIndex(this.#offset.length, (at) => this.#offset.at(at) >= offset);
    this.first += count;
    for (const column of [this.#id, this.#parent, this.#next]) column.drop(count);
    for (const column of [this.#offset, this.#dataSize]) column.drop(count);
    for (const column of [this.#headerSize, this.#level, this.#flags]) column.drop(count);
  }
}
