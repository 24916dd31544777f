/**
 * What comes of a stream, one after another, for `for await`. Nothing comes with its end; `return()` ends it early and closes the stream.
 *
 * An `ClosableAsyncIterator<T>`, written out: below TypeScript 5.6 that has no second type parameter.
 */
export interface ClosableAsyncIterator<T> extends AsyncIterator<T, undefined, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): ClosableAsyncIterator<T>;
}
