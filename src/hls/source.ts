import type { Fragment } from '../fragments/fragment.js';
import { type ByteStream, beginReading } from '../mkv/byte-stream.js';

/** The source for a packager: bytes, or whole fragments, for example of a consumer. */
export type PackagerSource = ByteStream | AsyncIterable<Fragment> | Iterable<Fragment>;

/** Bytes or fragments, whichever a source gives: its first item tells. */
export async function bytesOrFragments(
  source: PackagerSource,
): Promise<{ readonly bytes: ByteStream } | { readonly fragments: AsyncIterable<Fragment> }> {
  if (source instanceof Uint8Array || 'getReader' in source || 'stream' in source) return { bytes: source };
  const iterator: AsyncIterator<unknown> | Iterator<unknown> =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const alreadyRead = beginReading(source);
  const first = await iterator.next();
  if (first.done === true && alreadyRead !== undefined) throw alreadyRead;
  const items = withFirst(first, iterator);
  if (first.done !== true && isFragment(first.value)) return { fragments: only(items, isFragment, 'a fragment') };
  return { bytes: only(items, isBytes, 'bytes') };
}

async function* withFirst(
  first: IteratorResult<unknown>,
  iterator: AsyncIterator<unknown> | Iterator<unknown>,
): AsyncGenerator<unknown, void> {
  let ended = first.done === true;
  try {
    for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
    ended = true;
  } finally {
    if (!ended) await iterator.return?.();
  }
}

async function* only<T>(
  items: AsyncIterable<unknown>,
  isOne: (item: unknown) => item is T,
  what: string,
): AsyncGenerator<T, void> {
  for await (const item of items) {
    if (!isOne(item)) throw new TypeError(`the source gives something that is not ${what}`);
    yield item;
  }
}

function isFragment(item: unknown): item is Fragment {
  return typeof item === 'object' && item !== null && 'frames' in item && 'tracks' in item;
}

function isBytes(item: unknown): item is Uint8Array {
  return item instanceof Uint8Array;
}
