import { describe, expect, it, test } from 'vitest';
import { acceptHeaderElement, isHeaderElement } from '../../src/ebml/document-header.js';
import { ElementFilter } from '../../src/ebml/element-filter.js';
import {
  canDescendFrom,
  EBML_SCHEMA,
  type EbmlElementType,
  isLandmark,
  parseSchema,
  unknownElementType,
} from '../../src/ebml/element-type.js';
import { countCrc, crcFault, distrustRootSizes, type OpenMaster, occursAgain } from '../../src/ebml/open-master.js';
import { pathOf } from '../../src/ebml/path.js';
import { Mkv, type EbmlElementType as Type } from '../../src/index.js';

describe('a schema in short', () => {
  // Not at once, but in the tests: a mutant is held against the tests that reach it.
  const read = () =>
    parseSchema(`
    0Root 1a45dfa3 m!
    1List 4281 m*r?
    2Item 63c0 m+3
    3Text 4282 8 eng

    1Other 2ad7b1 U 5
    *Pad ec b*
    *Check bf b1
  `);

  it('says of each element what the letters stand for', () => {
    const [root, list, item, text, other, everywhere, once] = read();
    const base = {
      minOccurs: 0,
      maxOccurs: 1,
      recurring: false,
      recursive: false,
      unknownSizeAllowed: false,
      global: false,
      identifier: false,
      defaultValue: undefined,
      sizes: 0x3ff,
    };
    expect(root).toEqual({
      ...base,
      id: 0x1a45dfa3,
      name: 'Root',
      type: 'master',
      parent: undefined,
      level: 0,
      path: '\\Root',
      minOccurs: 1,
    });
    expect(list).toEqual({
      ...base,
      id: 0x4281,
      name: 'List',
      type: 'master',
      parent: root,
      level: 1,
      path: '\\Root\\List',
      maxOccurs: Number.POSITIVE_INFINITY,
      recurring: true,
      unknownSizeAllowed: true,
    });
    expect(item).toEqual({
      ...base,
      id: 0x63c0,
      name: 'Item',
      type: 'master',
      parent: list,
      level: 2,
      path: '\\Root\\List\\+Item',
      maxOccurs: 3,
      recursive: true,
    });
    expect(text).toMatchObject({ type: 'utf-8', parent: item, maxOccurs: 1, defaultValue: 'eng' });
    expect(other).toMatchObject({ type: 'uinteger', parent: root, level: 1, identifier: true, defaultValue: 5 });
    expect(everywhere).toEqual({
      ...base,
      id: 0xec,
      name: 'Pad',
      type: 'binary',
      parent: undefined,
      level: -1,
      path: '\\(-\\)Pad',
      maxOccurs: Number.POSITIVE_INFINITY,
      global: true,
    });
    expect(once).toMatchObject({ path: '\\(1-\\)Check', global: true, maxOccurs: 1 });
  });

  test.each([
    ['m', 'master'],
    ['u', 'uinteger'],
    ['U', 'uinteger'],
    ['i', 'integer'],
    ['f', 'float'],
    ['s', 'string'],
    ['8', 'utf-8'],
    ['d', 'date'],
    ['b', 'binary'],
  ])('%s is %s', (letter, type) => {
    expect(parseSchema(`0X 81 ${letter}`)[0]?.type).toBe(type);
    // A default is text where the value is.
    const text = letter === 's' || letter === '8';
    expect(parseSchema(`0X 81 ${letter} 7`)[0]?.defaultValue).toBe(text ? '7' : 7);
  });

  it('tells what may stand in what', () => {
    const names = [Mkv.Segment, Mkv.Cluster, Mkv.SimpleTag, Mkv.Tag].map((ancestor) =>
      [Mkv.Segment, Mkv.SimpleBlock, Mkv.SimpleTag, Mkv.TagName, Mkv.Void, Mkv.EBML]
        .filter((type) => canDescendFrom(type, ancestor))
        .map(({ name }) => name),
    );
    expect(names).toEqual([
      ['SimpleBlock', 'SimpleTag', 'TagName'],
      ['SimpleBlock'],
      ['SimpleTag', 'TagName'],
      ['SimpleTag', 'TagName'],
    ]);
  });

  it('has landmarks: elements of four-byte ids at the top of a document', () => {
    const found = [Mkv.EBML, Mkv.Segment, Mkv.Cluster, Mkv.Tags, Mkv.SimpleTag, Mkv.EBMLVersion, Mkv.Void];
    expect(found.filter(isLandmark).map(({ name }) => name)).toEqual(['EBML', 'Segment', 'Cluster', 'Tags']);
    expect(isLandmark(unknownElementType(0x1abcdef0))).toBe(false);
    const deep = parseSchema('0A 81 m\n1B 10000000 m\n2C 10000001 m\n1D fffffff m');
    expect(deep.filter(isLandmark).map(({ name }) => name)).toEqual(['B']);
  });
});

