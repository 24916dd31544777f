import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EbmlErrorCode, EbmlParseError } from '../../src/ebml/errors.js';
import { HeaderReader, hex, INCOMPLETE } from '../../src/ebml/header.js';
import {
  headerBytes,
  idLength,
  putId,
  putSize,
  putUint,
  readVint,
  sizeLength,
  vintLength,
} from '../../src/ebml/vint.js';

/** The bytes of `value` in an EBML variable-size integer of `length` bytes, made with bit strings. */
function vint(value: bigint, length: number): number[] {
  const bits = `${'0'.repeat(length - 1)}1${value.toString(2).padStart(7 * length, '0')}`;
  return (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
}

const LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8];

describe('variable-size integers', () => {
  it('tell their length by their first byte', () => {
    for (let byte = 0; byte < 256; byte++) {
      const zeros = byte.toString(2).padStart(8, '0').indexOf('1');
      expect(vintLength(byte)).toBe(zeros < 0 ? 9 : zeros + 1);
    }
  });

  it('are read as they are written, in every width that holds them', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(5), (any, before) => {
        for (const value of [any, any % 127, any % 16383, 0, 2 ** 53 - 1]) {
          for (const width of LENGTHS.filter((length) => length >= sizeLength(value))) {
            const bytes = new Uint8Array(before + width + 1).fill(0x5a);
            expect(putSize(bytes, before, value, width)).toBe(before + width);
            expect([...bytes.subarray(before, before + width)]).toEqual(vint(BigInt(value), width));
            expect(bytes[before + width]).toBe(0x5a);
            expect(readVint(bytes, before, width)).toBe(value);
          }
        }
      }),
    );
  });

  it('need as many bytes as leave the unknown size free', () => {
    for (const length of LENGTHS.slice(0, 7)) {
      const limit = 2 ** (7 * length) - 1;
      expect([sizeLength(limit - 1), sizeLength(limit)]).toEqual([length, length + 1]);
    }
    expect([sizeLength(0), sizeLength(2 ** 53 - 1)]).toEqual([1, 8]);
  });

  it('are all ones for the unknown size', () => {
    for (const width of LENGTHS) {
      const bytes = new Uint8Array(width + 2);
      expect(putSize(bytes, 1, undefined, width)).toBe(width + 1);
      expect([...bytes]).toEqual([0, ...vint(2n ** BigInt(7 * width) - 1n, width), 0]);
    }
  });
});

describe('ids', () => {
  it.each([
    [0x80, 1],
    [0xff, 1],
    [0x100, 2],
    [0x4000, 2],
    [0xffff, 2],
    [0x10000, 3],
    [0xffffff, 3],
    [0x1a45dfa3, 4],
    [0xffffffff, 4],
    [0x100000000, 5],
    [0x2_0000_0000_0000, 7],
  ])('0x%i has %i bytes', (id, length) => {
    expect(idLength(id)).toBe(length);
    const bytes = new Uint8Array(9);
    expect(putId(bytes, 1, id)).toBe(1 + length);
    expect(Buffer.from(bytes).toString('hex')).toBe(`00${id.toString(16).padStart(2 * length, '0')}`.padEnd(18, '0'));
  });

  it('and sizes make the header that they were read from', () => {
    expect([...headerBytes(0x1a45dfa3, 5, 12)]).toEqual([0x1a, 0x45, 0xdf, 0xa3, 1, 0, 0, 0, 0, 0, 0, 5]);
    expect([...headerBytes(0xa3, undefined, 2)]).toEqual([0xa3, 0xff]);
  });
});

it('putUint writes the low bytes, the most significant first', () => {
  const bytes = new Uint8Array(8).fill(9);
  putUint(bytes, 1, 2 ** 53 - 1, 6);
  expect([...bytes]).toEqual([9, 255, 255, 255, 255, 255, 255, 9]);
  putUint(bytes, 0, 0x010203, 4);
  expect([...bytes.subarray(0, 5)]).toEqual([0, 1, 2, 3, 255]);
});

