/** What the promise gives, or a rejection with the signal's reason if that is aborted first. The promise itself goes on. */
export function abortable<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) {
      // Nobody waits for it any more, and its failure is nobody's.
      promise.then(undefined, () => {});
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    const settle = () => signal.removeEventListener('abort', onAbort);
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}

/** A controller that is aborted with its parent, and that the parent no longer refers to after `unlink`. */
export interface LinkedController {
  readonly controller: AbortController;
  unlink(): void;
}

/** Makes a controller that is aborted when one of the signals is; without keeping the parents' listeners for ever. */
export function linkedController(...parents: readonly (AbortSignal | undefined)[]): LinkedController {
  const controller = new AbortController();
  const unlinks: (() => void)[] = [];
  for (const parent of parents) {
    if (parent === undefined) continue;
    const onAbort = () => controller.abort(parent.reason);
    if (parent.aborted) {
      onAbort();
      continue;
    }
    parent.addEventListener('abort', onAbort, { once: true });
    unlinks.push(() => parent.removeEventListener('abort', onAbort));
  }
  return {
    controller,
    unlink: () => {
      for (const unlink of unlinks) unlink();
    },
  };
}
