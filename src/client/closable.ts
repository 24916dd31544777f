import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import { type LinkedController, linkedController } from './abort.js';

const CLOSED = new Error('the iteration was closed');

/**
 * An async generator as an iterator that can be closed at any time: `return()` ends it also while it waits for something, which a
 * generator alone does not.
 *
 * @param run the generator; it waits for nothing without the signal
 * @param outer ends the iteration with its reason
 * @param convert makes what is given of what the generator gives
 */
export function closable<T, U>(
  run: (signal: AbortSignal) => AsyncGenerator<T, undefined>,
  outer: AbortSignal | undefined,
  convert: (value: T) => U,
): ClosableAsyncIterator<U> {
  // Nothing is begun before something is asked for: an iterator that nobody uses holds nothing.
  let opened: (LinkedController & { readonly generator: AsyncGenerator<T, undefined> }) | undefined;
  const open = () => {
    const linked = linkedController(outer);
    opened = { ...linked, generator: run(linked.controller.signal) };
    return opened;
  };
  let closed = false;
  const done: IteratorResult<U, undefined> = { done: true, value: undefined };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (closed && opened === undefined) return done;
      const { generator, unlink } = opened ?? open();
      try {
        const result = await generator.next();
        if (result.done === true) unlink();
        return closed || result.done === true ? done : { done: false, value: convert(result.value) };
      } catch (error) {
        unlink();
        if (closed && error === CLOSED) return done;
        throw error;
      }
    },
    async return() {
      closed = true;
      if (opened === undefined) return done;
      opened.unlink();
      opened.controller.abort(CLOSED);
      await opened.generator.return(undefined);
      return done;
    },
  };
}
