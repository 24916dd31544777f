import { readVint, vintLength } from '../../src/ebml/vint.js';
import type { MkvElement } from '../../src/mkv/element.js';
import { Mkv } from '../../src/mkv/elements.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import { StreamingMkvReader } from '../../src/mkv/reader.js';

/**
 * Whether there is a Block of a track that the Segment has not described before it, up to the first error.
 *
 * @param recover read on behind errors
 */
export function hasUndescribedTrack(bytes: Uint8Array, recover = false): boolean {
  const described = new Set<number>();
  /** TrackNumber of the TrackEntry at hand: of several, readers take the last. */
  let number: number | undefined;
  for (const element of elementsOf(bytes, recover)) {
    const within = element.parent?.type;
    if (element.kind === 'start') {
      if (element.is(Mkv.Segment)) described.clear();
      else if (element.is(Mkv.TrackEntry) && within === Mkv.Tracks) number = undefined;
    } else if (element.kind === 'end') {
      if (element.is(Mkv.TrackEntry) && within === Mkv.Tracks && number !== undefined) described.add(number);
    } else if (element.is(Mkv.TrackNumber)) {
      // What stands in another element of a TrackEntry is not of that.
      const isOfEntry = within === Mkv.TrackEntry && element.parent?.parent?.type === Mkv.Tracks;
      if (isOfEntry && element.dataSize <= 8) number = Number(element.bigintValue);
    } else if ((element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) && !described.has(trackOf(element.data))) {
      return true;
    }
  }
  return false;
}

function* elementsOf(bytes: Uint8Array, recover: boolean): Generator<MkvElement, void> {
  const reader = new StreamingMkvReader({ recover });
  try {
    reader.push(bytes);
    reader.end();
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable())
      yield element;
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
  }
}

/** Which track a Block is of; -1 where it does not say it. */
function trackOf(block: Uint8Array): number {
  const [first = 0] = block;
  const length = vintLength(first);
  return length > Math.min(8, block.length) ? -1 : readVint(block, 0, length);
}
