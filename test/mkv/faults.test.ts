import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/ebml/crc32.js';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { Mkv, MkvParseError, type MkvReaderOptions, StreamingMkvReader } from '../../src/index.js';
import { noise } from '../support/bytes.js';
import { chunksOf } from '../support/read-all.js';

const EBML = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]);
const SEGMENT = writeHeader(Mkv.Segment, undefined);
const CLUSTER = writeHeader(Mkv.Cluster, undefined);
const TIME = writeElement(Mkv.Timestamp, 5);
const BLOCK = writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1, 2, 3, 4));
const INFO = writeMaster(Mkv.Info, [writeElement(Mkv.MuxingApp, 'x')]);
const TAGS = writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [])]);
const VOID = writeElement(Mkv.Void, new Uint8Array(3));
const ZEROS = new Uint8Array(20);
/** Where what stands in the Segment begins. */
const IN_SEGMENT = EBML.length + SEGMENT.length;
const IN_CLUSTER = IN_SEGMENT + CLUSTER.length;

/** What was read: elements as `kind name`, faults as `kind code at offset`, in the order in which they were told. */
function readChunks(chunks: Iterable<Uint8Array>, options: MkvReaderOptions) {
  const told: string[] = [];
  const messages: string[] = [];
  const reader = new StreamingMkvReader({
    ...options,
    onGap: ({ offset, length, reason }) => {
      told.push(`gap ${offset}+${length}`);
      messages.push(reason);
    },
    onWarning: ({ code, offset, message }) => {
      told.push(`warning ${code} at ${offset}`);
      messages.push(message);
    },
  });
  const take = () => {
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      const cut = element.kind === 'end' && element.truncated ? ' cut' : '';
      told.push(`${element.kind} ${element.type.name ?? `0x${element.type.id.toString(16)}`}${cut}`);
    }
  };
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      take();
    }
    reader.end();
    take();
    if (reader.truncated) told.push('truncated');
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    told.push(`error ${error.code} at ${error.offset}`);
    messages.push(error.message);
  }
  return { told, messages };
}

/** As {@link readChunks}, the bytes in one chunk and byte by byte, which must be the same. */
function read(parts: readonly Uint8Array[], options: MkvReaderOptions = {}) {
  const bytes = concatBytes(parts);
  const whole = readChunks([bytes], options);
  expect(readChunks(chunksOf(bytes, 1), options)).toEqual(whole);
  return whole;
}

const OF_HEADER = ['start EBML', 'data DocType', 'end EBML'];

/** What is told, but for the elements of the EBML header that the stream begins with. */
function told(parts: readonly Uint8Array[], options: MkvReaderOptions = {}): string[] {
  const all = read(parts, options).told;
  return all.slice(0, 3).join() === OF_HEADER.join() ? all.slice(3) : all;
}

/** The faults of a stream: by default, with `strict` (where the first one ends it) and with `recover`. */
function faults(parts: readonly Uint8Array[], options: MkvReaderOptions = {}) {
  const of = (more: MkvReaderOptions) =>
    read(parts, { ...options, ...more }).told.filter((line) => /^(warning|error|gap|truncated)/.test(line));
  return { default: of({}), strict: of({ strict: true }), recover: of({ recover: true }) };
}

/** A fault that is tolerated unless the reader is strict. */
const tolerated = (code: string, offset: number) => ({
  default: [`warning ${code} at ${offset}`],
  strict: [`error ${code} at ${offset}`],
  recover: [`warning ${code} at ${offset}`],
});

/** A fault that costs bytes with recovery, and is an error without. */
const refused = (code: string, offset: number, ...recover: string[]) => ({
  default: [`error ${code} at ${offset}`],
  strict: [`error ${code} at ${offset}`],
  recover,
});

const NONE = { default: [], strict: [], recover: [] };

