import { hostname } from 'node:os';
import type { Job, Queue, Worker } from 'bullmq';
import type { StreamIdentity } from '../client/access.js';
import type { GetMediaConsumerSettings } from '../client/get-media-consumer.js';
import type { StartPosition } from '../client/position.js';
import { CALLS_PER_SECOND, FRAGMENTS_PER_SECOND } from '../client/rate-limiter.js';
import { closableConnection, loadBullMQ, textOf } from './bullmq.js';
import type { FleetHandler } from './handler.js';
import type { HoldAnswer, LeaseLostError } from './lease.js';
import { LiveStream, type StreamReport } from './live-stream.js';
import {
  connectionOf,
  type FleetConnection,
  identityOf,
  LIVE_QUEUE,
  LOCK_MS,
  PART_QUEUE,
  RANGE_QUEUE,
  titleOf,
} from './names.js';
import { type FragmentResult, type PartData, processPart } from './part.js';
import { defineScripts, fieldsOf, type Run } from './scripts.js';
import { endpointLimiter, SharedLimiter } from './shared-limiter.js';
import type { FollowOptions } from './stream-fleet.js';

/** The most connections for GetMediaForFragmentList that the service allows for each stream. */
const FRAGMENT_LIST_CONNECTIONS = 5;

/** A job that never ends may be taken over as often as it has to be. */
const TAKE_OVERS = 1_000_000_000;

/** How long connections to Redis are waited for at the end, in milliseconds. */
const CLOSE_MS = 2000;

/** An event of a worker. */
export type WorkerEvent =
  /**
   * `'taken'`: the worker follows `stream` from now on. `'drained'`: it has given it up because it closes. `'unfollowed'`: nobody follows
   * it now.
   */
  | { readonly type: 'taken' | 'drained' | 'unfollowed'; readonly stream: string }
  /** The lock is another's, or Redis does not answer, as `reason` says: nothing of `stream` is handed out any more. */
  | { readonly type: 'lost'; readonly stream: string; readonly reason: string }
  /** Following `stream`, or a part of it, has failed for this `reason` and is tried again. */
  | { readonly type: 'failed'; readonly stream: string; readonly reason: string }
  /** Something is wrong with the worker's connection to Redis, or with a job of it: `reason` says what. */
  | { readonly type: 'error'; readonly reason: string };

/** The options of a {@link FleetWorker}. */
export interface FleetWorkerOptions extends FleetConnection {
  /** Is called for each fragment, one at a time for a stream. What it throws has the stream taken again later. */
  readonly handler: FleetHandler;
  /**
   * How the service is reached, and how consumers work; `start`, `signal` and `checkpointStore` come from the fleet. With `reuseBuffers`, the
   * bytes of a fragment of a stream that is followed are valid until the handler's promise has settled.
   */
  readonly consumer?: Omit<GetMediaConsumerSettings, 'signal' | 'checkpointStore' | 'start' | 'startAfter'> | undefined;
  /** How many streams it follows at most, 0 or more. Default 50. */
  readonly maxStreams?: number | undefined;
  /** How many parts of stored stretches it processes at once at most, 0 or more. Default 1. */
  readonly maxParts?: number | undefined;
  /** What it is called. Default: host name and process id. */
  readonly name?: string | undefined;
  /**
   * For how long a stream stays a worker's that gives no sign of life, in milliseconds, 1,000 or more. Default 30,000. It has to be the
   * same for all workers.
   */
  readonly lockMs?: number | undefined;
  /** Whether it drains at SIGTERM; the signal then does what it does without the worker. Default true. */
  readonly drainAtSigterm?: boolean | undefined;
  /** Receives what happens. */
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined;
}

/** The state of a worker. */
export interface WorkerHealth {
  /** What the worker is called. */
  readonly name: string;
  /** `'running'`; `'draining'` when no more streams are taken and handlers finish; `'closed'`. */
  readonly state: 'running' | 'draining' | 'closed';
  /** Whether Redis has answered within the time of the lock: `'reachable'` or `'unreachable'`. */
  readonly redis: 'reachable' | 'unreachable';
  /** The streams that it follows. */
  readonly streams: readonly {
    /** The stream's name or ARN. */
    readonly stream: StreamIdentity;
    /** The last fragment that was handled here. */
    readonly fragmentNumber: string | undefined;
    /** How far the last fragment was behind the newest of the stream, by the service. */
    readonly millisBehindNow: number | undefined;
    /** How many fragments were handled since the worker took the stream. */
    readonly fragments: number;
    /** For how many milliseconds the stream is this worker's for certain. */
    readonly leaseMs: number;
    /** Whether a GetMedia connection is open. */
    readonly connected: boolean;
  }[];
  /** How many parts of stored stretches it is at. */
  readonly parts: number;
}

