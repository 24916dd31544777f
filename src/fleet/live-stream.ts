import type { StreamIdentity } from '../client/access.js';
import { type Checkpoint, requireCheckpoint } from '../client/checkpoint.js';
import type { GetMediaConsumerSettings } from '../client/get-media-consumer.js';
import { GetMediaConsumer } from '../client/get-media-consumer.js';
import type { Fragment } from '../fragments/fragment.js';
import type { FleetHandler } from './handler.js';
import { type HoldAnswer, Lease, type LeaseLostError } from './lease.js';

/** How a stream is followed. */
export interface LiveStreamSetup {
  readonly stream: StreamIdentity;
  readonly worker: string;
  readonly handler: FleetHandler;
  readonly settings: GetMediaConsumerSettings;
  readonly lockMs: number;
  /** When the lock was taken at the latest, by `performance.now()`. */
  readonly takenAt: number;
  /** The checkpoint that was saved last, as JSON. */
  readonly loadCheckpoint: () => Promise<string | undefined>;
  /** Holds the lock and keeps what there is to say. */
  readonly hold: (report: StreamReport) => Promise<HoldAnswer>;
  readonly onLost: (reason: LeaseLostError) => void;
}

/** What a worker says of a stream. */
export interface StreamReport {
  /** A new checkpoint, as JSON. */
  readonly checkpoint: string | undefined;
  readonly fragmentNumber: string | undefined;
  /** How far, in milliseconds, the last fragment was behind the newest of the stream, by the service. */
  readonly millisBehindNow: number | undefined;
  /** Fragments that this worker has handled since it has the stream. */
  readonly fragments: number;
}

/** How long a handler is waited for when a stream is given up, in milliseconds; then it passes on all the same. */
const DRAIN_MS = 700;

/** Why following has ended. */
export type LiveEnd = 'unfollowed' | 'drained';

class Stopped extends Error {
  readonly end: LiveEnd;

  constructor(end: LiveEnd) {
    super(`the stream is ${end}`);
    this.end = end;
  }
}

/** Follows a stream for as long as its lease holds: fragments in order, each handled before the checkpoint moves behind it. */
export class LiveStream {
  readonly #setup: LiveStreamSetup;
  readonly #controller = new AbortController();
  readonly #lease: Lease;
  readonly #consumer: GetMediaConsumer;
  #last: Fragment['metadata'];
  #handled = 0;
  /** The handler has a fragment. */
  #handling = false;
  /** Ends following although the handler has not ended. */
  #abandon: (() => void) | undefined;

  constructor(setup: LiveStreamSetup) {
    this.#setup = setup;
    this.#lease = new Lease(
      {
        lockMs: setup.lockMs,
        hold: (checkpoint) => setup.hold({ ...this.report, checkpoint }),
        onLost: (reason) => {
          setup.onLost(reason);
          this.#controller.abort(reason);
        },
        onUnfollowed: () => this.#controller.abort(new Stopped('unfollowed')),
      },
      setup.takenAt,
    );
    this.#consumer = new GetMediaConsumer({
      ...setup.settings,
      ...setup.stream,
      checkpointStore: {
        load: async () => {
          const text = await setup.loadCheckpoint();
          return text === undefined ? undefined : requireCheckpoint(JSON.parse(text));
        },
        save: (checkpoint: Checkpoint) => this.#lease.renew(JSON.stringify(checkpoint)),
      },
      signal: this.#controller.signal,
    });
  }

  /** How it is doing. */
  get report(): Omit<StreamReport, 'checkpoint'> & { readonly leaseMs: number; readonly connected: boolean } {
    return {
      fragmentNumber: this.#last?.fragmentNumber,
      millisBehindNow: this.#last?.millisBehindNow,
      fragments: this.#handled,
      leaseMs: this.#lease.remainingMs,
      connected: this.#consumer.metrics.connected,
    };
  }

  get stream(): StreamIdentity {
    return this.#setup.stream;
  }

  /** Gives the stream up, when the handler is done with the fragment that it has, or has had time for that. */
  drain(): void {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(new Stopped('drained'));
    setTimeout(() => {
      if (this.#handling) this.#abandon?.();
    }, DRAIN_MS);
  }

  /**
   * Follows until it is stopped.
   *
   * @throws LeaseLostError when another worker may have the stream; what the handler throws; KinesisVideoError when the service says what
   * does not pass
   */
  run(): Promise<LiveEnd> {
    const abandoned = new Promise<LiveEnd>((resolve) => {
      this.#abandon = () => resolve('drained');
    });
    return Promise.race([this.#follow(), abandoned]);
  }

  async #follow(): Promise<LiveEnd> {
    const { signal } = this.#controller;
    try {
      // From here on it is known who has the stream.
      await this.#lease.renew();
      for await (const fragment of this.#consumer) {
        await this.#lease.check();
        await this.#handle(fragment);
        // The loop's next turn saves the checkpoint; a stop comes before it.
        if (signal.aborted) await this.#consumer.commit();
      }
      throw new Error('a live stream does not end');
    } catch (error) {
      if (error instanceof Stopped) return error.end;
      throw error;
    } finally {
      this.#lease.stop();
    }
  }

  async #handle(fragment: Fragment): Promise<void> {
    const { handler, stream, worker } = this.#setup;
    const { signal } = this.#controller;
    signal.throwIfAborted();
    this.#handling = true;
    try {
      await handler(fragment, { stream, kind: 'live', worker, signal });
    } finally {
      this.#handling = false;
    }
    this.#last = fragment.metadata;
    this.#handled++;
  }
}
