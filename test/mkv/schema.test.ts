import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { unknownElementType } from '../../src/ebml/element-type.js';
import { type EbmlElementType, type EbmlValueType, MKV_SCHEMA, Mkv } from '../../src/index.js';
import { describeNeeding, type Need } from '../support/tools.js';

/** The schema that the IETF's cellar working group publishes beside RFC 9559; it is no part of the project. */
const SCHEMA_FILE = new URL('../../../shared/reference/ebml_matroska.xml', import.meta.url);
const SCHEMA: Need = {
  missing: existsSync(SCHEMA_FILE) ? undefined : `no Matroska schema at ${fileURLToPath(SCHEMA_FILE)}`,
};

/** What the schema says of an element, in the shape of the table's entries. */
type Row = Omit<EbmlElementType, 'parent' | 'identifier' | 'sizes' | 'type'> & {
  type: string;
  parentName: string | undefined;
};

const table: ReadonlyMap<string | undefined, EbmlElementType> = new Map(
  [...MKV_SCHEMA.values()].map((type) => [type.name, type]),
);

function row(type: EbmlElementType | undefined): Row | undefined {
  if (type === undefined) return undefined;
  const { parent, identifier: _, sizes: __, ...rest } = type;
  return { ...rest, parentName: parent?.name };
}

describeNeeding('the element table against the Matroska schema', [SCHEMA], () => {
  const rows = readSchema(readFileSync(SCHEMA_FILE, 'utf8'));

  test('the schema was read', () => {
    expect(rows.length).toBe(262);
    expect(new Set(rows.map((entry) => entry.name)).size).toBe(262);
  });

  test.each(rows)('$name', (entry) => {
    expect(row(table.get(entry.name))).toEqual(entry);
  });

  test('has nothing else than the elements of RFC 8794', () => {
    const names = new Set(rows.map((entry) => entry.name));
    const others = [...table.keys()].filter((name) => !names.has(name));
    expect(others.sort()).toEqual(
      EBML_ELEMENTS.map(([, name]) => name)
        .filter((name) => !names.has(name))
        .sort(),
    );
  });

  test('identifiers are the unsigned integers that end in UID, and AttachmentLink', () => {
    const wanted = rows.filter(
      (entry) => entry.type === 'uinteger' && (entry.name?.endsWith('UID') || entry.name === 'AttachmentLink'),
    );
    expect([...table.values()].filter((type) => type.identifier).map((type) => type.name)).toEqual(
      wanted.map((entry) => entry.name),
    );
  });
});

/** Parent, name, id, type, default, least and most: RFC 8794 sections 11.2 and 11.3. */
const EBML_ELEMENTS: readonly (readonly [
  parent: string | undefined,
  name: string,
  id: number,
  type: EbmlValueType,
  fallback: number | undefined,
  least: number,
  most: number,
])[] = [
  [undefined, 'EBML', 0x1a45dfa3, 'master', undefined, 1, 1],
  ['EBML', 'EBMLVersion', 0x4286, 'uinteger', 1, 1, 1],
  ['EBML', 'EBMLReadVersion', 0x42f7, 'uinteger', 1, 1, 1],
  ['EBML', 'EBMLMaxIDLength', 0x42f2, 'uinteger', 4, 1, 1],
  ['EBML', 'EBMLMaxSizeLength', 0x42f3, 'uinteger', 8, 1, 1],
  ['EBML', 'DocType', 0x4282, 'string', undefined, 1, 1],
  ['EBML', 'DocTypeVersion', 0x4287, 'uinteger', 1, 1, 1],
  ['EBML', 'DocTypeReadVersion', 0x4285, 'uinteger', 1, 1, 1],
  ['EBML', 'DocTypeExtension', 0x4281, 'master', undefined, 0, Number.POSITIVE_INFINITY],
  ['DocTypeExtension', 'DocTypeExtensionName', 0x4283, 'string', undefined, 1, 1],
  ['DocTypeExtension', 'DocTypeExtensionVersion', 0x4284, 'uinteger', undefined, 1, 1],
  [undefined, 'CRC-32', 0xbf, 'binary', undefined, 0, 1],
  [undefined, 'Void', 0xec, 'binary', undefined, 0, Number.POSITIVE_INFINITY],
];

