import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  type EbmlElementType,
  Mkv,
  type MkvDataElement,
  type MkvElement,
  MkvParseError,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ticksToMicroseconds } from '../../src/mkv/ticks.js';
import { noise } from '../support/bytes.js';
import { readChunks } from '../support/read-all.js';

/** Where the element's data begin in the stream that `read` makes: behind an 8-byte Segment, the master's header and its own. */
const DATA_OFFSET = 18;

/** An element of the type with these bytes, read from a stream in which it stands in a Segment and in a master. */
function read(type: EbmlElementType, data: Uint8Array, master: EbmlElementType = Mkv.Info): MkvDataElement {
  const own = concatBytes([writeHeader(type, data.length, { sizeLength: 8 - (DATA_OFFSET - 16) }), data]);
  const inner = concatBytes([writeHeader(master, own.length), own]);
  for (const element of readChunks([writeMaster(Mkv.Segment, [inner], { sizeLength: 3 })])) {
    if (element.type === type && element.kind === 'data') return element;
  }
  throw new Error('the element was not given');
}

function fault(run: () => unknown): MkvParseError {
  try {
    run();
  } catch (error) {
    if (error instanceof MkvParseError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

/** The integer in so many bytes, by a DataView of its own. */
function bytesOf(value: bigint, length: number): Uint8Array {
  const whole = new Uint8Array(8);
  new DataView(whole.buffer).setBigInt64(0, BigInt.asIntN(64, value));
  return whole.subarray(8 - length);
}

const width = fc.integer({ min: 1, max: 8 });
const anyInteger = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n) + 1n, -(2n ** 53n)),
);

