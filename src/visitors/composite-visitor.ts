import type { MkvDataElement, MkvElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { ElementVisitor, MaybePromise } from '../mkv/element-visitor.js';
import { MkvElementVisitor } from './visitor.js';

/** Passes each element to several visitors, in their order. It is done when one of them is. */
export class CompositeMkvElementVisitor extends MkvElementVisitor {
  readonly #visitors: readonly ElementVisitor[];

  /** @param visitors are shown each element in this order */
  constructor(...visitors: readonly ElementVisitor[]) {
    super();
    this.#visitors = visitors;
  }

  override visitStart(element: MkvStartMasterElement): MaybePromise {
    return this.#show(element, 0);
  }

  override visitEnd(element: MkvEndMasterElement): MaybePromise {
    return this.#show(element, 0);
  }

  override visitData(element: MkvDataElement): MaybePromise {
    return this.#show(element, 0);
  }

  override visitStreamEnd(truncated: boolean): MaybePromise {
    return this.#endFrom(0, truncated);
  }

  override isDone(): boolean {
    return this.#visitors.some((visitor) => visitor.isDone?.() === true);
  }

  #endFrom(from: number, truncated: boolean): MaybePromise {
    for (let index = from; index < this.#visitors.length; index++) {
      const result = this.#visitors[index]!.visitStreamEnd?.(truncated);
      if (result !== undefined) return result.then(() => this.#endFrom(index + 1, truncated));
    }
  }

  #show(element: MkvElement, from: number): MaybePromise {
    for (let index = from; index < this.#visitors.length; index++) {
      const result = element.accept(this.#visitors[index]!);
      if (result !== undefined) return this.#showLater(element, index + 1, result);
    }
  }

  async #showLater(element: MkvElement, from: number, pending: PromiseLike<unknown>): Promise<void> {
    await pending;
    await this.#show(element, from);
  }
}