/**
 * A worker of a fleet: it takes streams and parts of stored ranges from the queue, and calls the handler for their fragments.
 *
 * At least once, in order, for each stream: a fragment comes again where a worker ended between handling it and saving the checkpoint. A
 * checkpoint is saved only while the worker's lock on the stream holds, in one script; a worker that was paused or cut off hands out
 * nothing more than the fragment that the handler has.
 */
export class FleetWorker {
  readonly #options: FleetWorkerOptions;
  readonly #lockMs: number;
  readonly #live = new Set<LiveStream>();
  readonly #stopParts = new AbortController();
  readonly #workers: Worker[] = [];
  /** What the worker is called, in its jobs and in {@link FollowedStream.worker}. */
  readonly name: string;
  #queue: Queue | undefined;
  #run: Run | undefined;
  #parts = 0;
  #state: WorkerHealth['state'] = 'running';
  #answeredAt = performance.now();
  #starting: Promise<void> | undefined;
  #giveUpStart: ((error: Error) => void) | undefined;
  #closing: Promise<void> | undefined;
  #onSigterm: (() => void) | undefined;

  /** @throws RangeError when a number is out of its range */
  constructor(options: FleetWorkerOptions) {
    const { lockMs = LOCK_MS, maxStreams = 50, maxParts = 1, name = `${hostname()}-${process.pid}` } = options;
    if (!Number.isInteger(lockMs) || lockMs < 1000) {
      throw new RangeError(`lockMs is an integer of 1,000 or more, not ${lockMs}`);
    }
    for (const [key, value] of Object.entries({ maxStreams, maxParts })) {
      if (!Number.isInteger(value) || value < 0)
        throw new RangeError(`${key} is an integer of 0 or more, not ${value}`);
    }
    this.#options = options;
    this.#lockMs = lockMs;
    this.name = name;
  }

