import type { Fragment } from '../fragments/fragment.js';
import { type FrameFilterOptions, frameFilter } from '../fragments/frame-filter.js';
import type { Frame } from '../visitors/frame.js';
import { linkedController } from './abort.js';
import type { ArchivedMediaAccess, ArchivedMediaClient, StreamIdentity } from './access.js';
import { Backoff } from './backoff.js';
import { type Clock, systemClock } from './clock.js';
import { closable } from './closable.js';
import { DataPlane } from './data-plane.js';
import { type DownloadSetup, FragmentDownload } from './fragment-download.js';
import type { ReadFragment } from './fragment-reader.js';
import {
  bytesOf,
  documentsOf,
  type FragmentDocument,
  fragmentsOf,
  framesOf,
  type PatienceOptions,
  READ_TIMEOUT_MS,
} from './iteration.js';
import { type FragmentOrder, type FragmentRange, type ListedFragment, listFragments } from './list-fragments.js';
import { OrderedWindow } from './ordered-window.js';
import { FRAGMENTS_PER_SECOND, RateLimiter } from './rate-limiter.js';
import { Reach, Recovery } from './recovery.js';
import { openArchivedMedia, openControl, sharesHandler } from './sdk.js';
import type { KinesisVideoError } from './service-error.js';

/** The service's most fragments in one call of GetMediaForFragmentList. */
const MAX_BATCH_SIZE = 1000;

/** The service's most connections for GetMediaForFragmentList per stream. */
const MAX_CONNECTIONS = 5;

/** A fragment that could not be had. */
export interface FailedFragment {
  readonly fragmentNumber: string;
  /** What was wrong the last time. */
  readonly error: KinesisVideoError;
  /** How often it was asked for alone. */
  readonly attempts: number;
}

/** How far a {@link FragmentListConsumer} is. */
export interface FragmentListProgress {
  /** How many fragments there are to get. */
  readonly total: number;
  /** How many have been handed out or reported as failed. */
  readonly done: number;
  /** How many of them failed. */
  readonly failed: number;
  /** Bytes received, those that were read again among them. */
  readonly bytes: number;
}

/** A call failed and is made again. */
export interface FragmentRetryEvent {
  readonly error: KinesisVideoError;
  /** The fragments that are asked for again. */
  readonly fragmentNumbers: readonly string[];
  /** How long is waited before, in milliseconds; the service's rates may add to it. */
  readonly delayMs: number;
}

/** How a {@link FragmentListConsumer} works; besides these, which stream and which fragments. */
export interface FragmentListConsumerSettings extends ArchivedMediaAccess, PatienceOptions {
  /** The order of listed fragments. Default `fragmentNumber`. */
  readonly orderBy?: FragmentOrder | undefined;
  /** Fragments in one call, 1 to 1,000. Default 100: with five calls a second, what the service gives in a second. */
  readonly batchSize?: number | undefined;
  /** Connections at once, 1 to 5. Default 5. */
  readonly connections?: number | undefined;
  /** The most fragments that are on their way or wait to be taken. Default: what all connections are asked for at once. */
  readonly windowFragments?: number | undefined;
  /** The most bytes of them, as far as ListFragments has told their sizes. Default 256 MiB. One fragment may be larger. */
  readonly windowBytes?: number | undefined;
  /** How often a fragment that fails is asked for alone. Default 4. */
  readonly attempts?: number | undefined;
  /** Check the CRC-32 elements of the media; where one does not fit, the fragment is asked for again. Default false. */
  readonly verifyCrc?: boolean | undefined;
  /**
   * Is told, at its place in the order, of each fragment that could not be had; the others follow. Without it the iteration ends there with
   * the error.
   */
  readonly onFailure?: ((failure: FailedFragment) => void) | undefined;
  /** Is told of each fragment that is done, and once before the first. */
  readonly onProgress?: ((progress: FragmentListProgress) => void) | undefined;
  /** Is told of calls that are made again. */
  readonly onRetry?: ((event: FragmentRetryEvent) => void) | undefined;
}

/** Which fragments: all of a stretch of time, or those with these numbers, in this order. */
export type FragmentChoice =
  | { readonly range: FragmentRange; readonly fragmentNumbers?: undefined }
  | { readonly fragmentNumbers: readonly string[]; readonly range?: undefined };

/** What a {@link FragmentListConsumer} is made with. */
export type FragmentListConsumerOptions = StreamIdentity & FragmentChoice & FragmentListConsumerSettings;

type Result = ReadFragment | FailedFragment;

