import { pathOf } from '../ebml/path.js';
import type { LeftOutElement } from './merge-options.js';
import { leftOutOf, type Opening } from './strict-form.js';

const NOT_ALLOWED = 'it may not stand there, or not again, or not so';

/** Counts and tells what is not written although it came. What says nothing by itself, Void and CRC-32, is not counted. */
export class LeftOut {
  /** How many elements there were. */
  count = 0;
  readonly #told = new WeakSet<Opening>();
  readonly #tell: ((element: LeftOutElement) => void) | undefined;

  constructor(tell: ((element: LeftOutElement) => void) | undefined) {
    this.#tell = tell;
  }

  /** An element is left out, with all that is in it, or so many from it on. */
  add({ type, offset, parent }: Opening, reason = NOT_ALLOWED, count = 1): void {
    if (type.global) return;
    this.count += count;
    this.#tell?.({ offset, type, message: `${pathOf(parent, type)} is left out: ${reason}` });
  }

  /** An element is written in the form that the standard wants, which may be without some of what is in it; it may be written again. */
  addFrom({ isRight, elements }: { readonly isRight: boolean; readonly elements: readonly Opening[] }): void {
    if (isRight) return;
    for (const element of leftOutOf(elements)) {
      if (this.#told.has(element)) continue;
      this.#told.add(element);
      this.add(element);
    }
  }
}