describe('ElementFilter', () => {
  const enters = (filter: ElementFilter) =>
    [Mkv.EBML, Mkv.Segment, Mkv.Cluster, Mkv.BlockGroup, Mkv.Tags, Mkv.Tag, Mkv.SimpleTag]
      .filter((type) => filter.enters(type))
      .map(({ name }) => name);

  it.each<[string, Type[] | undefined, string[]]>([
    ['everything', undefined, ['EBML', 'Segment', 'Cluster', 'BlockGroup', 'Tags', 'Tag', 'SimpleTag']],
    ['nothing', [], []],
    ['a child of the Segment', [Mkv.Cluster], ['Segment']],
    ['something deep', [Mkv.Block], ['Segment', 'Cluster', 'BlockGroup']],
    ['what may hold itself', [Mkv.SimpleTag], ['Segment', 'Tags', 'Tag', 'SimpleTag']],
    ['what may stand anywhere', [Mkv.Void], ['EBML', 'Segment', 'Cluster', 'BlockGroup', 'Tags', 'Tag', 'SimpleTag']],
    ['two things', [Mkv.DocType, Mkv.Timestamp], ['EBML', 'Segment', 'Cluster']],
  ])('enters the masters that may hold what was asked for: %s', (_, asked, masters) => {
    const filter = new ElementFilter(asked);
    expect(enters(filter)).toEqual(masters);
    for (const type of [Mkv.Void, Mkv.Block, Mkv.Cluster, Mkv.SimpleTag]) {
      expect(filter.takes(type)).toBe(asked === undefined || asked.includes(type));
    }
  });
});

describe('the EBML header', () => {
  it('has elements that say how to read the document', () => {
    const found = Object.values(Mkv).filter(isHeaderElement);
    expect(found.map(({ name }) => name)).toEqual([
      'EBMLReadVersion',
      'EBMLMaxIDLength',
      'EBMLMaxSizeLength',
      'DocType',
    ]);
  });

  /** The limits that an element sets, its data being among others. */
  const accept = (type: EbmlElementType, data: number[], docTypes?: string[]) => {
    const limits = { maxIdLength: 0, maxSizeLength: 0 };
    const bytes = Uint8Array.of(9, 9, ...data, 9);
    const accepted = acceptHeaderElement(type, bytes, 2, 2 + data.length, docTypes, limits);
    return accepted ? [limits.maxIdLength, limits.maxSizeLength] : false;
  };

  it.each<[keyof typeof Mkv, number[], number[] | false]>([
    ['EBMLMaxIDLength', [3], false],
    ['EBMLMaxIDLength', [4], [4, 0]],
    ['EBMLMaxIDLength', [0, 7], [7, 0]],
    // An id of 8 bytes is no exact number.
    ['EBMLMaxIDLength', [8], [7, 0]],
    ['EBMLMaxIDLength', [9], false],
    ['EBMLMaxIDLength', [], [4, 0]],
    ['EBMLMaxIDLength', [0, 0, 0, 0, 0, 0, 0, 4], [4, 0]],
    ['EBMLMaxIDLength', [0, 0, 0, 0, 0, 0, 0, 0, 4], false],
    ['EBMLMaxSizeLength', [0], false],
    ['EBMLMaxSizeLength', [1], [0, 1]],
    ['EBMLMaxSizeLength', [8], [0, 8]],
    ['EBMLMaxSizeLength', [9], false],
    ['EBMLMaxSizeLength', [], [0, 8]],
    ['EBMLReadVersion', [0], [0, 0]],
    ['EBMLReadVersion', [1], [0, 0]],
    ['EBMLReadVersion', [2], false],
    ['EBMLReadVersion', [], [0, 0]],
    ['EBMLVersion', [9], [0, 0]],
    ['DocTypeReadVersion', [9], [0, 0]],
  ])('%s %j sets these limits: %j', (name, data, expected) => {
    expect(accept(Mkv[name], data)).toEqual(expected);
  });

  it('has a DocType that is wanted', () => {
    const webm = [...new TextEncoder().encode('webm')];
    expect(accept(Mkv.DocType, webm)).toEqual([0, 0]);
    expect(accept(Mkv.DocType, webm, ['matroska', 'webm'])).toEqual([0, 0]);
    expect(accept(Mkv.DocType, webm, ['matroska'])).toBe(false);
    expect(accept(Mkv.EBMLVersion, webm, ['matroska'])).toEqual([0, 0]);
  });

  it('is described without Matroska', () => {
    expect(parseSchema(EBML_SCHEMA)).toHaveLength(13);
  });
});

