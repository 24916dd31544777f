import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { integerOf } from './integer-of.js';

/** The id of Tracks as SeekID has it. */
const TRACKS = [0x16, 0x54, 0xae, 0x6b];

/**
 * Where a SeekHead says that Tracks are.
 *
 * @param elements the SeekHead and what is in it
 * @returns the offset from the first byte of the Segment's data; `undefined` where it does not say it
 */
export function tracksPosition(elements: readonly (MkvStartMasterElement | MkvDataElement)[]): number | undefined {
  for (const element of elements) {
    if (element.kind !== 'data' || !element.is(Mkv.SeekID) || element.dataSize !== TRACKS.length) continue;
    if (!TRACKS.every((byte, index) => element.data[index] === byte)) continue;
    for (const other of elements) {
      if (other.parent === element.parent && other.kind === 'data' && other.is(Mkv.SeekPosition))
        return integerOf(other);
    }
  }
  return undefined;
}
