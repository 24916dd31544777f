import { frameElements } from '../fragments/frame-filter.js';
import type { ElementVisitor } from '../mkv/element-visitor.js';
import { type MkvReaderOptions, StreamingMkvReader } from '../mkv/reader.js';

/** Reads bytes and shows the elements that frames are made of to a visitor. */
export class ElementFeed {
  readonly #reader: StreamingMkvReader;
  #length = 0;
  #ended = false;

  /** @param onGap is told where bytes are missing in the middle of the stream */
  constructor(options: MkvReaderOptions, onGap: () => void) {
    this.#reader = new StreamingMkvReader({
      ...options,
      elements: frameElements(),
      onGap: (gap) => {
        options.onGap?.(gap);
        // What the end of the stream cuts off is told by the elements. Other gaps may be found as late, by small chunks.
        if (!this.#ended || gap.offset + gap.length < this.#length) onGap();
      },
    });
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    this.#length += chunk.length;
    this.#reader.push(chunk);
  }

  /** Says that no more bytes come. */
  end(): void {
    this.#ended = true;
    this.#reader.end();
  }

  /** Shows the next element; `false` when there is none yet. */
  step(visitor: ElementVisitor): boolean {
    const element = this.#reader.nextIfAvailable();
    element?.accept(visitor);
    return element !== undefined;
  }
}
