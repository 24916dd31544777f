import { openByteStream } from '../mkv/byte-stream.js';
import { abortable, linkedController } from './abort.js';
import { type Body, openBody, type Take } from './body.js';
import type { Clock } from './clock.js';
import type { GetMediaCommandOutput } from './sdk-types.js';
import { KinesisVideoError, type ServiceOperation, toKinesisVideoError } from './service-error.js';
import { Silence } from './silence.js';
import { startTurn } from './start-queue.js';

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
  #body: Body | undefined;
  #atClose: (() => void) | undefined;

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

  /**
   * Makes the call. The signal it is given is aborted when the time is over; what comes then is thrown away.
   *
   * @throws UnansweredError when the time is over
   */
  async call<T extends object>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    signal.throwIfAborted();
    // The time that this process takes to come to it is none that the service takes.
    const turn = startTurn(this.#clock);
    if (turn !== undefined) await abortable(turn, signal);
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
    this.#body = openBody(payload ?? new Uint8Array(0));
  }

  /**
   * Gives what comes of the body to `take` until that has enough, or the body ends.
   *
   * @throws KinesisVideoError when the body fails, or nothing comes in time; the signal's reason when it is aborted; what `take` throws
   * @param copies see {@link Body.feed}
   */
  async feed(take: Take, copies?: boolean): Promise<void> {
    const body = this.#body;
    this.#controller.signal.throwIfAborted();
    let thrown: { readonly error: unknown } | undefined;
    const takeSafely = (chunk: Uint8Array | undefined) => {
      try {
        return take(chunk);
      } catch (error) {
        // It is no failure of the body.
        thrown = { error };
        return true;
      }
    };
    if (body === undefined) takeSafely(undefined);
    else {
      await this.#inTime(
        (heard) =>
          body.feed((chunk) => {
            heard();
            return takeSafely(chunk);
          }, copies),
        KinesisVideoError,
      );
    }
    if (thrown !== undefined) throw thrown.error;
  }

  /** Has this done when the call and its connection have ended. */
  atClose(work: () => void): void {
    this.#atClose = work;
  }

  /** Ends the call and its connection. */
  async close(): Promise<void> {
    this.#unlink();
    await this.#closeBody();
    this.#atClose?.();
    this.#atClose = undefined;
  }

  async #closeBody(): Promise<void> {
    const body = this.#body;
    this.#body = undefined;
    if (body === undefined) return;
    // Closing is waited for so that the service sees one connection end before the next begins, but not if it takes its time.
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.schedule(resolve, CLOSE_MS);
      void body.cancel().then(() => {
        cancel();
        resolve();
      });
    });
    const text = 'the connection was closed';
    this.#controller.abort(
      new KinesisVideoError(this.#operation, { code: 'ConnectionClosed', kind: 'connection', text }),
    );
  }

  /** @param work is given a function to call whenever something comes */
  async #inTime<T>(work: (heard: () => void) => Promise<T>, TimeoutClass: typeof KinesisVideoError): Promise<T> {
    const { signal } = this.#controller;
    const silence = new Silence(this.#clock, this.#timeoutMs, () => {
      const text = `nothing came for ${this.#timeoutMs} ms`;
      this.#controller.abort(new TimeoutClass(this.#operation, { code: 'ReadTimeout', kind: 'connection', text }));
    });
    try {
      return await abortable(
        work(() => silence.heard()),
        signal,
      );
    } catch (error) {
      this.#outer.throwIfAborted();
      // What is thrown at an abort may be the SDK's word for it; the reason says why.
      throw toKinesisVideoError(this.#operation, signal.aborted ? signal.reason : error);
    } finally {
      silence.stop();
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
