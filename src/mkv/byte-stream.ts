/** The part of a WHATWG `ReadableStream` that reading needs; the platform's and every polyfill's have it. */
export interface ReadableStreamLike<T> {
  /** Locks the stream to a reader. Throws a TypeError when it is locked already. */
  getReader(): {
    /** The next chunk as `value`; `done` is true, without one, at the end. */
    read(): Promise<{ done: boolean; value?: T | undefined }>;
    /** Says that no more is wanted, so that the source can close. */
    cancel(reason?: unknown): Promise<void>;
    /** Gives the stream free for another reader. */
    releaseLock(): void;
  };
}

/** The part of a `Blob` that reading needs. A `File` that a user selects is a `Blob`. */
export interface BlobLike {
  /** The bytes as a stream. Each call gives a new one, from the first byte on. */
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
 * A stream that has been read before, and gives no more bytes, is an error at the first read: it is no empty one.
 *
 * @throws TypeError when it is none of the kinds of {@link ByteStream}
 */
export function openByteStream(stream: ByteStream): ChunkSource {
  const iterator = iterate(stream);
  const alreadyRead = beginReading(stream);
  let reading = false;
  let isEmpty = true;
  const take = ({ done, value }: Result) => {
    reading = false;
    if (done !== true) {
      isEmpty = false;
      return value;
    }
    iterator.finish?.();
    if (isEmpty && alreadyRead !== undefined) throw alreadyRead;
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

/**
 * Notes that a stream is read from now on, of bytes or of anything else.
 *
 * @returns the error for when it gives nothing, of a stream that was read before: its end is no news then, and would look like that of a
 * stream without bytes
 */
export function beginReading(stream: unknown): TypeError | undefined {
  if (!isOnce(stream)) return undefined;
  const wasRead = readBefore.has(stream) || wasReadElsewhere(stream);
  readBefore.add(stream);
  return wasRead ? new TypeError('the byte stream has been read already') : undefined;
}

/** Streams that give their bytes once and have been opened. */
const readBefore = new WeakSet<object>();

/** Whether a stream gives what it has once. Arrays and the like begin again each time. */
function isOnce(stream: unknown): stream is object {
  if (typeof stream !== 'object' || stream === null || stream instanceof Uint8Array) return false;
  if ('getReader' in stream) return true;
  // An iterator that is its own iterable goes on where it stands; a Node stream makes one that does.
  return 'next' in stream || 'readableDidRead' in stream;
}

/** Whether something else has read from a stream, as far as Node's streams and, in Node, the platform's tell. */
function wasReadElsewhere(stream: object): boolean {
  if ('readableDidRead' in stream) return stream.readableDidRead === true;
  return Reflect.get(stream, NODE_DISTURBED) === true;
}

/** What `isDisturbed` of `node:stream` looks at. */
const NODE_DISTURBED = Symbol.for('nodejs.stream.disturbed');

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