describe('the value of an element', () => {
  it('that is an integer is a number where it can be exact, and always a bigint', () => {
    const safe = (value: bigint) => value >= -(2n ** 53n) + 1n && value <= 2n ** 53n - 1n;
    fc.assert(
      fc.property(width, anyInteger, (length, any) => {
        const unsigned = BigInt.asUintN(8 * length, any);
        const signed = BigInt.asIntN(8 * length, any);
        for (const [type, value] of [
          [Mkv.TimestampScale, unsigned],
          [Mkv.ReferenceBlock, signed],
        ] as const) {
          const element = read(type, bytesOf(any, length));
          expect(element.bigintValue).toBe(value);
          if (safe(value)) expect(element.value).toBe(Number(value));
          else {
            const { code, message } = fault(() => element.value);
            expect([code, message]).toEqual([
              'InvalidValue',
              expect.stringContaining(`${value} is beyond 2^53 - 1; bigintValue has it`),
            ]);
          }
        }
        const uid = read(Mkv.TrackUID, bytesOf(any, length));
        expect([uid.value, uid.bigintValue]).toEqual([unsigned, unsigned]);
      }),
      { numRuns: 200 },
    );
  });

  it('that is a float has 4 or 8 bytes', () => {
    const single = read(Mkv.Duration, Uint8Array.of(0x3f, 0xc0, 0, 0));
    const double = read(Mkv.Duration, Uint8Array.of(0xc0, 4, 0, 0, 0, 0, 0, 0));
    expect([single.value, double.value]).toEqual([1.5, -2.5]);
    expect(fault(() => read(Mkv.Duration, new Uint8Array(3)).value).message).toContain('a float of 3 bytes');
  });

  it('that is a date counts nanoseconds since 2001', () => {
    const date = read(Mkv.DateUTC, bytesOf(-1n, 8));
    expect([date.value, date.bigintValue]).toEqual([-1n, -1n]);
    expect(date.dateValue.toISOString()).toBe('2000-12-31T23:59:59.999Z');
    for (const length of [1, 4, 7]) {
      const error = fault(() => read(Mkv.DateUTC, new Uint8Array(length)).value);
      expect([error.code, error.message]).toEqual([
        'InvalidValue',
        expect.stringContaining(`a date of ${length} byte`),
      ]);
    }
  });

  it('that is text ends at a NUL, whether it may be UTF-8 or not', () => {
    const text = new TextEncoder().encode('aé\0b');
    expect([read(Mkv.Title, text).value, read(Mkv.CodecID, text).value]).toEqual(['aé', 'aé']);
  });

  it('that is binary is its bytes', () => {
    const element = read(Mkv.SegmentUUID, Uint8Array.of(1, 2, 3));
    expect(element.value).toEqual(Uint8Array.of(1, 2, 3));
    expect(element.value).toBe(element.data);
  });

  test.each<[keyof typeof Mkv, unknown]>([
    ['TimestampScale', 1_000_000],
    ['Duration', 0],
    ['SamplingFrequency', 8000],
    ['Language', 'eng'],
    ['Title', ''],
    ['TrackUID', 0n],
    ['ReferenceBlock', 0],
    ['DateUTC', 0n],
    ['SegmentUUID', new Uint8Array(0)],
  ])('of no bytes is the default of the schema, or nothing: %s', (name, value) => {
    expect(read(Mkv[name], new Uint8Array(0)).value).toEqual(value);
  });

  it('of no bytes has the default as a bigint too', () => {
    expect(read(Mkv.TimestampScale, new Uint8Array(0)).bigintValue).toBe(1_000_000n);
    expect(read(Mkv.DateUTC, new Uint8Array(0)).dateValue.getTime()).toBe(Date.UTC(2001, 0, 1));
  });

  it('is not there where the bytes are none: the error says what is wrong, and where', () => {
    for (const [type, run, text] of [
      [Mkv.TimestampScale, (e: MkvDataElement) => e.value, 'an integer of 9 bytes'],
      [Mkv.TrackUID, (e: MkvDataElement) => e.value, 'an integer of 9 bytes'],
      [Mkv.TimestampScale, (e: MkvDataElement) => e.bigintValue, 'an integer of 9 bytes'],
      [Mkv.Title, (e: MkvDataElement) => e.bigintValue, 'a utf-8 is not an integer'],
      [Mkv.Duration, (e: MkvDataElement) => e.bigintValue, 'a float is not an integer'],
      [Mkv.SegmentUUID, (e: MkvDataElement) => e.bigintValue, 'a binary is not an integer'],
      [Mkv.TimestampScale, (e: MkvDataElement) => e.dateValue, 'a uinteger is not a date'],
      [Mkv.Title, (e: MkvDataElement) => e.dateValue, 'a utf-8 is not a date'],
    ] as const) {
      const element = read(type, new Uint8Array(9));
      const { code, offset, message } = fault(() => run(element));
      expect([code, offset]).toEqual(['InvalidValue', element.offset + element.headerSize]);
      expect(message).toContain(`${text} (in Segment/Info/${type.name})`);
    }
  });
});

describe('a Block as a value', () => {
  it('is made once, and its faults tell their place in the stream', () => {
    for (const [type, simple] of [
      [Mkv.SimpleBlock, true],
      [Mkv.Block, false],
    ] as const) {
      const element = read(type, Uint8Array.of(0x81, 0, 5, 0x80, 7), Mkv.Cluster);
      if (!element.is(type)) throw new Error('another type');
      expect(element.value).toMatchObject({ trackNumber: 1, relativeTimestamp: 5, simple });
      expect(element.value).toBe(element.value);
      const broken = read(type, Uint8Array.of(0x81), Mkv.Cluster);
      expect(fault(() => broken.value)).toMatchObject({
        code: 'InvalidBlock',
        offset: broken.offset + broken.headerSize,
      });
    }
  });
});

