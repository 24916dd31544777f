import { describe, expect, it } from 'vitest';
import { allocations, resetAllocations, watchAllocations } from '../../fuzz/allocations.js';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { Mkv, type MkvElement, MkvParseError, type MkvReaderOptions, StreamingMkvReader } from '../../src/index.js';

const EBML = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]);
const SEGMENT = writeHeader(Mkv.Segment, undefined);
const CLUSTER = writeHeader(Mkv.Cluster, undefined);
const START = concatBytes([EBML, SEGMENT]);

/** A size field of 8 bytes that says 2^56 - 2, the largest size there is. */
const LARGEST_SIZE = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe);

interface Reading {
  readonly elements: MkvElement[];
  readonly error: MkvParseError | undefined;
  readonly reader: StreamingMkvReader;
}

/** Reads to the end or to the error; anything else that is thrown fails the test. */
function read(chunks: Iterable<Uint8Array>, options: MkvReaderOptions = {}, keep = true): Reading {
  const reader = new StreamingMkvReader(options);
  const elements: MkvElement[] = [];
  const take = () => {
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      if (keep) elements.push(element);
    }
  };
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      take();
    }
    reader.end();
    take();
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    return { elements, error, reader };
  }
  return { elements, error: undefined, reader };
}

const OPTIONS: readonly [string, MkvReaderOptions][] = [
  ['by default', {}],
  ['with strict', { strict: true }],
  ['with recover', { recover: true }],
  ['with verifyCrc', { verifyCrc: true }],
  ['with one element asked for', { elements: [Mkv.SimpleBlock] }],
];

describe.each(OPTIONS)('hostile input, %s', (name, options) => {
  const recovers = options.recover === true;

  it('a size of 2^56 - 2 is refused, wherever it stands', () => {
    const ids = [Mkv.SimpleBlock, Mkv.Void, Mkv.Tags, Mkv.Segment].map((type) => writeHeader(type, 0).slice(0, -1));
    for (const id of ids) {
      const { error } = read([START, CLUSTER, id, LARGEST_SIZE, new Uint8Array(1000)], options);
      if (recovers) expect(error).toBeUndefined();
      else expect(error?.code).toBe('ElementTooLarge');
    }
  });

  it('a million nested masters are refused at the depth that is allowed', () => {
    const simpleTag = writeHeader(Mkv.SimpleTag, undefined);
    const nested = new Uint8Array(simpleTag.length * 1_000_000);
    for (let at = 0; at < nested.length; at += simpleTag.length) nested.set(simpleTag, at);
    const start = concatBytes([START, writeHeader(Mkv.Tags, undefined), writeHeader(Mkv.Tag, undefined)]);
    const { error, elements } = read([start, nested], options);
    const open =
      elements.filter(({ kind }) => kind === 'start').length - elements.filter(({ kind }) => kind === 'end').length;
    if (recovers) {
      expect(error).toBeUndefined();
      expect(open).toBe(0);
    } else {
      expect(error?.code).toBe(name === 'with strict' ? 'UnknownSizeNotAllowed' : 'TooDeep');
      expect(open).toBeLessThanOrEqual(64);
    }
  });

  it('an id of 5 bytes is refused', () => {
    const { error } = read([START, CLUSTER, Uint8Array.of(0x08, 1, 2, 3, 4, 0x81, 0)], options);
    if (recovers) expect(error).toBeUndefined();
    else expect(error).toMatchObject({ code: 'InvalidId', offset: START.length + CLUSTER.length });
  });

  it('a SimpleBlock of unknown size is refused', () => {
    const { error } = read([START, CLUSTER, Uint8Array.of(0xa3, 0xff, 0x81, 0, 0, 0x80)], options);
    if (recovers) expect(error).toBeUndefined();
    else expect(error?.code).toBe('UnknownSizeNotAllowed');
  });

  it('2^20 unknown elements of one byte are skipped, in one chunk and in one-byte chunks', () => {
    const unknown = new Uint8Array(3 * 2 ** 20);
    for (let at = 0; at < unknown.length; at += 3) unknown.set([0x8e, 0x81, 0xff], at);
    // 0x8E is Slices, which has no place in a Cluster; 0x93 nobody knows.
    for (let at = 0; at < unknown.length; at += 3) unknown[at] = 0x93;
    const whole = read([START, CLUSTER, unknown], options);
    expect(whole.error).toBeUndefined();
    if (options.elements === undefined)
      expect(whole.elements.filter(({ type }) => type.id === 0x93)).toHaveLength(2 ** 20);
    const single = Array.from({ length: 30_000 }, (_, at) => unknown.subarray(at, at + 1));
    expect(read([START, CLUSTER, ...single], options).error).toBeUndefined();
  });

  it('text, JSON, gzip, zeros and random bytes are no document', () => {
    const inputs = [
      '<html><body>503 Service Unavailable</body></html>',
      '{"__type":"ResourceNotFoundException","Message":"no such stream"}',
      'BBBBBBBBBBBBBBBBBBBBBBBB',
    ].map((text) => new TextEncoder().encode(text));
    inputs.push(
      Uint8Array.of(0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x4a, 6, 0),
      new Uint8Array(5000),
      new Uint8Array(5000).fill(0xff),
    );
    for (const input of inputs) {
      const { error, elements } = read([input], options);
      expect(elements).toEqual([]);
      if (recovers) expect(error).toBeUndefined();
      else expect(error?.message).toMatch(/^byte [0-4]: .*EBML document/);
    }
  });
});

