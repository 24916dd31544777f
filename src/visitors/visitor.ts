import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { ElementVisitor, MaybePromise } from '../mkv/element-visitor.js';

/**
 * A visitor to extend: each method does nothing until it is overridden.
 *
 * A method may return a promise; `applyVisitor` then reads nothing more until it is settled, which is how a slow consumer holds the
 * stream back. A method that returns nothing costs no promise.
 */
export abstract class MkvElementVisitor implements ElementVisitor {
  /** A master begins. */
  visitStart(_element: MkvStartMasterElement): MaybePromise {}

  /** A master ends; `element.truncated` tells whether bytes of it are missing. */
  visitEnd(_element: MkvEndMasterElement): MaybePromise {}

  /** A data element, whole. */
  visitData(_element: MkvDataElement): MaybePromise {}

  /** No more elements come; `truncated` tells whether the stream ended inside an element, also one of which nothing was shown. */
  visitStreamEnd(_truncated: boolean): MaybePromise {}

  /** Whether no more elements are wanted; `applyVisitor` then ends and cancels its source. */
  isDone(): boolean {
    return false;
  }
}
