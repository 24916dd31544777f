/** The element types of RFC 8794 section 7. */
export type EbmlValueType =
  /** Holds other elements. */
  | 'master'
  /** An unsigned integer of 0 to 8 bytes. */
  | 'uinteger'
  /** A signed integer of 0 to 8 bytes, two's complement. */
  | 'integer'
  /** A floating-point number of 0, 4 or 8 bytes, IEEE 754. */
  | 'float'
  /** ASCII text, which may be padded with NULs. */
  | 'string'
  /** UTF-8 text, which may be padded with NULs. */
  | 'utf-8'
  /** Nanoseconds since 2001-01-01T00:00:00 UTC, a signed integer of 8 bytes. */
  | 'date'
  /** Bytes that EBML does not interpret. */
  | 'binary';

/** One line of an EBML schema: what the format says of an element (RFC 8794 section 11.1.6). */
export interface EbmlElementType {
  /** The id with its length marker, as it is stored: 0x1A45DFA3 for EBML. */
  readonly id: number;
  /** The element's name in the schema; `undefined` for an id that the schema does not have. */
  readonly name: string | undefined;
  /** How the data is to be read. Elements that the schema does not have are `binary`. */
  readonly type: EbmlValueType;
  /** The master that holds this element; `undefined` for root elements, global elements and unknown ones. */
  readonly parent: EbmlElementType | undefined;
  /** How many masters enclose the element: 0 for a root element; -1 for global and unknown elements, which occur at any level. */
  readonly level: number;
  /** The path as schemas write it: `\Segment\Tags\Tag\+SimpleTag`. Empty for unknown elements. */
  readonly path: string;
  /** How often the parent must have it, at least. */
  readonly minOccurs: number;
  /** How often the parent may have it; `Infinity` when there is no limit. */
  readonly maxOccurs: number;
  /** Whether it may be repeated with the same content (Info, Tracks, Chapters). */
  readonly recurring: boolean;
  /** Whether it may hold itself (SimpleTag, ChapterAtom). */
  readonly recursive: boolean;
  /** Whether the schema lets its size be unknown (Segment, Cluster). */
  readonly unknownSizeAllowed: boolean;
  /** Whether it may occur in every master (Void, CRC-32). */
  readonly global: boolean;
  /** Whether its value identifies something with 64 bits (the UID elements), so that it reads as a `bigint`. */
  readonly identifier: boolean;
  /** What an absent or empty element means; `undefined` where the schema gives no default. */
  readonly defaultValue: number | string | undefined;
  /**
   * The sizes that data of the type may have (RFC 8794 section 7), a bit for each: bit 9 is for all above 8.
   *
   * @internal
   */
  readonly sizes: number;
}

/** Element types by id. */
export type EbmlSchema = ReadonlyMap<number, EbmlElementType>;

/** Sizes of integers: 0 to 8 bytes. */
const UP_TO_8 = 0x1ff;
/** Of what is no number. */
const ANY_SIZE = 0x3ff;
const SIZES: Partial<Record<EbmlValueType, number>> = {
  uinteger: UP_TO_8,
  integer: UP_TO_8,
  float: 0x111,
  date: 0x101,
};

const TYPES: Record<string, EbmlValueType> = {
  m: 'master',
  u: 'uinteger',
  U: 'uinteger',
  i: 'integer',
  f: 'float',
  s: 'string',
  8: 'utf-8',
  d: 'date',
  b: 'binary',
};

/**
 * Reads a schema in a short form: one element in each line, in document order,
 *
 *     LEVEL NAME ID TYPE [DEFAULT]      for example   1Info 1549a966 m!r
 *
 * LEVEL is a digit, or `*` for a global element; ID is in hexadecimal; TYPE is a letter (`m` master, `u` uinteger, `U` a
 * 64-bit identifier, `i` integer, `f` float, `s` string, `8` utf-8, `d` date, `b` binary) and its flags: `!` must occur,
 * `*` may occur any number of times, a digit that many times, `r` recurring, `+` recursive, `?` may have an unknown size.
 */
