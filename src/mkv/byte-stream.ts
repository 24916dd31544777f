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
  read(): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** Tells the source that no more is wanted. Never rejects. */
  cancel(reason?: unknown): Promise<void>;
}

/**
 * Opens a byte stream for reading.
 *
 * @throws TypeError when it is none of the kinds of {@link ByteStream}
 */
export function openByteStream(stream: ByteStream): ChunkSource {
  if (stream instanceof Uint8Array) {
    let rest: Uint8Array | undefined = stream;
    return {
      read: () => {
        const all = rest;
        rest = undefined;
        return all;
      },
      cancel: async () => {
        rest = undefined;
      },
    };
  }
  if (isReadableStream(stream)) return fromReader(stream.getReader());
  if (isObject(stream) && Symbol.asyncIterator in stream) return fromAsyncIterator(stream);
  if (isObject(stream) && Symbol.iterator in stream) return fromIterator(stream[Symbol.iterator]());
  if (isBlob(stream)) return fromReader(stream.stream().getReader());
  throw new TypeError(
    'a byte stream must be a ReadableStream, an (async) iterable of Uint8Array, a Blob or a Uint8Array',
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isReadableStream(stream: object): stream is ReadableStreamLike<Uint8Array> {
  return isObject(stream) && 'getReader' in stream && typeof stream.getReader === 'function';
}

function isBlob(stream: unknown): stream is BlobLike {
  return isObject(stream) && 'stream' in stream && typeof stream.stream === 'function';
}

function fromReader(reader: ReturnType<ReadableStreamLike<Uint8Array>['getReader']>): ChunkSource {
  return {
    read: async () => {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    cancel: async (reason) => {
      await reader.cancel(reason).catch(() => {});
    },
  };
}

function fromAsyncIterator(iterable: AsyncIterable<Uint8Array>): ChunkSource {
  const iterator = iterable[Symbol.asyncIterator]();
  let reading = false;
  return {
    read: async () => {
      reading = true;
      const { done, value } = await iterator.next();
      reading = false;
      return done === true ? undefined : value;
    },
    cancel: async () => {
      // An async generator answers return() only when it has answered next(), which a silent source never does; a Node stream can be
      // destroyed all the same.
      try {
        if ('destroy' in iterable && typeof iterable.destroy === 'function') iterable.destroy();
        const returned = Promise.resolve(iterator.return?.()).catch(() => {});
        if (!reading) await returned;
      } catch {
        // It does not close; nobody reads from it any more.
      }
    },
  };
}

function fromIterator(iterator: Iterator<Uint8Array>): ChunkSource {
  return {
    read: () => {
      const { done, value } = iterator.next();
      return done === true ? undefined : value;
    },
    cancel: async () => {
      try {
        iterator.return?.();
      } catch {
        // It does not close; nobody reads from it any more.
      }
    },
  };
}
