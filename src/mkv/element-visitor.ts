import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from './element.js';

/** What a visitor's method may return: nothing, or a promise that the reader waits for before it goes on. */
// biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing must fit
export type MaybePromise = void | PromiseLike<unknown>;

/** Visits elements, with one method for each kind. */
export interface ElementVisitor {
  /** A master begins. */
  visitStart(element: MkvStartMasterElement): MaybePromise;
  /** A master ends. */
  visitEnd(element: MkvEndMasterElement): MaybePromise;
  /** A data element, whole. */
  visitData(element: MkvDataElement): MaybePromise;
  /**
   * No more elements come. `applyVisitor` calls it at the end of the stream, but not when the visitor is done or something fails.
   *
   * @param truncated whether the stream ended inside an element: also one at the top level, which is never shown when it is cut off
   */
  visitStreamEnd?(truncated: boolean): MaybePromise;
  /** Whether the visitor wants no more elements. Default: never. */
  isDone?(): boolean;
}
