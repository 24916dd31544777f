import { abortable } from './abort.js';

/** The clock of the consumers. Tests can replace it. */
export interface Clock {
  /** Milliseconds from some fixed moment, never going back. */
  now(): number;
  /** Calls back once after `ms` milliseconds, unless the function it returns is called before. */
  schedule(callback: () => void, ms: number): () => void;
}

/** The time of the platform. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: (callback, ms) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Waits; rejects with the signal's reason when it is aborted meanwhile. */
export async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) return;
  let cancel: (() => void) | undefined;
  try {
    await abortable(
      new Promise<void>((resolve) => {
        cancel = clock.schedule(resolve, ms);
      }),
      signal,
    );
  } finally {
    cancel?.();
  }
}