/**
 * Stored fragments of a stream, in order, each whole and once: listed, then fetched over several connections at once within the service's
 * rates.
 *
 * ```ts
 * const range = { type: 'PRODUCER_TIMESTAMP', from, to } as const;
 * const consumer = new FragmentListConsumer({ streamName: 'door', range, clientConfig: { region: 'eu-central-1' } });
 * for await (const fragment of consumer) console.log(fragment.fragmentNumber);
 * ```
 *
 * A fragment that fails, comes damaged or does not come is asked for again, at last alone, and then reported. Each loop over the consumer
 * lists and fetches anew.
 *
 * The iteration ends by itself, or by an error: {@link KinesisVideoError} when the service says what does not pass, the reason of the
 * signal, what a listener throws.
 */
export class FragmentListConsumer implements AsyncIterable<Fragment> {
  readonly #options: FragmentListConsumerOptions;
  readonly #clock: Clock;
  readonly #listCalls: RateLimiter;
  readonly #mediaCalls: RateLimiter;
  readonly #mediaFragments: RateLimiter;
  readonly #reach = new Reach();
  readonly #batchSize: number;
  readonly #connections: number;
  #progress: FragmentListProgress = { total: 0, done: 0, failed: 0, bytes: 0 };
  #mostHeld = 0;

  constructor(options: FragmentListConsumerOptions) {
    const { batchSize = 100, connections = MAX_CONNECTIONS, windowFragments, clock = systemClock } = options;
    if (windowFragments !== undefined) integer('windowFragments', windowFragments, Number.MAX_SAFE_INTEGER);
    this.#batchSize = integer('batchSize', batchSize, MAX_BATCH_SIZE);
    this.#connections = integer('connections', connections, MAX_CONNECTIONS);
    this.#options = options;
    this.#clock = clock;
    this.#listCalls = new RateLimiter(undefined, undefined, clock);
    this.#mediaCalls = new RateLimiter(undefined, undefined, clock);
    this.#mediaFragments = new RateLimiter(FRAGMENTS_PER_SECOND, undefined, clock);
  }

  /** How far the newest loop is. */
  get progress(): FragmentListProgress {
    return this.#progress;
  }

  /** The most fragments that have waited in memory to be taken, in the newest loop. */
  get mostHeld(): number {
    return this.#mostHeld;
  }

