/** The part of a WHATWG `ReadableStream` that reading needs; the platform's and every polyfill's have it. */
export interface ReadableStreamLike<T> {
  getReader(): {
    read(): Promise<{ done: boolean; value?: T | undefined }>;
    cancel(reason?: unknown): Promise<void>;
    releaseLock(): void;
  };
}

/** The part of a `Blob` that reading needs; a `File` that a user chose is one. */
export interface BlobLike {
  stream(): ReadableStreamLike<Uint8Array>;
}

/**
 * Where bytes come from: a WHATWG `ReadableStream` (a `fetch` body), an async iterable (a Node `Readable`, the `Payload` of an AWS SDK
 * response), an iterable of chunks, a `Blob`, or all bytes at once.
 */
export type ByteStream =
  | ReadableStreamLike<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | BlobLike
  | Uint8Array;

/** One way to take chunks from every kind of {@link ByteStream}. */
export interface ChunkSource {
  /** The next chunk, or `undefined` at the end. It is not to be called again before the promise is settled. */
  read(): Promise<Uint8Array | undefined>;
  /** Tells the source that no more is wanted. Never rejects. */
  cancel(reason?: unknown): Promise<void>;
}

/**
 * Opens a byte stream for reading.
 *
 * @throws TypeError when it is none of the kinds of {@link ByteStream}
 */
export function openByteStream(stream: ByteStream): ChunkSource {
  const iterator = iterate(stream);
  let reading = false;
  const take = ({ done, value }: Result) => {
    reading = false;
    if (done !== true) return value;
    iterator.finish?.();
    return undefined;
  };
  return {
    // Not an async function: for every chunk, that costs more than all else here.
    read() {
      reading = true;
      try {
        return Promise.resolve(iterator.next()).then(take);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async cancel(reason) {
      // Where it does not close, nobody reads from it any more; where it is being read, it may never answer.
      const closed = (async () => iterator.return?.(reason))().catch(() => {});
      if (!reading) await closed;
    },
  };
}

type Result = { done?: boolean | undefined; value?: Uint8Array | undefined };

interface ResultIterator {
  next(): Result | Promise<Result>;
  return?(reason?: unknown): unknown;
  /** Is called at the end. */
  finish?(): void;
}

function iterate(stream: ByteStream): ResultIterator {
  if (stream instanceof Uint8Array) return [stream].values();
  if (typeof stream === 'object' && stream !== null) {
    if ('getReader' in stream) {
      const reader = stream.getReader();
      return {
        next: () => reader.read(),
        finish: () => reader.releaseLock(),
        async return(reason) {
          await reader.cancel(reason);
          reader.releaseLock();
        },
      };
    }
    if (Symbol.asyncIterator in stream) {
      const iterator = stream[Symbol.asyncIterator]();
      return {
        next: () => iterator.next(),
        return: () => {
          // An async generator answers return() only when it has answered next(), which a silent source never does; a Node stream
          // can be destroyed all the same.
          if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
          return iterator.return?.();
        },
      };
    }
    if (Symbol.iterator in stream) return stream[Symbol.iterator]();
    if ('stream' in stream) return iterate(stream.stream());
  }
  throw new TypeError('a byte stream is a ReadableStream, an (async) iterable of Uint8Array, a Blob or a Uint8Array');
}
