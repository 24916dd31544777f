import type { Bytes } from '../ebml/bytes.js';
import type { Fragment } from '../fragments/fragment.js';
import type { Frame } from '../visitors/frame.js';
import type { BackoffOptions } from './backoff.js';
import type { Clock } from './clock.js';
import type { ReadFragment } from './fragment-reader.js';

/** How long a consumer waits by default for an answer or the next bytes: well over the 3 s after which the service ends a silent body. */
export const READ_TIMEOUT_MS = 15_000;

/** How patient a consumer is. */
export interface PatienceOptions extends BackoffOptions {
  /** How long to wait for an answer, or for the next bytes of a body, in milliseconds. Default 15,000. */
  readonly readTimeoutMs?: number | undefined;
  /** For how long failures may follow each other with nothing going well between them, in milliseconds. Default: for ever. */
  readonly giveUpAfterMs?: number | undefined;
  /** Ends the iteration: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Time, for tests. */
  readonly clock?: Clock | undefined;
  /** Numbers from 0 up to 1, for tests. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** A whole fragment, and the bytes of the Matroska document that it came in, as the service sent them. */
export interface FragmentDocument {
  readonly fragment: Fragment;
  /** The bytes in order, in one or more pieces: the chunks of the response. Nobody else writes to them. */
  readonly bytes: readonly Bytes[];
}

/** What a consumer reads. */
type Read = AsyncGenerator<ReadFragment, undefined>;

/** The fragments alone. */
export async function* fragmentsOf(read: Read): AsyncGenerator<Fragment, undefined> {
  for await (const { fragment } of read) yield fragment;
  return undefined;
}

/** The frames of fragments that are wanted, in order. */
export async function* framesOf(read: Read, wanted: (frame: Frame) => boolean): AsyncGenerator<Frame, undefined> {
  for await (const { fragment } of read) for (const frame of fragment.frames) if (wanted(frame)) yield frame;
  return undefined;
}

/** The fragments with their bytes. */
export async function* documentsOf(read: Read): AsyncGenerator<FragmentDocument, undefined> {
  for await (const { fragment, document } of read) yield { fragment, bytes: document };
  return undefined;
}

/** The bytes of the fragments. */
export async function* bytesOf(read: Read): AsyncGenerator<Bytes, undefined> {
  for await (const { document } of read) yield* document;
  return undefined;
}
