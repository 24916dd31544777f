import type { Fragment } from '../fragments/fragment.js';
import type { ArchivedMediaClient, StreamIdentity } from './access.js';
import { Attempt } from './attempt.js';
import type { Clock } from './clock.js';
import type { DataClient, DataPlane } from './data-plane.js';
import { FragmentReader, type ReadFragment } from './fragment-reader.js';
import type { RateLimiter } from './rate-limiter.js';
import type { Recovery } from './recovery.js';
import { loadArchivedMedia } from './sdk.js';
import { fromStreamError, KinesisVideoError, toKinesisVideoError } from './service-error.js';

/** After how many calls in a row that brought nothing the fragments are asked for one by one: one of them may be what ends the call. */
const IDLE_CALLS = 3;

/** What downloads work with; shared by all of them but the recovery. */
export interface DownloadSetup {
  readonly plane: DataPlane<ArchivedMediaClient>;
  readonly stream: StreamIdentity;
  readonly calls: RateLimiter;
  readonly fragments: RateLimiter;
  readonly clock: Clock;
  readonly readTimeoutMs: number;
  readonly verifyCrc: boolean;
  readonly keepDocuments: boolean;
  /** How often a fragment is asked for before it counts as failed. */
  readonly attempts: number;
  readonly onBytes: (bytes: number) => void;
  readonly onFragment: (number: string, read: ReadFragment) => void;
  readonly onFailure: (number: string, error: KinesisVideoError, attempts: number) => void;
  /** A call, or what it sent, failed and is made again. */
  readonly onRetry: (error: KinesisVideoError, fragmentNumbers: readonly string[], delayMs: number) => void;
}

/** How one call of GetMediaForFragmentList went. */
interface CallResult {
  /** What is missing of what was asked for, with the service's word for it where there was one. */
  readonly missing: ReadonlyMap<string, KinesisVideoError | undefined>;
  /** What ended the call before its end. */
  readonly failure: KinesisVideoError | undefined;
  /** Whether the service took the call: what failed then is of the media. */
  readonly answered: boolean;
  readonly client: DataClient<ArchivedMediaClient> | undefined;
}

/** A fragment that looked whole at the end of a body, where nothing says that it is. */
interface OpenFragment {
  readonly number: string;
  readonly frames: number;
  readonly bytes: number;
}

/**
 * Gets fragments by their numbers, over one connection at a time: together first, what is missing then together again for as long as that
 * brings some, and at last one by one.
 */
export class FragmentDownload {
  readonly #setup: DownloadSetup;
  readonly #recovery: Recovery<ArchivedMediaClient>;
  #open: OpenFragment | undefined;

  constructor(setup: DownloadSetup, recovery: Recovery<ArchivedMediaClient>) {
    this.#setup = setup;
    this.#recovery = recovery;
  }

  /**
   * Gets them all, or reports them as failed.
   *
   * @throws KinesisVideoError when the service says what does not pass; the signal's reason when it is aborted
   */
  async get(numbers: readonly string[], signal: AbortSignal): Promise<void> {
    let together = numbers;
    const alone: string[] = [];
    for (let idle = 0; together.length > 1 && idle < IDLE_CALLS; ) {
      const { missing, failure, answered, client } = await this.#call(together, signal);
      // What the service has named as failed is asked for alone, so that the others do not have to wait for it.
      const unnamed: string[] = [];
      for (const [number, error] of missing) (error === undefined ? unnamed : alone).push(number);
      if (missing.size < together.length) idle = 0;
      else if (answered) idle++;
      if (missing.size > 0) {
        await this.#recover(failure ?? incomplete(missing.keys().next().value), [...missing.keys()], client, signal);
      }
      together = unnamed;
    }
    for (const number of [...together, ...alone]) await this.#getAlone(number, signal);
  }

