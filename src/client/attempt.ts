import type { GetMediaCommandOutput } from '@aws-sdk/client-kinesis-video-media';
import { type ChunkSource, openByteStream } from '../mkv/byte-stream.js';
import { abortable, linkedController } from './abort.js';
import type { Clock } from './clock.js';
import { KinesisVideoError, type ServiceOperation, toKinesisVideoError } from './service-error.js';

/**
 * One call of the service, with the body of its answer. Whatever it waits for, it waits for a limited time; the time that the caller takes
 * between two reads does not count.
 */
export class Attempt {
  readonly #operation: ServiceOperation;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #controller: AbortController;
  readonly #unlink: () => void;
  readonly #outer: AbortSignal;
  #source: ChunkSource | undefined;
  #bytes = 0;

  /** @param signal ends all waiting with its reason */
  constructor(operation: ServiceOperation, clock: Clock, timeoutMs: number, signal: AbortSignal) {
    this.#operation = operation;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#outer = signal;
    const { controller, unlink } = linkedController(signal);
    this.#controller = controller;
    this.#unlink = unlink;
  }

  /** How many bytes of the body have been read. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Makes the call. The signal it is given is aborted when the time is over; what comes then is thrown away.
   *
   * @throws UnansweredError when the time is over
   */
  async call<T extends object>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    signal.throwIfAborted();
    // What is thrown at once is a failure of the call as well.
    const answer = (async () => send(signal))();
    try {
      return await this.#inTime(() => answer, UnansweredError);
    } catch (error) {
      void answer.then(discard, () => {});
      throw error;
    }
  }

  /** Begins to read the body: the `Payload` of the SDK's answer. */
  open(payload: Payload): void {
    this.#source = openByteStream(payload ?? new Uint8Array(0));
  }

  /**
   * The next bytes of the body; `undefined` at its end.
   *
   * @throws KinesisVideoError when the body fails, or when nothing comes in time; the signal's reason when it is aborted
   */
  async read(): Promise<Uint8Array | undefined> {
    const source = this.#source;
    if (source === undefined) return undefined;
    this.#controller.signal.throwIfAborted();
    const chunk = await this.#inTime(async () => source.read(), KinesisVideoError);
    this.#bytes += chunk?.length ?? 0;
    return chunk;
  }

  /** Ends the call and its connection. */
  async close(): Promise<void> {
    this.#unlink();
    const source = this.#source;
    this.#source = undefined;
    if (source === undefined) return;
    // Closing is waited for so that the service sees one connection end before the next begins, but not if it takes its time.
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.schedule(resolve, CLOSE_MS);
      void source.cancel().then(() => {
        cancel();
        resolve();
      });
    });
    const text = 'the connection was closed';
    this.#controller.abort(
      new KinesisVideoError(this.#operation, { code: 'ConnectionClosed', kind: 'connection', text }),
    );
  }

  async #inTime<T>(work: () => Promise<T>, TimeoutClass: typeof KinesisVideoError): Promise<T> {
    const { signal } = this.#controller;
    const cancel = this.#clock.schedule(() => {
      const text = `nothing came for ${this.#timeoutMs} ms`;
      this.#controller.abort(new TimeoutClass(this.#operation, { code: 'ReadTimeout', kind: 'connection', text }));
    }, this.#timeoutMs);
    try {
      return await abortable(work(), signal);
    } catch (error) {
      this.#outer.throwIfAborted();
      // What is thrown at an abort may be the SDK's word for it; the reason says why.
      throw toKinesisVideoError(this.#operation, signal.aborted ? signal.reason : error);
    } finally {
      cancel();
    }
  }
}

/** A call that nothing has answered in time: the service, or what is asked before it, like the provider of the credentials. */
export class UnansweredError extends KinesisVideoError {}

/** How long the end of a connection is waited for. */
const CLOSE_MS = 1000;

/** What the SDK gives for a body that streams. */
type Payload = GetMediaCommandOutput['Payload'];

/** Closes the body of an answer that came too late. */
function discard(answer: { readonly Payload?: Payload }): void {
  if (answer.Payload !== undefined) void openByteStream(answer.Payload).cancel();
}