  /**
   * Begins to take streams and parts, as soon as Redis can be reached: until then the event `error` tells why it waits.
   *
   * @throws PeerError when `bullmq` is not installed, or does not load; Error when it is closed before Redis could be reached
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { maxStreams = 50, maxParts = 1, prefix, drainAtSigterm = true } = this.#options;
    const bullmq = await loadBullMQ();
    const { Queue, Worker, WaitingError } = bullmq;
    this.#throwIfClosing();
    const connection = connectionOf(this.#options);
    const shared = { connection, ...(prefix === undefined ? {} : { prefix }) };
    const queue = new Queue(LIVE_QUEUE, shared, closableConnection(bullmq));
    queue.on('error', (error) => this.#tellError(error));
    this.#queue = queue;
    // A connection that is closed while it is being made may never say so.
    const client = await new Promise<Awaited<typeof queue.client>>((resolve, reject) => {
      this.#giveUpStart = reject;
      queue.client.then(resolve, reject);
    });
    this.#throwIfClosing();
    this.#run = defineScripts(client);
    const options = {
      ...shared,
      connection: { ...connection, maxRetriesPerRequest: null },
      name: this.name,
      lockDuration: this.#lockMs,
      // Redis takes whole milliseconds only.
      stalledInterval: Math.ceil(this.#lockMs / 6),
      maxStalledCount: TAKE_OVERS,
    };
    const open = (name: string, concurrency: number, processor: (job: Job, token: string) => Promise<unknown>) => {
      const renewsItself = name === LIVE_QUEUE;
      const worker = new Worker(name, (job, token = '') => processor(job, token), {
        ...options,
        concurrency,
        skipLockRenewal: renewsItself,
      });
      worker.on('error', (error) => this.#tellError(error));
      this.#workers.push(worker);
    };
    if (maxStreams > 0) {
      open(LIVE_QUEUE, maxStreams, async (job, token) => {
        const end = await this.#follow(job, token);
        if (end === 'unfollowed') return undefined;
        // A job whose lock is lost is no longer this worker's to move.
        if (end === 'drained') await job.moveToWait(token);
        throw new WaitingError();
      });
    }
    if (maxParts > 0) {
      open(PART_QUEUE, maxParts, (job) => this.#processPart(job));
      open(RANGE_QUEUE, 1, (job) => gatherResults(job));
    }
    if (drainAtSigterm) {
      this.#onSigterm = () => {
        void this.close().then(() => process.kill(process.pid, 'SIGTERM'));
      };
      process.once('SIGTERM', this.#onSigterm);
    }
    // BullMQ cannot close a worker in good order that has not connected yet.
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  #throwIfClosing(): void {
    if (this.#state !== 'running') throw closedEarly();
  }

  /** How it is doing. */
  health(): WorkerHealth {
    const streams = [...this.#live].map((live) => ({ stream: live.stream, ...live.report }));
    const isReachable = performance.now() - this.#answeredAt < this.#lockMs;
    return {
      name: this.name,
      state: this.#state,
      redis: isReachable || this.#live.size === 0 ? 'reachable' : 'unreachable',
      streams,
      parts: this.#parts,
    };
  }

  /** Gives all streams to the other workers and ends. Also where Redis is gone, it does not wait for ever. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'draining';
    if (this.#onSigterm !== undefined) process.off('SIGTERM', this.#onSigterm);
    this.#giveUpStart?.(closedEarly());
    await Promise.race([Promise.allSettled([this.#starting]), after(CLOSE_MS)]);
    // Nothing is taken any more from here on.
    const closed = Promise.allSettled(this.#workers.map((worker) => worker.close()));
    for (const live of this.#live) live.drain();
    this.#stopParts.abort(new Error('the worker is being closed'));
    await Promise.race([closed, after(CLOSE_MS)]);
    await Promise.race([
      Promise.allSettled(this.#workers.map((worker) => worker.close(true))).then(() => this.#queue?.close()),
      after(CLOSE_MS),
    ]).catch(() => {});
    // What still waits for Redis would keep the process.
    const disconnected = [...this.#workers, this.#queue].map((one) => one?.disconnect());
    await Promise.race([Promise.allSettled(disconnected), after(CLOSE_MS)]);
    this.#state = 'closed';
  }

  async #follow(job: Job, token: string): Promise<'unfollowed' | 'drained' | 'lost'> {
    const stream = identityOf(job.data.stream);
    const { start, resumeBy, verifyCrc }: FollowOptions = job.data.options ?? {};
    const title = titleOf(stream);
    const { consumer = {}, handler } = this.#options;
    const live = new LiveStream({
      stream,
      worker: this.name,
      handler,
      settings: {
        ...consumer,
        ...(start === undefined ? {} : { start: revived(start) }),
        ...(resumeBy === undefined ? {} : { resumeBy }),
        ...(verifyCrc === undefined ? {} : { verifyCrc }),
        rateLimiter: this.#limiter('GetMedia', job.id ?? title),
        endpointRateLimiter: this.#endpointLimiter(stream),
      },
      lockMs: this.#lockMs,
      takenAt: performance.now() - Math.max(0, Date.now() - (job.processedOn ?? Date.now())),
      loadCheckpoint: async () => {
        const { checkpoint } = fieldsOf(await this.#script('kvsRead', [this.#key(`state:${job.id}`)]));
        return checkpoint;
      },
      hold: (report) => this.#hold(job, token, report),
      onLost: ({ message }: LeaseLostError) => this.#tell({ type: 'lost', stream: title, reason: message }),
    });
    this.#live.add(live);
    this.#tell({ type: 'taken', stream: title });
    try {
      if (this.#state !== 'running') live.drain();
      const end = await live.run();
      this.#tell({ type: end, stream: title });
      return end;
    } catch (error) {
      if (isLost(error)) return 'lost';
      this.#tell({ type: 'failed', stream: title, reason: textOf(error) });
      throw error;
    } finally {
      this.#live.delete(live);
    }
  }

  async #hold(job: Job, token: string, report: StreamReport): Promise<HoldAnswer> {
    const { checkpoint, fragmentNumber, millisBehindNow, fragments } = report;
    const key = this.#key(job.id ?? '');
    const progress = { worker: this.name, fragmentNumber, millisBehindNow, fragments };
    const fields: (string | number)[] = ['worker', this.name, 'at', Date.now(), 'fragments', fragments];
    if (millisBehindNow !== undefined) fields.push('millisBehindNow', millisBehindNow);
    if (checkpoint !== undefined) fields.push('checkpoint', checkpoint);
    const answer = await this.#script('kvsHold', [
      `${key}:lock`,
      key,
      this.#key('stalled'),
      this.#key('streams'),
      this.#key(`state:${job.id}`),
      token,
      this.#lockMs,
      job.id ?? '',
      JSON.stringify(progress),
      ...fields,
    ]);
    if (answer === 2) return 'unfollowed';
    return answer === 1 ? 'held' : 'lost';
  }

  async #processPart(job: Job): Promise<FragmentResult[]> {
    const { consumer = {}, handler } = this.#options;
    const data: PartData = { stream: identityOf(job.data.stream), fragmentNumbers: job.data.fragmentNumbers };
    const title = titleOf(data.stream);
    const places = this.#key(`places:${title}`);
    const who = `${this.name}:${job.id}`;
    const { signal } = this.#stopParts;
    const { clientConfig, client, readTimeoutMs, giveUpAfterMs, verifyCrc } = consumer;
    this.#parts++;
    let keep: NodeJS.Timeout | undefined;
    try {
      while ((await this.#script('kvsPlace', [places, FRAGMENT_LIST_CONNECTIONS, this.#lockMs, who])) !== 1) {
        signal.throwIfAborted();
        await after(100);
      }
      keep = setInterval(() => {
        this.#script('kvsPlace', [places, FRAGMENT_LIST_CONNECTIONS, this.#lockMs, who]).catch(() => {});
      }, this.#lockMs / 3);
      return await processPart(data, {
        worker: this.name,
        handler,
        settings: {
          clientConfig,
          client,
          readTimeoutMs,
          giveUpAfterMs,
          verifyCrc,
          rateLimiter: this.#limiter('GetMediaForFragmentList', title),
          fragmentRateLimiter: this.#limiter('fragments', title, FRAGMENTS_PER_SECOND),
          endpointRateLimiter: this.#endpointLimiter(data.stream),
        },
        signal,
        onProgress: (done, total) => job.updateProgress({ done, total, worker: this.name }),
      });
    } catch (error) {
      this.#tell({ type: 'failed', stream: title, reason: textOf(error) });
      throw error;
    } finally {
      clearInterval(keep);
      this.#parts--;
      this.#script('kvsLeave', [places, who]).catch(() => {});
    }
  }

  #limiter(operation: string, id: string, limit = CALLS_PER_SECOND): SharedLimiter {
    return new SharedLimiter(this.#script, this.#key(`calls:${operation}:${id}`), limit);
  }

  #endpointLimiter(stream: StreamIdentity): SharedLimiter {
    return endpointLimiter(this.#script, (name) => this.#key(name), stream);
  }

  readonly #script: Run = async (name, args) => {
    if (this.#run === undefined) throw new Error('the worker has not been started');
    const answer = await this.#run(name, args);
    this.#answeredAt = performance.now();
    return answer;
  };

  #key(name: string): string {
    return this.#queue?.toKey(name) ?? name;
  }

  #tell(event: WorkerEvent): void {
    this.#options.onEvent?.(event);
  }

  #tellError(error: Error): void {
    this.#tell({ type: 'error', reason: textOf(error) });
  }
}

/** Where to begin, as it was before it was JSON. */
function revived(start: StartPosition): StartPosition {
  return 'timestamp' in start ? { ...start, timestamp: new Date(start.timestamp) } : start;
}

/** What the job of a stored stretch has to do when all its parts are done: the results stay with the parts. */
async function gatherResults(job: Job): Promise<{ readonly fragments: number }> {
  const values: Readonly<Record<string, FragmentResult[]>> = await job.getChildrenValues();
  let fragments = 0;
  for (const results of Object.values(values)) fragments += results.length;
  await job.updateProgress({ done: fragments, total: fragments });
  return { fragments };
}

function isLost(error: unknown): boolean {
  return error instanceof Error && error.name === 'LeaseLostError';
}

function closedEarly(): Error {
  return new Error('the worker is closed before it has started');
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
