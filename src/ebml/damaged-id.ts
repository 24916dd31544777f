import { type EbmlElementType, type EbmlSchema, isLandmark } from './element-type.js';
import { isAllOnes } from './header.js';
import { decodeUint } from './values.js';
import { idLength, readVint, vintLength } from './vint.js';

/** How much of an element's beginning {@link damagedElement} looks at, in bytes. */
export const EXAMINED = 64;

/** How many children behind each other tell what master they are of. */
const CHILDREN = 2;

/**
 * What an element of unknown id is when the id is damaged rather than of an extension: an id that differs in one bit from that of a master or
 * a mandatory element which may stand there, or data that are the children of such a master.
 *
 * @param bytes the element's beginning, header and data, as far as the data go
 * @param size of the whole element
 * @param parent that it stands in
 * @returns the element that it must have been; `undefined` where nothing speaks for damage
 */
export function damagedElement(
  schema: EbmlSchema,
  bytes: Uint8Array,
  headerSize: number,
  size: number,
  parent: EbmlElementType,
): EbmlElementType | undefined {
  return (
    oneBitFrom(schema, bytes, vintLength(bytes[0]!), parent) ??
    oneBitFrom(schema, bytes, 4, parent) ??
    (parent.level < 2 ? masterOf(schema, bytes, headerSize, size, parent) : undefined)
  );
}

/** Fewer bytes that are text are not unusual in an element. */
const SHORTEST_TEXT = 24;

/**
 * Whether an element of unknown id, its beginning as for {@link damagedElement}, is text that stands where elements should: an error's JSON,
 * HTML. Ids and sizes are seldom letters all of them.
 */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.length < SHORTEST_TEXT) return false;
  for (let at = 0; at < SHORTEST_TEXT; at++) {
    const byte = bytes[at]!;
    const isSpace = byte === 0x09 || byte === 0x0a || byte === 0x0d;
    if (!isSpace && (byte < 0x20 || byte > 0x7e)) return false;
  }
  return true;
}

/**
 * The element that one of unknown id may be when one bit of the id is wrong, which may be its length: a child of `parent`, or one that may stand
 * everywhere. An extension may have such an id, too.
 *
 * @param bytes the element's beginning
 */
export function nearElement(
  schema: EbmlSchema,
  bytes: Uint8Array,
  parent: EbmlElementType,
): EbmlElementType | undefined {
  let id = 0;
  for (let length = 1; length <= 4 && length <= bytes.length; length++) {
    id = ((id << 8) | bytes[length - 1]!) >>> 0;
    for (const type of childrenOf(schema, parent)[length]!) {
      const difference = (id ^ type.id) >>> 0;
      if ((difference & (difference - 1)) === 0) return type;
    }
  }
  return undefined;
}

type Children = readonly (readonly EbmlElementType[])[];
const CHILDREN_OF = new WeakMap<EbmlSchema, Map<EbmlElementType, Children>>();

/** What may stand in an element, by the lengths of the ids. */
function childrenOf(schema: EbmlSchema, parent: EbmlElementType): Children {
  let known = CHILDREN_OF.get(schema);
  if (known === undefined) {
    known = new Map();
    CHILDREN_OF.set(schema, known);
  }
  let children = known.get(parent);
  if (children === undefined) {
    const all = [...schema.values()].filter(
      (type) => type.parent === parent || type.global || (type.recursive && type === parent),
    );
    children = [0, 1, 2, 3, 4].map((length) => all.filter(({ id }) => idLength(id) === length));
    known.set(parent, children);
  }
  return children;
}

/** The landmark whose id differs in one bit from the four bytes at `at`. */
export function damagedLandmark(schema: EbmlSchema, bytes: Uint8Array, at: number): EbmlElementType | undefined {
  const id = decodeUint(bytes, at, at + 4);
  for (let bit = 0; bit < 32; bit++) {
    const type = schema.get((id ^ (1 << bit)) >>> 0);
    if (type !== undefined && isLandmark(type)) return type;
  }
  return undefined;
}

function oneBitFrom(
  schema: EbmlSchema,
  bytes: Uint8Array,
  length: number,
  parent: EbmlElementType,
): EbmlElementType | undefined {
  if (length > 4 || bytes.length < length) return undefined;
  const id = decodeUint(bytes, 0, length);
  for (let bit = 0; bit < 8 * length; bit++) {
    const type = schema.get((id ^ (1 << bit)) >>> 0);
    if (type === undefined) continue;
    const isMaster = type.type === 'master';
    // Of short ids many are one bit apart, and extensions have some of them: they tell where there is hardly another, like TrackEntry.
    const tells = length > 2 ? isMaster || type.minOccurs > 0 : isMaster && type.minOccurs > 0 && parent.level === 1;
    const isOwn = type.parent === parent && tells;
    // Of an element that may begin the next document, too.
    if (isOwn || (type.level === 0 && parent.level === 0 && isLandmark(type))) return type;
  }
  return undefined;
}

/** The master among the children of `parent` whose children the data are. */
function masterOf(
  schema: EbmlSchema,
  bytes: Uint8Array,
  headerSize: number,
  size: number,
  parent: EbmlElementType,
): EbmlElementType | undefined {
  let master: EbmlElementType | undefined;
  let at = headerSize;
  for (let found = 0; found < CHILDREN; ) {
    if (at >= size) return undefined;
    const idEnd = at + vintLength(bytes[at] ?? 0);
    const sizeLength = vintLength(bytes[idEnd] ?? 0);
    if (sizeLength > 8 || idEnd + sizeLength > bytes.length) return undefined;
    const type = schema.get(decodeUint(bytes, at, idEnd));
    const start = idEnd + sizeLength;
    const end = start + (decodeUint(bytes, idEnd, start) - 2 ** (7 * sizeLength));
    if (type === undefined || end > size) return undefined;
    if (!type.global) {
      const holder: EbmlElementType | undefined = type.parent;
      if (holder === undefined || (master ?? holder) !== holder) return undefined;
      if (master === undefined && holder.parent !== parent) return undefined;
      master = holder;
      found++;
    }
    if (type.type === 'master' && !type.global) return isBegunBy(schema, bytes, start, end, type) ? master : undefined;
    at = end;
  }
  return master;
}

/** Whether a child of `master` that fits it stands at `start`; the master's data go on to `end`, `bytes` perhaps not so far. */
function isBegunBy(
  schema: EbmlSchema,
  bytes: Uint8Array,
  start: number,
  end: number,
  master: EbmlElementType,
): boolean {
  const idEnd = start + vintLength(bytes[start] ?? 0);
  if (schema.get(decodeUint(bytes, start, Math.min(idEnd, bytes.length)))?.parent !== master) return false;
  const sizeLength = vintLength(bytes[idEnd] ?? 0);
  if (sizeLength > 8 || idEnd + sizeLength > bytes.length) return true;
  return isAllOnes(bytes, idEnd, sizeLength) || idEnd + sizeLength + readVint(bytes, idEnd, sizeLength) <= end;
}
