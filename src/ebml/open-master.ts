import { crc32 } from './crc32.js';
import { type EbmlElementType, isDocument } from './element-type.js';
import type { EbmlErrorCode } from './errors.js';
import { hex } from './header.js';
import { pathOf } from './path.js';
import { count } from './plural.js';

/** A master element whose end has not come yet. `M` is what the handler made of it. */
export interface OpenMaster<M> {
  readonly type: EbmlElementType;
  readonly offset: number;
  /** Where its data begins. */
  readonly start: number;
  /** Where it ends at the latest; `Infinity` when nothing tells. */
  end: number;
  sizeKnown: boolean;
  /** Where it ended by its size before that was given up; `undefined` when it was not. */
  saidEnd: number | undefined;
  readonly parent: OpenMaster<M> | undefined;
  readonly depth: number;
  readonly handle: M;
  readonly asked: boolean;
  /** Whether bytes of it have been passed over. */
  damaged: boolean;
  /** Children that may occur once and have; kept only when someone wants to know. */
  seen: Set<EbmlElementType> | undefined;
  /** What its CRC-32 element says; `undefined` without one. */
  expectedCrc: number | undefined;
  /** The CRC-32 of its bytes after that element, as far as they are read. */
  crc: number;
}

/** Notes that bytes of the open masters are missing; what is left cannot fit a CRC-32. */
export function noteDamage(top: OpenMaster<unknown> | undefined): void {
  for (let master = top; master !== undefined; master = master.parent) {
    master.expectedCrc = undefined;
    if (!isDocument(master.type)) master.damaged = true;
  }
}

/** Has the masters that are open in `anchor` end at `offset`. */
export function endWithin(top: OpenMaster<unknown> | undefined, anchor: unknown, offset: number): void {
  for (let master = top; master !== undefined && master !== anchor; master = master.parent) master.end = offset;
}

/** Has the masters that end before `offset`, and are no documents, go on to wherever they may: their sizes are wrong. */
export function freeUpTo(top: OpenMaster<unknown> | undefined, offset: number): void {
  if (top === undefined || top.end >= offset || isDocument(top.type)) return;
  freeUpTo(top.parent, offset);
  top.end = top.parent?.end ?? Number.POSITIVE_INFINITY;
  top.sizeKnown = false;
  top.damaged = true;
  top.expectedCrc = undefined;
}

/** Forgets the sizes of the documents that are open: after damage, what is left of them may be more or less than was said. */
export function distrustRootSizes(top: OpenMaster<unknown> | undefined): void {
  for (let master = top; master !== undefined; master = master.parent) {
    if (!isDocument(master.type)) continue;
    if (master.sizeKnown) master.saidEnd = master.end;
    master.end = Number.POSITIVE_INFINITY;
    master.sizeKnown = false;
  }
}

/** Counts bytes into the CRC-32 of every open master that has one. */
export function countCrc(top: OpenMaster<unknown> | undefined, bytes: Uint8Array, start: number, end: number): void {
  for (let master = top; master !== undefined; master = master.parent) {
    if (master.expectedCrc !== undefined) master.crc = crc32(bytes, master.crc, start, end);
  }
}

/** What is wrong with an element. */
export interface Fault {
  readonly code: EbmlErrorCode;
  readonly text: string;
}

/**
 * Has the bytes of a master that follow its CRC-32 element counted and compared with it. The element is at `offset`, its data in `bytes`
 * from `start` to `end`.
 *
 * @returns what is wrong with the element
 */
export function expectCrc(
  master: OpenMaster<unknown>,
  offset: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Fault | undefined {
  const size = end - start;
  if (size !== 4) return { code: 'InvalidValue', text: count(size, 'byte') };
  if (offset !== master.start) return { code: 'UnexpectedElement', text: 'not the first child' };
  master.expectedCrc = new DataView(bytes.buffer, bytes.byteOffset + start, size).getUint32(0, true);
  return undefined;
}

/** What is wrong with a master that has been read to its end: its bytes do not fit its CRC-32. */
export function crcFault(master: OpenMaster<unknown>): string | undefined {
  const { offset, crc, expectedCrc } = master;
  if (expectedCrc === undefined || crc === expectedCrc) return undefined;
  return `${pathOf(master)} at byte ${offset} has the CRC-32 0x${hex(expectedCrc)}, its bytes 0x${hex(crc)}`;
}

/** Notes that an element of `type` occurs in `master`; `true` when it may occur once and has before. */
export function occursAgain(master: OpenMaster<unknown>, type: EbmlElementType): boolean {
  if (type.maxOccurs !== 1 || type.level === 0) return false;
  master.seen ??= new Set();
  const again = master.seen.has(type);
  master.seen.add(type);
  return again;
}
