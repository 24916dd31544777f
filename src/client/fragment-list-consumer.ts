import type { Bytes } from '../ebml/bytes.js';
import type { Fragment } from '../fragments/fragment.js';
import { type FrameFilterOptions, frameFilter } from '../fragments/frame-filter.js';
import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import type { Frame } from '../visitors/frame.js';
import { linkedController } from './abort.js';
import type { ArchivedMediaClient } from './access.js';
import { Backoff } from './backoff.js';
import { type Clock, systemClock } from './clock.js';
import { closable } from './closable.js';
import { CompletenessCheck } from './completeness.js';
import { DataPlane } from './data-plane.js';
import { Diagnostics, fragmentMessage } from './diagnostics.js';
import { withoutDuplicates } from './duplicates.js';
import { type DownloadSetup, FragmentDownload } from './fragment-download.js';
import { type FragmentListMetrics, FragmentListRecorder } from './fragment-list-metrics.js';
import {
  checkOptions,
  type FailedFragment,
  type FragmentListConsumerOptions,
  type FragmentListProgress,
  type FragmentRetryEvent,
} from './fragment-list-options.js';
import type { ReadFragment } from './fragment-reader.js';
import {
  asIs,
  bytesOf,
  documentOf,
  type FragmentDocument,
  fragmentOf,
  framesOf,
  Handover,
  READ_TIMEOUT_MS,
} from './iteration.js';
import { Likeness } from './likeness.js';
import { type ListedFragment, listFragments } from './list-fragments.js';
import { OrderedWindow } from './ordered-window.js';
import { type CallLimiter, FRAGMENTS_PER_SECOND, RateLimiter } from './rate-limiter.js';
import { Reach, Recovery } from './recovery.js';
import { openControl } from './sdk.js';
import { openArchivedMedia } from './sdk-archived-media.js';
import type { KinesisVideoError } from './service-error.js';

/** The service's most fragments in one call of GetMediaForFragmentList. */
const MAX_BATCH_SIZE = 1000;

/** The service's most connections for GetMediaForFragmentList per stream. */
const MAX_CONNECTIONS = 5;

type Result = ReadFragment | FailedFragment;

/** What a loop works with. */
interface Run {
  readonly plane: DataPlane<ArchivedMediaClient>;
  readonly listed: readonly ListedFragment[];
  readonly window: OrderedWindow<Result>;
  readonly keepDocuments: boolean;
  readonly completeness: CompletenessCheck;
  readonly likeness: Likeness;
}

/** A fragment's place in the order, and what was told of it. */
interface Place {
  readonly index: number;
  readonly fragment: ListedFragment;
}

/**
 * Reads stored fragments of a stream, in order, each whole and once. It lists them, then downloads them over several connections at once,
 * within the service's rates.
 *
 * ```ts
 * const range = { type: 'PRODUCER_TIMESTAMP', from, to } as const;
 * const consumer = new FragmentListConsumer({ streamName: 'door', range, clientConfig: { region: 'eu-central-1' } });
 * for await (const fragment of consumer) console.log(fragment.fragmentNumber);
 * ```
 *
 * A fragment that fails, arrives damaged or does not arrive is requested again, at last alone, and then reported. Each loop over the consumer
 * lists and downloads again.
 *
 * The iteration ends by itself, or with an error: {@link KinesisVideoError} when the service reports an error that a retry does not solve,
 * the reason of the signal, what a listener throws.
 */
export class FragmentListConsumer implements AsyncIterable<Fragment> {
  readonly #options: FragmentListConsumerOptions;
  readonly #clock: Clock;
  readonly #listCalls: RateLimiter;
  readonly #mediaCalls: CallLimiter;
  readonly #mediaFragments: CallLimiter;
  readonly #reach = new Reach();
  readonly #batchSize: number;
  readonly #connections: number;
  #progress: FragmentListProgress = { total: 0, done: 0, failed: 0, bytes: 0 };
  #window: OrderedWindow<Result> | undefined;
  readonly #recorder: FragmentListRecorder;
  readonly #diagnostics: Diagnostics;