describe('an element in a place where it cannot stand', () => {
  it('stays where it is when its place is further down, with a warning', () => {
    expect(faults([EBML, SEGMENT, BLOCK])).toEqual(tolerated('UnexpectedElement', IN_SEGMENT));
    expect(told([EBML, SEGMENT, BLOCK, CLUSTER, TIME])).toEqual([
      'start Segment',
      `warning UnexpectedElement at ${IN_SEGMENT}`,
      'data SimpleBlock',
      'start Cluster',
      'data Timestamp',
      'end Cluster',
      'end Segment',
    ]);
  });

  it('stays in a master whose size says so, with a warning', () => {
    const name = writeElement(Mkv.TagName, 'n');
    const cluster = writeMaster(Mkv.Cluster, [TIME, name]);
    const at = IN_SEGMENT + cluster.length - name.length + 1;
    expect(faults([EBML, SEGMENT, cluster])).toEqual(tolerated('UnexpectedElement', at));
    expect(told([EBML, SEGMENT, cluster]).slice(-4)).toEqual([
      `warning UnexpectedElement at ${at}`,
      'data TagName',
      'end Cluster',
      'end Segment',
    ]);
  });

  it('ends masters of unknown size that cannot hold it, which are then whole', () => {
    const parts = [EBML, SEGMENT, CLUSTER, TIME, TAGS, CLUSTER, TIME, EBML];
    expect(faults(parts)).toEqual(NONE);
    expect(told(parts)).toEqual([
      'start Segment',
      'start Cluster',
      'data Timestamp',
      'end Cluster',
      'start Tags',
      'start Tag',
      'end Tag',
      'end Tags',
      'start Cluster',
      'data Timestamp',
      'end Cluster',
      'end Segment',
      ...OF_HEADER,
    ]);
  });

  it('tells of a wrong size above it when it is one that is never met by chance', () => {
    const cluster = concatBytes([writeHeader(Mkv.Cluster, TIME.length + TAGS.length + 2), TIME, TAGS]);
    const at = IN_SEGMENT + cluster.length - TAGS.length + 3;
    expect(faults([EBML, SEGMENT, cluster, CLUSTER, TIME])).toEqual({
      default: [`error UnexpectedElement at ${at}`],
      strict: [`error UnexpectedElement at ${at}`],
      recover: [`warning UnexpectedElement at ${at}`],
    });
    expect(told([EBML, SEGMENT, cluster, CLUSTER, TIME], { recover: true })).toEqual([
      'start Segment',
      'start Cluster',
      'data Timestamp',
      `warning UnexpectedElement at ${at}`,
      'end Cluster cut',
      'start Tags',
      'start Tag',
      'end Tag',
      'end Tags',
      'start Cluster',
      'data Timestamp',
      'end Cluster',
      'end Segment',
    ]);
  });

  it('is damage when the size above it holds', () => {
    const document = concatBytes([EBML, SEGMENT, TAGS]);
    for (const inner of [TAGS, document, CLUSTER]) {
      const cluster = writeMaster(Mkv.Cluster, [TIME, inner]);
      const at = IN_SEGMENT + cluster.length - inner.length;
      const parts = [EBML, SEGMENT, cluster, CLUSTER, TIME];
      expect(faults(parts)).toEqual(refused('UnexpectedElement', at + 3, `gap ${at}+${inner.length}`));
      expect(told(parts, { recover: true })).toEqual([
        'start Segment',
        'start Cluster',
        'data Timestamp',
        `gap ${at}+${inner.length}`,
        'end Cluster cut',
        'start Cluster',
        'data Timestamp',
        'end Cluster',
        'end Segment',
      ]);
    }
  });

  it('is told once, strict or not, when it is one whose id may be damaged', () => {
    const name = concatBytes([Uint8Array.of(0x5b, 0xa9, 0x82), Uint8Array.of(1, 2)]);
    const at = IN_SEGMENT + writeHeader(Mkv.Info, 10).length;
    const warning = `warning UnexpectedElement at ${at + 1}`;
    const info = writeMaster(Mkv.Info, [name, writeElement(Mkv.MuxingApp, 'x')]);
    expect(faults([EBML, SEGMENT, info, CLUSTER, TIME])).toEqual({
      default: [warning],
      strict: [warning],
      recover: [warning],
    });
    expect(read([EBML, SEGMENT, info]).messages[0]).toContain('may be a damaged Title');
  });

  it('is damage in a Segment whose size holds when it is another document, in a Cluster of unknown size too', () => {
    const inner = concatBytes([EBML, SEGMENT, TAGS]);
    const segment = writeMaster(Mkv.Segment, [CLUSTER, TIME, inner]);
    const at = EBML.length + segment.length - inner.length;
    expect(told([EBML, segment, EBML, SEGMENT], { recover: true })).toEqual([
      'start Segment',
      'start Cluster',
      'data Timestamp',
      `gap ${at}+${inner.length}`,
      'end Cluster cut',
      'end Segment cut',
      ...OF_HEADER,
      'start Segment',
      'end Segment',
    ]);
  });

  it('ends a Segment whose size is too large when it is a document of its own', () => {
    const parts = [EBML, writeHeader(Mkv.Segment, 1000), CLUSTER, TIME, EBML, SEGMENT];
    const at = EBML.length + writeHeader(Mkv.Segment, 1000).length + CLUSTER.length + TIME.length + 3;
    expect(faults(parts)).toEqual(tolerated('UnexpectedElement', at));
    for (const options of [{}, { recover: true }]) {
      expect(told(parts, options)).toEqual([
        'start Segment',
        'start Cluster',
        'data Timestamp',
        'end Cluster',
        `warning UnexpectedElement at ${at}`,
        'end Segment cut',
        ...OF_HEADER,
        'start Segment',
        'end Segment',
      ]);
    }
  });

  it.each([
    ['a Cluster that begins in a header of an EBML document', writeHeader(Mkv.EBML, 100), CLUSTER],
    ['a document that begins in a Cluster', concatBytes([EBML, SEGMENT, writeHeader(Mkv.Cluster, 100), TIME]), EBML],
  ])('is an error without recovery where the size above it is believed: %s', (_, before, mark) => {
    const at = before.length + 3;
    expect(faults([before, mark, mark === EBML ? SEGMENT : TIME])).toMatchObject({
      default: [`error UnexpectedElement at ${at}`],
      strict: [`error UnexpectedElement at ${at}`],
      recover: [`warning UnexpectedElement at ${at}`, ...(mark === EBML ? [] : [`warning UnexpectedElement at ${at}`])],
    });
  });

  it('may hold itself, but stands in its own parent first', () => {
    const tag = writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, 'n')]);
    const tags = writeMaster(Mkv.Tags, [tag]);
    expect(faults([EBML, SEGMENT, tags])).toEqual(
      tolerated('UnexpectedElement', IN_SEGMENT + tags.length - tag.length + 1),
    );
  });

  it('is none when it may stand anywhere or in itself', () => {
    const inner = writeMaster(Mkv.SimpleTag, [VOID, writeElement(Mkv.TagName, 'n')]);
    const tag = writeMaster(Mkv.Tag, [VOID, writeMaster(Mkv.SimpleTag, [inner])]);
    const unknown = Uint8Array.of(0x93, 0x82, 1, 2);
    const cluster = writeMaster(Mkv.Cluster, [TIME, VOID, unknown, BLOCK]);
    expect(faults([EBML, VOID, SEGMENT, VOID, unknown, writeMaster(Mkv.Tags, [tag, VOID]), cluster])).toEqual(NONE);
  });
});

