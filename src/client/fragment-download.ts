import { count } from '../ebml/plural.js';
import type { ArchivedMediaClient, StreamIdentity } from './access.js';
import { Attempt } from './attempt.js';
import type { Clock } from './clock.js';
import type { Completeness } from './completeness.js';
import type { DataClient, DataPlane } from './data-plane.js';
import type { Diagnostics } from './diagnostics.js';
import { FragmentReader, type ReadFragment } from './fragment-reader.js';
import { Likeness } from './likeness.js';
import type { CallLimiter } from './rate-limiter.js';
import type { Recovery } from './recovery.js';
import { loadArchivedMedia } from './sdk-archived-media.js';
import { fromStreamError, KinesisVideoError, NotMediaError, toKinesisVideoError } from './service-error.js';

/** After how many calls in a row that brought nothing the fragments are asked for one by one: one of them may be what ends the call. */
const IDLE_CALLS = 3;

/** What downloads work with; shared by all of them but the recovery. */
export interface DownloadSetup {
  readonly plane: DataPlane<ArchivedMediaClient>;
  readonly stream: StreamIdentity;
  readonly diagnostics: Diagnostics;
  readonly calls: CallLimiter;
  readonly fragments: CallLimiter;
  readonly clock: Clock;
  readonly readTimeoutMs: number;
  readonly verifyCrc: boolean;
  readonly keepDocuments: boolean;
  /** How often a fragment is asked for before it counts as failed. */
  readonly attempts: number;
  /** What is known of whether all of a fragment has come. */
  readonly judge: (number: string, read: ReadFragment) => Completeness;
  /** What all fragments are compared with; shared by all downloads. */
  readonly likeness: Likeness;
  /** How long a fragment is, in milliseconds, where ListFragments has told. */
  readonly durationOf: (number: string) => number | undefined;
  /** Another fragment that there should be, to ask for together with this one. */
  readonly companionOf: (number: string) => string | undefined;
  /** The service has answered a call. */
  readonly onAnswer: () => void;
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
  /** Its Cluster does not say its size, so that a body that ends between two Blocks does not show it. */
  readonly unsized: boolean;
}

/** Errors of the keys that fragments are encrypted with: people mend those, and the other fragments have the same key. */
const isKeyError = (id: number | undefined) => id !== undefined && id >= 4500 && id <= 4506;

/**
 * Gets fragments by their numbers, over one connection at a time: together first, what is missing then together again for as long as that
 * brings some, and at last one by one.
 */
