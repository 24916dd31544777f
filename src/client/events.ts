import type { FailureKind } from './failure-kind.js';
import type { KinesisVideoError } from './service-error.js';

/** A connection has ended, and another is about to be opened. */
export interface ReconnectEvent {
  /**
   * `ended`: the service ended the connection behind a fragment. `idle`: it had nothing to send (a silent producer looks like this). Otherwise
   * the kind of the failure.
   */
  readonly reason: 'ended' | 'idle' | FailureKind;
  /** The failure. */
  readonly error: KinesisVideoError | undefined;
  /** How long is waited before, in milliseconds; the service's rates may add to it. */
  readonly delayMs: number;
  /** The fragment behind which the next connection continues. */
  readonly afterFragmentNumber: string | undefined;
}

/** Fragments that could not be read. */
export interface GapEvent {
  /**
   * - `damaged`: what the service sends for them cannot be read, also after several tries, or is larger than `maxFragmentSize`.
   * - `expired`: the service no longer has the last fragment. Reading continues with the oldest fragment.
   * - `renumbered`: numbers went back. The stream was created anew, the last number or the checkpoint was wrong, or the next number is. It is
   * possible that no fragment is missing.
   * - `late`: fragments arrived behind a larger number, and are skipped.
   */
  readonly kind: 'damaged' | 'expired' | 'renumbered' | 'late';
  /** The last fragment before the gap. */
  readonly afterFragmentNumber: string | undefined;
  /** The first fragment behind the gap, if it is known; otherwise it is the next one that arrives. */
  readonly beforeFragmentNumber: string | undefined;
  /** The fragments that are missing, as far as their numbers are known. */
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
