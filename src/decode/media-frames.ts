import { Fragment } from '../fragments/fragment.js';
import { readFragments, readFrames } from '../fragments/read.js';
import { type ByteStream, beginReading } from '../mkv/byte-stream.js';
import type { MkvGap, MkvWarning } from '../mkv/reader-options.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import type { Inflate } from '../visitors/inflate.js';

/** The source of pictures and sound: a byte stream, or fragments: those of a consumer, of `readFragments`, or of a list. */
export type MediaSource = ByteStream | AsyncIterable<Fragment> | Iterable<Fragment>;

/** Options for reading a {@link MediaSource}. */
export interface MediaReadOptions {
  /** Continue behind damaged bytes; see `MkvReaderOptions`. */
  readonly recover?: boolean | undefined;
  /** Refuse what the standard forbids and practice tolerates; see `MkvReaderOptions`. */
  readonly strict?: boolean | undefined;
  /** Check every CRC-32; see `MkvReaderOptions`. */
  readonly verifyCrc?: boolean | undefined;
  /** Inflates frames that are stored compressed with zlib, where bytes are read; see `FrameVisitorOptions`. */
  readonly inflate?: Inflate | undefined;
  /** Receives damaged bytes (with `recover`). */
  readonly onGap?: ((gap: MkvGap) => void) | undefined;
  /** Receives what is tolerated, and labels that the frames contradict. */
  readonly onWarning?: ((warning: MkvWarning) => void) | undefined;
  /** Stops the reading: the source is cancelled, and the loop ends with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** So many names and numbers of tracks are remembered. */
const MOST_DESCRIBED = 1000;

const CLOSED = new Error('the reading was ended');

/** The frames of a source, one after another, in stream order. */
export class MediaFrames {
  readonly #source: MediaSource;
  readonly #options: MediaReadOptions;
  readonly #onMissing: (reason: string) => void;
  readonly #goesOn: ((fragment: Fragment) => boolean) | undefined;
  /** Names and numbers of the tracks that have been described. */
  readonly described = new Set<number | string>();
  readonly #stop = new AbortController();
  #iterator: AnyIterator | undefined;
  #frames: AsyncIterator<Frame, unknown> | undefined;

  /**
   * @param options its signal is the caller's to watch
   * @param onMissing is called where frames are missing before the next one
   * @param goesOn is asked before each fragment whether its frames are wanted; the frames end where they are not. Where it is given, frames
   * come when their fragment is whole
   */
  constructor(
    source: MediaSource,
    options: MediaReadOptions,
    onMissing: (reason: string) => void,
    goesOn?: (fragment: Fragment) => boolean,
  ) {
    this.#source = source;
    this.#options = options;
    this.#onMissing = onMissing;
    this.#goesOn = goesOn;
  }

  /** The next frame; `undefined` at the end. Throws whatever the source throws, MkvParseError when its bytes are wrong. */
  async next(): Promise<Frame | undefined> {
    this.#frames ??= await this.#open();
    const result = await this.#frames.next();
    return result.done === true ? undefined : result.value;
  }

  /** Ends the reading at once, also while a frame is waited for: the source is cancelled. */
  close(): void {
    this.#stop.abort(CLOSED);
    const ended = this.#iterator?.return?.();
    if (ended instanceof Promise) ended.catch(() => {});
  }

  async #open(): Promise<AsyncIterator<Frame, unknown>> {
    const source = this.#source;
    if (source instanceof Uint8Array || !isIterable(source)) return this.#readBytes(source);
    const iterator = iteratorOf(source);
    const alreadyRead = beginReading(source);
    this.#iterator = iterator;
    const first = await iterator.next();
    if (first.done === true && alreadyRead !== undefined) throw alreadyRead;
    if (first.done !== true && first.value instanceof Fragment) return this.#takeApart(first.value, iterator);
    return this.#readBytes(chunksOf(first, iterator));
  }

  #readBytes(stream: ByteStream): AsyncIterator<Frame, unknown> {
    const { recover, strict, verifyCrc, onWarning, inflate } = this.#options;
    const onGap = (gap: MkvGap) => {
      this.#onMissing(gap.reason);
      this.#options.onGap?.(gap);
    };
    const options = { recover, strict, verifyCrc, onWarning, inflate, onGap, signal: this.#stop.signal };
    const onTracks = (tracks: Iterable<TrackMetadata>) => this.#describe(tracks);
    return this.#goesOn === undefined
      ? readFrames(stream, { ...options, onTracks })
      : this.#takeAll(readFragments(stream, options));
  }

  #describe(tracks: Iterable<TrackMetadata>): void {
    for (const { number, name } of tracks) {
      if (this.described.size > MOST_DESCRIBED) return;
      this.described.add(number);
      if (name !== undefined) this.described.add(name);
    }
  }

  async *#takeAll(fragments: AsyncIterator<Fragment, unknown>): AsyncGenerator<Frame, void> {
    const first = await fragments.next();
    if (first.done !== true) yield* this.#takeApart(first.value, fragments);
  }

  async *#takeApart(first: Fragment, iterator: AnyIterator): AsyncGenerator<Frame, void> {
    for (let fragment: unknown = first; ; ) {
      if (!(fragment instanceof Fragment)) throw new TypeError('the source must give fragments, and nothing else');
      this.#describe(fragment.tracks);
      if (this.#goesOn?.(fragment) === false) return;
      yield* fragment.frames;
      if (fragment.truncated) this.#onMissing('the fragment is not whole');
      const result = await iterator.next();
      if (result.done === true) return;
      fragment = result.value;
    }
  }
}

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

function isIterable(
  source: MediaSource,
): source is Exclude<MediaSource, Uint8Array> & (AsyncIterable<Fragment> | Iterable<Fragment>) {
  return typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source);
}

/** A stream that is locked by its iterator could not be cancelled while a chunk is waited for. */
function iteratorOf(
  source: Exclude<MediaSource, Uint8Array> & (AsyncIterable<Fragment> | Iterable<Fragment>),
): AnyIterator {
  if ('getReader' in source && typeof source.getReader === 'function') {
    const reader = source.getReader();
    return {
      next: async () => {
        const result = await reader.read();
        return result.done === true ? { done: true, value: undefined } : { done: false, value: result.value };
      },
      return: async () => {
        await reader.cancel(CLOSED);
        return { done: true, value: undefined };
      },
    };
  }
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** The chunks of bytes that an iterator gives, the first of which has been taken from it. */
async function* chunksOf(first: IteratorResult<unknown>, iterator: AnyIterator): AsyncGenerator<Uint8Array, void> {
  for (let result = first; result.done !== true; result = await iterator.next()) {
    if (!(result.value instanceof Uint8Array)) throw new TypeError('the source must give bytes, or fragments');
    yield result.value;
  }
}