describe('laces', () => {
  const block = (...bytes: number[]) => {
    const { elements, error } = read([
      START,
      CLUSTER,
      writeHeader(Mkv.SimpleBlock, bytes.length),
      Uint8Array.from(bytes),
    ]);
    expect(error).toBeUndefined();
    const element = elements.find(({ type }) => type === Mkv.SimpleBlock);
    if (!element?.is(Mkv.SimpleBlock)) throw new Error('no SimpleBlock');
    return element;
  };
  const code = (bytes: number[]) => {
    const element = block(...bytes);
    try {
      return element.value.frameCount;
    } catch (error) {
      if (!(error instanceof MkvParseError)) throw error;
      expect(error.offset).toBeGreaterThanOrEqual(element.offset);
      expect(error.offset).toBeLessThan(element.offset + element.headerSize + Math.max(1, bytes.length));
      return error.code;
    }
  };

  it.each([
    ['nothing at all', []],
    ['a header cut short', [0x81, 0]],
    ['no track number', [0x00, 0, 0, 0x80]],
    ['no number of laces', [0x81, 0, 0, 0x02]],
    ['Xiph sizes past the end', [0x81, 0, 0, 0x02, 1, 255, 255]],
    ['a Xiph lace past the end', [0x81, 0, 0, 0x02, 1, 9, 1, 2]],
    ['EBML sizes past the end', [0x81, 0, 0, 0x06, 2, 0x81]],
    ['an EBML lace past the end', [0x81, 0, 0, 0x06, 1, 0x90, 1]],
    ['a negative EBML lace', [0x81, 0, 0, 0x06, 2, 0x81, 0x80, 1, 2, 3]],
    ['an EBML lace of 2^56 - 2 bytes', [0x81, 0, 0, 0x06, 1, ...LARGEST_SIZE, 1, 2]],
    ['EBML sizes without a marker', [0x81, 0, 0, 0x06, 1, 0x00, 1, 2]],
    ['a fixed size that does not divide', [0x81, 0, 0, 0x04, 2, 1, 2, 3, 4]],
  ])('%s is an error', (_, bytes) => {
    expect(code(bytes)).toBe('InvalidBlock');
  });

  it('256 laces of nothing are 256 empty frames', () => {
    expect(code([0x81, 0, 0, 0x04, 255])).toBe(256);
    expect(code([0x81, 0, 0, 0x02, 255, ...new Array<number>(255).fill(0)])).toBe(256);
  });
});