describe('at the top level', () => {
  it('a Segment without an EBML header before it is a warning, each one', () => {
    expect(faults([SEGMENT, CLUSTER, TIME])).toEqual(tolerated('UnexpectedElement', 3));
    const segment = writeMaster(Mkv.Segment, [INFO]);
    expect(faults([EBML, segment, segment])).toEqual(tolerated('UnexpectedElement', EBML.length + segment.length + 3));
    expect(faults([EBML, segment, EBML, segment])).toEqual(NONE);
    expect(read([SEGMENT]).messages).toEqual(['byte 3: no EBML document: no EBML header before it (at Segment)']);
    expect(read([TIME]).messages).toEqual(['byte 0: no EBML document: not allowed here (at Timestamp)']);
    expect(read([EBML, SEGMENT, BLOCK]).messages[0]).toContain('not allowed here (at Segment/SimpleBlock)');
  });

  it('a Cluster is a warning, for a stream may be joined in the middle', () => {
    expect(faults([CLUSTER, TIME, BLOCK])).toEqual(tolerated('UnexpectedElement', 3));
    expect(told([CLUSTER, TIME])).toEqual([
      'warning UnexpectedElement at 3',
      'start Cluster',
      'data Timestamp',
      'end Cluster',
    ]);
  });

  it('other elements are refused; global ones only before there was any document', () => {
    const segment = writeMaster(Mkv.Segment, [INFO]);
    const end = EBML.length + segment.length;
    expect(faults([BLOCK, VOID, EBML])).toEqual(refused('UnexpectedElement', 0, `gap 0+${BLOCK.length + VOID.length}`));
    expect(faults([VOID, EBML])).toEqual(refused('UnexpectedElement', 0, `gap 0+${VOID.length}`));
    expect(faults([EBML, segment, BLOCK, EBML])).toEqual(
      refused('UnexpectedElement', end, `gap ${end}+${BLOCK.length}`),
    );
    expect(faults([EBML, segment, VOID])).toEqual(NONE);
    const unknown = Uint8Array.of(0x93, 0x81, 1);
    expect(faults([EBML, segment, unknown, EBML])).toEqual(refused('UnexpectedElement', end, `gap ${end}+3`));
  });
});

