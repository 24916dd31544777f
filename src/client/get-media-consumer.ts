import type { Bytes } from '../ebml/bytes.js';
import { shortText } from '../ebml/text.js';
import type { Fragment } from '../fragments/fragment.js';
import { type FrameFilterOptions, frameFilter } from '../fragments/frame-filter.js';
import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import type { MediaAccess, MediaClient, StreamIdentity } from './access.js';
import { Backoff } from './backoff.js';
import { type Checkpoint, type CheckpointStore, checkpointOf, isSpoiled, requireCheckpoint } from './checkpoint.js';
import { type Clock, systemClock } from './clock.js';
import { closable } from './closable.js';
import { DataPlane } from './data-plane.js';
import { Diagnostics } from './diagnostics.js';
import type { GapEvent, ReconnectEvent } from './events.js';
import type { FragmentRetryEvent } from './fragment-list-options.js';
import { GetMediaSession, type SessionFragment } from './get-media-session.js';
import {
  asIs,
  bytesOf,
  documentOf,
  type FragmentDocument,
  fragmentOf,
  framesOf,
  type Handover,
  type PatienceOptions,
  READ_TIMEOUT_MS,
} from './iteration.js';
import { type ConsumerMetrics, MetricsRecorder } from './metrics.js';
import { Position, type ResumeBy, type StartPosition } from './position.js';
import type { UncommittedFragment } from './process-fragments.js';
import { type CallLimiter, RateLimiter } from './rate-limiter.js';
import { Reach, Recovery } from './recovery.js';
import type { FragmentMemory } from './reused-memory.js';
import { openControl } from './sdk.js';
import { openMedia } from './sdk-media.js';

/** Options of a {@link GetMediaConsumer}, besides the stream. */
export interface GetMediaConsumerSettings extends MediaAccess, PatienceOptions {
  /** Where to begin when there is no checkpoint. Default NOW. */
  readonly start?: StartPosition | undefined;
  /**
   * How a connection continues behind the last fragment. Default FRAGMENT_NUMBER. With CONTINUATION_TOKEN, the number is used if a fragment
   * had no token, or if the service refuses the token.
   */
  readonly resumeBy?: ResumeBy | undefined;
  /** Stores the position at which a new consumer continues. It is loaded once, and saved behind every processed fragment. */
  readonly checkpointStore?: CheckpointStore | undefined;
  /** The shortest time between two saves, in milliseconds. Default 0. The last position is always saved when the iteration ends. */
  readonly checkpointIntervalMs?: number | undefined;
  /**
   * A checkpoint to begin behind. It takes precedence over that of the store. A TypeError is thrown if its fragment number is not a number.
   */
  readonly startAfter?: Checkpoint | undefined;
  /** Receives each checkpoint when it is saved; without a store, when it would be saved. */
  readonly onCheckpoint?: ((checkpoint: Checkpoint) => void) | undefined;
  /** Called when a connection has ended, before the wait for the next one. */
  readonly onReconnect?: ((event: ReconnectEvent) => void) | undefined;
  /** Receives every call that has failed and is made again, of GetDataEndpoint and GetMedia (`error.operation`). */
  readonly onRetry?: ((event: FragmentRetryEvent) => void) | undefined;
  /** Receives fragments that could not be read. */
  readonly onGap?: ((event: GapEvent) => void) | undefined;
  /** Check the CRC-32 elements of the media. If one does not match, the fragment is read again. Default false. */
  readonly verifyCrc?: boolean | undefined;
  /**
   * The largest fragment to hold, in bytes of its frames (and of its document, if you ask for documents), plus 180 bytes for each Block and
   * 96 for each further frame of a laced Block, which is their size in memory. A larger fragment is skipped and reported to `onGap`.
   * Default 256 MiB. Fragments of Kinesis Video Streams have at most 50 MB.
   */
  readonly maxFragmentSize?: number | undefined;
  /**
   * Use the memory of fragments again: many consumers take half as much of it, and less processor time. The bytes of a fragment
   * (`frame.data`, `document.bytes`) are then valid until you ask for the next one; those of a fragment of `uncommitted()` until you commit it or a later one. Copy what you keep
   * longer. Do not write to the bytes, and do not transfer the buffers behind them: they are shared by the consumers of the process.
   * Metadata, tags and tracks stay what they are. `'overwrite'` is for tests: memory that is given back is overwritten with 0xDD, so that code
   * which reads it too late fails. Default false: the bytes are yours.
   */
  readonly reuseBuffers?: boolean | 'overwrite' | undefined;
  /** The longest wait between two calls while the service has nothing to send, in milliseconds. Default 5,000. */
  readonly maxIdleDelayMs?: number | undefined;
  /** Limits GetMedia calls. Share it between consumers of one stream. Default: 5 a second for this consumer alone. */
  readonly rateLimiter?: CallLimiter | undefined;
}

