import type { Bytes } from './bytes.js';
import { ChunkQueue } from './chunk-queue.js';
import { type DataLook, ElementSight } from './element-sight.js';
import type { EbmlElementType, EbmlSchema } from './element-type.js';
import { mayBeginPlace, NOWHERE, PlaceSearch } from './place-search.js';
import type { SyncMark } from './sync-scanner.js';

/** How much is held back without recovery of an element that any bytes may look like. */
export const LARGEST_IN_DOUBT = 1024 * 1024;

/**
 * Whether elements may begin in an element and go on past its end, as far as its own bytes tell. Where they do, and what stands behind the
 * element does not speak for it, a reader takes its size for damaged.
 *
 * @param element header and data of an element of unknown id
 * @param anchor the master at level 1 that it stands in
 */
export function mayGoOnPastEnd(
  schema: EbmlSchema,
  marks: readonly SyncMark[],
  dataLook: DataLook,
  element: Bytes,
  anchor: EbmlElementType,
): boolean {
  const { length } = element;
  let at = 1;
  while (at < length && !mayBeginPlace(schema, marks, anchor, element[at]!)) at++;
  if (at === length) return false;
  const input = new ChunkQueue();
  input.push(element);
  input.advance();
  const sight = new ElementSight(schema, Number.MAX_SAFE_INTEGER, dataLook);
  const search = new PlaceSearch(input, sight, schema, marks, Number.MAX_SAFE_INTEGER);
  const place = search.find({
    at,
    end: length,
    past: length,
    anchor: { type: anchor, end: Number.POSITIVE_INFINITY, sizeKnown: false, parent: undefined },
    documentEnd: undefined,
  });
  return place !== NOWHERE;
}