describe('a size', () => {
  it('may be unknown for some masters, is a warning for others and refused for data', () => {
    const tags = writeHeader(Mkv.Tags, undefined);
    expect(faults([EBML, SEGMENT, tags])).toEqual(tolerated('UnknownSizeNotAllowed', IN_SEGMENT + 4));
    const data = Uint8Array.of(0xa3, 0xff, 0x81);
    expect(faults([EBML, SEGMENT, CLUSTER, data])).toEqual(
      refused('UnknownSizeNotAllowed', IN_CLUSTER + 1, `gap ${IN_CLUSTER}+3`, 'truncated'),
    );
  });

  it('that reaches past the end of the parent is a warning; damage where the size of the parent holds', () => {
    const cluster = concatBytes([writeHeader(Mkv.Cluster, TIME.length + BLOCK.length - 1), TIME, BLOCK]);
    const at = IN_SEGMENT + cluster.length - BLOCK.length;
    expect(faults([EBML, SEGMENT, cluster, CLUSTER, TIME])).toEqual(tolerated('PastParentEnd', at + 1));
    expect(told([EBML, SEGMENT, cluster, CLUSTER, TIME], { recover: true }).slice(1, 6)).toEqual([
      'start Cluster',
      'data Timestamp',
      `warning PastParentEnd at ${at + 1}`,
      'data SimpleBlock',
      'end Cluster cut',
    ]);
    const long = BLOCK.slice();
    long[1] = 0x80 | (BLOCK.length - 1);
    expect(faults([EBML, SEGMENT, writeMaster(Mkv.Cluster, [TIME, long]), CLUSTER, TIME])).toMatchObject({
      strict: [`error PastParentEnd at ${at + 1}`],
      recover: [`gap ${at}+${BLOCK.length}`],
    });
    const segment = concatBytes([writeHeader(Mkv.Segment, INFO.length - 1), INFO]);
    expect(faults([EBML, segment])).toEqual(tolerated('PastParentEnd', EBML.length + segment.length - INFO.length + 4));
    expect(faults([EBML, writeMaster(Mkv.Segment, [writeMaster(Mkv.Cluster, [TIME, BLOCK])])])).toEqual(NONE);
  });

  it('of a master ends it there, and the one around it where that ends', () => {
    const cluster = writeMaster(Mkv.Cluster, [TIME]);
    const segment = writeMaster(Mkv.Segment, [cluster, writeHeader(Mkv.Cluster, undefined), TIME]);
    expect(told([EBML, segment, EBML, SEGMENT])).toEqual([
      'start Segment',
      'start Cluster',
      'data Timestamp',
      'end Cluster',
      'start Cluster',
      'data Timestamp',
      'end Cluster',
      'end Segment',
      ...OF_HEADER,
      'start Segment',
      'end Segment',
    ]);
  });

  it('that is too large for a data element is refused at its header', () => {
    const block = writeElement(Mkv.SimpleBlock, noise(200, 1));
    const at = IN_CLUSTER + TIME.length;
    expect(faults([EBML, SEGMENT, CLUSTER, TIME, block], { maxElementSize: 199 })).toEqual(
      refused('ElementTooLarge', at + 2, `gap ${at}+${block.length}`, 'truncated'),
    );
    expect(faults([EBML, SEGMENT, CLUSTER, TIME, block], { maxElementSize: 200 })).toEqual(NONE);
  });
});