describe('memory', () => {
  const HUGE = writeHeader(Mkv.SimpleBlock, 60 * 2 ** 20);
  const FILLING = writeElement(Mkv.Void, new Uint8Array(2 ** 21));
  const damaged = concatBytes([CLUSTER, new Uint8Array(100), EBML, SEGMENT, CLUSTER]);

  it.each([
    ['at the beginning, 16 KiB', [], 2 ** 14],
    ['after 2 MiB, 1 MiB', [FILLING], 2 ** 20],
    ['after damage, 16 KiB again', [FILLING, damaged], 2 ** 14],
  ])('what is allocated on the word of a size is, %s', (_, parts, most) => {
    // Only what is waiting for an element is kept: the Void is passed over.
    const reader = new StreamingMkvReader({ recover: true, elements: [Mkv.SimpleBlock] });
    const unwatch = watchAllocations();
    resetAllocations();
    try {
      for (const chunk of [START, CLUSTER, ...parts, HUGE, new Uint8Array(20)]) reader.push(chunk);
      while (reader.nextIfAvailable() !== undefined);
    } finally {
      unwatch();
    }
    expect(allocations().largest).toBe(most);
    expect(allocations().all).toBeLessThan(1.1 * most);
  });

  it('a large element arrives whole, in small chunks and in large ones', () => {
    const data = new Uint8Array(3 * 2 ** 20 + 5);
    for (let at = 0; at < data.length; at++) data[at] = at * 7 + (at >>> 8);
    const stream = concatBytes([START, CLUSTER, writeElement(Mkv.Void, data)]);
    for (const size of [17, 1000, 2 ** 20, stream.length - 1]) {
      const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, i) =>
        stream.subarray(i * size, (i + 1) * size),
      );
      const { elements, error } = read(chunks);
      expect(error).toBeUndefined();
      const element = elements.find(({ type }) => type === Mkv.Void);
      expect(element?.kind === 'data' && Buffer.compare(element.data, data)).toBe(0);
    }
  });

  it('an element larger than maxElementSize is refused at its header, a large one that nobody asked for is passed over', () => {
    const stream = [START, CLUSTER, writeHeader(Mkv.SimpleBlock, 2000), new Uint8Array(2000)];
    expect(read(stream, { maxElementSize: 1999 }).error?.code).toBe('ElementTooLarge');
    expect(read(stream.slice(0, 3), { maxElementSize: 1999 }).error?.code).toBe('ElementTooLarge');
    expect(read(stream, { maxElementSize: 2000 }).error).toBeUndefined();
    expect(read(stream, { maxElementSize: 10, elements: [Mkv.Cluster] }).error).toBeUndefined();
  });

  it('an unknown id of an unbelievable size is refused even where it would be passed over', () => {
    const header = concatBytes([Uint8Array.of(0x40, 0x01), Uint8Array.of(0x01, 0, 0, 0x10, 0, 0, 0, 0)]);
    expect(read([START, CLUSTER, header], { elements: [Mkv.SimpleBlock] }).error?.code).toBe('ElementTooLarge');
  });
});

describe('after an error', () => {
  it('the reader stays stopped and says so', () => {
    const { reader, error } = read([START, new Uint8Array(4), EBML]);
    expect(error?.code).toBe('InvalidId');
    expect(reader.error).toBe(error);
    expect(reader.mightHaveNext()).toBe(false);
    expect(() => reader.push(EBML)).toThrow(error);
    expect(() => reader.nextIfAvailable()).toThrow(error);
  });

  it('the elements before it have been given', () => {
    const { elements } = read([concatBytes([EBML, EBML, new Uint8Array(4)])]);
    expect(elements.map(({ kind, type }) => `${kind} ${type.name}`)).toEqual([
      'start EBML',
      'data DocType',
      'end EBML',
      'start EBML',
      'data DocType',
      'end EBML',
    ]);
  });
});
