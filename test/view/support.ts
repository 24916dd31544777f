import { Inspection, type WorkerLike } from '../../src/view/inspection.js';
import type { FromWorker, LiveWindow, ToWorker, ViewSource } from '../../src/view/protocol.js';
import type { StreamModel } from '../../src/view/stream-model.js';
import type { ReadingOptions } from '../../src/view/stream-reading.js';
import { WorkerSession } from '../../src/view/worker-session.js';

/** A worker in this thread: messages are cloned as between threads. */
export function localWorker(options: Omit<ReadingOptions, 'onUpdates'> = {}): WorkerLike {
  const session = new WorkerSession(
    {
      postMessage(message: FromWorker, transfer) {
        const data = structuredClone(message, { transfer });
        queueMicrotask(() => worker.onmessage?.(new MessageEvent('message', { data })));
      },
    },
    options,
  );
  const worker: WorkerLike = {
    postMessage(message: ToWorker) {
      const cloned = 'params' in message && message.name === 'open' ? message : structuredClone(message);
      queueMicrotask(() => session.take(cloned));
    },
    onmessage: null,
  };
  return worker;
}

/** A stream that a worker reads. */
export interface Opened {
  readonly inspection: Inspection;
  readonly model: StreamModel;
  /** Settles when the model is so. */
  until(condition: (model: StreamModel) => boolean): Promise<void>;
}

/** Opens a stream with a worker of this thread. */
export async function open(
  source: ViewSource,
  { window, ...options }: Omit<ReadingOptions, 'onUpdates'> & { readonly window?: LiveWindow } = {},
): Promise<Opened> {
  const waiting = new Set<() => void>();
  const inspection = new Inspection(localWorker(options), () => {
    for (const check of waiting) check();
  });
  const { model } = inspection;
  await inspection.open(source, window);
  return {
    inspection,
    model,
    until: (condition) =>
      new Promise((resolve) => {
        const check = () => {
          if (!condition(model)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Opens bytes as a file, and waits until all of it has been read. */
export async function openBytes(bytes: Uint8Array, options: Omit<ReadingOptions, 'onUpdates'> = {}): Promise<Opened> {
  const blob = new Blob([new Uint8Array(bytes)]);
  const opened = await open({ kind: 'blob', blob, name: 'file.mkv' }, options);
  await opened.until(isOver);
  return opened;
}

/** Whether all has been read, or nothing more comes. */
export function isOver({ state }: StreamModel): boolean {
  return state.phase === 'done' || state.phase === 'failed';
}
