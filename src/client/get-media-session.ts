import type { Fragment } from '../fragments/fragment.js';
import type { MediaClient, StreamIdentity } from './access.js';
import { Attempt } from './attempt.js';
import type { Backoff } from './backoff.js';
import type { Clock } from './clock.js';
import type { DataClient, DataPlane } from './data-plane.js';
import { type GapEvent, ListenerError, type ReconnectEvent, tell } from './events.js';
import { FragmentReader, type ReadFragment } from './fragment-reader.js';
import type { MetricsRecorder } from './metrics.js';
import type { Position } from './position.js';
import type { RateLimiter } from './rate-limiter.js';
import type { Recovery } from './recovery.js';
import { loadMedia } from './sdk.js';
import { fromStreamError, KinesisVideoError, toKinesisVideoError } from './service-error.js';

/** How often the same bytes may come damaged before they are passed over. */
const DAMAGE_TRIES = 3;

/** How often the service may say that it does not know the last fragment: what was just stored is not known everywhere at once. */
const NOT_FOUND_TRIES = 3;

/** What a session works with. */
export interface SessionSetup {
  readonly plane: DataPlane<MediaClient>;
  readonly stream: StreamIdentity;
  readonly position: Position;
  readonly recovery: Recovery<MediaClient>;
  readonly limiter: RateLimiter;
  readonly idle: Backoff;
  readonly clock: Clock;
  readonly metrics: MetricsRecorder;
  readonly readTimeoutMs: number;
  readonly verifyCrc: boolean;
  readonly keepDocuments: boolean;
  readonly onReconnect?: ((event: ReconnectEvent) => void) | undefined;
  readonly onGap?: ((event: GapEvent) => void) | undefined;
}

/** How a connection ended. */
interface ConnectionEnd {
  /** Whether anything came that had not been there before. */
  readonly progress: boolean;
  /** Absent when the service ended the body behind a fragment, or with nothing at all. */
  readonly failure: KinesisVideoError | undefined;
  readonly client: DataClient<MediaClient> | undefined;
}

/** What was passed over on a connection that reads on behind damage. */
interface Skipped {
  readonly after: string | undefined;
  readonly numbers: string[];
  reason: string | undefined;
}

/** The fragments of a stream over as many connections as it takes: each once, whole, in order. */
export class GetMediaSession {
  readonly #setup: SessionSetup;
  #damaged = 0;
  #notFound = 0;
  /** Set while damage that does not go away is being passed over. */
  #skipped: Skipped | undefined;
  /** What damage the open connection has passed over and not reported. */
  #passed: string | undefined;

  constructor(setup: SessionSetup) {
    this.#setup = setup;
  }

  /** Ends by throwing only: the signal's reason, or an error that is final. */
  async *fragments(signal: AbortSignal): AsyncGenerator<ReadFragment, undefined> {
    for (;;) {
      const end = yield* this.#connection(signal);
      await this.#between(end, signal);
    }
  }

  async *#connection(signal: AbortSignal): AsyncGenerator<ReadFragment, ConnectionEnd> {
    const { plane, position, recovery, limiter, clock, metrics, stream, readTimeoutMs } = this.#setup;
    const { GetMediaCommand } = await loadMedia();
    const reader = this.#openReader();
    const attempt = new Attempt('GetMedia', clock, readTimeoutMs, signal);
    const before = position.after;
    let client: DataClient<MediaClient> | undefined;
    let failure: KinesisVideoError | undefined;
    try {
      client = await plane.acquire(signal);
      const called = await limiter.take(signal);
      const { client: media } = client;
      const command = new GetMediaCommand({
        StreamName: stream.streamName,
        StreamARN: stream.streamARN,
        StartSelector: position.selector(),
      });
      const output = await attempt.call((abortSignal) => media.send(command, { abortSignal })).finally(called);
      recovery.answered();
      metrics.connections++;
      metrics.connected = true;
      attempt.open(output.Payload);
      while (!reader.ended) {
        const chunk = await attempt.read();
        if (chunk === undefined) {
          reader.end();
        } else {
          metrics.bytes += chunk.length;
          reader.push(chunk);
        }
        for (let read = reader.next(); read !== undefined; read = reader.next()) {
          if (!this.#isWanted(read, reader, output.$metadata?.requestId)) continue;
          this.#advance(read.fragment);
          yield read;
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ListenerError) throw error.thrown;
      failure = toKinesisVideoError('GetMedia', error);
    } finally {
      position.hear(reader.current);
      metrics.connected = false;
      await attempt.close();
    }
    return { progress: position.after !== before, failure, client };
  }

  #openReader(): FragmentReader {
    const { verifyCrc, keepDocuments, position } = this.#setup;
    this.#passed = undefined;
    this.#skipped = undefined;
    if (this.#damaged < DAMAGE_TRIES) return new FragmentReader({ verifyCrc, keepDocuments });
    const skipped: Skipped = { after: position.after, numbers: [], reason: undefined };
    this.#skipped = skipped;
    const recover = (reason: string) => {
      this.#passed = reason;
      skipped.reason ??= reason;
    };
    return new FragmentReader({ verifyCrc, keepDocuments, recover });
  }

  /**
   * Whether what was read is to be handed out.
   *
   * @throws KinesisVideoError when the connection is of no more use
   */
  #isWanted({ fragment, state }: ReadFragment, reader: FragmentReader, requestId: string | undefined): boolean {
    const { position, metrics } = this.#setup;
    const { metadata, fragmentNumber: number } = fragment;
    if (metadata?.error !== undefined) throw fromStreamError(metadata.error, requestId);
    if (this.#passed !== undefined && this.#skipped === undefined) throw damage(this.#passed, requestId);
    if (state === 'cut') {
      if (!reader.ended) return this.#passOver(number, 'a fragment is not whole', requestId);
      metrics.truncated++;
      throw cut(number, requestId);
    }
    if (metadata === undefined || number === undefined) {
      if (state === 'open' || fragment.frames.length === 0) return false;
      return this.#passOver(undefined, 'frames without a fragment number', requestId);
    }
    if (state === 'open' && !position.believes(fragment, number)) {
      metrics.truncated++;
      throw cut(number, requestId);
    }
    if (position.take(metadata, number) === 'new') return true;
    metrics.duplicates++;
    return false;
  }

  /** Leaves out what is damaged, where trying again has not helped. */
  #passOver(number: string | undefined, reason: string, requestId: string | undefined): false {
    const skipped = this.#skipped;
    if (skipped === undefined) throw damage(reason, requestId);
    skipped.reason ??= reason;
    if (number !== undefined) skipped.numbers.push(number);
    return false;
  }

