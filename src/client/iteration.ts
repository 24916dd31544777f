import type { Bytes } from '../ebml/bytes.js';
import type { Fragment } from '../fragments/fragment.js';
import type { Frame } from '../visitors/frame.js';
import type { BackoffOptions } from './backoff.js';
import type { Clock } from './clock.js';
import type { ReadFragment } from './fragment-reader.js';

/** How long a consumer waits by default for an answer or the next bytes: well over the 3 s after which the service ends a silent body. */
export const READ_TIMEOUT_MS = 15_000;

/** How long a consumer waits, and how often it tries again. */
export interface PatienceOptions extends BackoffOptions {
  /** How long to wait for an answer, or for the next bytes of a body, in milliseconds. Default 15,000. */
  readonly readTimeoutMs?: number | undefined;
  /**
   * How long failures may follow each other without a success in between, in milliseconds. Then the iteration ends with the last error.
   * Default: no limit.
   */
  readonly giveUpAfterMs?: number | undefined;
  /** Ends the iteration: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The clock, for tests. */
  readonly clock?: Clock | undefined;
  /** Numbers from 0 up to 1, for tests. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** A whole fragment, and the bytes of its Matroska document as the service sent them. */
export interface FragmentDocument {
  /** The fragment, with its frames, tags and metadata. */
  readonly fragment: Fragment;
  /** The bytes in order, in one or more pieces: the chunks of the response. The library does not write to them, unless `reuseBuffers` is set. */
  readonly bytes: readonly Bytes[];
}

/**
 * A fragment on its way from a connection to the caller. A generator that waits holds what it has last seen; it holds this, which is empty
 * when the fragment has been taken, so that only the caller keeps the fragment in memory.
 */
export class Handover<T extends ReadFragment = ReadFragment> {
  #read: T | undefined;

  constructor(read?: T) {
    this.#read = read;
  }

  /** Puts a fragment in. */
  put(read: T): this {
    this.#read = read;
    return this;
  }

  /** What is in it. */
  get read(): T {
    if (this.#read === undefined) throw new Error('the fragment has been taken');
    return this.#read;
  }

  /** Takes the fragment out. */
  take(): T {
    const { read } = this;
    this.#read = undefined;
    return read;
  }
}

/** What a consumer reads. */
type Read = AsyncGenerator<Handover, undefined>;

/** What a generator gives, as it is. */
export function asIs<T>(value: T): T {
  return value;
}

/** The fragment alone. */
export function fragmentOf(handover: Handover): Fragment {
  return handover.take().fragment;
}

/** The fragment with its bytes. */
export function documentOf(handover: Handover): FragmentDocument {
  const { fragment, document } = handover.take();
  return { fragment, bytes: document };
}

/** The frames of fragments that are wanted, in order. */
export async function* framesOf(read: Read, wanted: (frame: Frame) => boolean): AsyncGenerator<Frame, undefined> {
  for await (const handover of read)
    for (const frame of handover.take().fragment.frames) if (wanted(frame)) yield frame;
  return undefined;
}

/** The bytes of the fragments. */
export async function* bytesOf(read: Read): AsyncGenerator<Bytes, undefined> {
  for await (const handover of read) yield* handover.take().document;
  return undefined;
}
