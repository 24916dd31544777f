import type { FailureKind } from './failure-kind.js';
import type { KinesisVideoError } from './service-error.js';

/** A connection is over and another is about to be made. */
export interface ReconnectEvent {
  /**
   * Why: `ended` when the service ended it behind a fragment, `idle` when it had nothing to send (a producer that is silent looks like
   * that), else the kind of failure.
   */
  readonly reason: 'ended' | 'idle' | FailureKind;
  /** The failure. */
  readonly error: KinesisVideoError | undefined;
  /** How long is waited before, in milliseconds; the service's rates may add to it. */
  readonly delayMs: number;
  /** The fragment behind which the next connection goes on. */
  readonly afterFragmentNumber: string | undefined;
}

/** Fragments that cannot be had. */
export interface GapEvent {
  /**
   * - `damaged`: what the service sends for them cannot be read, also after several tries, or is larger than `maxFragmentSize`.
   * - `expired`: the service does not know the last fragment any more. Reading goes on with the oldest that it has.
   * - `renumbered`: numbers went back. The stream was made anew, the last number or the checkpoint was wrong, or the next number is. No
   *   fragment has to be missing.
   * - `late`: fragments came behind a larger number, and are passed over.
   */
  readonly kind: 'damaged' | 'expired' | 'renumbered' | 'late';
  /** The last fragment before the gap. */
  readonly afterFragmentNumber: string | undefined;
  /** The first fragment behind it, where it is known; else that is the next one that comes. */
  readonly beforeFragmentNumber: string | undefined;
  /** The fragments that are missing, as far as their numbers were to be read. */
  readonly fragmentNumbers: readonly string[];
  /** What is wrong. */
  readonly reason: string;
}

/** What a listener of the caller has thrown; it is passed on as it is and is no failure of a connection. */
export class ListenerError extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('a listener has thrown');
    this.thrown = thrown;
  }
}

/** Tells a listener, keeping what it throws apart from the failures of connections. */
export function tell<E>(listener: ((event: E) => void) | undefined, event: E): void {
  try {
    listener?.(event);
  } catch (thrown) {
    throw new ListenerError(thrown);
  }
}