/** The options of a {@link GetMediaConsumer}. */
export type GetMediaConsumerOptions = StreamIdentity & GetMediaConsumerSettings;

/**
 * Reads a live stream for as long as the process runs: each fragment whole, each once, in order, over any number of connections.
 *
 * ```ts
 * const consumer = new GetMediaConsumer({ streamName: 'door', clientConfig: { region: 'eu-central-1' } });
 * for await (const fragment of consumer) console.log(fragment.fragmentNumber, fragment.frames.length);
 * ```
 *
 * You receive a fragment when its last byte has arrived. If a connection ends inside a fragment, the consumer drops that part and reads the
 * fragment again. A fragment counts as processed when you ask for the next one; then the checkpoint moves behind it. Leaving the loop
 * closes the connection, and does not count the current fragment as processed; {@link GetMediaConsumer.commit} does. Another loop over the
 * same consumer continues behind the last fragment that you received.
 *
 * The consumer reads no further ahead than the platform buffers. If the service ends a connection because the caller is slow, the next
 * connection continues.
 *
 * The iteration ends only with an error: a {@link KinesisVideoError} that a retry does not solve (stream not found, access denied also with
 * renewed credentials, an invalid argument), the reason of the signal, or what a checkpoint store or a listener throws.
 */
export class GetMediaConsumer implements AsyncIterable<Fragment> {
  readonly #options: GetMediaConsumerOptions;
  readonly #clock: Clock;
  readonly #position: Position;
  readonly #metrics: MetricsRecorder;
  readonly #limiter: CallLimiter;
  readonly #diagnostics: Diagnostics;
  readonly #reach = new Reach();
  #restored = false;
  #running = false;
  #handedOut: FragmentMetadata | undefined;
  #dealtWith: FragmentMetadata | undefined;
  #saved: FragmentMetadata | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;

  /** Connects to nothing yet: the first connection is made when the first fragment is asked for. */
  constructor(options: GetMediaConsumerOptions) {
    const { start = { type: 'NOW' }, resumeBy = 'FRAGMENT_NUMBER', clock = systemClock, rateLimiter } = options;
    this.#options = options;
    this.#clock = clock;
    this.#position = new Position(start, resumeBy);
    this.#metrics = new MetricsRecorder(clock);
    this.#diagnostics = new Diagnostics(options);
    this.#limiter = rateLimiter ?? new RateLimiter(undefined, undefined, clock);
  }

  /** How it is doing. */
  get metrics(): ConsumerMetrics {
    return this.#metrics.snapshot();
  }