  /** A fragment is about to be handed out. */
  #advance(fragment: Fragment): void {
    const { metrics, recovery, idle, onGap } = this.#setup;
    const skipped = this.#skipped;
    this.#damaged = 0;
    this.#notFound = 0;
    this.#skipped = undefined;
    this.#passed = undefined;
    recovery.progressed();
    idle.reset();
    if (skipped?.reason !== undefined) {
      metrics.gaps++;
      tell(onGap, {
        kind: 'damaged',
        afterFragmentNumber: skipped.after,
        beforeFragmentNumber: fragment.fragmentNumber,
        fragmentNumbers: skipped.numbers,
        reason: skipped.reason,
      });
    }
    metrics.handOut(fragment);
  }

  /** Decides what follows a connection, and waits as long as it takes. */
  async #between({ progress, failure, client }: ConnectionEnd, signal: AbortSignal): Promise<void> {
    const { recovery, idle, metrics, position } = this.#setup;
    if (progress) {
      recovery.progressed();
      idle.reset();
    }
    if (failure === undefined) {
      recovery.progressed();
      if (progress) metrics.reconnects++;
      else metrics.idlePolls++;
      return this.#pause(progress ? 'ended' : 'idle', undefined, progress ? 0 : idle.next(), signal);
    }
    metrics.reconnects++;
    if (failure.kind === 'media') this.#damaged++;
    const delayMs = this.#tryAnotherPlace(failure, position) ? 0 : await recovery.assess(failure, client, signal);
    return this.#pause(failure.kind, failure, delayMs, signal);
  }

  /**
   * Finds another way to say where to go on when the service does not understand the one it was given.
   *
   * @returns whether the failure is dealt with
   * @throws KinesisVideoError the failure, when there is no other way
   */
  #tryAnotherPlace(failure: KinesisVideoError, position: Position): boolean {
    const unknownPlace = failure.kind === 'position';
    if (position.usesToken && (unknownPlace || failure.code === 'InvalidArgumentException')) {
      position.refuseToken();
      return true;
    }
    if (!unknownPlace) return false;
    const { after } = position;
    if (after === undefined) throw failure;
    if (++this.#notFound < NOT_FOUND_TRIES) return false;
    this.#notFound = 0;
    position.startOver();
    this.#setup.metrics.gaps++;
    this.#setup.onGap?.({
      kind: 'expired',
      afterFragmentNumber: after,
      beforeFragmentNumber: undefined,
      fragmentNumbers: [],
      reason: failure.message,
    });
    return true;
  }

  async #pause(
    reason: ReconnectEvent['reason'],
    error: KinesisVideoError | undefined,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { onReconnect, position, recovery } = this.#setup;
    onReconnect?.({ reason, error, delayMs, afterFragmentNumber: position.after });
    await recovery.pause(delayMs, signal);
  }
}

function cut(number: string | undefined, requestId: string | undefined): KinesisVideoError {
  return new KinesisVideoError('GetMedia', {
    code: 'ConnectionCut',
    kind: 'connection',
    text: `the body ended within ${number === undefined ? 'a fragment' : `fragment ${number}`}`,
    requestId,
  });
}

function damage(reason: string, requestId: string | undefined): KinesisVideoError {
  return new KinesisVideoError('GetMedia', { code: 'DamagedMedia', kind: 'media', text: reason, requestId });
}
