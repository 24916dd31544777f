import { type ByteStream, type ChunkSource, openByteStream } from './byte-stream.js';

/** Turns chunks into things, synchronously. */
export interface ChunkConsumer<T> {
  /** Takes a chunk. */
  push(chunk: Uint8Array): void;
  /** Says that no more chunks come. */
  end(): void;
  /** The next thing that can be had without more chunks; `undefined` when there is none. */
  nextIfAvailable(): T | undefined;
}

/** A source of chunks that gives up when a signal is aborted. */
export class AbortableSource {
  readonly #source: ChunkSource;
  readonly #signal: AbortSignal | undefined;
  #reject: ((reason: unknown) => void) | undefined;
  #closed = false;
  readonly #onAbort = () => {
    const reject = this.#reject;
    const reason = this.#signal?.reason;
    void this.cancel(reason);
    reject?.(reason);
  };

  constructor(stream: ByteStream, signal: AbortSignal | undefined) {
    this.#source = openByteStream(stream);
    this.#signal = signal;
    if (signal?.aborted === true) void this.cancel(signal.reason);
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Throws the signal's reason once it is aborted. */
  check(): void {
    if (this.#signal?.aborted === true) throw this.#signal.reason;
  }

  /** The next chunk, or `undefined` at the end; rejects with the signal's reason when it is aborted meanwhile. */
  async read(): Promise<Uint8Array | undefined> {
    this.check();
    const read = this.#source.read();
    if (read === undefined || read instanceof Uint8Array || this.#signal === undefined) return read;
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      read.then(resolve, reject);
    });
  }

  /** Tells the source that no more is wanted. */
  async cancel(reason?: unknown): Promise<void> {
    if (this.#closed) return;
    this.close();
    await this.#source.cancel(reason);
  }

  /** Forgets the signal; to be called at the end of the stream. */
  close(): void {
    this.#closed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

/**
 * What a consumer makes of a byte stream, as an async iterator: chunks are taken from the source only when nothing is left to give, and
 * what is there already is given without waiting. Leaving the loop cancels the source.
 */
export function pullThrough<T>(
  stream: ByteStream,
  consumer: ChunkConsumer<T>,
  signal?: AbortSignal,
): AsyncIterableIterator<T, undefined> {
  return new PullIterator(new AbortableSource(stream, signal), consumer);
}

class PullIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #source: AbortableSource;
  readonly #consumer: ChunkConsumer<T>;
  #ended = false;
  #finished = false;
  /** The call of next() that waits for chunks: calls made meanwhile stand behind it. */
  #waiting: Promise<unknown> | undefined;

  constructor(source: AbortableSource, consumer: ChunkConsumer<T>) {
    this.#source = source;
    this.#consumer = consumer;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#waiting !== undefined) return this.#queue(() => this.#pull());
    if (this.#finished) return Promise.resolve({ done: true, value: undefined });
    try {
      this.#source.check();
      const value = this.#consumer.nextIfAvailable();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    } catch (error) {
      return this.#queue(() => this.#fail(error));
    }
    return this.#queue(() => this.#pull());
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#finished = true;
    await this.#source.cancel();
    return { done: true, value: undefined };
  }

  #queue<R>(work: () => Promise<R>): Promise<R> {
    const queued = this.#waiting === undefined ? work() : this.#waiting.then(work, work);
    this.#waiting = queued;
    const clear = () => {
      if (this.#waiting === queued) this.#waiting = undefined;
    };
    queued.then(clear, clear);
    return queued;
  }

  async #pull(): Promise<IteratorResult<T, undefined>> {
    while (!this.#finished) {
      try {
        this.#source.check();
        const value = this.#consumer.nextIfAvailable();
        if (value !== undefined) return { done: false, value };
        if (this.#ended) {
          this.#finished = true;
          this.#source.close();
          break;
        }
        const chunk = await this.#source.read();
        if (chunk !== undefined) {
          this.#consumer.push(chunk);
        } else {
          this.#ended = true;
          this.#consumer.end();
        }
      } catch (error) {
        // A source that was closed under a pending read may call that an error; the caller who left does not.
        if (this.#finished) break;
        return this.#fail(error);
      }
    }
    return { done: true, value: undefined };
  }

  async #fail(error: unknown): Promise<never> {
    this.#finished = true;
    // The error is what the caller waits for; the source may take its time to close.
    void this.#source.cancel(error);
    throw error;
  }
}
