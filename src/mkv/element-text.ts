import { count } from '../ebml/plural.js';
import type { Block } from './block.js';
import type { MkvDataElement } from './element.js';
import { MkvParseError } from './parse-error.js';

/** The value as JSON can hold it: an integer beyond 2^53 - 1 as a decimal string. A value that is none is `null`. */
export function exactValue(element: MkvDataElement): unknown {
  const { type } = element.type;
  try {
    if (type !== 'uinteger' && type !== 'integer' && type !== 'date') return element.value;
    const exact = element.bigintValue;
    const number = Number(exact);
    return Number.isSafeInteger(number) ? number : exact.toString();
  } catch (error) {
    if (error instanceof MkvParseError) return null;
    throw error;
  }
}

/** What a Block says before its frames, in words. */
export function blockText(block: Block): string {
  const flags = [
    block.simple && block.keyframe ? 'key' : '',
    block.invisible ? 'invisible' : '',
    block.simple && block.discardable ? 'discardable' : '',
    block.lacing === 'none' ? '' : `${count(block.frameCount, 'frame')} in ${block.lacing} lacing`,
  ].filter((flag) => flag !== '');
  return [`track ${block.trackNumber}`, `time ${block.relativeTimestamp}`, ...flags].join(', ');
}