it('more masters in each other than are allowed are refused', () => {
  const tags = writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [writeMaster(Mkv.SimpleTag, [])])]);
  const { length } = tags;
  expect(faults([EBML, SEGMENT, tags], { maxDepth: 3 })).toEqual(
    refused('TooDeep', IN_SEGMENT + length - 1, `gap ${IN_SEGMENT + length - 3}+3`, 'truncated'),
  );
  expect(faults([EBML, SEGMENT, tags], { maxDepth: 4 })).toEqual(NONE);
});

it('what may occur once and occurs again is a warning, in every parent anew', () => {
  expect(faults([EBML, SEGMENT, INFO, VOID, VOID, INFO])).toEqual(
    tolerated('TooManyOccurrences', IN_SEGMENT + INFO.length + 2 * VOID.length + 3),
  );
  expect(faults([EBML, SEGMENT, CLUSTER, TIME, BLOCK, TIME])).toEqual(
    tolerated('TooManyOccurrences', IN_CLUSTER + TIME.length + BLOCK.length),
  );
  expect(faults([EBML, SEGMENT, INFO, CLUSTER, TIME, BLOCK, BLOCK, CLUSTER, TIME, EBML, SEGMENT, INFO])).toEqual(NONE);
  const strict = new StreamingMkvReader({ strict: true });
  strict.push(concatBytes([EBML, SEGMENT, INFO, INFO]));
  expect(() => {
    while (strict.nextIfAvailable() !== undefined);
  }).toThrow(expect.objectContaining({ code: 'TooManyOccurrences' }));
});

describe('an EBML header', () => {
  const header = (...children: Uint8Array[]) => writeMaster(Mkv.EBML, children);

  it.each<[string, Uint8Array]>([
    ['another DocType', writeElement(Mkv.DocType, 'mp4')],
    ['a ReadVersion to come', writeElement(Mkv.EBMLReadVersion, 2)],
    ['ids too short', writeElement(Mkv.EBMLMaxIDLength, 3)],
    ['sizes too long', writeElement(Mkv.EBMLMaxSizeLength, 9)],
  ])('with %s is a warning at its last byte, whether anyone asks for the element or not', (_, element) => {
    const bytes = header(element);
    expect(faults([bytes])).toEqual(tolerated('UnsupportedDocument', bytes.length - 1));
    expect(faults([bytes], { elements: [Mkv.SimpleBlock] })).toEqual(
      tolerated('UnsupportedDocument', bytes.length - 1),
    );
  });

  it('is quoted, but not at length', () => {
    expect(read([header(writeElement(Mkv.DocType, 'mp4'))]).messages[0]).toMatch(/"mp4".*EBML\/DocType/);
    const [message = ''] = read([header(writeElement(Mkv.DocType, 'x'.repeat(500)))]).messages;
    expect(message).toContain('"xxxxxxxxxx');
    expect(message.length).toBeLessThan(200);
  });

  it('sets limits for its own document, which nobody believes where there may be damage', () => {
    const limited = header(writeElement(Mkv.EBMLMaxSizeLength, 2));
    const segment = concatBytes([writeHeader(Mkv.Segment, 0).slice(0, -1), Uint8Array.of(0x10, 0, 0, 0)]);
    expect(faults([limited, segment])).toEqual({
      default: [`error InvalidSize at ${limited.length + 4}`],
      strict: [`error InvalidSize at ${limited.length + 4}`],
      recover: [],
    });
    expect(faults([limited, EBML, segment])).toEqual(NONE);
    const longIds = header(writeElement(Mkv.EBMLMaxIDLength, 5));
    const longId = Uint8Array.of(0x08, 1, 2, 3, 4, 0x80);
    expect(faults([longIds, SEGMENT, longId]).default).toEqual([]);
    expect(faults([longIds, EBML, SEGMENT, longId]).default).toEqual([
      `error InvalidId at ${longIds.length + IN_SEGMENT}`,
    ]);
  });
});