describe('HeaderReader', () => {
  const make = (limits: Partial<HeaderReader> = {}) => {
    const reader = new HeaderReader((code: EbmlErrorCode, position, text) => {
      throw new EbmlParseError(code, position, text);
    });
    return Object.assign(reader, limits);
  };

  it('reads ids and sizes of every width, at any place, and asks for more byte by byte', () => {
    const reader = make({ maxIdLength: 7 });
    for (const idWidth of LENGTHS.slice(0, 7)) {
      for (const sizeWidth of LENGTHS) {
        const id = vint(5n, idWidth);
        for (const size of [0n, 100n]) {
          const bytes = Uint8Array.from([9, 9, ...id, ...vint(size, sizeWidth), 1, 2, 3]);
          const length = idWidth + sizeWidth;
          for (let end = 2; end < 2 + length; end++) expect(reader.read(bytes, 2, end)).toBe(INCOMPLETE);
          expect(reader.read(bytes, 2, 2 + length)).toBe(length);
          expect(reader.read(bytes, 2, bytes.length)).toBe(length);
          expect([reader.id.toString(16), reader.idLength, reader.dataSize]).toEqual([
            Buffer.from(id).toString('hex').replace(/^0+/, ''),
            idWidth,
            Number(size),
          ]);
        }
      }
    }
  });

  it('reads the unknown size of every width, and what is one less', () => {
    const reader = make();
    for (const width of LENGTHS) {
      const ones = 2n ** BigInt(7 * width) - 1n;
      expect(reader.read(Uint8Array.from([0xa3, ...vint(ones, width)]), 0, 1 + width)).toBe(1 + width);
      expect(reader.dataSize).toBeUndefined();
      if (width === 8) continue;
      reader.read(Uint8Array.from([0xa3, ...vint(ones - 1n, width)]), 0, 1 + width);
      expect(reader.dataSize).toBe(Number(ones - 1n));
    }
  });

  it.each<[string, number[], Partial<HeaderReader>, EbmlErrorCode, number]>([
    ['an id without marker', [0, 0x81], {}, 'InvalidId', 0],
    ['an id of 5 bytes', [8, 0, 0, 0, 1, 0x80], {}, 'InvalidId', 0],
    ['an id longer than the document allows', [0x10, 0, 0, 1, 0x80], { maxIdLength: 3 }, 'InvalidId', 0],
    ['a reserved id of one byte', [0xff, 0x80], {}, 'InvalidId', 0],
    ['a reserved id of two bytes', [0x7f, 0xff, 0x80], {}, 'InvalidId', 1],
    ['a reserved id of four bytes', [0x1f, 0xff, 0xff, 0xff, 0x80], {}, 'InvalidId', 3],
    ['a size without marker', [0xa3, 0, 0, 0, 0, 0, 0, 0, 0], {}, 'InvalidSize', 1],
    ['a size longer than the document allows', [0x42, 0x86, 0x10, 0, 0, 0], { maxSizeLength: 3 }, 'InvalidSize', 2],
    ['a size of 2^53', [0xa3, ...vint(2n ** 53n, 8)], {}, 'ElementTooLarge', 8],
    ['a size of 2^56 - 2', [0xa3, ...vint(2n ** 56n - 2n, 8)], {}, 'ElementTooLarge', 8],
  ])('refuses %s', (_, bytes, limits, code, offset) => {
    expect(() => make(limits).read(Uint8Array.from(bytes), 0, bytes.length)).toThrow(
      expect.objectContaining({ code, offset, message: expect.stringMatching(/byte \d+: \S/) }),
    );
  });

  it('keeps the beginning of a header that goes on in the next chunk, and tells where it knows no further', () => {
    for (const idWidth of LENGTHS.slice(0, 4)) {
      for (const sizeWidth of LENGTHS) {
        const bytes = Uint8Array.from([...vint(5n, idWidth), ...vint(100n, sizeWidth)]);
        const reader = make();
        for (const [at, byte] of bytes.entries()) {
          // The first byte of the size, and the last.
          const isLook = at === idWidth || at === bytes.length - 1;
          expect(reader.goesOnBehind(Uint8Array.of(byte))).toBe(!isLook);
          if (isLook) expect(reader.readOn(byte)).toBe(at === bytes.length - 1 ? bytes.length : INCOMPLETE);
          else reader.begin(Uint8Array.of(byte));
          expect(reader.begun).toBe(at === bytes.length - 1 ? 0 : at + 1);
        }
        expect(reader.dataSize).toBe(100);
        for (let length = 1; length <= bytes.length; length++) {
          expect(reader.goesOnBehind(bytes.subarray(0, length))).toBe(length <= idWidth);
        }
      }
    }
  });

  it('does not wait for more where no id begins', () => {
    expect(make().goesOnBehind(Uint8Array.of(0x08))).toBe(false);
    expect(make({ maxIdLength: 3 }).goesOnBehind(Uint8Array.of(0x1a))).toBe(false);
    expect(make({ maxIdLength: 3 }).goesOnBehind(Uint8Array.of(0x20))).toBe(true);
  });

  it('does not look at bytes behind the end', () => {
    expect(make().read(Uint8Array.of(0xa3, 0x81, 0), 2, 2)).toBe(INCOMPLETE);
    expect(make().read(Uint8Array.of(0xa3, 0), 0, 1)).toBe(INCOMPLETE);
  });

  it('accepts what is just within the limits', () => {
    expect(make({ maxIdLength: 4 }).read(Uint8Array.of(0x10, 0, 0, 1, 0x80), 0, 5)).toBe(5);
    expect(make({ maxSizeLength: 4 }).read(Uint8Array.of(0xa3, 0x10, 0, 0, 0), 0, 5)).toBe(5);
    const reader = make();
    expect(reader.read(Uint8Array.from([0xa3, ...vint(2n ** 53n - 1n, 8)]), 0, 9)).toBe(9);
    expect(reader.dataSize).toBe(2 ** 53 - 1);
    expect(reader.read(Uint8Array.of(0x7f, 0xfe, 0x80), 0, 3)).toBe(3);
  });
});

it('hex writes at least two digits', () => {
  expect([hex(0), hex(0xab), hex(0x1a45dfa3)]).toEqual(['00', 'ab', '1a45dfa3']);
});
