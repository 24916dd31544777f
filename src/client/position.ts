import type { StartSelector } from '@aws-sdk/client-kinesis-video-media';
import type { Fragment } from '../fragments/fragment.js';
import { compareFragmentNumbers, type FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Checkpoint } from './checkpoint.js';

/** Where a consumer begins when nothing is known of an earlier one. */
export type StartPosition =
  /** With the newest fragment, or with the oldest that is kept. */
  | { readonly type: 'NOW' | 'EARLIEST' }
  /** Behind a fragment. */
  | { readonly type: 'FRAGMENT_NUMBER'; readonly afterFragmentNumber: string }
  /** With the fragment that contains this time of the producer or of the service. */
  | { readonly type: 'PRODUCER_TIMESTAMP' | 'SERVER_TIMESTAMP'; readonly timestamp: Date }
  /** Behind the fragment that the service gave this token with. */
  | { readonly type: 'CONTINUATION_TOKEN'; readonly continuationToken: string };

/** By what a connection goes on behind the last fragment. */
export type ResumeBy = 'FRAGMENT_NUMBER' | 'CONTINUATION_TOKEN';

/** A place behind a fragment. The token may come to be known later than the number. */
type Place = Pick<FragmentMetadata, 'fragmentNumber' | 'continuationToken'>;

/** How a fragment stands to what has been handed out. */
export type Novelty = 'new' | 'old';

/** Where in the stream a consumer is, and with that where the next connection begins and what of it has been there before. */
export class Position {
  #start: StartPosition;
  readonly #resumeBy: ResumeBy;
  /** The last fragment that was read whole: the next connection begins behind it. */
  #cursor: Place | undefined;
  #tokenRefused = false;
  /** No fragment up to this number is to be handed out (again). */
  #floor: string | undefined;
  /** The first fragment that was heard of, before any was read whole. */
  #heard: FragmentMetadata | undefined;
  #tokensSeen = false;
  #open: { readonly number: string; readonly frames: number; readonly bytes: number } | undefined;

  constructor(start: StartPosition, resumeBy: ResumeBy) {
    this.#start = start;
    this.#resumeBy = resumeBy;
    if (start.type === 'FRAGMENT_NUMBER') this.#floor = start.afterFragmentNumber;
  }

  /** Goes on where an earlier consumer stopped. */
  restore(checkpoint: Checkpoint): void {
    const { fragmentNumber, continuationToken } = checkpoint;
    this.#cursor = { fragmentNumber, continuationToken };
    this.#floor = fragmentNumber;
  }

  /** The last fragment that was read whole. */
  get after(): string | undefined {
    return this.#cursor?.fragmentNumber;
  }

  /** Where the next connection begins. */
  selector(): StartSelector {
    const { fragmentNumber, continuationToken } = this.#cursor ?? {};
    if (this.usesToken) return { StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: continuationToken };
    if (fragmentNumber !== undefined) {
      return { StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: fragmentNumber };
    }
    // NOW again would begin with a later fragment than the one of which the beginning has come already.
    if (this.#start.type === 'NOW' && this.#heard?.serverTimestamp !== undefined) {
      return { StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: this.#heard.serverTimestamp };
    }
    return startSelector(this.#start);
  }

  /** Whether the next connection begins by a continuation token of the fragment before. */
  get usesToken(): boolean {
    return (
      this.#resumeBy === 'CONTINUATION_TOKEN' && !this.#tokenRefused && this.#cursor?.continuationToken !== undefined
    );
  }

  /** The service does not take the token: the next connection begins by the fragment's number. */
  refuseToken(): void {
    this.#tokenRefused = true;
  }

  /** The service does not have the last fragment any more: the next connection begins with the oldest that it has. */
  startOver(): void {
    this.#start = { type: 'EARLIEST' };
    this.#cursor = undefined;
  }

  /** A connection has begun to give this fragment. */
  hear(metadata: FragmentMetadata | undefined): void {
    if (this.#start.type !== 'NOW' || this.#cursor !== undefined || this.#heard !== undefined) return;
    if (metadata?.fragmentNumber === undefined || metadata.error !== undefined) return;
    this.#heard = metadata;
  }

  /** A fragment was read whole; what was there before, or lies before the beginning, is old. */
  take(metadata: FragmentMetadata, number: string): Novelty {
    if (metadata.continuationToken !== undefined) this.#tokensSeen = true;
    if (this.#cursor?.fragmentNumber === undefined || isAfter(number, this.#cursor.fragmentNumber)) {
      this.#cursor = metadata;
      this.#tokenRefused = false;
    }
    if (this.#floor === undefined) {
      const first = this.#heard?.fragmentNumber;
      if (first !== undefined && isAfter(first, number)) return 'old';
    } else if (!isAfter(number, this.#floor)) {
      return 'old';
    }
    this.#floor = number;
    return 'new';
  }

  /**
   * Whether a fragment with nothing behind it is to be believed: where the service sends no tokens, when reading it a second time has given
   * the same.
   */
  believes(fragment: Fragment, number: string): boolean {
    if (this.#tokensSeen) return false;
    const { frames } = fragment;
    const bytes = frames.reduce((sum, frame) => sum + frame.size, 0);
    const before = this.#open;
    this.#open = { number, frames: frames.length, bytes };
    return before?.number === number && before.frames === frames.length && before.bytes === bytes;
  }
}

function isAfter(a: string, b: string): boolean {
  return compareFragmentNumbers(a, b) > 0;
}

function startSelector(start: StartPosition): StartSelector {
  switch (start.type) {
    case 'FRAGMENT_NUMBER':
      return { StartSelectorType: start.type, AfterFragmentNumber: start.afterFragmentNumber };
    case 'CONTINUATION_TOKEN':
      return { StartSelectorType: start.type, ContinuationToken: start.continuationToken };
    case 'PRODUCER_TIMESTAMP':
    case 'SERVER_TIMESTAMP':
      return { StartSelectorType: start.type, StartTimestamp: start.timestamp };
    default:
      return { StartSelectorType: start.type };
  }
}