  /**
   * @throws TypeError when it is not said which stream or which fragments; RangeError when a number is beyond what the service takes, or a
   * time is invalid
   */
  constructor(options: FragmentListConsumerOptions) {
    checkOptions(options);
    const { batchSize = 100, connections = MAX_CONNECTIONS, windowFragments, clock = systemClock } = options;
    if (windowFragments !== undefined) integer('windowFragments', windowFragments, Number.MAX_SAFE_INTEGER);
    this.#batchSize = integer('batchSize', batchSize, MAX_BATCH_SIZE);
    this.#connections = integer('connections', connections, MAX_CONNECTIONS);
    this.#options = options;
    this.#clock = clock;
    this.#recorder = new FragmentListRecorder(clock);
    this.#diagnostics = new Diagnostics(options);
    this.#listCalls = new RateLimiter(undefined, undefined, clock);
    this.#mediaCalls = options.rateLimiter ?? new RateLimiter(undefined, undefined, clock);
    this.#mediaFragments = options.fragmentRateLimiter ?? new RateLimiter(FRAGMENTS_PER_SECOND, undefined, clock);
  }

  /** How far the newest loop is. */
  get progress(): FragmentListProgress {
    return this.#progress;
  }

  /** The most fragments that have waited in memory to be taken, in the newest loop. */
  get mostHeld(): number {
    return this.#window?.mostHeld ?? 0;
  }

  /** How it is doing. */
  get metrics(): FragmentListMetrics {
    return this.#recorder.snapshot(this.#window?.held ?? 0);
  }

