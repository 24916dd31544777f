import type { Fragment } from '../fragments/fragment.js';
import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import { type Checkpoint, type CheckpointStore, checkpointOf } from './checkpoint.js';
import { type Clock, sleep, systemClock } from './clock.js';

/** What a handler receives besides the fragment. */
export interface ProcessContext {
  /** Is aborted when the try has taken too long, and when the processing ends before it: what the handler does is for nothing then. */
  readonly signal: AbortSignal;
  /** Which try it is, 1 and up. */
  readonly attempt: number;
}

/** Processes a fragment. If it throws or rejects, the try has failed. */
export type FragmentHandler = (fragment: Fragment, context: ProcessContext) => unknown;

/** Counters and the state of {@link processFragments}. */
export interface ProcessMetrics {
  /** Fragments that were processed. */
  readonly processed: number;
  /** Fragments that were skipped (`onFailure`). */
  readonly skipped: number;
  /** Tries that failed and were repeated. */
  readonly retries: number;
  /** Fragments that are being processed. */
  readonly running: number;
  /** Fragments that have been read and wait for a handler. */
  readonly queued: number;
  /** The time from when the service began to receive the last processed fragment until it was processed, in milliseconds. */
  readonly ingestToProcessLatencyMs: number | undefined;
  /** The position behind all fragments that are finished without a hole: where another process would continue. */
  readonly checkpoint: Checkpoint | undefined;
}

/** Options of {@link processFragments}. */
export interface ProcessOptions extends BackoffOptions {
  /** How many handlers may run at once. Default 1. */
  readonly concurrency?: number | undefined;
  /**
   * How many more fragments are held: read and waiting, or finished behind one that is not. While there are so many, nothing more is read.
   * Default: as many as `concurrency`.
   */
  readonly maxQueued?: number | undefined;
  /** How long a try may take, in milliseconds. Then its signal is aborted, and the try has failed. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** How often a fragment is tried again. Default 2. */
  readonly retries?: number | undefined;
  /**
   * What happens with a fragment after its last failed try: `'stop'` (default) ends the processing with the last error, `'skip'` skips the
   * fragment; or a function that returns one of them.
   */
  readonly onFailure?: 'stop' | 'skip' | ((error: unknown, fragment: Fragment) => 'stop' | 'skip') | undefined;
  /** Called each time a fragment has been processed or skipped. */
  readonly onProgress?: ((metrics: ProcessMetrics) => void) | undefined;
  /**
   * Stores the checkpoint of a source that has no store. A {@link GetMediaConsumer} has its own.
   */
  readonly checkpointStore?: Pick<CheckpointStore, 'save'> | undefined;
  /** Ends the processing: it rejects with the signal's reason. What handlers have finished is saved. */
  readonly signal?: AbortSignal | undefined;
  /** The clock, for tests. */
  readonly clock?: Clock | undefined;
  /** The time of day in milliseconds since 1970, for tests. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A fragment that does not count as processed before `commit` is called. */
export interface UncommittedFragment {
  /** The fragment, whole. */
  readonly fragment: Fragment;
  /** Says that it, and all before it, are processed. */
  commit(): Promise<void>;
}

/** A source that leaves it to its user when a fragment is dealt with. */
interface CommittingSource {
  uncommitted(): ClosableAsyncIterator<UncommittedFragment>;
}

/**
 * Calls a handler for the fragments of a source, several at once, and moves the checkpoint in order: never past a fragment that is not
 * finished. After a crash, unfinished fragments are processed again, and none is lost.
 *
 * ```ts
 * await processFragments(consumer, (fragment) => detect(fragment), { concurrency: 3, timeoutMs: 30_000 });
 * ```
 *
 * @param source a consumer, or any other source of fragments, such as `readFragments`
 * @returns the last metrics, when the source has ended
 * @throws the last error of the handler (`onFailure: 'stop'`), whatever the source or a checkpoint store throws, the signal's reason
 */
export async function processFragments(
  source: AsyncIterable<Fragment>,
  handler: FragmentHandler,
  options: ProcessOptions = {},
): Promise<ProcessMetrics> {
  return new Processing(handler, options).run(source);
}

/** A fragment on its way. */
interface Entry extends UncommittedFragment {
  state: 'queued' | 'running' | 'done';
}

class Processing {
  readonly #handler: FragmentHandler;
  readonly #options: ProcessOptions;
  readonly #clock: Clock;
  readonly #concurrency: number;
  readonly #most: number;
  readonly #stop = new AbortController();
  /** In the order of the source; the first is not done. */
  readonly #entries: Entry[] = [];
  #running = 0;
  #processed = 0;
  #skipped = 0;
  #retries = 0;
  #latency: number | undefined;
  #checkpoint: Checkpoint | undefined;
  #committing: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(handler: FragmentHandler, options: ProcessOptions) {
    const { concurrency = 1, maxQueued = concurrency, retries = 2, timeoutMs, clock = systemClock } = options;
    if (!(Number.isInteger(concurrency) && concurrency >= 1)) throw new RangeError('concurrency must be 1 or more');
    if (!(Number.isInteger(maxQueued) && maxQueued >= 0)) throw new RangeError('maxQueued must be 0 or more');
    if (!(Number.isInteger(retries) && retries >= 0)) throw new RangeError('retries must be 0 or more');
    if (timeoutMs !== undefined && !(timeoutMs > 0)) throw new RangeError('timeoutMs must be above 0');
    this.#handler = handler;
    this.#options = options;
    this.#clock = clock;
    this.#concurrency = concurrency;
    this.#most = concurrency + maxQueued;
  }

