import type { Bytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { isSizeOf } from '../ebml/element-type.js';
import { sizeLength } from '../ebml/vint.js';
import { concatBytes, writeMaster } from '../ebml/writer.js';
import type { MkvDataElement, MkvElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { isRefusable } from './unknown-element.js';

// Readers tolerate more than the standard allows. What is written has to be right for those that do not.

/** A data element, or the beginning of a master. */
export type Opening = MkvStartMasterElement | MkvDataElement;

const NOTHING: readonly Opening[] = [];

/** Whether an element of the type may not stand right within `parent`. */
export function isMisplaced(type: EbmlElementType, parent: EbmlElementType): boolean {
  return type.level >= 0 && type.parent !== parent && !(type.recursive && type === parent);
}

/** Whether a data element cannot be what its type says: a number of too many bytes, or a CRC-32 of any but 4. */
export function isMisshapen({ type, dataSize }: MkvDataElement): boolean {
  return !isSizeOf(type, dataSize) || (type === Mkv['CRC-32'] && dataSize !== 4);
}

/**
 * An element as the standard wants it: masters that must have a size with theirs, as long as what is in them; without what must not stand
 * there or is misshapen; of what may occur once, one: of data elements the last, as readers have it, of masters one with the children of
 * all. CRC-32s of what changes are left out.
 *
 * @param elements the element and what is in it, in order
 * @param roomy a length that it must not be a single byte shorter than, because no other element is so short
 * @returns `undefined` where it is right as it is
 */
export function strictForm(elements: readonly Opening[], roomy?: number): Bytes | undefined {
  if (isRight(elements)) return undefined;
  const tree = treeOf(elements);
  const bytes = tree.write();
  return bytes.length + 1 === roomy ? tree.write(1) : bytes;
}

/** The same of an element that is to be as long as what is in it, also where its size says something else. */
export function writeStrict(elements: readonly Opening[]): Bytes {
  return treeOf(elements).write();
}

/** What the element does not have any more in that form: without what is in it, where that is a master. */
export function leftOutOf(elements: readonly Opening[]): readonly Opening[] {
  if (isRight(elements)) return NOTHING;
  const leftOut: Opening[] = [];
  treeOf(elements, leftOut).listLeftOut(leftOut);
  return leftOut;
}

/** The children of a master in the same form, but for a CRC-32. */
export function strictChildren(elements: readonly Opening[]): Bytes[] {
  return treeOf(elements).writeChildren();
}

/** An element and what is in it, in the order of the same form. */
export function strictElements(elements: readonly Opening[]): readonly Opening[] {
  return isRight(elements) ? elements : treeOf(elements).list([]);
}

/** Whether there is nothing in an element that a strict reader refuses, so that it is written as it came. */
export function isRight(elements: readonly Opening[]): boolean {
  const [root] = elements;
  if (root === undefined) return true;
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index]!;
    const { type, parent, offset, headerSize, dataSize } = element;
    if (element.kind === 'data' && isMisshapen(element)) return false;
    if (dataSize === undefined && !type.unknownSizeAllowed) return false;
    if (element === root) continue;
    if (parent === undefined || isAnother(element, root)) return false;
    const start = parent.offset + parent.headerSize;
    if (offset + headerSize + (dataSize ?? 0) > start + (parent.dataSize ?? Number.POSITIVE_INFINITY)) return false;
    if (isMisplaced(type, parent.type) || (type === Mkv['CRC-32'] && offset !== start)) return false;
    if (element.kind === 'data' && isRefusable(element, parent.type)) return false;
    if (type.maxOccurs === 1 && occursBefore(elements, index)) return false;
    if (endsEarly(elements[index - 1]!, element)) return false;
  }
  return true;
}

/** Whether an element is another one of the kind of the first, where that may occur once: none stands within its own kind. */
function isAnother({ type }: Opening, first: Opening): boolean {
  return type === first.type && type.maxOccurs === 1;
}

/** Whether a master that `previous` is, or stands in, has ended where `next` begins, before its size says. */
function endsEarly(previous: Opening, next: Opening): boolean {
  let ended = previous.kind === 'start' ? previous : previous.parent;
  for (; ended !== undefined && ended !== next.parent; ended = ended.parent) {
    if (ended.offset + ended.headerSize + (ended.dataSize ?? 0) > next.offset) return true;
  }
  return false;
}

/**
 * Whether another element of the type of one stands before it in the same master. What is between the two is looked at once for each type that
 * may occur once, of which there are few: nothing is allocated for it.
 */
