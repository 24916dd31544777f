import { setMaxListeners } from 'node:events';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';

/** The process was told to stop. */
export class InterruptedError extends Error {}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const stop = new AbortController();
// Everything that waits listens to it.
setMaxListeners(0, stop.signal);

/** Is aborted, with an {@link InterruptedError}, when the process is told to stop: a command then ends in good order. */
export const interruption: AbortSignal = stop.signal;

/** Files to be removed when the process ends at once. */
const unfinished = new Set<string>();

let exitCode: number | undefined;
let stoppedBy: NodeJS.Signals | undefined;
/** Calls that may hold a thread for ever. */
let blocked = 0;

/** 128 and the number of the signal that the process was told to stop by; `undefined` when it was not. */
export function interruptedExitCode(): number | undefined {
  return exitCode;
}

/**
 * Begins to listen to the signals that end a process. The first one aborts {@link interruption}. Told a second time, it does not want to
 * wait: unfinished files are removed and the process ends at once.
 */
export function listenToSignals(): void {
  for (const name of SIGNALS) {
    process.on(name, () => {
      const code = 128 + constants.signals[name];
      if (exitCode === undefined) {
        exitCode = code;
        stoppedBy = name;
        stop.abort(new InterruptedError('interrupted'));
        return;
      }
      for (const path of unfinished) rmSync(path, { force: true });
      endInterrupted();
    });
  }
}

/** Ends the process at once if it was told to stop: what a command waited for then would hold it. */
export function endInterrupted(): void {
  if (stoppedBy === undefined) return;
  // An exit waits for its threads. One that waits for the other end of a pipe is ended by the signal only, which is the same to a shell.
  if (blocked === 0) process.exit(exitCode);
  for (const name of SIGNALS) process.removeAllListeners(name);
  process.kill(process.pid, stoppedBy);
}

/** The promise of a call that may hold a thread for ever: opening, reading or writing what is no ordinary file. */
export async function blocking<T>(call: Promise<T>): Promise<T> {
  blocked++;
  try {
    return await call;
  } finally {
    blocked--;
  }
}

/** Has a file removed when the process is made to end at once; the function that is returned says that this is no longer wanted. */
export function removeWhenKilled(path: string): () => void {
  unfinished.add(path);
  return () => unfinished.delete(path);
}

/** Settles when the process is told to stop. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    if (interruption.aborted) resolve();
    else interruption.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Throws when the process was told to stop. */
export function throwIfInterrupted(): void {
  interruption.throwIfAborted();
}

/** Whether an error is there because the process was told to stop. */
export function isInterruption(error: unknown): boolean {
  if (!interruption.aborted || !(error instanceof Error)) return false;
  return error === interruption.reason || error.name === 'AbortError' || error.cause === interruption.reason;
}

/** The promise, or a rejection as soon as the process is told to stop. */
export function interruptible<T>(promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(interruption.reason);
    if (interruption.aborted) onAbort();
    else interruption.addEventListener('abort', onAbort);
    const settled = () => interruption.removeEventListener('abort', onAbort);
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}

/** The same items, until the process is told to stop: also while nothing comes. */
export async function* untilInterrupted<T>(source: AsyncIterable<T>): AsyncGenerator<T, void> {
  const iterator = source[Symbol.asyncIterator]();
  let waiting = false;
  try {
    for (;;) {
      waiting = true;
      const next = await interruptible(iterator.next());
      waiting = false;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // One that waits would end only with what it waits for.
    const ended = iterator.return?.();
    if (waiting) ended?.catch(() => {});
    else await ended;
  }
}