  /** The fragments. Closing the iterator closes the connections, also while it waits. */
  [Symbol.asyncIterator](): ClosableAsyncIterator<Fragment> {
    return closable((signal) => this.#run(signal, false), this.#options.signal, fragmentOf);
  }

  /** The frames of the fragments, in stream order; `frame.fragment` is its fragment. */
  frames(filter: FrameFilterOptions = {}): ClosableAsyncIterator<Frame> {
    const wanted = frameFilter(filter);
    return closable((signal) => framesOf(this.#run(signal, false), wanted), this.#options.signal, asIs);
  }

  /** The fragments, each with the bytes that it came in: for whoever keeps or passes on what the service sent. */
  documents(): ClosableAsyncIterator<FragmentDocument> {
    return closable((signal) => this.#run(signal, true), this.#options.signal, documentOf);
  }

  /** The bytes of the fragments, one document behind the other: for the mergers and remuxers that take a byte stream. */
  bytes(): ClosableAsyncIterator<Bytes> {
    return closable((signal) => bytesOf(this.#run(signal, true)), this.#options.signal, asIs);
  }

  /**
   * The fragments that there are, in order, without their media.
   *
   * @throws KinesisVideoError when the service reports an error that a retry does not solve; the signal's reason when it is aborted
   */
  async list(): Promise<ListedFragment[]> {
    const { controller, unlink } = linkedController(this.#options.signal);
    try {
      return await this.#list(controller.signal);
    } finally {
      unlink();
    }
  }

  async *#run(outer: AbortSignal, keepDocuments: boolean): AsyncGenerator<Handover, undefined> {
    const { onFailure, windowBytes = 256 * 1024 * 1024 } = this.#options;
    this.#progress = { total: 0, done: 0, failed: 0, bytes: 0 };
    this.#window = undefined;
    const listed = await this.#list(outer);
    const window = new OrderedWindow<Result>(
      listed.map(({ size }) => size ?? 0),
      {
        batchSize: this.#batchSize,
        fragments: this.#options.windowFragments ?? this.#batchSize * this.#connections,
        bytes: windowBytes,
      },
    );
    this.#window = window;
    this.#report({ total: listed.length });
    // A worker that fails ends the others and the iteration.
    const { controller, unlink } = linkedController(outer);
    const { signal } = controller;
    const plane = this.#openPlane('GET_MEDIA_FOR_FRAGMENT_LIST');
    const completeness = new CompletenessCheck();
    const likeness = new Likeness();
    const workers = Array.from({ length: this.#connections }, async () => {
      // Each has a signal of its own: what listens to it stays few.
      const own = linkedController(signal);
      try {
        await this.#work({ plane, listed, window, keepDocuments, completeness, likeness }, own.controller.signal);
      } catch (error) {
        controller.abort(error);
      } finally {
        own.unlink();
      }
    });
    try {
      for (let result = await window.take(signal); result !== undefined; result = await window.take(signal)) {
        const { done, failed } = this.#progress;
        if ('attempts' in result) {
          this.#recorder.failed++;
          this.#publishFailed(result);
          if (onFailure === undefined) throw result.error;
          onFailure(result);
          this.#report({ done: done + 1, failed: failed + 1 });
        } else {
          this.#recorder.handOut(result.fragment);
          this.#publishHandOut(result);
          yield new Handover(result);
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

  #publishHandOut({ fragment }: ReadFragment): void {
    this.#diagnostics.publish('fragment', () => fragmentMessage(fragment));
  }

  #publishFailed({ fragmentNumber, error }: FailedFragment): void {
    this.#diagnostics.publish<'gap'>('gap', () => ({
      kind: 'failed',
      afterFragmentNumber: undefined,
      beforeFragmentNumber: undefined,
      fragmentNumbers: [fragmentNumber],
      reason: error.message,
    }));
  }

  async #work(run: Run, signal: AbortSignal): Promise<void> {
    const { plane, listed, window } = run;
    for (;;) {
      const batch = await window.nextBatch(signal);
      if (batch === undefined) return;
      const places = new Map<string, Place>();
      for (const [at, fragment] of listed.slice(batch.from, batch.to).entries()) {
        places.set(fragment.fragmentNumber, { index: batch.from + at, fragment });
      }
      const setup = this.#downloadSetup(run, places, (number, result) => {
        const place = places.get(number);
        if (place !== undefined) window.settle(place.index, result);
      });
      const download = new FragmentDownload(setup, this.#recovery(plane));
      await download.get([...places.keys()], signal);
    }
  }

  #downloadSetup(
    { plane, listed, keepDocuments, completeness, likeness }: Run,
    places: ReadonlyMap<string, Place>,
    settle: (number: string, result: Result) => void,
  ): DownloadSetup {
    const { readTimeoutMs = READ_TIMEOUT_MS, verifyCrc = false, attempts = 4 } = this.#options;
    const recorder = this.#recorder;
    return {
      plane,
      stream: this.#options,
      diagnostics: this.#diagnostics,
      calls: this.#mediaCalls,
      fragments: this.#mediaFragments,
      clock: this.#clock,
      readTimeoutMs,
      verifyCrc,
      keepDocuments,
      attempts,
      judge: (number, { fragment, size, state }) => {
        const place = places.get(number);
        return place === undefined || size === undefined
          ? 'unknown'
          : completeness.check(place.fragment, fragment, size, state === 'whole');
      },
      likeness,
      durationOf: (number) => places.get(number)?.fragment.durationMs,
      companionOf: (number) => {
        const index = places.get(number)?.index ?? 0;
        return (listed[index + 1] ?? listed[index - 1])?.fragmentNumber;
      },
      onAnswer: () => recorder.calls++,
      onBytes: (bytes) => {
        recorder.bytes += bytes;
        this.#progress = { ...this.#progress, bytes: this.#progress.bytes + bytes };
      },
      onFragment: settle,
      onFailure: (fragmentNumber, error, count) => settle(fragmentNumber, { fragmentNumber, error, attempts: count }),
      onRetry: (error, fragmentNumbers, delayMs) => this.#retry({ error, fragmentNumbers, delayMs }),
    };
  }

  #retry(event: FragmentRetryEvent): void {
    const { error, delayMs } = event;
    this.#recorder.retries++;
    this.#diagnostics.publish('retry', () => ({ reason: error.kind, error, delayMs }));
    this.#options.onRetry?.(event);
  }

  async #list(signal: AbortSignal): Promise<ListedFragment[]> {
    const { range, fragmentNumbers, orderBy = 'fragmentNumber', duplicates = 'keep' } = this.#options;
    const { readTimeoutMs = READ_TIMEOUT_MS } = this.#options;
    if (range === undefined) return [...new Set(fragmentNumbers)].map(named);
    const plane = this.#openPlane('LIST_FRAGMENTS');
    try {
      const listed = await listFragments(
        {
          plane,
          stream: this.#options,
          range,
          order: orderBy,
          recovery: this.#recovery(plane),
          limiter: this.#listCalls,
          clock: this.#clock,
          readTimeoutMs,
          onAnswer: () => this.#recorder.calls++,
          onRetry: (error, delayMs) => this.#retry({ error, fragmentNumbers: [], delayMs }),
        },
        signal,
      );
      const wanted = withoutDuplicates(listed, duplicates);
      this.#recorder.duplicates += listed.length - wanted.length;
      return wanted;
    } finally {
      plane.close();
    }
  }

  #openPlane(apiName: 'LIST_FRAGMENTS' | 'GET_MEDIA_FOR_FRAGMENT_LIST'): DataPlane<ArchivedMediaClient> {
    const options = this.#options;
    return new DataPlane({
      apiName,
      stream: options,
      openControl: (clockOffset) => openControl(options, clockOffset),
      openClient: (control, endpoint, clockOffset) => openArchivedMedia(options, control, endpoint, clockOffset),
      limiter: options.endpointRateLimiter,
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
