import type { ArchivedMediaAccess, StreamIdentity } from './access.js';
import type { DuplicateChoice } from './duplicates.js';
import type { PatienceOptions } from './iteration.js';
import type { FragmentOrder, FragmentRange } from './list-fragments.js';
import type { CallLimiter } from './rate-limiter.js';
import type { KinesisVideoError } from './service-error.js';

/** A fragment that could not be read. */
export interface FailedFragment {
  /** A decimal string. */
  readonly fragmentNumber: string;
  /** The last error. */
  readonly error: KinesisVideoError;
  /** How often the fragment was requested alone; 0 if an error of the stream's key ended the call. */
  readonly attempts: number;
}

/** The progress of a {@link FragmentListConsumer}. */
export interface FragmentListProgress {
  /** How many fragments there are to read. */
  readonly total: number;
  /** How many have been handed out or reported as failed. */
  readonly done: number;
  /** How many of them failed. */
  readonly failed: number;
  /** Bytes received, including those that were read again. */
  readonly bytes: number;
}

/** A call has failed, or its result was incomplete, and it is made again. */
export interface FragmentRetryEvent {
  /** What was wrong. Its `operation` names the call: GetDataEndpoint, ListFragments or GetMediaForFragmentList. */
  readonly error: KinesisVideoError;
  /** The fragments that are asked for again; none while they are listed. */
  readonly fragmentNumbers: readonly string[];
  /** The wait before the call, in milliseconds. The service's rates can lengthen it. */
  readonly delayMs: number;
}

/** Options of a {@link FragmentListConsumer}, besides the stream and the fragments. */
export interface FragmentListConsumerSettings extends ArchivedMediaAccess, PatienceOptions {
  /** The order of listed fragments. Default `fragmentNumber`. */
  readonly orderBy?: FragmentOrder | undefined;
  /** Which of the listed fragments of one producer time are given. Default `keep`: all of them. It needs a `range`. */
  readonly duplicates?: DuplicateChoice | undefined;
  /** Fragments in one call, 1 to 1,000. Default 100: with five calls a second, what the service gives in a second. */
  readonly batchSize?: number | undefined;
  /** Connections at once, 1 to 5. Default 5. */
  readonly connections?: number | undefined;
  /** How many fragments may be on their way or wait to be taken. Default: as many as all connections request at once. */
  readonly windowFragments?: number | undefined;
  /** The most bytes of them, as far as ListFragments has told their sizes. Default 256 MiB. A single fragment may be larger. */
  readonly windowBytes?: number | undefined;
  /** How often a fragment that fails is requested alone. Default 4. */
  readonly attempts?: number | undefined;
  /** Limits calls of GetMediaForFragmentList. Share it between consumers of one stream. Default: 5 a second for this consumer alone. */
  readonly rateLimiter?: CallLimiter | undefined;
  /** Limits the fragments that are requested from GetMediaForFragmentList. Default: 500 a second for this consumer alone. */
  readonly fragmentRateLimiter?: CallLimiter | undefined;
  /** Check the CRC-32 elements of the media. If one does not match, the fragment is requested again. Default false. */
  readonly verifyCrc?: boolean | undefined;
  /**
   * Receives, at its place in the order, each fragment that could not be read; the others follow. Without it the iteration ends there with
   * the error.
   */
  readonly onFailure?: ((failure: FailedFragment) => void) | undefined;
  /** Called after each fragment, and once before the first. */
  readonly onProgress?: ((progress: FragmentListProgress) => void) | undefined;
  /** Receives every call that is made again. */
  readonly onRetry?: ((event: FragmentRetryEvent) => void) | undefined;
}

/** Which fragments: all of a stretch of time (`range`), or those with these numbers, in this order (`fragmentNumbers`). */
export type FragmentChoice =
  | { readonly range: FragmentRange; readonly fragmentNumbers?: undefined }
  | { readonly fragmentNumbers: readonly string[]; readonly range?: undefined };

/** The options of a {@link FragmentListConsumer}. */
export type FragmentListConsumerOptions = StreamIdentity & FragmentChoice & FragmentListConsumerSettings;

/**
 * Checks which stream and which fragments are named: what is given in JavaScript, or read from a configuration, need not be what the types
 * say.
 *
 * @throws TypeError when something is not said, or said twice; RangeError when it is nothing that the service has
 */
export function checkOptions(options: FragmentListConsumerOptions): void {
  const { streamName, streamARN, range, fragmentNumbers, duplicates = 'keep' } = options;
  if ((streamName === undefined) === (streamARN === undefined)) {
    throw new TypeError('a FragmentListConsumer needs a streamName or a streamARN, and not both');
  }
  if (range === undefined && fragmentNumbers === undefined) {
    throw new TypeError('a FragmentListConsumer needs to know which fragments: a range, or fragmentNumbers');
  }
  if (range !== undefined && fragmentNumbers !== undefined) {
    throw new TypeError('a FragmentListConsumer takes a range or fragmentNumbers, not both');
  }
  if (duplicates !== 'keep' && duplicates !== 'first' && duplicates !== 'last') {
    throw new RangeError(`duplicates is keep, first or last, not ${JSON.stringify(duplicates)}`);
  }
  if (range === undefined) {
    if (duplicates !== 'keep') throw new TypeError('duplicates needs a range: of fragmentNumbers no times are known');
    return;
  }
  const { type, from, to } = range;
  if (type !== 'PRODUCER_TIMESTAMP' && type !== 'SERVER_TIMESTAMP') {
    throw new RangeError(`range.type is PRODUCER_TIMESTAMP or SERVER_TIMESTAMP, not ${JSON.stringify(type)}`);
  }
  if (!isTime(from) || !isTime(to)) throw new RangeError('range.from and range.to are Dates');
  if (from > to) throw new RangeError(`range.from (${from.toISOString()}) is after range.to (${to.toISOString()})`);
}

function isTime(value: unknown): boolean {
  // A Date of another realm is one as well.
  return Object.prototype.toString.call(value) === '[object Date]' && !Number.isNaN(Number(value));
}
