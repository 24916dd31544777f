import type { Bytes } from '../ebml/bytes.js';
import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';

/** Bytes that lie in `bytes` from `start` to `end`. */
export interface Extent {
  readonly bytes: Bytes;
  readonly start: number;
  readonly end: number;
}

/**
 * Where elements lie, headers and data, that follow each other in the stream and are `length` bytes together; `undefined` when they came
 * in several chunks, something between them is missing, or the last one has no data.
 */
export function extentOf(
  elements: readonly (MkvStartMasterElement | MkvDataElement)[],
  length: number,
): Extent | undefined {
  const first = elements[0];
  const last = elements[elements.length - 1];
  if (first === undefined || last === undefined || last.kind !== 'data') return undefined;
  const { run, start, offset, headerSize, dataSize } = last;
  const end = start + dataSize;
  // What lies in a chunk before an element is what stands before it in the stream. Data in parts or put together have nothing before them.
  if (end < length || offset + headerSize + dataSize !== first.offset + length) return undefined;
  return { bytes: run.bytes, start: end - length, end };
}

/** How many bytes of the stream an element's header and data are; of a master, its header. */
export function lengthOf(element: MkvStartMasterElement | MkvDataElement): number {
  return element.headerSize + (element.kind === 'data' ? element.dataSize : 0);
}

/** The same of elements that follow each other. */
export function lengthOfAll(elements: readonly (MkvStartMasterElement | MkvDataElement)[]): number {
  let length = 0;
  for (const element of elements) length += lengthOf(element);
  return length;
}

/** A copy of the bytes. */
export function copyOf({ bytes, start, end }: Extent): Bytes {
  return new Uint8Array(bytes.subarray(start, end));
}

/** Whether they are the same bytes. */
export function isSame(a: Extent, b: Extent): boolean {
  const length = a.end - a.start;
  if (b.end - b.start !== length) return false;
  for (let i = 0; i < length; i++) if (a.bytes[a.start + i] !== b.bytes[b.start + i]) return false;
  return true;
}
