import type { Fragment } from '../fragments/fragment.js';
import type { Frame } from '../visitors/frame.js';
import type { BackoffOptions } from './backoff.js';
import type { Clock } from './clock.js';

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

/** The frames of fragments that are wanted, in order. */
export async function* framesOf(
  fragments: AsyncGenerator<Fragment, undefined>,
  wanted: (frame: Frame) => boolean,
): AsyncGenerator<Frame, undefined> {
  for await (const fragment of fragments) for (const frame of fragment.frames) if (wanted(frame)) yield frame;
  return undefined;
}
