import type { MkvDataElement, MkvElement, MkvStartMasterElement } from '../mkv/element.js';
import { elementPath } from '../mkv/element-path.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { lengthOf } from './extent.js';

/** How much may be held back at once, in bytes, roughly: a whole fragment of Kinesis Video Streams has at most 50 MB. */
const MOST_HELD = 64 * 1024 * 1024;
/** What an element takes besides its bytes. */
const ELEMENT_OVERHEAD = 200;

/** How much memory an element takes while it is held, in bytes, roughly. */
export function weightOf(element: MkvStartMasterElement | MkvDataElement): number {
  return ELEMENT_OVERHEAD + lengthOf(element);
}

/**
 * Refuses to hold more than a stream that means no harm makes the merger hold.
 *
 * @param weight of all that is held
 * @param element the one it comes with
 * @throws MkvParseError `ElementTooLarge`
 */
export function expectHoldable(weight: number, element: MkvElement): void {
  if (weight <= MOST_HELD) return;
  const text = `${elementPath(element)}: more than ${MOST_HELD} bytes would have to be held before they can be written`;
  throw new MkvParseError('ElementTooLarge', element.offset, text);
}
