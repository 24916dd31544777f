import { canDescendFrom, type EbmlElementType, EbmlId, isLandmark } from './element-type.js';
import type { OpenMaster } from './open-master.js';

/** What is wrong with where an element stands. */
export interface Misplacement {
  readonly text: string;
  /** Whether the element can be read all the same. */
  readonly tolerated: boolean;
  /** Whether the size of the open master is what is wrong, so that it ends here. */
  readonly endsMaster: boolean;
}

/** Says that the open master has ended where the element begins. */
export const BEHIND = Symbol();

/**
 * Where an element stands that begins within `top` (RFC 8794 section 11.1, and 6.2 for masters of unknown size): in it, `undefined`, or
 * {@link BEHIND} it, or wrong.
 *
 * @param resynced whether reading went on here after damage: masters that cannot hold the element are closed, whatever their size
 */
export function placeIn(
  top: OpenMaster<unknown>,
  type: EbmlElementType,
  resynced: boolean,
  recovers: boolean,
): Misplacement | typeof BEHIND | undefined {
  if (type.level < 0 || type.parent === top.type || (type.recursive && type === top.type)) return undefined;
  const foreign = !canDescendFrom(type, top.type);
  if (foreign && (!top.sizeKnown || resynced)) return BEHIND;
  // The size of a master above a landmark is wrong. A Segment's often is; of others, only recovery makes light.
  const endsMaster = foreign && isLandmark(type);
  const tolerated = !endsMaster || recovers || (type.level === 0 && top.type.level === 0);
  return misplaced('not allowed here', tolerated, endsMaster);
}

/** Whether one of the open masters can hold an element, or it may begin behind all of them. */
export function belongsIn(top: OpenMaster<unknown> | undefined, type: EbmlElementType): boolean {
  for (let at = top; at !== undefined; at = at.parent) {
    if (type.parent === at.type || (type.recursive && type === at.type)) return true;
  }
  return isLandmark(type);
}

/** Tells what may stand outside of every master. */
export class TopLevel {
  /** Whether a document, or what is left of one, has begun. */
  begun = false;
  #headerSeen = false;

  /** What is wrong with an element there. */
  place(type: EbmlElementType): Misplacement | undefined {
    if (type.level !== 0) {
      if (type.global && this.begun) return undefined;
      return misplaced('not allowed here', isLandmark(type));
    }
    const followsHeader = this.#headerSeen;
    this.#headerSeen = type.id === EbmlId.EBML;
    return followsHeader || this.#headerSeen ? undefined : misplaced('no EBML header before it', true);
  }
}

function misplaced(text: string, tolerated: boolean, endsMaster = false): Misplacement {
  return { text, tolerated, endsMaster };
}
