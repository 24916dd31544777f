import { decodeUint } from '../ebml/values.js';
import type { MkvDataElement } from '../mkv/element.js';

/**
 * The value of an unsigned integer element, near enough to reckon with; `undefined` when its bytes are none: they are passed on all the
 * same.
 */
export function integerOf(element: MkvDataElement): number | undefined {
  const { bytes, start, dataSize } = element;
  if (dataSize > 0 && dataSize <= 6) return decodeUint(bytes, start, start + dataSize);
  return dataSize > 8 ? undefined : Number(element.bigintValue);
}
