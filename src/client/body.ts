import { type ByteStream, openByteStream } from '../mkv/byte-stream.js';
import { freeMemory } from './free-memory.js';
import { isOwnSocket, ownedChunk } from './node-agents.js';

/** Takes the next bytes of a body, or `undefined` at its end; tells whether it has enough for now. At the end it always has. */
export type Take = (chunk: Uint8Array | undefined) => boolean;

/** The body of an answer. */
export interface Body {
  /**
   * Gives what comes to `take`, which does not throw, until that has enough. It is not to be called again before the promise is settled.
   * Rejects when the body fails.
   *
   * @param copies whether `take` has copied what it keeps when it returns: the memory of the chunks may be gone then. Default false
   */
  feed(take: Take, copies?: boolean): Promise<void>;
  /** Nothing more is wanted. Never rejects. */
  cancel(): Promise<void>;
}

/** The part of a `Readable` of Node that is used. */
interface NodeReadable {
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  listenerCount(event: 'data'): number;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  readonly readableDidRead: boolean;
  readonly socket?: object | undefined;
}

/** Opens the body of an answer. */
export function openBody(stream: ByteStream): Body {
  if (isNodeReadable(stream) && !stream.readableDidRead) return new NodeBody(stream);
  const source = openByteStream(stream);
  return {
    async feed(take) {
      while (!take(await source.read()));
    },
    cancel: () => source.cancel(),
  };
}

function isNodeReadable(stream: object): stream is NodeReadable {
  return (
    'readableDidRead' in stream &&
    ['on', 'listenerCount', 'pause', 'resume', 'destroy'].every(
      (name) => typeof Reflect.get(stream, name) === 'function',
    )
  );
}

/**
 * A body as a stream of Node gives it. Chunks pass from the socket straight to whoever takes them, with no promise for each; the stream is
 * held back when that has enough.
 */
class NodeBody implements Body {
  readonly #stream: NodeReadable;
  readonly #ownsChunks: boolean;
  #take: Take | undefined;
  #copies: boolean | undefined;
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(stream: NodeReadable) {
    this.#stream = stream;
    this.#ownsChunks = isOwnSocket(stream.socket);
    stream.pause();
    stream.on('data', (chunk) => this.#give(chunk));
    stream.on('end', () => {
      this.#ended = true;
      this.#give(undefined);
    });
    stream.on('error', (error) => this.#fail(error));
    stream.on('close', () => {
      if (!this.#ended) this.#fail(new PrematureCloseError());
    });
  }

  feed(take: Take, copies?: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure.error);
        return;
      }
      this.#take = take;
      this.#copies = copies;
      this.#settle = { resolve, reject };
      if (this.#ended) this.#give(undefined);
      else this.#stream.resume();
    });
  }

  async cancel(): Promise<void> {
    this.#take = undefined;
    this.#settle = undefined;
    this.#stream.destroy();
  }

  #give(chunk: Uint8Array | undefined): void {
    const take = this.#take;
    if (take === undefined) return;
    const own = chunk === undefined ? undefined : ownedChunk(chunk);
    const isEnough = take(own);
    if (own !== undefined && this.#copies === true) this.#free(own);
    if (isEnough || own === undefined) this.#done()?.resolve();
  }

  /** Unless somebody else listens, or it is a part of something larger, nobody but this has the chunk. */
  #free({ buffer, byteLength }: Uint8Array): void {
    const isAll = buffer instanceof ArrayBuffer && byteLength === buffer.byteLength;
    if (isAll && this.#ownsChunks && this.#stream.listenerCount('data') === 1) freeMemory(buffer);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#done()?.reject(this.#failure.error);
  }

  #done() {
    const settle = this.#settle;
    this.#take = undefined;
    this.#settle = undefined;
    this.#stream.pause();
    return settle;
  }
}

/** The connection has ended without an end of the body. */
class PrematureCloseError extends Error {
  /** Node's own word for it. */
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE';

  constructor() {
    super('the connection was closed before the end of the body');
    this.name = 'PrematureCloseError';
  }
}