describe('an open master', () => {
  const open = (
    type: EbmlElementType,
    parent?: OpenMaster<null>,
    more: Partial<OpenMaster<null>> = {},
  ): OpenMaster<null> => ({
    type,
    offset: 0,
    start: 0,
    end: 0,
    sizeKnown: true,
    saidEnd: undefined,
    parent,
    depth: 0,
    handle: null,
    asked: true,
    seen: undefined,
    damaged: false,
    expectedCrc: undefined,
    crc: 0,
    ...more,
  });

  it('is named by all that hold it', () => {
    const tags = open(Mkv.Tags, open(Mkv.Segment));
    expect(pathOf(undefined)).toBe('the top level');
    expect(pathOf(tags)).toBe('Segment/Tags');
    expect(pathOf(tags, Mkv.Tag)).toBe('Segment/Tags/Tag');
    expect(pathOf(undefined, unknownElementType(0x4299))).toBe('0x4299');
    expect(pathOf(tags, unknownElementType(0x4299))).toBe('Segment/Tags/0x4299');
  });

  it('of which the size is not believed any more ends nowhere, if it is a root', () => {
    const segment = open(Mkv.Segment, undefined, { end: 100 });
    const tags = open(Mkv.Tags, segment, { end: 50 });
    distrustRootSizes(tags);
    expect([segment.end, segment.sizeKnown, tags.end, tags.sizeKnown]).toEqual([
      Number.POSITIVE_INFINITY,
      false,
      50,
      true,
    ]);
    distrustRootSizes(undefined);
  });

  it('counts bytes where it has a CRC-32, and so do all that hold it', () => {
    const segment = open(Mkv.Segment, undefined, { expectedCrc: 1 });
    const tags = open(Mkv.Tags, segment);
    const tag = open(Mkv.Tag, tags, { expectedCrc: 1, crc: 7 });
    const bytes = new TextEncoder().encode('-123456789-');
    countCrc(tag, bytes, 1, 10);
    expect([segment.crc, tags.crc]).toEqual([0xcbf43926, 0]);
    expect(tag.crc).not.toBe(7);
    expect(tag.crc).not.toBe(segment.crc);
  });

  it('notes what may occur once and comes again', () => {
    const segment = open(Mkv.Segment);
    const again = [Mkv.Tracks, Mkv.Tracks, Mkv.Info, Mkv.Cluster, Mkv.Cluster, Mkv['CRC-32'], Mkv['CRC-32']];
    expect(again.map((type) => occursAgain(segment, type))).toEqual([false, true, false, false, false, false, true]);
    expect([Mkv.EBML, Mkv.EBML].map((type) => occursAgain(segment, type))).toEqual([false, false]);
  });

  it('has a CRC-32 that its bytes fit, or none, or a fault with both', () => {
    expect(crcFault(open(Mkv.Tags, undefined, { crc: 5 }))).toBeUndefined();
    expect(crcFault(open(Mkv.Tags, undefined, { crc: 5, expectedCrc: 5 }))).toBeUndefined();
    const wrong = open(Mkv.Tags, open(Mkv.Segment), { offset: 40, crc: 0xfe, expectedCrc: 0 });
    expect(crcFault(wrong)).toBe('Segment/Tags at byte 40 has the CRC-32 0x00, its bytes 0xfe');
  });
});