describe('a CRC-32', () => {
  const sum = (...parts: Uint8Array[]) => {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, crc32(concatBytes(parts)), true);
    return writeElement(Mkv['CRC-32'], data);
  };
  const NOISE = writeElement(Mkv.SimpleBlock, noise(300, 3));
  /** The size in 8 bytes: the header is counted as it was written. */
  const WIDE = writeElement(Mkv.Void, noise(5, 4), { sizeLength: 8 });
  const innermost = [writeElement(Mkv.TagName, 'n')];
  const inner = writeMaster(Mkv.SimpleTag, [sum(...innermost), ...innermost]);
  const right = writeMaster(Mkv.Cluster, [sum(TIME, NOISE, WIDE), TIME, NOISE, WIDE]);
  const nested = writeMaster(Mkv.Tags, [sum(writeMaster(Mkv.Tag, [inner])), writeMaster(Mkv.Tag, [inner])]);
  const wrong = right.slice();
  wrong[wrong.length - 1] = wrong[wrong.length - 1]! ^ 1;
  const verifyCrc = true;

  it.each([[undefined], [[]], [[Mkv.SimpleBlock]], [[Mkv.Cluster, Mkv.Tags]]])(
    'that is right is none, of masters in each other too, asked for %#',
    (elements) => {
      expect(faults([EBML, SEGMENT, nested, right, right], { verifyCrc, elements })).toEqual(NONE);
    },
  );

  it.each([[undefined], [[]], [[Mkv.SimpleBlock]], [[Mkv.Cluster, Mkv.Tags]]])(
    'that is wrong is an error at the end of its master, or a gap as long, asked for %#',
    (elements) => {
      const parts = [EBML, SEGMENT, right, wrong, nested];
      const at = IN_SEGMENT + right.length;
      expect(faults(parts, { verifyCrc, elements })).toEqual(
        refused('CrcMismatch', at + wrong.length - 1, `gap ${at}+${wrong.length}`),
      );
      expect(faults(parts, { elements })).toEqual(NONE);
    },
  );

  it('that is wrong does not take the bytes away with recovery', () => {
    expect(told([EBML, SEGMENT, wrong], { verifyCrc, recover: true })).toEqual([
      'start Segment',
      'start Cluster',
      'data CRC-32',
      'data Timestamp',
      'data SimpleBlock',
      'data Void',
      `gap ${IN_SEGMENT}+${wrong.length}`,
      'end Cluster',
      'end Segment',
    ]);
  });

  it('that is wrong, damage and a cut are passed over also where nobody asks to be told', () => {
    const reader = new StreamingMkvReader({ verifyCrc, recover: true });
    reader.push(concatBytes([EBML, SEGMENT, wrong, ZEROS, CLUSTER, TIME, BLOCK.subarray(0, 4)]));
    reader.end();
    let clusters = 0;
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      if (element.is(Mkv.Cluster) && element.kind === 'end') clusters++;
    }
    expect([clusters, reader.truncated]).toEqual([2, true]);
  });

  it('says which master, and both sums', () => {
    const message = read([EBML, SEGMENT, wrong], { verifyCrc }).messages[0];
    expect(message).toMatch(
      new RegExp(`Segment/Cluster at byte ${IN_SEGMENT} has .*0x[0-9a-f]{2,8}, .*0x[0-9a-f]{2,8}`),
    );
  });

  it('of a master that is cut off is not held against it', () => {
    const cut = right.subarray(0, -3);
    expect(told([EBML, SEGMENT, cut], { verifyCrc }).slice(-3)).toEqual([
      'end Cluster cut',
      'end Segment cut',
      'truncated',
    ]);
    expect(faults([EBML, SEGMENT, cut, right], { verifyCrc }).recover).toHaveLength(1);
  });

  it('of another size, or not the first in its parent, is a warning and is not looked at', () => {
    const short = writeElement(Mkv['CRC-32'], new Uint8Array(3));
    expect(faults([EBML, SEGMENT, CLUSTER, short, TIME], { verifyCrc })).toEqual(
      tolerated('InvalidValue', IN_CLUSTER + short.length - 1),
    );
    const late = sum();
    expect(faults([EBML, SEGMENT, CLUSTER, TIME, late, BLOCK], { verifyCrc })).toEqual(
      tolerated('UnexpectedElement', IN_CLUSTER + TIME.length + late.length - 1),
    );
    expect(faults([EBML, SEGMENT, CLUSTER, short, TIME])).toEqual(NONE);
    expect(faults([EBML, SEGMENT, CLUSTER, TIME, late])).toEqual(NONE);
  });

  it('says what is wrong with it', () => {
    const short = writeElement(Mkv['CRC-32'], new Uint8Array(3));
    expect(read([EBML, SEGMENT, CLUSTER, short], { verifyCrc }).messages[0]).toContain('3 bytes (at Segment/Cluster/');
    expect(read([EBML, SEGMENT, CLUSTER, TIME, sum()], { verifyCrc }).messages[0]).toContain('not the first child');
  });

  it('may be there once', () => {
    expect(faults([EBML, SEGMENT, CLUSTER, sum(), TIME, sum()])).toEqual(
      tolerated('TooManyOccurrences', IN_CLUSTER + sum().length + TIME.length),
    );
  });

  it('at the top level has nothing to say', () => {
    expect(faults([EBML, sum(), EBML, SEGMENT], { verifyCrc })).toEqual(NONE);
  });
});

