import type { EbmlElementType } from './element-type.js';
import { hex } from './header.js';

/** What stands in masters: an element, or a master that is open. */
interface Placed {
  readonly type: EbmlElementType;
  /** The master that holds it. */
  readonly parent: Placed | undefined;
}

/** An element's name for messages; of one that nobody knows, its id. */
export function nameOf({ name, id }: Pick<EbmlElementType, 'name' | 'id'>): string {
  return name ?? `0x${hex(id)}`;
}

/** Where something stands, for messages, and that which is in it: Segment/Cluster/SimpleBlock. */
export function pathOf(place: Placed | undefined, type?: EbmlElementType): string {
  const names = type === undefined ? [] : [nameOf(type)];
  for (let at = place; at !== undefined; at = at.parent) names.unshift(nameOf(at.type));
  return names.join('/') || 'the top level';
}
