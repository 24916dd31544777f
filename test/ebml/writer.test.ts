import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { sameBytes } from '../../src/ebml/bytes.js';
import { concatBytes, type EbmlValue, writeValue } from '../../src/ebml/writer.js';
import { type EbmlElementType, Mkv, writeElement, writeHeader, writeMaster } from '../../src/index.js';

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const valueHex = (type: EbmlElementType, value: EbmlValue) => hexOf(writeValue(type, value));

/** The lowest `length` bytes of a number in two's complement, by way of its digits. */
const digits = (value: bigint, length: number) =>
  BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0');
const LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8];

describe('writeValue', () => {
  const limits = LENGTHS.flatMap((length) => [2n ** BigInt(8 * length), 2n ** BigInt(8 * length - 1), 2n ** 53n]);
  const near = fc
    .tuple(fc.constantFrom(...limits), fc.bigInt({ min: -2n, max: 2n }))
    .map(([limit, more]) => limit + more);

  it('takes as few bytes for an unsigned integer as hold it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), near, fc.bigInt({ min: 0n, max: 300n })),
        (value) => {
          fc.pre(value < 2n ** 64n);
          const length = LENGTHS.find((each) => value < 2n ** BigInt(8 * each)) ?? 0;
          expect(valueHex(Mkv.TrackUID, value)).toBe(digits(value, length));
          if (value < 2n ** 53n) expect(valueHex(Mkv.TrackUID, Number(value))).toBe(digits(value, length));
        },
      ),
    );
  });

  it('takes as few bytes for a signed integer as hold it and its sign', () => {
    const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(
        fc.oneof(
          any,
          near,
          near.map((value) => -value),
          fc.bigInt({ min: -300n, max: 300n }),
        ),
        (value) => {
          fc.pre(value === BigInt.asIntN(64, value));
          const length = LENGTHS.find((each) => value === BigInt.asIntN(8 * each, value)) ?? 0;
          expect(valueHex(Mkv.ReferenceBlock, value)).toBe(digits(value, length));
          if (value > -(2n ** 53n) && value < 2n ** 53n) {
            expect(valueHex(Mkv.ReferenceBlock, Number(value))).toBe(digits(value, length));
          }
        },
      ),
    );
  });

  test.each<[keyof typeof Mkv, EbmlValue]>([
    ['TrackUID', -1],
    ['TrackUID', 1.5],
    ['TrackUID', Number.NaN],
    ['TrackUID', 2 ** 53],
    ['TrackUID', -1n],
    ['TrackUID', 2n ** 64n],
    ['ReferenceBlock', 0.5],
    ['ReferenceBlock', 2 ** 53],
    ['ReferenceBlock', 2n ** 63n],
    ['ReferenceBlock', -(2n ** 63n) - 1n],
  ])('refuses an integer out of range: %s %s', (name, value) => {
    expect(() => writeValue(Mkv[name], value)).toThrow(RangeError);
    expect(() => writeValue(Mkv[name], value)).toThrow(`${value} is no`);
  });

  it('writes floats in 8 bytes, strings in UTF-8, dates in nanoseconds, binary data as it is', () => {
    expect(valueHex(Mkv.Duration, -2.5)).toBe('c004000000000000');
    expect([valueHex(Mkv.Title, 'aé'), valueHex(Mkv.CodecID, 'V')]).toEqual(['61c3a9', '56']);
    expect(valueHex(Mkv.DateUTC, new Date('2001-01-01T00:00:00.001Z'))).toBe(digits(1_000_000n, 8));
    expect(valueHex(Mkv.DateUTC, new Date('2000-12-31T23:59:59.999Z'))).toBe(digits(-1_000_000n, 8));
    expect(valueHex(Mkv.DateUTC, -1n)).toBe('ff'.repeat(8));
    const bytes = Uint8Array.of(1, 2);
    expect(writeValue(Mkv.SegmentUUID, bytes)).toBe(bytes);
  });

  it('refuses a value of another type', () => {
    const values: EbmlValue[] = [1, 1n, 'x', new Date(0), new Uint8Array(1)];
    const takes: [EbmlElementType, boolean[]][] = [
      [Mkv.TrackUID, [true, true, false, false, false]],
      [Mkv.ReferenceBlock, [true, true, false, false, false]],
      [Mkv.Duration, [true, false, false, false, false]],
      [Mkv.Title, [false, false, true, false, false]],
      [Mkv.CodecID, [false, false, true, false, false]],
      [Mkv.DateUTC, [false, true, false, true, false]],
      [Mkv.SegmentUUID, [false, false, false, false, true]],
      [Mkv.Segment, [false, false, false, false, false]],
    ];
    for (const [type, taken] of takes) {
      for (const [index, value] of values.entries()) {
        if (taken[index]) expect(writeValue(type, value)).toBeInstanceOf(Uint8Array);
        else {
          expect(() => writeValue(type, value)).toThrow(
            new TypeError(`${type.name} is a ${type.type} element and cannot hold ${typeof value}`),
          );
        }
      }
    }
  });
});

