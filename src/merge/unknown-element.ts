import { damagedElement, EXAMINED, isText } from '../ebml/damaged-id.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { LARGEST_IN_DOUBT, mayGoOnPastEnd } from '../ebml/past-end.js';
import { concatBytes } from '../ebml/writer.js';
import type { MkvDataElement } from '../mkv/element.js';
import { MKV_SCHEMA, Mkv } from '../mkv/elements.js';
import { lookOfData, SYNC_MARKS } from '../mkv/mkv-parser.js';

// The reader accepts an element of unknown id by what stands around it and behind it. In the output that can be something else.

/** Why an element of unknown id is left out. */
export const LOOKS_DAMAGED = 'where it would be written, a reader may take it for a damaged element';

/** Where an element of a Segment or of a Cluster may stand in the output: a Cluster of unknown size takes in what stands behind it. */
const LOOSE: readonly EbmlElementType[] = [Mkv.Cluster, Mkv.Segment];

/** Whether the id of an element is not in the schema. */
export function isUnknown({ type }: MkvDataElement): boolean {
  return type.name === undefined;
}

/** Whether a reader takes an element of unknown id in `parent` for a damaged one, whatever stands behind it. */
export function looksDamaged(element: MkvDataElement, parent: EbmlElementType): boolean {
  const { rawHeader, headerSize, dataSize, data } = element;
  const beginning = concatBytes([rawHeader, data.subarray(0, EXAMINED)]);
  if (isText(beginning)) return true;
  const parents = LOOSE.includes(parent) ? LOOSE : [parent];
  return parents.some(
    (each) => damagedElement(MKV_SCHEMA, beginning, headerSize, headerSize + dataSize, each) !== undefined,
  );
}

/**
 * Whether a reader may take an element of unknown id in `parent` for a damaged one, if another of unknown id stands behind it before any that is
 * plain to see.
 */
export function isDoubtful(element: MkvDataElement, parent: EbmlElementType): boolean {
  const { headerSize, dataSize, start, bytes } = element;
  if (dataSize > LARGEST_IN_DOUBT) return false;
  const whole =
    start >= headerSize
      ? bytes.subarray(start - headerSize, start + dataSize)
      : concatBytes([element.rawHeader, element.data]);
  return mayGoOnPastEnd(MKV_SCHEMA, SYNC_MARKS, lookOfData, whole, anchorOf(parent));
}

/** Whether no reader takes a SimpleBlock for anything else. */
export function isPlainBlock({ type, run, start, dataSize }: MkvDataElement): boolean {
  return type === Mkv.SimpleBlock && lookOfData(type, run.head, run.headStart + start, dataSize) === true;
}

/** Whether a reader may refuse an element of unknown id in `parent`, depending on what stands behind it. */
export function isRefusable(element: MkvDataElement, parent: EbmlElementType): boolean {
  return isUnknown(element) && (looksDamaged(element, parent) || isDoubtful(element, parent));
}

/** The master at level 1 that a master is, or is in; Cluster for what has none: all else that is looked for there is looked for in it. */
function anchorOf(parent: EbmlElementType): EbmlElementType {
  for (let at: EbmlElementType | undefined = parent; at !== undefined; at = at.parent) if (at.level === 1) return at;
  return Mkv.Cluster;
}
