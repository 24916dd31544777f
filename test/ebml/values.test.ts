import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeString } from '../../src/ebml/text.js';
import {
  dateFromEbml,
  decodeBigInt,
  decodeBigUint,
  decodeFloat,
  decodeUint,
  EBML_EPOCH_MS,
} from '../../src/ebml/values.js';

/** The same bytes within others, which must not be looked at. */
function within(bytes: Uint8Array): [Uint8Array, number, number] {
  const around = new Uint8Array(bytes.length + 7).fill(0xa5);
  around.set(bytes, 3);
  return [around, 3, 3 + bytes.length];
}

const bytesOf = (value: bigint, length: number) =>
  Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn));

describe('integers', () => {
  it('of up to 8 bytes are exact, at the limits and anywhere', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (length, any) => {
        const bits = BigInt(8 * length);
        for (const value of [any, 0n, 1n, 2n ** (bits - 1n) - 1n, 2n ** (bits - 1n), 2n ** bits - 1n]) {
          const unsigned = BigInt.asUintN(8 * length, value);
          const bytes = bytesOf(unsigned, length);
          expect(decodeBigUint(bytes)).toBe(unsigned);
          expect(decodeBigUint(...within(bytes))).toBe(unsigned);
          expect(decodeBigInt(bytes)).toBe(BigInt.asIntN(8 * length, value));
          expect(decodeBigInt(...within(bytes))).toBe(BigInt.asIntN(8 * length, value));
          if (unsigned >= 2n ** 53n) continue;
          expect(decodeUint(bytes)).toBe(Number(unsigned));
          expect(decodeUint(...within(bytes))).toBe(Number(unsigned));
        }
      }),
    );
  });

  it('of no bytes are 0', () => {
    const [around, start] = within(new Uint8Array(0));
    expect([
      decodeUint(around, start, start),
      decodeBigUint(around, start, start),
      decodeBigInt(around, start, start),
    ]).toEqual([0, 0n, 0n]);
  });
});

describe('floats', () => {
  it('have 4 or 8 bytes, and nothing else is one', () => {
    const single = Uint8Array.of(0x3f, 0xc0, 0, 0);
    const double = Uint8Array.of(0xc0, 4, 0, 0, 0, 0, 0, 0);
    expect([decodeFloat(single), decodeFloat(...within(single))]).toEqual([1.5, 1.5]);
    expect([decodeFloat(double), decodeFloat(...within(double))]).toEqual([-2.5, -2.5]);
    for (const length of [1, 2, 3, 5, 7, 9, 10]) expect(decodeFloat(new Uint8Array(length))).toBeUndefined();
  });

  it('are found in a view of a larger buffer', () => {
    const view = Uint8Array.of(9, 9, 0x3f, 0xc0, 0, 0, 9).subarray(2);
    expect(decodeFloat(view, 0, 4)).toBe(1.5);
  });
});

describe('strings', () => {
  const decode = (text: string | number[]) => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.from(text);
    expect(decodeString(...within(bytes))).toBe(decodeString(bytes));
    return decodeString(bytes);
  };

  it.each([1, 39, 40, 41, 64, 300])('of %s characters are read, ASCII or not, up to a NUL', (length) => {
    const ascii = 'abcdefghij'.repeat(30).slice(0, length);
    expect(decode(ascii)).toBe(ascii);
    expect(decode(`${ascii}\0${ascii}`)).toBe(ascii);
    expect(decode(`${ascii}é𝄞`)).toBe(`${ascii}é𝄞`);
    expect(decode(`${ascii}é\0x`)).toBe(`${ascii}é`);
    expect(decode(`\0${ascii}`)).toBe('');
  });

  it('are not taken for those that came before', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40, max: 0x82 });
    const variant = fc.tuple(bytes, fc.nat(39), fc.nat(255), fc.integer({ min: 1, max: 40 }));
    fc.assert(
      fc.property(fc.array(variant, { minLength: 50, maxLength: 200 }), (all) => {
        for (const [first, at, byte, length] of all) {
          const other = first.slice(0, length);
          if (at < other.length) other[at] = byte;
          for (const one of [first, first, other, other]) {
            expect(decodeString(one)).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(one).split('\0')[0]);
          }
        }
      }),
    );
  });

  it('keep a byte order mark, and every ASCII character', () => {
    expect(decode('\ufeffa')).toBe('\ufeffa');
    const all = String.fromCharCode(...Array.from({ length: 127 }, (_, i) => i + 1));
    expect(decode(all.slice(0, 60))).toBe(all.slice(0, 60));
    expect(decode(all.slice(60))).toBe(all.slice(60));
  });

  it('have U+FFFD where they are no UTF-8', () => {
    expect(decode([0x61, 0x80, 0x62])).toBe('a\ufffdb');
    expect(decode([0x80])).toBe('\ufffd');
    expect(decode([0x7f])).toBe('\x7f');
    expect(decode([0xe2, 0x82])).toBe('\ufffd');
    expect(decode([])).toBe('');
  });
});

describe('dates', () => {
  it('count nanoseconds from the first moment of 2001', () => {
    expect(EBML_EPOCH_MS).toBe(Date.UTC(2001, 0, 1));
    expect(dateFromEbml(0n).toISOString()).toBe('2001-01-01T00:00:00.000Z');
    expect(dateFromEbml(1_500_000_000n).toISOString()).toBe('2001-01-01T00:00:01.500Z');
  });

  it('are rounded down to the millisecond, also before 2001', () => {
    expect(dateFromEbml(1_999_999n).getTime()).toBe(EBML_EPOCH_MS + 1);
    expect(dateFromEbml(-1n).getTime()).toBe(EBML_EPOCH_MS - 1);
    expect(dateFromEbml(-999_999n).getTime()).toBe(EBML_EPOCH_MS - 1);
    expect(dateFromEbml(-1_000_000n).getTime()).toBe(EBML_EPOCH_MS - 1);
    expect(dateFromEbml(-1_000_001n).getTime()).toBe(EBML_EPOCH_MS - 2);
  });
});
