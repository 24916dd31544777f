import type { ClosableAsyncIterator } from './async-iterator.js';
import type { ByteStream } from './byte-stream.js';
import type { MkvElement } from './element.js';
import type { ElementVisitor } from './element-visitor.js';
import { AbortableSource, pullThrough } from './pull.js';
import { type MkvReaderOptions, StreamingMkvReader } from './reader.js';

/**
 * Names of the platform that public types speak of. Each is the platform's own where a program has it (the DOM library, `@types/node`);
 * elsewhere it is empty, and the program compiles all the same.
 */
declare global {
  interface AbortSignal {}
  interface ReadableStream<R> {}
  interface WritableStream<W> {}
}

/** Options for reading a byte stream. */
export interface MkvStreamOptions extends MkvReaderOptions {
  /** Stops the reading: the source is cancelled and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the elements of a byte stream, one after another. Leaving the loop cancels the stream.
 *
 * @throws MkvParseError when the bytes are wrong, whatever the source throws when it fails, the signal's reason when it is aborted
 */
export function readElements(stream: ByteStream, options: MkvStreamOptions = {}): ClosableAsyncIterator<MkvElement> {
  return pullThrough(stream, new StreamingMkvReader(options), options.signal);
}

/**
 * Lets a visitor visit the elements of a byte stream, until the stream ends or the visitor's `isDone()` says so; then the stream is
 * cancelled. Where a method returns a promise, nothing more is read until it is settled.
 *
 * @throws MkvParseError when the bytes are wrong, whatever the source or the visitor throws, the signal's reason when it is aborted
 */
export async function applyVisitor(
  stream: ByteStream,
  visitor: ElementVisitor,
  options: MkvStreamOptions = {},
): Promise<void> {
  const source = new AbortableSource(stream, options.signal);
  const reader = new StreamingMkvReader(options);
  try {
    for (let chunk = await source.read(); ; chunk = await source.read()) {
      if (chunk === undefined) {
        reader.end();
      } else {
        source.see(chunk);
        reader.push(chunk);
      }
      for (;;) {
        if (visitor.isDone?.() === true) {
          await source.cancel();
          return;
        }
        const element = reader.nextIfAvailable();
        if (element === undefined) break;
        const result = element.accept(visitor);
        if (result !== undefined) {
          await result;
          source.check();
        }
      }
      if (chunk === undefined) break;
    }
    await visitor.visitStreamEnd?.(reader.truncated);
    source.close();
  } catch (error) {
    const explained = await source.explain(error);
    void source.cancel(explained);
    throw explained;
  }
}

/** What `pipeThrough` takes: the two ends of a WHATWG `TransformStream`. */
export interface TransformStreamLike<I, O> {
  /** What comes out. */
  readonly readable: ReadableStream<O>;
  /** What goes in. */
  readonly writable: WritableStream<I>;
}

/** The part of a WHATWG `Transformer` that is used. */
export interface TransformerLike<I, O> {
  /** Takes a chunk. A promise that is not settled yet holds the writable side back. */
  transform(chunk: I, controller: TransformControllerLike<O>): PromiseLike<void> | void;
  /** Is called when the writable side is closed, before the readable side is. */
  flush(controller: TransformControllerLike<O>): PromiseLike<void> | void;
}

/** The part of a WHATWG `TransformStreamDefaultController` that is used. */
export interface TransformControllerLike<O> {
  /** Puts a chunk into the queue of the readable side. */
  enqueue(chunk: O): void;
  /** Closes the readable side, and fails the writable one. */
  terminate(): void;
}

/** A `TransformStream` constructor: the platform's, or a polyfill's. */
export type TransformStreamConstructor = new <I, O>(transformer: TransformerLike<I, O>) => TransformStreamLike<I, O>;

/** The stream classes to use, where they are not the platform's. */
export interface StreamClasses {
  /** Default: the platform's. A stream of a polyfill can only be piped through a stream of the same polyfill. */
  readonly TransformStream?: TransformStreamConstructor | undefined;
}

/**
 * Makes a transform stream of the platform's class or of the one given.
 *
 * @throws TypeError when the runtime has no `TransformStream` and none is given
 */
export function makeTransformStream<I, O>(
  classes: StreamClasses,
  transformer: TransformerLike<I, O>,
): TransformStreamLike<I, O> {
  const Transform = classes.TransformStream ?? globalThis.TransformStream;
  if (Transform === undefined) {
    throw new TypeError('this runtime has no TransformStream: pass one of a polyfill in the options');
  }
  return new Transform<I, O>(transformer);
}

/**
 * A transform stream from bytes to elements, for `pipeThrough`. A chunk's elements are queued at once; the next chunk is taken when
 * they have been.
 *
 * ```ts
 * const elements = response.body.pipeThrough(new MkvElementStream());
 * ```
 */
export class MkvElementStream {
  /** The elements. It errors with {@link MkvParseError} when the bytes are wrong. */
  readonly readable: ReadableStream<MkvElement>;
  /** Takes the bytes. */
  readonly writable: WritableStream<Uint8Array>;

  /**
   * @param options those of {@link StreamingMkvReader}, and the `TransformStream` class where it is not the platform's
   * @throws TypeError when the runtime has no `TransformStream` and none is given
   */
  constructor(options: MkvReaderOptions & StreamClasses = {}) {
    const reader = new StreamingMkvReader(options);
    const drain = (controller: TransformControllerLike<MkvElement>) => {
      for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
        controller.enqueue(element);
      }
    };
    const { readable, writable } = makeTransformStream<Uint8Array, MkvElement>(options, {
      transform(chunk, controller) {
        reader.push(chunk);
        drain(controller);
      },
      flush(controller) {
        reader.end();
        drain(controller);
      },
    });
    this.readable = readable;
    this.writable = writable;
  }
}
