import type { Bytes } from '../ebml/bytes.js';
import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import type { MaybePromise } from '../mkv/element-visitor.js';
import { MkvElementVisitor } from './visitor.js';

/** Takes bytes. They are a view, so a sink that keeps them copies them or makes sure that the pushed chunks stay. */
export type ByteSink = (bytes: Bytes) => MaybePromise;

/** Writes the bytes of the elements that it visits to a sink. If it visits all elements, it writes the stream as it arrived. */
export class CopyVisitor extends MkvElementVisitor {
  readonly #sink: ByteSink;

  /** @param sink is given the bytes in order; a promise is waited for before the next come */
  constructor(sink: ByteSink) {
    super();
    this.#sink = sink;
  }

  override visitStart(element: MkvStartMasterElement): MaybePromise {
    return this.#sink(element.rawHeader);
  }

  override visitData(element: MkvDataElement): MaybePromise {
    return this.#write([element.rawHeader, ...element.parts], 0);
  }

  #write(pieces: readonly Bytes[], from: number): MaybePromise {
    for (let index = from; index < pieces.length; index++) {
      const pending = this.#sink(pieces[index]!);
      if (pending !== undefined) return this.#writeLater(pending, pieces, index + 1);
    }
  }

  async #writeLater(pending: PromiseLike<unknown>, pieces: readonly Bytes[], from: number): Promise<void> {
    await pending;
    await this.#write(pieces, from);
  }
}
