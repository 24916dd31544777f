import { pathOf } from '../ebml/path.js';
import type { MkvDataElement, MkvElement, MkvStartMasterElement } from './element.js';
import { MkvParseError } from './parse-error.js';

/** How much may be held of what input can make as large as it likes, in bytes, roughly: a whole fragment has at most 50 MB. */
export const MOST_HELD = 64 * 1024 * 1024;
/** What an element takes besides its bytes. */
export const ELEMENT_OVERHEAD = 200;
/** The same of one with an array of its own. */
export const DETACHED_OVERHEAD = 500;

/** How much memory an element takes while it is held, in bytes, roughly; of a master, its beginning. */
export function weightOf(element: MkvStartMasterElement | MkvDataElement): number {
  return ELEMENT_OVERHEAD + element.headerSize + (element.kind === 'data' ? element.dataSize : 0);
}

/**
 * Refuses to hold more than a stream that means no harm needs.
 *
 * @param weight of all that is held
 * @param element the one that it has come to that with
 * @throws MkvParseError `ElementTooLarge`
 */
export function expectHoldable(weight: number, element: MkvElement): void {
  if (weight <= MOST_HELD) return;
  const text = `${pathOf(element)}: more than ${MOST_HELD} bytes would have to be held at once`;
  throw new MkvParseError('ElementTooLarge', element.offset, text);
}
