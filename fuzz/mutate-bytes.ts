import { concatBytes } from '../src/ebml/writer.js';
import type { Choices } from './input.js';

/** Numbers at which readers go wrong. */
export const BOUNDARIES: readonly bigint[] = [7, 8, 14, 15, 16, 20, 21, 31, 32, 49, 52, 53, 56, 63, 64].flatMap(
  (bits) => [(1n << BigInt(bits)) - 2n, (1n << BigInt(bits)) - 1n, 1n << BigInt(bits), (1n << BigInt(bits)) + 1n],
);

/** An unsigned integer in `length` bytes, cut at the front when it does not fit. */
export function bigEndian(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, rest = value; i < length; i++, rest >>= 8n) bytes[length - 1 - i] = Number(rest & 0xffn);
  return bytes;
}

/** Random bytes, with many zeros and ones among them. */
export function noise(c: Choices, length: number): Uint8Array {
  const kind = c.below(4);
  return Uint8Array.from({ length }, () =>
    kind === 0 ? 0 : kind === 1 ? c.pick([0, 1, 3, 0x80, 0xff]) : c.below(256),
  );
}

function splice(bytes: Uint8Array, start: number, end: number, inserted: Uint8Array): Uint8Array {
  return concatBytes([bytes.subarray(0, start), inserted, bytes.subarray(end)]);
}

/** Lengths are mostly small. */
function someLength(c: Choices, most: number): number {
  return Math.min(most, c.below(c.pick([2, 5, 20, 200, 2000])) + 1);
}

type ByteMutator = (bytes: Uint8Array, c: Choices, tokens: readonly Uint8Array[], other: Uint8Array) => Uint8Array;

const MUTATORS: readonly ByteMutator[] = [
  function flipBit(bytes, c) {
    const at = c.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << c.below(8));
    return bytes;
  },
  function changeByte(bytes, c) {
    bytes[c.below(bytes.length)] = c.below(256);
    return bytes;
  },
  function addToByte(bytes, c) {
    const at = c.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) + c.below(9) - 4;
    return bytes;
  },
  function remove(bytes, c) {
    const at = c.below(bytes.length);
    return splice(bytes, at, at + someLength(c, bytes.length - at), new Uint8Array(0));
  },
  function truncate(bytes, c) {
    return bytes.slice(0, c.below(bytes.length + 1));
  },
  function insertNoise(bytes, c) {
    const at = c.below(bytes.length + 1);
    return splice(bytes, at, at, noise(c, someLength(c, 2000)));
  },
  function insertToken(bytes, c, tokens) {
    const at = c.below(bytes.length + 1);
    const token = tokens.length === 0 ? noise(c, 4) : c.pick(tokens);
    return splice(bytes, at, c.oneIn(2) ? at : Math.min(bytes.length, at + token.length), token);
  },
  function insertNumber(bytes, c) {
    const at = c.below(bytes.length + 1);
    const number = bigEndian(c.pick(BOUNDARIES), c.pick([1, 2, 3, 4, 8]));
    return splice(bytes, at, c.oneIn(2) ? at : Math.min(bytes.length, at + number.length), number);
  },
  function repeat(bytes, c) {
    const at = c.below(bytes.length);
    const part = bytes.slice(at, at + someLength(c, bytes.length - at));
    const times = Math.min(c.pick([1, 2, 10, 300]), Math.ceil(8000 / part.length));
    return splice(bytes, at, at, concatBytes(Array.from({ length: times }, () => part)));
  },
  function copyWithin(bytes, c) {
    const from = c.below(bytes.length);
    const part = bytes.slice(from, from + someLength(c, bytes.length - from));
    const at = c.below(bytes.length + 1);
    return splice(bytes, at, c.oneIn(2) ? at : Math.min(bytes.length, at + part.length), part);
  },
  function cross(bytes, c, _, other) {
    return concatBytes([bytes.subarray(0, c.below(bytes.length + 1)), other.subarray(c.below(other.length + 1))]);
  },
];

/** Changes bytes without regard to what they are. */
export function mutateBytes(
  bytes: Uint8Array,
  c: Choices,
  tokens: readonly Uint8Array[],
  other: Uint8Array,
): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  for (let times = c.pick([1, 1, 1, 2, 4]); times > 0; times--) {
    changed = changed.length === 0 ? noise(c, someLength(c, 100)) : c.pick(MUTATORS)(changed, c, tokens, other);
  }
  return changed;
}