  async run(source: AsyncIterable<Fragment>): Promise<ProcessMetrics> {
    const { signal } = this.#options;
    const { signal: stopped } = this.#stop;
    const stop = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) stop();
    const iterator = this.#uncommitted(source)[Symbol.asyncIterator]();
    // Closing ends what the source waits for.
    const close = () => void iterator.return?.().catch(() => {});
    stopped.addEventListener('abort', close, { once: true });
    try {
      await this.#read(iterator);
      while (this.#entries.length > 0 && !stopped.aborted) await this.#change();
      await this.#committing;
      stopped.throwIfAborted();
      return this.#metrics();
    } catch (error) {
      this.#fail(error);
      await this.#committing?.catch(() => {});
      throw stopped.reason;
    } finally {
      signal?.removeEventListener('abort', stop);
      await iterator.return?.();
    }
  }

  async #read(iterator: AsyncIterator<UncommittedFragment, unknown>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.#entries.length >= this.#most) {
        await this.#change();
        continue;
      }
      const result = await iterator.next();
      if (result.done === true || signal.aborted) return;
      const { fragment } = result.value;
      this.#entries.push({ fragment, commit: () => result.value.commit(), state: 'queued' });
      this.#begin();
    }
  }

  /** Lets handlers begin with what waits. */
  #begin(): void {
    for (const entry of this.#entries) {
      if (this.#running >= this.#concurrency || this.#stop.signal.aborted) return;
      if (entry.state !== 'queued') continue;
      entry.state = 'running';
      this.#running++;
      this.#process(entry.fragment)
        .then(() => this.#finish(entry))
        .catch((error: unknown) => this.#fail(error))
        .finally(() => this.#notify());
    }
  }

  async #process(fragment: Fragment): Promise<void> {
    const { retries = 2, onFailure = 'stop', now = Date.now } = this.#options;
    const backoff = new Backoff(this.#options, Math.random);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#attempt(fragment, attempt);
        this.#processed++;
        const { serverTimestamp } = fragment;
        if (serverTimestamp !== undefined) this.#latency = now() - serverTimestamp.getTime();
        return;
      } catch (error) {
        this.#stop.signal.throwIfAborted();
        if (attempt > retries) {
          const choice = typeof onFailure === 'function' ? onFailure(error, fragment) : onFailure;
          if (choice === 'stop') throw error;
          this.#skipped++;
          return;
        }
        this.#retries++;
        await sleep(this.#clock, backoff.next(), this.#stop.signal);
      }
    }
  }

  /** One try: it ends when the handler does, when its time is over, or when the processing ends. */
  #attempt(fragment: Fragment, attempt: number): Promise<void> {
    const { timeoutMs } = this.#options;
    const { signal: stopped } = this.#stop;
    const controller = new AbortController();
    return new Promise<void>((resolve, reject) => {
      const end = (reason: unknown) => {
        controller.abort(reason);
        reject(reason);
      };
      const onStop = () => end(stopped.reason);
      stopped.addEventListener('abort', onStop, { once: true });
      const text = `the handler has not dealt with fragment ${fragment.fragmentNumber ?? 'without number'} in ${timeoutMs} ms`;
      const late = () => end(new DOMException(text, 'TimeoutError'));
      const cancel = timeoutMs === undefined ? undefined : this.#clock.schedule(late, timeoutMs);
      const run = async () => {
        await this.#handler(fragment, { signal: controller.signal, attempt });
      };
      run()
        .then(resolve, reject)
        .finally(() => {
          cancel?.();
          stopped.removeEventListener('abort', onStop);
        });
    });
  }

  #finish(entry: Entry): void {
    this.#running--;
    entry.state = 'done';
    this.#begin();
    this.#committing ??= this.#commit().finally(() => {
      this.#committing = undefined;
    });
    this.#committing.catch((error: unknown) => this.#fail(error));
    this.#options.onProgress?.(this.#metrics());
  }

  /** Moves the checkpoint behind all that is done, as far as nothing before it is not. */
  async #commit(): Promise<void> {
    for (let first = this.#entries[0]; first?.state === 'done'; first = this.#entries[0]) {
      // Of several that are done, the last one tells of all.
      let count = 1;
      while (this.#entries[count]?.state === 'done') count++;
      const last = this.#entries[count - 1] ?? first;
      await last.commit();
      this.#checkpoint = checkpointOf(last.fragment.metadata) ?? this.#checkpoint;
      this.#entries.splice(0, count);
      this.#notify();
    }
  }

  #fail(reason: unknown): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(reason);
    this.#notify();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #metrics(): ProcessMetrics {
    const queued = this.#entries.filter(({ state }) => state === 'queued').length;
    return {
      processed: this.#processed,
      skipped: this.#skipped,
      retries: this.#retries,
      running: this.#running,
      queued,
      ingestToProcessLatencyMs: this.#latency,
      checkpoint: this.#checkpoint,
    };
  }

  #uncommitted(source: AsyncIterable<Fragment>): AsyncIterable<UncommittedFragment> {
    const { checkpointStore } = this.#options;
    if (isCommitting(source)) {
      if (checkpointStore === undefined) return source.uncommitted();
      throw new TypeError('the source has a checkpoint of its own: give the store to the consumer');
    }
    return withStore(source, checkpointStore);
  }
}

function isCommitting(source: AsyncIterable<Fragment>): source is AsyncIterable<Fragment> & CommittingSource {
  return 'uncommitted' in source && typeof source.uncommitted === 'function';
}

/** The fragments of a source that keeps no checkpoint. Closing it closes the source, also while that is waited for. */
function withStore(
  source: AsyncIterable<Fragment>,
  store: Pick<CheckpointStore, 'save'> | undefined,
): AsyncIterable<UncommittedFragment> {
  const iterator = source[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const result = await iterator.next();
        if (result.done === true) return { done: true, value: undefined };
        const fragment = result.value;
        const commit = async () => {
          const checkpoint = checkpointOf(fragment.metadata);
          if (checkpoint !== undefined) await store?.save(checkpoint);
        };
        return { done: false, value: { fragment, commit } };
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}
