import { linkedController } from './abort.js';

const CLOSED = new Error('the iteration was closed');

/**
 * An async generator as an iterator that can be closed at any time: `return()` ends it also while it waits for something, which a
 * generator alone does not.
 *
 * @param run the generator; it waits for nothing without the signal
 * @param outer ends the iteration with its reason
 */
export function closable<T>(
  run: (signal: AbortSignal) => AsyncGenerator<T, undefined>,
  outer: AbortSignal | undefined,
): AsyncIterableIterator<T, undefined> {
  const { controller, unlink } = linkedController(outer);
  const generator = run(controller.signal);
  let closed = false;
  const done: IteratorResult<T, undefined> = { done: true, value: undefined };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const result = await generator.next();
        if (result.done === true) unlink();
        return closed ? done : result;
      } catch (error) {
        unlink();
        if (closed && error === CLOSED) return done;
        throw error;
      }
    },
    async return() {
      closed = true;
      unlink();
      controller.abort(CLOSED);
      await generator.return(undefined);
      return done;
    },
  };
}