  /** The fragments. Closing the iterator closes the connections, also while it waits. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Fragment, undefined> {
    return closable((signal) => fragmentsOf(this.#run(signal, false)), this.#options.signal);
  }

  /** The frames of the fragments, in stream order; `frame.fragment` tells which fragment it is of. */
  frames(filter: FrameFilterOptions = {}): AsyncIterableIterator<Frame, undefined> {
    const wanted = frameFilter(filter);
    return closable((signal) => framesOf(this.#run(signal, false), wanted), this.#options.signal);
  }

  /** The fragments, each with the bytes that it came in: for whoever keeps or passes on what the service sent. */
  documents(): AsyncIterableIterator<FragmentDocument, undefined> {
    return closable((signal) => documentsOf(this.#run(signal, true)), this.#options.signal);
  }

  /** The bytes of the fragments, one document behind the other: for the mergers and remuxers that take a byte stream. */
  bytes(): AsyncIterableIterator<Uint8Array, undefined> {
    return closable((signal) => bytesOf(this.#run(signal, true)), this.#options.signal);
  }

  /**
   * The fragments that there are, in order, without their media.
   *
   * @throws KinesisVideoError when the service says what does not pass; the signal's reason when it is aborted
   */
  async list(): Promise<ListedFragment[]> {
    const { controller, unlink } = linkedController(this.#options.signal);
    try {
      return await this.#list(controller.signal);
    } finally {
      unlink();
    }
  }

  async *#run(outer: AbortSignal, keepDocuments: boolean): AsyncGenerator<ReadFragment, undefined> {
    const { onFailure, windowBytes = 256 * 1024 * 1024 } = this.#options;
    this.#progress = { total: 0, done: 0, failed: 0, bytes: 0 };
    const listed = await this.#list(outer);
    const window = new OrderedWindow<Result>(
      listed.map(({ size }) => size ?? 0),
      {
        batchSize: this.#batchSize,
        fragments: this.#options.windowFragments ?? this.#batchSize * this.#connections,
        bytes: windowBytes,
      },
    );
    this.#report({ total: listed.length });
    // A worker that fails ends the others and the iteration.
    const { controller, unlink } = linkedController(outer);
    const { signal } = controller;
    const plane = this.#openPlane('GET_MEDIA_FOR_FRAGMENT_LIST');
    const workers = Array.from({ length: this.#connections }, async () => {
      // Each has a signal of its own: what listens to it stays few.
      const own = linkedController(signal);
      try {
        await this.#work(plane, listed, window, keepDocuments, own.controller.signal);
      } catch (error) {
        controller.abort(error);
      } finally {
        own.unlink();
      }
    });
    try {
      for (let result = await window.take(signal); result !== undefined; result = await window.take(signal)) {
        this.#mostHeld = window.mostHeld;
        const { done, failed } = this.#progress;
        if ('attempts' in result) {
          if (onFailure === undefined) throw result.error;
          onFailure(result);
          this.#report({ done: done + 1, failed: failed + 1 });
        } else {
          yield result;
          this.#report({ done: done + 1 });
        }
      }
      return undefined;
    } finally {
      unlink();
      controller.abort(new Error('the iteration is over'));
      await Promise.all(workers);
      plane.close();
    }
  }

  async #work(
    plane: DataPlane<ArchivedMediaClient>,
    listed: readonly ListedFragment[],
    window: OrderedWindow<Result>,
    keepDocuments: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const batch = await window.nextBatch(signal);
      if (batch === undefined) return;
      const indexes = new Map<string, number>();
      for (let index = batch.from; index < batch.to; index++) indexes.set(listed[index]?.fragmentNumber ?? '', index);
      const settle = (number: string, result: Result) => {
        const index = indexes.get(number);
        if (index !== undefined) window.settle(index, result);
      };
      const download = new FragmentDownload(this.#downloadSetup(plane, keepDocuments, settle), this.#recovery(plane));
      await download.get([...indexes.keys()], signal);
    }
  }

  #downloadSetup(
    plane: DataPlane<ArchivedMediaClient>,
    keepDocuments: boolean,
    settle: (number: string, result: Result) => void,
  ): DownloadSetup {
    const { readTimeoutMs = READ_TIMEOUT_MS, verifyCrc = false, attempts = 4, onRetry } = this.#options;
    return {
      plane,
      stream: this.#options,
      calls: this.#mediaCalls,
      fragments: this.#mediaFragments,
      clock: this.#clock,
      readTimeoutMs,
      verifyCrc,
      keepDocuments,
      attempts,
      onBytes: (bytes) => {
        this.#progress = { ...this.#progress, bytes: this.#progress.bytes + bytes };
      },
      onFragment: settle,
      onFailure: (fragmentNumber, error, count) => settle(fragmentNumber, { fragmentNumber, error, attempts: count }),
      onRetry: (error, fragmentNumbers, delayMs) => onRetry?.({ error, fragmentNumbers, delayMs }),
    };
  }

  async #list(signal: AbortSignal): Promise<ListedFragment[]> {
    const { range, fragmentNumbers, orderBy = 'fragmentNumber', readTimeoutMs = READ_TIMEOUT_MS } = this.#options;
    if (range === undefined) return [...new Set(fragmentNumbers)].map(named);
    const plane = this.#openPlane('LIST_FRAGMENTS');
    try {
      return await listFragments(
        {
          plane,
          stream: this.#options,
          range,
          order: orderBy,
          recovery: this.#recovery(plane),
          limiter: this.#listCalls,
          clock: this.#clock,
          readTimeoutMs,
        },
        signal,
      );
    } finally {
      plane.close();
    }
  }

  #openPlane(apiName: 'LIST_FRAGMENTS' | 'GET_MEDIA_FOR_FRAGMENT_LIST'): DataPlane<ArchivedMediaClient> {
    const options = this.#options;
    return new DataPlane({
      apiName,
      stream: options,
      openControl: () => openControl(options),
      openClient: (control, endpoint, clockOffset) => openArchivedMedia(options, control, endpoint, clockOffset),
      disposable:
        options.createArchivedMediaClient !== undefined ||
        !sharesHandler(options.clientConfig, options.archivedMediaClientConfig),
      clock: this.#clock,
      timeoutMs: options.readTimeoutMs ?? READ_TIMEOUT_MS,
    });
  }

  #recovery(plane: DataPlane<ArchivedMediaClient>): Recovery<ArchivedMediaClient> {
    const { giveUpAfterMs = Number.POSITIVE_INFINITY, random = Math.random } = this.#options;
    return new Recovery(plane, {
      clock: this.#clock,
      backoff: new Backoff(this.#options, random),
      giveUpAfterMs,
      reach: this.#reach,
    });
  }

  #report(change: Partial<FragmentListProgress>): void {
    this.#progress = { ...this.#progress, ...change };
    this.#options.onProgress?.(this.#progress);
  }
}

function named(fragmentNumber: string): ListedFragment {
  return {
    fragmentNumber,
    size: undefined,
    producerTimestamp: undefined,
    serverTimestamp: undefined,
    durationMs: undefined,
  };
}

function integer(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new RangeError(`${name} must be an integer from 1 to ${most}, not ${value}`);
}