const deep = [50, 40, 30].map((size) => writeHeader(Mkv.SimpleTag, size));

it.each<[string, readonly Uint8Array[], MkvReaderOptions]>([
  ['a second one (at Segment/Info)', [EBML, SEGMENT, INFO, INFO], {}],
  ['unknown size (at Segment/Tags)', [EBML, SEGMENT, writeHeader(Mkv.Tags, undefined)], {}],
  [
    '12 bytes reach past the end of the parent (at Segment/Tags/Void)',
    [EBML, SEGMENT, writeHeader(Mkv.Tags, 9), writeHeader(Mkv.Void, 12), new Uint8Array(12)],
    {},
  ],
  [
    'more than 5 masters are open (at Segment/Tags/Tag/SimpleTag/SimpleTag/SimpleTag)',
    [EBML, SEGMENT, writeHeader(Mkv.Tags, 100), writeHeader(Mkv.Tag, 90), ...deep],
    { maxDepth: 5 },
  ],
  [
    '2000 bytes, and no more than 1999 are accepted (at Segment/Cluster/SimpleBlock)',
    [EBML, SEGMENT, CLUSTER, writeHeader(Mkv.SimpleBlock, 2000)],
    { maxElementSize: 1999 },
  ],
  [
    'what follows it is no element (at Segment/Cluster/SimpleBlock)',
    [EBML, SEGMENT, CLUSTER, writeHeader(Mkv.SimpleBlock, 200), CLUSTER, TIME, BLOCK],
    { recover: true },
  ],
  [
    'the stream ends too early (at Segment/Cluster/SimpleBlock)',
    [EBML, SEGMENT, CLUSTER, writeHeader(Mkv.SimpleBlock, 200), BLOCK],
    { recover: true },
  ],
])('says in words what is wrong: %s', (words, parts, options) => {
  expect(read(parts, options).messages[0]).toMatch(/^byte \d+: /);
  expect(read(parts, options).messages[0]).toContain(`: ${words}`);
});

describe('a stream that ends', () => {
  const cutOff = (length: number, gap: string | undefined) => ({
    default: ['truncated'],
    strict: [`error Truncated at ${length}`],
    recover: gap === undefined ? ['truncated'] : [`gap ${gap}`, 'truncated'],
  });

  it('in a header or in data is cut off, and the element is not given', () => {
    const header = [EBML, SEGMENT, CLUSTER, TIME, BLOCK.subarray(0, 1)];
    const at = IN_CLUSTER + TIME.length;
    expect(faults(header)).toEqual(cutOff(at + 1, `${at}+1`));
    expect(faults([EBML, SEGMENT, CLUSTER, TIME, BLOCK.subarray(0, 5)])).toEqual(cutOff(at + 5, `${at}+5`));
    expect(told(header).slice(-4)).toEqual(['data Timestamp', 'end Cluster cut', 'end Segment cut', 'truncated']);
    expect(faults([EBML.subarray(0, 2)])).toEqual(cutOff(2, '0+2'));
    expect(read([EBML, SEGMENT, CLUSTER, BLOCK.subarray(0, 5)], { strict: true }).messages[0]).toContain(
      'Segment/Cluster/SimpleBlock',
    );
  });

  it('before a master has the size it said is cut off, with no byte to tell of', () => {
    const segment = writeHeader(Mkv.Segment, 1000);
    const length = EBML.length + segment.length + CLUSTER.length + TIME.length;
    expect(faults([EBML, segment, CLUSTER, TIME])).toEqual(cutOff(length, undefined));
  });

  it('between elements is whole when no size says otherwise', () => {
    for (const parts of [[], [EBML], [EBML, SEGMENT], [EBML, SEGMENT, CLUSTER, TIME]])
      expect(faults(parts)).toEqual(NONE);
    expect(faults([EBML, writeMaster(Mkv.Segment, [INFO])])).toEqual(NONE);
  });

  it('cut off is an error with strict even where damage is passed over', () => {
    expect(told([EBML, SEGMENT, CLUSTER, BLOCK.subarray(0, 5)], { strict: true, recover: true }).at(-1)).toBe(
      `error Truncated at ${IN_CLUSTER + 5}`,
    );
  });
});

