import { crc32 } from './crc32.js';
import type { EbmlElementType } from './element-type.js';
import { hex } from './header.js';

/** A master element whose end has not come yet. `M` is what the handler made of it. */
export interface OpenMaster<M> {
  readonly type: EbmlElementType;
  readonly offset: number;
  /** Where its data begins. */
  readonly start: number;
  /** Where it ends at the latest; `Infinity` when nothing tells. */
  readonly end: number;
  readonly sizeKnown: boolean;
  readonly parent: OpenMaster<M> | undefined;
  readonly depth: number;
  readonly handle: M;
  readonly asked: boolean;
  /** Children that may occur once and have; kept only when someone wants to know. */
  seen: Set<EbmlElementType> | undefined;
  /** What its CRC-32 element says; `undefined` without one. */
  expectedCrc: number | undefined;
  /** The CRC-32 of its bytes after that element, as far as they are read. */
  crc: number;
}

/** Counts bytes into the CRC-32 of every open master that has one. */
export function countCrc(top: OpenMaster<unknown> | undefined, bytes: Uint8Array, start: number, end: number): void {
  for (let master = top; master !== undefined; master = master.parent) {
    if (master.expectedCrc !== undefined) master.crc = crc32(bytes, master.crc, start, end);
  }
}

/** The names of the open masters and of the element in them, for messages: Segment/Cluster/SimpleBlock. */
export function pathOf(top: OpenMaster<unknown> | undefined, type?: EbmlElementType): string {
  const names = type === undefined ? [] : [type.name ?? `0x${hex(type.id)}`];
  for (let master = top; master !== undefined; master = master.parent) names.unshift(`${master.type.name}`);
  return names.join('/') || 'the top level';
}