  /** The checkpoint behind the last fragment that was processed. */
  get checkpoint(): Checkpoint | undefined {
    return checkpointOf(this.#dealtWith);
  }

  /** The fragments. Closing the iterator closes the connection, also while it waits. */
  [Symbol.asyncIterator](): ClosableAsyncIterator<Fragment> {
    return closable((signal) => this.#run(signal, false), this.#options.signal, fragmentOf);
  }

  /**
   * The frames of the fragments, in stream order. A frame comes when its fragment is whole, so that none has to come twice;
   * `frame.fragment` is that fragment. A fragment counts as processed when a frame behind its last one is asked for.
   */
  frames(filter: FrameFilterOptions = {}): ClosableAsyncIterator<Frame> {
    const wanted = frameFilter(filter);
    return closable((signal) => framesOf(this.#run(signal, false), wanted), this.#options.signal, asIs);
  }

  /** The fragments, each with the bytes that it came in: for whoever keeps or passes on what the service sent. */
  documents(): ClosableAsyncIterator<FragmentDocument> {
    return closable((signal) => this.#run(signal, true), this.#options.signal, documentOf);
  }

  /**
   * The bytes of the fragments, one document behind the other, as one body of GetMedia that nothing ever interrupts: for the mergers and
   * remuxers that take a byte stream. A fragment counts as processed when bytes behind it are asked for.
   */
  bytes(): ClosableAsyncIterator<Bytes> {
    return closable((signal) => bytesOf(this.#run(signal, true)), this.#options.signal, asIs);
  }

  /**
   * The fragments, each with a function that says when it, and all before it, are processed: the checkpoint moves by nothing else. For
   * {@link processFragments}, and for others that deal with several fragments at once.
   */
  uncommitted(): ClosableAsyncIterator<UncommittedFragment> {
    return closable((signal) => this.#runUncommitted(signal), this.#options.signal, asIs);
  }

  /** Says that all fragments that were handed out are processed, and saves the checkpoint behind them. */
  async commit(): Promise<void> {
    this.#dealtWith = this.#handedOut;
    await this.#save(true);
  }

  async *#runUncommitted(signal: AbortSignal): AsyncGenerator<UncommittedFragment, undefined> {
    const held: (FragmentMemory | undefined)[] = [];
    let released = 0;
    for await (const handover of this.#run(signal, false, true)) {
      const { fragment, sure, memory } = handover.take();
      const index = released + held.push(memory);
      const commit = async () => {
        for (; released < index; released++) held.shift()?.release();
        if (sure && fragment.fragmentNumber !== undefined) this.#dealtWith = fragment.metadata;
        await this.#save(false);
      };
      yield { fragment, commit };
    }
    return undefined;
  }

  async *#run(
    signal: AbortSignal,
    keepDocuments: boolean,
    isUncommitted = false,
  ): AsyncGenerator<Handover<SessionFragment>, undefined> {
    if (this.#running) throw new Error('the consumer is being iterated over already');
    this.#running = true;
    const plane = this.#openPlane();
    try {
      await this.#restore();
      for await (const handover of this.#openSession(plane, keepDocuments).fragments(signal)) {
        const { memory } = handover.read;
        this.#noteHandOver(handover);
        yield handover;
        if (isUncommitted) continue;
        memory?.release();
        this.#dealtWith = this.#handedOut;
        await this.#save(false);
      }
      return undefined;
    } finally {
      this.#running = false;
      plane.close();
      await this.#save(true);
    }
  }

  #noteHandOver({ read: { fragment, sure } }: Handover<SessionFragment>): void {
    // A number in doubt, or none, is nothing to go on from: the checkpoint stays where it is until the next one.
    if (sure && fragment.fragmentNumber !== undefined) this.#handedOut = fragment.metadata;
  }

  #openPlane(): DataPlane<MediaClient> {
    const { readTimeoutMs = READ_TIMEOUT_MS } = this.#options;
    return new DataPlane({
      apiName: 'GET_MEDIA',
      stream: this.#options,
      openControl: (clockOffset) => openControl(this.#options, clockOffset),
      openClient: (control, endpoint, clockOffset) => openMedia(this.#options, control, endpoint, clockOffset),
      limiter: this.#options.endpointRateLimiter,
      clock: this.#clock,
      timeoutMs: readTimeoutMs,
    });
  }

  #openSession(plane: DataPlane<MediaClient>, keepDocuments: boolean): GetMediaSession {
    const {
      readTimeoutMs = READ_TIMEOUT_MS,
      giveUpAfterMs = Number.POSITIVE_INFINITY,
      random = Math.random,
    } = this.#options;
    const { baseDelayMs, maxIdleDelayMs = 5000 } = this.#options;
    return new GetMediaSession({
      plane,
      stream: this.#options,
      position: this.#position,
      recovery: new Recovery(plane, {
        clock: this.#clock,
        backoff: new Backoff(this.#options, random),
        giveUpAfterMs,
        reach: this.#reach,
      }),
      limiter: this.#limiter,
      idle: new Backoff({ baseDelayMs, maxDelayMs: maxIdleDelayMs }, random),
      clock: this.#clock,
      metrics: this.#metrics,
      readTimeoutMs,
      verifyCrc: this.#options.verifyCrc ?? false,
      keepDocuments,
      maxFragmentSize: this.#options.maxFragmentSize,
      reuseBuffers: this.#options.reuseBuffers ?? false,
      diagnostics: this.#diagnostics,
      onReconnect: this.#options.onReconnect,
      onRetry: this.#options.onRetry,
      onGap: this.#options.onGap,
    });
  }

  async #restore(): Promise<void> {
    if (this.#restored) return;
    const { startAfter, checkpointStore } = this.#options;
    const stored = startAfter === undefined ? ((await checkpointStore?.load()) ?? undefined) : undefined;
    this.#restored = true;
    if (stored !== undefined && isSpoiled(stored)) {
      this.#position.startOver();
      const gap: GapEvent = {
        kind: 'renumbered',
        afterFragmentNumber: undefined,
        beforeFragmentNumber: undefined,
        fragmentNumbers: [],
        reason: `the checkpoint has no fragment number: ${JSON.stringify(shortText(stored.fragmentNumber))}`,
      };
      this.#metrics.gaps++;
      this.#diagnostics.publish('gap', () => gap);
      this.#options.onGap?.(gap);
      return;
    }
    const checkpoint = startAfter ?? stored;
    if (checkpoint !== undefined) this.#position.restore(requireCheckpoint(checkpoint));
  }

  async #save(now: boolean): Promise<void> {
    const { checkpointIntervalMs = 0, checkpointStore, onCheckpoint } = this.#options;
    const metadata = this.#dealtWith;
    if (metadata === undefined || metadata === this.#saved) return;
    if (!now && this.#clock.now() - this.#savedAt < checkpointIntervalMs) return;
    const checkpoint = checkpointOf(metadata);
    if (checkpoint === undefined) return;
    await checkpointStore?.save(checkpoint);
    this.#saved = metadata;
    this.#savedAt = this.#clock.now();
    this.#diagnostics.publish('checkpoint', () => ({ checkpoint }));
    onCheckpoint?.(checkpoint);
  }
}
