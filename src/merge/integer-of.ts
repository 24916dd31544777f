import type { MkvDataElement } from '../mkv/element.js';

/** The value of an integer element, near enough to reckon with; `undefined` when its bytes are none: they are passed on all the same. */
export function integerOf(element: MkvDataElement): number | undefined {
  return element.dataSize > 8 ? undefined : Number(element.bigintValue);
}
