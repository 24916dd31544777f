/** Watches a signal with one listener for as long as something goes on. */
export interface AbortWatch {
  /** Throws the signal's reason when it is aborted. */
  check(): void;
  /** What the promise gives, unless the signal is aborted before: then its reason is thrown. */
  race<T>(promise: Promise<T>): Promise<T>;
  /** Takes the listener away. */
  end(): void;
}

/** Watches a signal, or none. One promise is waited for at a time. */
export function watchAbort(signal: AbortSignal | undefined): AbortWatch {
  if (signal === undefined) return { check() {}, race: (promise) => promise, end() {} };
  // Not a promise that every wait would be raced with: it would keep something of each of them for as long as it lives.
  let fail: ((reason: unknown) => void) | undefined;
  const listener = () => fail?.(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  return {
    check: () => signal.throwIfAborted(),
    race: (promise) =>
      new Promise((resolve, reject) => {
        fail = reject;
        if (signal.aborted) reject(signal.reason);
        promise.then(resolve, reject).finally(() => {
          fail = undefined;
        });
      }),
    end: () => signal.removeEventListener('abort', listener),
  };
}