export function parseSchema(text: string): EbmlElementType[] {
  const open: EbmlElementType[] = [];
  return text
    .trim()
    .split(/\n+/)
    .map((line) => {
      const [head = '', id = '', code = '', fallback] = line.trim().split(' ');
      const level = head.startsWith('*') ? -1 : Number(head[0]);
      const type = makeType(Number.parseInt(id, 16), head.slice(1), level, open[level - 1], code, fallback);
      if (level >= 0) open[level] = type;
      return type;
    });
}

/** The type of an element whose id no schema has: binary data that may stand anywhere. */
export function unknownElementType(id: number): EbmlElementType {
  return makeType(id, undefined, -1, undefined, 'b*');
}

function makeType(
  id: number,
  name: string | undefined,
  level: number,
  parent: EbmlElementType | undefined,
  code: string,
  fallback?: string,
): EbmlElementType {
  const letter = code.slice(0, 1);
  const flags = code.slice(1);
  const maxOccurs = flags.includes('*') ? Number.POSITIVE_INFINITY : Number(/\d/.exec(flags) ?? 1);
  const recursive = flags.includes('+');
  const global = level < 0 && name !== undefined;
  const type = TYPES[letter] ?? 'binary';
  return {
    id,
    name,
    type,
    parent,
    level,
    path:
      level >= 0
        ? `${parent?.path ?? ''}\\${recursive ? '+' : ''}${name}`
        : global
          ? `\\(${maxOccurs === 1 ? '1' : ''}-\\)${name}`
          : '',
    minOccurs: Number(flags.includes('!')),
    maxOccurs,
    recurring: flags.includes('r'),
    recursive,
    unknownSizeAllowed: flags.includes('?'),
    global,
    identifier: letter === 'U',
    defaultValue: fallback === undefined || 's8'.includes(letter) ? fallback : Number(fallback),
    sizes: SIZES[type] ?? ANY_SIZE,
  };
}

/** Whether data of the type may have so many bytes (RFC 8794 section 7). */
export function isSizeOf(type: EbmlElementType, size: number): boolean {
  return ((type.sizes >> (size > 8 ? 9 : size)) & 1) === 1;
}

/** Whether the schema lets `type` stand somewhere below `ancestor`. */
export function canDescendFrom(type: EbmlElementType, ancestor: EbmlElementType): boolean {
  if (type.recursive && type === ancestor) return true;
  for (let parent = type.parent; parent !== undefined; parent = parent.parent) if (parent === ancestor) return true;
  return false;
}

/** Whether the element's id is too long to be met by chance and its place is one that sizes are checked by. */
export function isLandmark(type: EbmlElementType): boolean {
  return type.id >= 0x10000000 && type.level >= 0 && type.level <= 1;
}

/** Whether the element holds a whole document, so that its size is often wrong: it is written before its data are there. */
export function isDocument(type: EbmlElementType): boolean {
  return type.level === 0 && type.unknownSizeAllowed;
}

/** The elements that every EBML document has: its header and the global elements (RFC 8794 sections 11.2 and 11.3). */
export const EBML_SCHEMA = `
0EBML 1a45dfa3 m!
1EBMLVersion 4286 u! 1
1EBMLReadVersion 42f7 u! 1
1EBMLMaxIDLength 42f2 u! 4
1EBMLMaxSizeLength 42f3 u! 8
1DocType 4282 s!
1DocTypeVersion 4287 u! 1
1DocTypeReadVersion 4285 u! 1
1DocTypeExtension 4281 m*
2DocTypeExtensionName 4283 s!
2DocTypeExtensionVersion 4284 u!
*CRC-32 bf b1
*Void ec b*
`;

/** The ids that an EBML reader itself must know. */
export const EbmlId = {
  EBML: 0x1a45dfa3,
  EBMLReadVersion: 0x42f7,
  EBMLMaxIDLength: 0x42f2,
  EBMLMaxSizeLength: 0x42f3,
  DocType: 0x4282,
  Crc32: 0xbf,
  Void: 0xec,
} as const;