describe('recovery', () => {
  const cluster = concatBytes([CLUSTER, TIME, BLOCK]);
  const OF_CLUSTER = ['start Cluster', 'data Timestamp', 'data SimpleBlock', 'end Cluster'];

  it('goes on at the next Cluster, in the same Segment', () => {
    const at = IN_SEGMENT + cluster.length;
    expect(told([EBML, SEGMENT, cluster, ZEROS, cluster, cluster], { recover: true })).toEqual([
      'start Segment',
      ...OF_CLUSTER.slice(0, 3),
      `gap ${at}+${ZEROS.length}`,
      'end Cluster cut',
      ...OF_CLUSTER,
      ...OF_CLUSTER,
      'end Segment',
    ]);
  });

  it('believes no size of the Segment from there on', () => {
    const segment = writeHeader(Mkv.Segment, cluster.length + ZEROS.length);
    const at = EBML.length + segment.length + cluster.length;
    expect(told([EBML, segment, cluster, ZEROS, cluster, cluster], { recover: true })).toEqual([
      'start Segment',
      ...OF_CLUSTER.slice(0, 3),
      `gap ${at}+${ZEROS.length}`,
      'end Cluster cut',
      ...OF_CLUSTER,
      ...OF_CLUSTER,
      'end Segment',
    ]);
  });

  it('goes on at the next document, and at each damage again', () => {
    const second = IN_SEGMENT + ZEROS.length;
    expect(told([EBML, SEGMENT, ZEROS, EBML, SEGMENT, ZEROS, EBML], { recover: true })).toEqual([
      'start Segment',
      `gap ${IN_SEGMENT}+${ZEROS.length}`,
      'end Segment cut',
      ...OF_HEADER,
      'start Segment',
      `gap ${second + IN_SEGMENT}+${ZEROS.length}`,
      'end Segment cut',
      ...OF_HEADER,
    ]);
    expect(told([ZEROS, EBML], { recover: true })).toEqual([`gap 0+${ZEROS.length}`, ...OF_HEADER]);
  });

  it('sees that an element is too long when a Cluster or document begins in it', () => {
    const at = IN_CLUSTER + TIME.length;
    for (const start of [writeHeader(Mkv.SimpleBlock, 60), writeHeader(Mkv.SimpleBlock, 60).subarray(0, 1)]) {
      const parts = [EBML, SEGMENT, CLUSTER, TIME, start, ...Array.from({ length: 6 }, () => cluster)];
      expect(told(parts, { recover: true }).slice(0, 12)).toEqual([
        'start Segment',
        'start Cluster',
        'data Timestamp',
        `gap ${at}+${start.length}`,
        'end Cluster cut',
        ...OF_CLUSTER,
        ...OF_CLUSTER.slice(0, 3),
      ]);
    }
  });

  it('tells of damage up to the end of the stream, which is cut off then', () => {
    expect(told([EBML, SEGMENT, cluster, ZEROS], { recover: true }).slice(-4)).toEqual([
      `gap ${IN_SEGMENT + cluster.length}+${ZEROS.length}`,
      'end Cluster cut',
      'end Segment cut',
      'truncated',
    ]);
    const { messages } = read([EBML, SEGMENT, ZEROS], { recover: true });
    expect(messages).toEqual([expect.stringMatching(new RegExp(`^byte ${IN_SEGMENT}: no element id`))]);
  });
});