test.each(EBML_ELEMENTS)('%s / %s is as RFC 8794 has it', (parent, name, id, type, fallback, least, most) => {
  const entry = table.get(name);
  expect(entry).toMatchObject({ id, type, minOccurs: least, maxOccurs: most });
  expect(entry?.parent?.name).toBe(parent);
  expect(entry?.defaultValue).toBe(fallback);
  expect(entry?.global).toBe(name === 'CRC-32' || name === 'Void');
  expect(entry?.recurring || entry?.recursive || entry?.unknownSizeAllowed || entry?.identifier).toBe(false);
});

test('an element of an unknown id is binary data that may stand anywhere, any number of times', () => {
  expect(unknownElementType(0x4001)).toEqual({
    id: 0x4001,
    name: undefined,
    type: 'binary',
    parent: undefined,
    level: -1,
    path: '',
    minOccurs: 0,
    maxOccurs: Number.POSITIVE_INFINITY,
    recurring: false,
    recursive: false,
    unknownSizeAllowed: false,
    global: false,
    identifier: false,
    defaultValue: undefined,
    sizes: 0x3ff,
  });
});

describe('the table and its types', () => {
  test('Mkv and MKV_SCHEMA have the same entries', () => {
    expect(Object.values(Mkv)).toEqual([...MKV_SCHEMA.values()]);
    for (const [name, type] of Object.entries(Mkv)) expect(type.name).toBe(name);
    for (const [id, type] of MKV_SCHEMA) expect(type.id).toBe(id);
  });

  test('the unions of element-names.ts name exactly the elements of each kind', () => {
    const source = readFileSync(new URL('../../src/mkv/element-names.ts', import.meta.url), 'utf8');
    const unions = Object.fromEntries(
      [...source.matchAll(/export type (\w+)ElementName =([^;]*);/g)].map(([, kind = '', body = '']) => [
        kind,
        [...body.matchAll(/'([^']+)'/g)].map(([, name]) => name),
      ]),
    );
    const named: Record<string, (string | undefined)[]> = {};
    for (const type of MKV_SCHEMA.values()) {
      const union = unionOf(type);
      named[union] = [...(named[union] ?? []), type.name];
    }
    const sorted = (lists: typeof named) =>
      Object.fromEntries(Object.entries(lists).map(([kind, names]) => [kind, [...names].sort()]));
    expect(sorted(unions)).toEqual(sorted(named));
  });
});

function unionOf(type: EbmlElementType): string {
  if (type.identifier) return 'Identifier';
  if (type.name === 'SimpleBlock' || type.name === 'Block') return 'Block';
  return {
    master: 'Master',
    uinteger: 'Uinteger',
    integer: 'Integer',
    float: 'Float',
    string: 'String',
    'utf-8': 'String',
    date: 'Date',
    binary: 'Binary',
  }[type.type];
}

/** Reads the start tags of all `element` elements; the rest of the file is prose. */
function readSchema(xml: string): Row[] {
  return [...xml.replace(/<!--[\s\S]*?-->/g, '').matchAll(/<element\s([^>]*)>/g)].map(([, tag = '']) => {
    const attributes = new Map([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    const path = attributes.get('path') ?? '';
    const masters = path.split('\\').slice(1, -1);
    const type = attributes.get('type') ?? '';
    return {
      id: Number(attributes.get('id')),
      name: attributes.get('name'),
      type,
      parentName: masters.at(-1)?.replace('+', ''),
      level: masters.length,
      path,
      minOccurs: Number(attributes.get('minOccurs') ?? 0),
      maxOccurs: Number(attributes.get('maxOccurs') ?? Number.POSITIVE_INFINITY),
      recurring: attributes.get('recurring') === '1',
      recursive: attributes.get('recursive') === '1',
      unknownSizeAllowed: attributes.get('unknownsizeallowed') === '1',
      global: false,
      defaultValue: readDefault(type, attributes.get('default')),
    };
  });
}

function readDefault(type: string, text: string | undefined): number | string | undefined {
  if (text === undefined || type === 'string' || type === 'utf-8') return text;
  // Floats are written as in C: 0x1.f4p+12.
  const [, whole, fraction = '', exponent] = /^0x(\d)(?:\.([\da-f]+))?p([+-]\d+)$/.exec(text) ?? [];
  if (whole === undefined) return Number(text);
  return (
    (Number(whole) + (fraction === '' ? 0 : Number.parseInt(fraction, 16) / 16 ** fraction.length)) *
    2 ** Number(exponent)
  );
}
