import type { FromWorker, LiveWindow, PartOf, RequestName, Requests, ToWorker, ViewSource } from './protocol.js';
import { StreamModel } from './stream-model.js';

/** The part of a `Worker` or a `MessagePort` that is used. */
export interface WorkerLike {
  postMessage(message: ToWorker): void;
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  terminate?(): void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onPart: ((part: unknown) => void) | undefined;
}

/** How a request is made. */
export interface RequestOptions<N extends RequestName> {
  /** Gives up: the promise rejects with the signal's reason, and the worker stops working on it. */
  readonly signal?: AbortSignal | undefined;
  /** Is given what comes before the result. */
  readonly onPart?: ((part: PartOf<N>) => void) | undefined;
}

/**
 * A stream that is looked at: the page's side of the worker.
 *
 * ```ts
 * const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
 * const inspection = new Inspection(worker, () => render(inspection.model));
 * await inspection.open({ kind: 'blob', blob: file, name: file.name });
 * const { elements } = await inspection.ask('children', { parent: undefined, from: 0, count: 100 });
 * ```
 */
export class Inspection {
  /** What is known by now. It grows in place; `model.version` tells that it has. */
  readonly model = new StreamModel();
  readonly #worker: WorkerLike;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  /** @param onUpdate is told each time the model has changed */
  constructor(worker: WorkerLike, onUpdate: () => void) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => {
      if (data.type === 'update') {
        this.model.update(data.updates);
        onUpdate();
      } else {
        this.#answer(data);
      }
    };
  }

  /** Begins to read. */
  open(source: ViewSource, window?: LiveWindow): Promise<void> {
    return this.ask('open', { source, window });
  }

  /**
   * Asks the worker.
   *
   * @throws Error with the worker's sentence where it has no answer, the signal's reason
   */
  ask<N extends RequestName>(
    name: N,
    params: Requests[N]['params'],
    { signal, onPart }: RequestOptions<N> = {},
  ): Promise<Requests[N]['result']> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) throw signal.reason;
      const abort = () => {
        this.#pending.delete(id);
        this.#worker.postMessage({ type: 'cancel', id });
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const settle = () => {
        this.#pending.delete(id);
        signal?.removeEventListener('abort', abort);
      };
      this.#pending.set(id, {
        resolve: (result) => {
          settle();
          // The worker answers each request with what `Requests` says.
          resolve(result as Requests[N]['result']);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        onPart: onPart && ((part) => onPart(part as PartOf<N>)),
      });
      this.#worker.postMessage({ type: 'request', id, name, params } as ToWorker);
    });
  }

  /** Stops the worker. */
  close(): void {
    this.#worker.onmessage = null;
    this.#worker.terminate?.();
    for (const { reject } of [...this.#pending.values()]) reject(new Error('the stream was closed'));
  }

  #answer(message: Exclude<FromWorker, { type: 'update' }>): void {
    const pending = this.#pending.get(message.id);
    if (message.type === 'part') pending?.onPart?.(message.part);
    else if (message.type === 'result') pending?.resolve(message.result);
    else pending?.reject(new Error(message.message));
  }
}
