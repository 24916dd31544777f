import { concatBytes } from '../ebml/writer.js';
import type { ClosableAsyncIterator } from './async-iterator.js';
import { type ByteStream, type ChunkSource, openByteStream } from './byte-stream.js';
import { explainForeign, FOREIGN_HEAD_SIZE } from './foreign.js';
import { MkvParseError } from './parse-error.js';

const NO_BYTES = new Uint8Array(0);

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
  /** The first bytes of the stream, as far as they have been seen. */
  #head: Uint8Array = NO_BYTES;
  readonly #onAbort = () => {
    const reason = this.#signal?.reason;
    void this.cancel(reason);
    this.#reject?.(reason);
  };

  constructor(stream: ByteStream, signal: AbortSignal | undefined) {
    this.#source = openByteStream(stream);
    this.#signal = signal;
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Throws the signal's reason once it is aborted. */
  check(): void {
    if (this.#signal?.aborted === true) throw this.#signal.reason;
  }

  /** The next chunk, or `undefined` at the end; rejects with the signal's reason when it is aborted meanwhile. */
  read(): Promise<Uint8Array | undefined> {
    const signal = this.#signal;
    if (signal === undefined) return this.#source.read();
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw signal.reason;
      this.#reject = reject;
      this.#source.read().then(resolve, reject);
    });
  }

  /** Looks at a chunk that was read, so that an error can say what the stream is. */
  see(chunk: Uint8Array): void {
    const missing = FOREIGN_HEAD_SIZE - this.#head.length;
    // Whatever else comes, the consumer refuses.
    if (missing > 0 && chunk instanceof Uint8Array) this.#head = concatBytes([this.#head, chunk.subarray(0, missing)]);
  }

  /** The error, or one that says which other format the stream is of. The beginning is read for it, if it has not been. Never rejects. */
  async explain(error: unknown): Promise<unknown> {
    if (!(error instanceof MkvParseError) || error.offset >= FOREIGN_HEAD_SIZE) return error;
    try {
      while (this.#head.length < FOREIGN_HEAD_SIZE) {
        const chunk = await this.read();
        if (chunk === undefined) break;
        this.see(chunk);
      }
    } catch {
      // What has come has to do.
    }
    return explainForeign(error, this.#head);
  }

  /** Tells the source that no more is wanted. Never rejects. */
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
): ClosableAsyncIterator<T> {
  return new PullIterator(new AbortableSource(stream, signal), consumer);
}

class PullIterator<T> implements ClosableAsyncIterator<T> {
  readonly #source: AbortableSource;
  readonly #consumer: ChunkConsumer<T>;
  #ended = false;
  #finished = false;
  /** How many calls of next() are not answered. Each stands behind the one before. */
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: AbortableSource, consumer: ChunkConsumer<T>) {
    this.#source = source;
    this.#consumer = consumer;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#waiting === 0 && !this.#finished) {
      try {
        this.#source.check();
        const value = this.#consumer.nextIfAvailable();
        // An async function costs as much as all of the reading.
        if (value !== undefined) return Promise.resolve({ done: false, value });
      } catch (error) {
        return this.#fail(error);
      }
    }
    const result = this.#waiting++ === 0 ? this.#pull() : this.#last.then(this.#pull, this.#pull);
    if (this.#waiting > 0) this.#last = result;
    return result;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#finished = true;
    await this.#source.cancel();
    return { done: true, value: undefined };
  }

  async #fail(error: unknown): Promise<never> {
    this.#finished = true;
    const explained = await this.#source.explain(error);
    // The error is what the caller waits for; the source may take its time to close.
    void this.#source.cancel(explained);
    throw explained;
  }

  readonly #pull = async (): Promise<IteratorResult<T, undefined>> => {
    try {
      while (!this.#finished) {
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
          this.#source.see(chunk);
          this.#consumer.push(chunk);
        } else {
          this.#ended = true;
          this.#consumer.end();
        }
      }
    } catch (error) {
      // A source that was closed under a pending read may call that an error; the caller who left does not.
      if (!this.#finished) await this.#fail(error);
    } finally {
      this.#waiting--;
    }
    return { done: true, value: undefined };
  };
}
