import type { Bytes } from '../ebml/bytes.js';
import type { MaybePromise } from '../mkv/element-visitor.js';
import type { ByteSink } from '../visitors/copy-visitor.js';
import type { PieceQueue } from './piece-queue.js';

/** Empties a queue into a sink: in order, one piece at a time, and nothing more once the sink has failed. */
export class SinkWriter {
  readonly #sink: ByteSink;
  #pending: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Throws what the sink has thrown. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Writes what is in the queue. A promise is returned when the sink has to be waited for. */
  write(queue: PieceQueue): MaybePromise {
    const pieces = queue.take();
    let written: MaybePromise = this.#pending;
    let from = 0;
    while (written === undefined && from < pieces.length) written = this.#give(pieces[from++]!);
    if (written === undefined || pieces.length === 0) return written;
    return this.#wait(this.#rest(written, pieces, from));
  }

  #give(piece: Bytes): MaybePromise {
    this.check();
    try {
      return this.#sink(piece);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  async #rest(before: PromiseLike<unknown>, pieces: readonly Bytes[], from: number): Promise<void> {
    await before;
    for (const piece of pieces.slice(from)) {
      const written = this.#give(piece);
      if (written !== undefined) await written;
    }
  }

  #wait(work: Promise<void>): Promise<void> {
    this.#pending = work;
    work.then(
      () => {
        if (this.#pending === work) this.#pending = undefined;
      },
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    return work;
  }
}