  async #getAlone(number: string, signal: AbortSignal): Promise<void> {
    for (let attempts = 1; ; ) {
      const { missing, failure, answered, client } = await this.#call([number], signal);
      if (missing.size === 0) return;
      const error = missing.get(number) ?? failure ?? incomplete(number);
      if (answered && attempts++ >= this.#setup.attempts) {
        this.#setup.onFailure(number, error, this.#setup.attempts);
        return;
      }
      await this.#recover(error, [number], client, signal);
    }
  }

  async #recover(
    error: KinesisVideoError,
    numbers: readonly string[],
    client: DataClient<ArchivedMediaClient> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const delayMs = await this.#recovery.assess(error, client, signal);
    this.#setup.onRetry(error, numbers, delayMs);
    await this.#recovery.pause(delayMs, signal);
  }

  async #call(numbers: readonly string[], signal: AbortSignal): Promise<CallResult> {
    const { plane, stream, calls, fragments, clock, readTimeoutMs, verifyCrc, keepDocuments, onBytes } = this.#setup;
    const { GetMediaForFragmentListCommand } = await loadArchivedMedia();
    const missing = new Map<string, KinesisVideoError | undefined>(numbers.map((number) => [number, undefined]));
    const attempt = new Attempt('GetMediaForFragmentList', clock, readTimeoutMs, signal);
    const reader = new FragmentReader({ verifyCrc, keepDocuments });
    let client: DataClient<ArchivedMediaClient> | undefined;
    let failure: KinesisVideoError | undefined;
    let answered = false;
    let open: ReadFragment | undefined;
    try {
      client = await plane.acquire(signal);
      const { client: media } = client;
      const command = new GetMediaForFragmentListCommand({
        StreamName: stream.streamName,
        StreamARN: stream.streamARN,
        Fragments: [...numbers],
      });
      const counted = await fragments.take(signal, numbers.length);
      const output = await calls
        .take(signal)
        .then((called) => attempt.call((abortSignal) => media.send(command, { abortSignal })).finally(called))
        .finally(counted);
      answered = true;
      this.#recovery.answered();
      attempt.open(output.Payload);
      while (!reader.ended) {
        const chunk = await attempt.read();
        if (chunk === undefined) {
          reader.end();
        } else {
          onBytes(chunk.length);
          reader.push(chunk);
        }
        for (let read = reader.next(); read !== undefined; read = reader.next()) {
          const { fragment, state } = read;
          if (fragment.error !== undefined) {
            const number = fragment.fragmentNumber;
            const { requestId } = output.$metadata;
            if (number === undefined) throw fromStreamError(fragment.error, requestId);
            if (missing.has(number)) missing.set(number, fromStreamError(fragment.error, requestId, 'media'));
          } else if (state === 'whole') {
            this.#accept(read, missing);
          } else if (state === 'open') {
            open = read;
          }
        }
      }
      if (open !== undefined && this.#believes(open.fragment, missing)) this.#accept(open, missing);
    } catch (error) {
      signal.throwIfAborted();
      failure = toKinesisVideoError('GetMediaForFragmentList', error);
    } finally {
      await attempt.close();
    }
    if (failure?.kind === 'final') throw failure;
    if (missing.size < numbers.length) this.#recovery.progressed();
    return { missing, failure, answered, client };
  }

  #accept(read: ReadFragment, missing: Map<string, KinesisVideoError | undefined>): void {
    const number = read.fragment.fragmentNumber;
    if (number !== undefined && missing.delete(number)) this.#setup.onFragment(number, read);
  }

  /**
   * The service puts nothing behind the last fragment of a list. It is believed when its body ended in good order and everything else has
   * come, or when a second reading has given the same.
   */
  #believes(fragment: Fragment, missing: ReadonlyMap<string, KinesisVideoError | undefined>): boolean {
    const number = fragment.fragmentNumber;
    if (number === undefined || !missing.has(number)) return false;
    const bytes = fragment.frames.reduce((sum, frame) => sum + frame.size, 0);
    const before = this.#open;
    this.#open = { number, frames: fragment.frames.length, bytes };
    if (before?.number === number && before.frames === fragment.frames.length && before.bytes === bytes) return true;
    if (fragment.frames.length === 0) return false;
    return [...missing].every(([other, error]) => other === number || error !== undefined);
  }
}

function incomplete(number: string | undefined): KinesisVideoError {
  return new KinesisVideoError('GetMediaForFragmentList', {
    code: 'FragmentMissing',
    kind: 'media',
    text: `the body ended without fragment ${number ?? ''}`,
  });
}
