/**
 * An async iterator for `for await`. It has no return value; `return()` ends it early and closes the stream.
 *
 * An `AsyncIterableIterator<T, undefined, undefined>`, written out: below TypeScript 5.6 that has one type parameter only.
 */
export interface ClosableAsyncIterator<T> extends AsyncIterator<T, undefined, undefined> {
  /** The next item, when there is one. Rejects with what ended the reading. */
  next(): Promise<IteratorResult<T, undefined>>;
  /** Ends the reading and cancels its source. A `for await` loop calls it when it is left early. */
  return(): Promise<IteratorResult<T, undefined>>;
  /** The iterator itself. */
  [Symbol.asyncIterator](): ClosableAsyncIterator<T>;
}