describe('writeHeader', () => {
  it('is as short as the size allows, or as wide as wanted', () => {
    expect(hexOf(writeHeader(Mkv.Void, 126))).toBe('ecfe');
    expect(hexOf(writeHeader(Mkv.Void, 127))).toBe('ec407f');
    expect(hexOf(writeHeader(Mkv.Void, 5, { sizeLength: 8 }))).toBe('ec0100000000000005');
    expect(hexOf(writeHeader(Mkv.Void, 126, { sizeLength: 1 }))).toBe('ecfe');
    expect(hexOf(writeHeader(Mkv.Segment, 0))).toBe('1853806780');
  });

  it('has the unknown size in any width', () => {
    expect(hexOf(writeHeader(Mkv.Cluster, undefined))).toBe('1f43b675ff');
    expect(hexOf(writeHeader(Mkv.Cluster, undefined, { sizeLength: 2 }))).toBe('1f43b6757fff');
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('refuses %d as a size', (size) => {
    expect(() => writeHeader(Mkv.Void, size)).toThrow(new RangeError(`${size} is no data size`));
  });

  test.each([
    [127, 1, '127'],
    [5, 0, '5'],
    [5, 9, '5'],
    [5, 1.5, '5'],
    [undefined, 0, 'unknown'],
    [undefined, 9, 'unknown'],
  ])('refuses to put %s into a width of %d', (size, sizeLength, text) => {
    expect(() => writeHeader(Mkv.Void, size, { sizeLength })).toThrow(
      new RangeError(`a data size of ${text} does not go into ${sizeLength} bytes`),
    );
  });
});

describe('writeElement and writeMaster', () => {
  it('put header and data behind each other', () => {
    expect(hexOf(writeElement(Mkv.Title, 'ab'))).toBe('7ba9826162');
    expect(hexOf(writeElement(Mkv.Title, 'ab', { sizeLength: 2 }))).toBe('7ba940026162');
    const children = [writeElement(Mkv.Title, 'ab'), writeElement(Mkv.Title, '')];
    expect(hexOf(writeMaster(Mkv.Info, children))).toBe('1549a966887ba98261627ba980');
    expect(hexOf(writeMaster(Mkv.Segment, children, { unknownSize: true }))).toBe('18538067ff7ba98261627ba980');
    expect(hexOf(writeMaster(Mkv.Segment, [], { unknownSize: false, sizeLength: 2 }))).toBe('185380674000');
  });

  it('make a master of a master type only', () => {
    expect(() => writeMaster(Mkv.Title, [])).toThrow(new TypeError('Title is no master element'));
  });
});

it('concatBytes makes an array of its own', () => {
  const one = Uint8Array.of(1, 2);
  const whole = concatBytes([one]);
  expect(whole).toEqual(one);
  expect(whole.buffer).not.toBe(one.buffer);
  expect(concatBytes([one, new Uint8Array(0), Uint8Array.of(3)])).toEqual(Uint8Array.of(1, 2, 3));
  expect(concatBytes([])).toEqual(new Uint8Array(0));
});

it('sameBytes compares bytes, wherever they lie', () => {
  const bytes = fc.uint8Array({ maxLength: 4, max: 2 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(sameBytes(a, b)).toBe(hexOf(a) === hexOf(b));
      expect(sameBytes(a, concatBytes([b, a]).subarray(b.length))).toBe(true);
    }),
  );
});