export function occursBefore(elements: readonly MkvElement[], index: number): boolean {
  const { type, parent } = elements[index]!;
  for (let at = index - 1; at >= 0; at--) {
    const before = elements[at]!;
    if (before === parent) return false;
    if (before.type === type && before.parent === parent) return true;
  }
  return false;
}

/**
 * The element and what is in it, without what is wrong.
 *
 * @param misplaced gets what must not stand where it does, or is misshapen
 */
function treeOf(elements: readonly Opening[], misplaced?: Opening[]): Node {
  const [first] = elements;
  if (first === undefined) throw new TypeError('no element');
  const root = new Node(first, undefined);
  // `undefined` for those that are left out with all that is in them.
  const nodes = new Map<Opening, Node | undefined>([[first, root]]);
  for (const element of elements) {
    if (element === first) continue;
    const { parent } = element;
    // Another of the type of the first, where it may occur once: what is in it goes on in the first.
    if (isAnother(element, first)) {
      nodes.set(element, root);
      root.change();
      continue;
    }
    const within = parent !== undefined && nodes.has(parent) ? nodes.get(parent) : root;
    const node = within?.add(element);
    if (node === undefined && within !== undefined) misplaced?.push(element);
    nodes.set(element, node);
  }
  return root;
}

function lengthOf(parts: readonly Bytes[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** An element as it is to be written, with what stands in it. */
class Node {
  readonly element: Opening;
  /** What stands in it; some of it {@link Node.isLeftOut}. */
  readonly children: Node[] = [];
  isLeftOut = false;
  readonly #parent: Node | undefined;
  #isChanged = false;
  #singles: Map<EbmlElementType, Node> | undefined;

  constructor(element: Opening, parent: Node | undefined) {
    this.element = element;
    this.#parent = parent;
    if (element.dataSize === undefined) this.change();
  }

  /** Takes what stands in it. Returns `undefined` where that is left out. */
  add(element: Opening): Node | undefined {
    const { type, offset, headerSize, dataSize } = element;
    const { element: own } = this;
    const start = own.offset + own.headerSize;
    if (offset + headerSize + (dataSize ?? 0) > start + (own.dataSize ?? 0)) this.change();
    const isLateCrc = type === Mkv['CRC-32'] && offset !== start;
    const isWrong = element.kind === 'data' && (isMisshapen(element) || isRefusable(element, own.type));
    if (isMisplaced(type, own.type) || isLateCrc || isWrong) {
      this.change();
      return undefined;
    }
    if (type.maxOccurs === 1) {
      this.#singles ??= new Map();
      const before = this.#singles.get(type);
      if (before !== undefined) {
        this.change();
        if (element.kind === 'start') {
          before.change();
          return before;
        }
        before.isLeftOut = true;
      }
    }
    const node = new Node(element, this);
    this.children.push(node);
    this.#singles?.set(type, node);
    return node;
  }

  /** Says that it cannot be written as it came. */
  change(): void {
    for (let at: Node | undefined = this; at !== undefined && !at.#isChanged; at = at.#parent) at.#isChanged = true;
  }

  /** @param spare how many bytes its size takes up beyond what it needs */
  write(spare = 0): Bytes {
    const { element } = this;
    if (element.kind === 'data') return concatBytes([element.rawHeader, element.data]);
    const kept = this.children.filter(({ isLeftOut }) => !isLeftOut);
    const children = kept.map((child) => child.write());
    // A master that has ended before its size says, or that holds one.
    this.#isChanged ||= lengthOf(children) !== element.dataSize || kept.some((child) => child.#isChanged);
    if (!this.#isChanged) return concatBytes([element.rawHeader, ...children]);
    const right = children.filter((_, index) => kept[index]?.element.type !== Mkv['CRC-32']);
    return writeMaster(element.type, right, { sizeLength: sizeLength(lengthOf(right)) + spare });
  }

  /** Its children, each with all that is in it, but for a CRC-32, which would not be right. */
  writeChildren(): Bytes[] {
    const kept = this.children.filter(({ element, isLeftOut }) => !isLeftOut && !element.is(Mkv['CRC-32']));
    return kept.map((child) => child.write());
  }

  /** Adds to a list what another of its kind has taken the place of. */
  listLeftOut(into: Opening[]): void {
    if (this.isLeftOut) into.push(this.element);
    else for (const child of this.children) child.listLeftOut(into);
  }

  /** Adds the element and what is in it to a list, in order. */
  list(into: Opening[]): Opening[] {
    into.push(this.element);
    for (const child of this.children) if (!child.isLeftOut) child.list(into);
    return into;
  }
}