describe('an element', () => {
  const bytes = concatBytes([
    writeHeader(Mkv.Segment, undefined, { sizeLength: 8 }),
    writeHeader(Mkv.Info, 6, { sizeLength: 2 }),
    writeHeader(Mkv.Title, 2, { sizeLength: 2 }),
    Uint8Array.of(0x61, 0x62),
  ]);
  const elements: MkvElement[] = [...readChunks([bytes])];

  it('has the bytes of its header as they came, an end has none', () => {
    expect(elements.map(({ kind, rawHeader }) => [kind, Buffer.from(rawHeader).toString('hex')])).toEqual([
      ['start', '1853806701ffffffffffffff'],
      ['start', '1549a9664006'],
      ['data', '7ba94002'],
      ['end', ''],
      ['end', ''],
    ]);
    expect(elements.map(({ offset, headerSize, dataSize }) => [offset, headerSize, dataSize])).toEqual([
      [0, 12, undefined],
      [12, 6, 6],
      [18, 4, 2],
      [24, 0, 0],
      [24, 0, 0],
    ]);
  });

  it('has the masters that hold it as its path, which nobody can change', () => {
    const [segment, info, title, infoEnd, segmentEnd] = elements;
    expect(segment?.path).toEqual([]);
    expect(title?.path).toEqual([segment, info]);
    expect(infoEnd?.path).toEqual([segment]);
    expect(segmentEnd?.path).toEqual([]);
    expect(title?.path).toBe(title?.path);
    expect(Object.isFrozen(title?.path) && Object.isFrozen(segment?.path)).toBe(true);
    expect(infoEnd?.kind === 'end' && infoEnd.start).toBe(info);
  });

  it('has its data where they lie, in parts until they are read in one piece', () => {
    const data = noise(9000, 1);
    const bytes = writeMaster(Mkv.Segment, [
      writeElement(Mkv.Void, new Uint8Array(1100)),
      writeElement(Mkv.Void, data),
    ]);
    const partsAt = (...chunks: readonly Uint8Array[]) => {
      const element = [...readChunks(chunks)][2];
      if (element?.kind !== 'data') throw new Error('no data element');
      const { parts } = element;
      expect(parts.every(({ buffer }) => chunks.some((chunk) => chunk.buffer === buffer))).toBe(true);
      expect(Buffer.compare(concatBytes(parts), data)).toBe(0);
      expect(Buffer.compare(element.data, data)).toBe(0);
      expect(element.data).toBe(element.data);
      expect(element.parts.map(({ length }) => length)).toEqual([9000]);
      expect(Buffer.compare(element.detach().data, data)).toBe(0);
      return parts.map(({ length }) => length);
    };
    const cut = bytes.length - 8000;
    expect(partsAt(bytes)).toEqual([9000]);
    expect(partsAt(bytes.slice(0, cut), bytes.slice(cut))).toEqual([1000, 8000]);
    // Chunks that lie behind each other in one buffer are like one.
    expect(partsAt(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual([9000]);
  });

  it('that is detached keeps everything but its chunk', () => {
    const element = elements[2];
    if (element?.kind !== 'data') throw new Error('no data element');
    const own = element.detach();
    expect(own).toMatchObject({ kind: 'data', offset: 18, headerSize: 4, dataSize: 2, type: Mkv.Title, value: 'ab' });
    expect(own.parent).toBe(element.parent);
    expect(own.data.buffer).not.toBe(element.data.buffer);
    expect(own.data.buffer.byteLength).toBe(2);
  });
});

describe('ticks', () => {
  it('are microseconds as exact as a number can be', () => {
    const scale = fc.oneof(
      fc.constantFrom(1, 3, 999, 1000, 1001, 22_675, 1_000_000, 1_000_000_000),
      fc.integer({ min: 1, max: 2 ** 32 }),
    );
    const ticks = fc.oneof(fc.integer({ min: -40_000, max: 40_000 }), fc.maxSafeInteger());
    fc.assert(
      fc.property(ticks, scale, (count, nanoseconds) => {
        const product = BigInt(count) * BigInt(nanoseconds);
        const result = ticksToMicroseconds(count, nanoseconds);
        const whole = product / 1000n;
        if (product % 1000n === 0n && whole === BigInt(Number(whole))) expect(result).toBe(Number(whole));
        else expect(Math.abs(result - Number(product) / 1000)).toBeLessThanOrEqual(Math.abs(result) * 2 ** -51);
      }),
      { numRuns: 1000 },
    );
  });
});