export class FragmentDownload {
  readonly #setup: DownloadSetup;
  readonly #recovery: Recovery<ArchivedMediaClient>;
  #open: OpenFragment | undefined;
  /** A fragment that has come whole. */
  #witness: string | undefined;
  /** Fragments that seemed too short, and whose Clusters do not say their size. */
  readonly #short = new Set<string>();
  /** The first fragment of all, until the next one shows whether it is like others. */
  #first: { readonly number: string; readonly read: ReadFragment } | undefined;
  /** What came last in answer was no Matroska at all. */
  #notMedia = false;

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
      const { missing, failure, answered, client } = await this.#call(together, together, signal);
      const last = keyErrorOf(missing);
      if (last !== undefined) {
        for (const [number, error] of missing) this.#setup.onFailure(number, error ?? last, 0);
        this.#recovery.progressed();
        return;
      }
      // What the service has named as failed is asked for alone, so that the others do not have to wait for it.
      const unnamed: string[] = [];
      for (const [number, error] of missing) (error === undefined ? unnamed : alone).push(number);
      if (missing.size < together.length) idle = 0;
      else if (answered) idle++;
      if (missing.size > 0) {
        const named = [...missing.values()].find((error) => error !== undefined);
        const error = failure ?? named ?? incomplete(missing.keys().next().value);
        await this.#recover(error, [...missing.keys()], client, signal);
      }
      together = unnamed;
    }
    for (const number of [...together, ...alone]) await this.#getAlone(number, signal);
  }

  async #getAlone(number: string, signal: AbortSignal): Promise<void> {
    for (let attempts = 1; ; ) {
      const asked = this.#withWitness(number);
      const { missing, failure, answered, client } = await this.#call(asked, [number], signal);
      if (missing.size === 0) return;
      const error = missing.get(number) ?? failure ?? incomplete(number);
      if ((answered && attempts >= this.#setup.attempts) || keyErrorOf(missing) !== undefined) {
        this.#setup.onFailure(number, error, attempts);
        // The next one's troubles are its own.
        this.#recovery.progressed();
        return;
      }
      if (answered) attempts++;
      await this.#recover(error, [number], client, signal);
    }
  }

  /**
   * A fragment of which it is not known whether all has come, since its Cluster does not say its size, or whether anything has come of the
   * service, is asked for together with one that is known to come.
   */
  #withWitness(number: string): readonly string[] {
    const isShort = this.#short.has(number);
    // What seems too short fails anyway if nothing comes behind it.
    const witness = this.#witness ?? (isShort ? this.#setup.companionOf(number) : undefined);
    const inDoubt = isShort || this.#notMedia || (this.#open?.number === number && this.#open.unsized);
    return inDoubt && witness !== undefined ? [number, witness] : [number];
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

  /**
   * @param asked what is asked for
   * @param numbers what of it is wanted
   */
  async #call(asked: readonly string[], numbers: readonly string[], signal: AbortSignal): Promise<CallResult> {
    const { plane, stream, calls, fragments, clock, readTimeoutMs, verifyCrc, keepDocuments, onBytes } = this.#setup;
    const { GetMediaForFragmentListCommand } = await loadArchivedMedia();
    const missing: Missing = new Map(numbers.map((number) => [number, undefined]));
    const attempt = new Attempt('GetMediaForFragmentList', clock, readTimeoutMs, signal);
    const reader = new FragmentReader({ verifyCrc, keepDocuments, measure: true });
    let client: DataClient<ArchivedMediaClient> | undefined;
    let failure: KinesisVideoError | undefined;
    let answered = false;
    let requestId: string | undefined;
    let open: ReadFragment | undefined;
    try {
      client = await plane.acquire(attempt, signal);
      const { client: media } = client;
      const command = new GetMediaForFragmentListCommand({
        StreamName: stream.streamName,
        StreamARN: stream.streamARN,
        Fragments: [...asked],
      });
      const counted = await fragments.take(signal, asked.length);
      const output = await calls
        .take(signal)
        .then((called) => attempt.call((abortSignal) => media.send(command, { abortSignal })).finally(called))
        .finally(counted);
      answered = true;
      this.#notMedia = false;
      this.#recovery.answered();
      this.#setup.onAnswer();
      requestId = output.$metadata.requestId;
      this.#publish('open', requestId, undefined);
      attempt.open(output.Payload);
      while (!reader.ended) {
        await attempt.feed((chunk) => {
          if (chunk === undefined) {
            reader.end();
          } else {
            onBytes(chunk.length);
            reader.push(chunk);
          }
          return reader.ready || reader.ended;
        });
        for (let read = reader.next(); read !== undefined; read = reader.next()) {
          const { fragment, state } = read;
          if (fragment.error !== undefined) {
            const number = fragment.fragmentNumber;
            const isFinal = isKeyError(fragment.error.id);
            if (number === undefined) throw fromStreamError(fragment.error, requestId, isFinal ? 'final' : undefined);
            const kind = isFinal ? 'final' : 'media';
            if (missing.has(number)) missing.set(number, fromStreamError(fragment.error, requestId, kind));
          } else if (state === 'whole') {
            this.#take(read, missing);
          } else if (state === 'open') {
            open = read;
          }
        }
      }
      if (open !== undefined) this.#takeOpen(open, missing, asked.length > numbers.length);
    } catch (error) {
      signal.throwIfAborted();
      failure = toKinesisVideoError('GetMediaForFragmentList', error);
      // Something between here and the service has answered: no fragment has failed.
      this.#notMedia = error instanceof NotMediaError;
      if (this.#notMedia) answered = false;
    } finally {
      this.#releaseFirst(missing);
      if (answered) this.#publish('closed', requestId, failure);
      await attempt.close();
    }
    if (failure?.kind === 'final') throw failure;
    if (missing.size < numbers.length) this.#recovery.progressed();
    return { missing, failure, answered, client };
  }

  #publish(state: 'open' | 'closed', requestId: string | undefined, error: KinesisVideoError | undefined): void {
    const operation = 'GetMediaForFragmentList';
    this.#setup.diagnostics.publish<'connection'>('connection', () => ({ state, operation, requestId, error }));
  }

  /** A fragment behind which something else has come. */
  #take(read: ReadFragment, missing: Missing): void {
    const number = read.fragment.fragmentNumber;
    if (number === undefined || !missing.has(number)) return;
    const judged = this.#setup.judge(number, read);
    if (judged === 'short') this.#leaveShort(number, read, missing);
    else if (judged !== 'other') this.#accept(number, read, missing);
  }

  /**
   * The service puts nothing behind the last fragment of a list. It is taken when all that was said of it has come. Where nothing is known,
   * it is believed when its Cluster has come by its size, its body ended in good order and everything else has come, or when a second
   * reading has given the same.
   *
   * @param witnessed something was asked for behind it and has not come
   */
  #takeOpen(read: ReadFragment, missing: Missing, witnessed: boolean): void {
    const number = read.fragment.fragmentNumber;
    if (number === undefined || !missing.has(number)) return;
    const judged = this.#setup.judge(number, read);
    if (judged === 'short') this.#leaveShort(number, read, missing);
    else if (judged === 'other') return;
    else if (judged === 'whole' || this.#believes(number, read, missing, witnessed))
      this.#accept(number, read, missing);
  }

  #believes(number: string, { fragment, size }: ReadFragment, missing: Missing, witnessed: boolean): boolean {
    const frames = fragment.frames.length;
    const bytes = fragment.frames.reduce((sum, frame) => sum + frame.size, 0);
    const unsized = size?.sizedCluster !== true;
    const before = this.#open;
    this.#open = { number, frames, bytes, unsized };
    if (witnessed) return false;
    if (before?.number === number && before.frames === frames && before.bytes === bytes) return true;
    if (unsized || frames === 0) return false;
    return [...missing].every(([other, error]) => other === number || error !== undefined);
  }

  #leaveShort(number: string, read: ReadFragment, missing: Missing): void {
    missing.set(number, tooShort(number, read));
    if (read.size?.sizedCluster !== true) this.#short.add(number);
  }

  /** A fragment is whole: it is given if it is like the others, or has come the same again. */
  #accept(number: string, read: ReadFragment, missing: Missing): void {
    const { likeness, durationOf } = this.#setup;
    const { verdict, reason } = likeness.compare(read, number, durationOf(number));
    if (verdict === 'again' || verdict === 'unsettled') {
      missing.set(number, doubtful(reason));
    } else if (verdict === 'alike') {
      this.#give(number, read, missing);
      this.#releaseFirst(missing);
    } else if (this.#first === undefined) {
      this.#first = { number, read };
    } else if (Likeness.areAlike(this.#first.read, read)) {
      this.#releaseFirst(missing);
      if (missing.has(number)) this.#give(number, read, missing);
    } else {
      // One of the two is wrong, and nothing tells which.
      for (const each of [this.#first, { number, read }]) {
        likeness.doubt(each.read, each.number);
        missing.set(each.number, doubtful(`fragments ${this.#first.number} and ${number} are not alike`));
      }
      this.#first = undefined;
    }
  }

  /** The first fragment is given when another is like it, or none has come behind it. */
  #releaseFirst(missing: Missing): void {
    const first = this.#first;
    if (first === undefined) return;
    this.#first = undefined;
    const { number, read } = first;
    if (!missing.has(number)) return;
    const { verdict, reason } = this.#setup.likeness.compare(read, number, this.#setup.durationOf(number));
    if (verdict === 'again' || verdict === 'unsettled') missing.set(number, doubtful(reason));
    else this.#give(number, read, missing);
  }

  #give(number: string, read: ReadFragment, missing: Missing): void {
    missing.delete(number);
    this.#witness = number;
    this.#setup.likeness.take(read, number, this.#setup.durationOf(number));
    this.#setup.onFragment(number, read);
  }
}

type Missing = Map<string, KinesisVideoError | undefined>;

function keyErrorOf(missing: CallResult['missing']): KinesisVideoError | undefined {
  for (const error of missing.values()) if (error?.kind === 'final') return error;
  return undefined;
}

function doubtful(text: string): KinesisVideoError {
  return new KinesisVideoError('GetMediaForFragmentList', { code: 'DoubtfulFragment', kind: 'media', text });
}

function tooShort(number: string, { fragment, size }: ReadFragment): KinesisVideoError {
  const came = `${count(size?.bytes ?? 0, 'byte')} with ${count(fragment.frames.length, 'frame')}`;
  return new KinesisVideoError('GetMediaForFragmentList', {
    code: 'FragmentIncomplete',
    kind: 'media',
    text: `of fragment ${number} came ${came}, less than ListFragments has told`,
  });
}

function incomplete(number: string | undefined): KinesisVideoError {
  return new KinesisVideoError('GetMediaForFragmentList', {
    code: 'FragmentMissing',
    kind: 'media',
    text: `the body ended without fragment ${number ?? ''}`,
  });
}
