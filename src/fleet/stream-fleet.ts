import type { FlowProducer, Queue } from 'bullmq';
import type { StreamIdentity } from '../client/access.js';
import type { Checkpoint } from '../client/checkpoint.js';
import { FragmentListConsumer } from '../client/fragment-list-consumer.js';
import type { FragmentListConsumerSettings } from '../client/fragment-list-options.js';
import type { FragmentRange, ListedFragment } from '../client/list-fragments.js';
import type { ResumeBy, StartPosition } from '../client/position.js';
import { closableConnection, connected, loadBullMQ } from './bullmq.js';
import {
  connectionOf,
  type FleetConnection,
  identityOf,
  jobIdOf,
  LIVE_QUEUE,
  PART_QUEUE,
  RANGE_QUEUE,
  type StreamName,
  titleOf,
} from './names.js';
import { RangeRun } from './range-run.js';
import { defineScripts, fieldsOf, type Run } from './scripts.js';
import { endpointLimiter } from './shared-limiter.js';

/** Following is tried again for as long as it takes. */
const ATTEMPTS = 1_000_000_000;

/** How long connecting to Redis may take, in milliseconds, unless said otherwise. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Options for following a stream. */
export interface FollowOptions {
  /** Where to begin when there is no checkpoint. Default NOW. */
  readonly start?: StartPosition | undefined;
  /** By what connections continue. Default `FRAGMENT_NUMBER`. */
  readonly resumeBy?: ResumeBy | undefined;
  /** Whether CRC-32 elements are checked. Default false. */
  readonly verifyCrc?: boolean | undefined;
  /** How long is waited, in milliseconds, before a stream is taken again whose consumer or handler has failed. Default 5,000. */
  readonly retryDelayMs?: number | undefined;
  /** Streams with a smaller number are taken first, 1 or more. Default: all alike, before those with a number. */
  readonly priority?: number | undefined;
}

/** A stream that is followed. */
export interface FollowedStream {
  /** The stream's name or ARN. */
  readonly stream: StreamIdentity;
  /** The worker that has it; `undefined` while it waits for one. */
  readonly worker: string | undefined;
  /** The last one that was saved; `undefined` before the first. */
  readonly checkpoint: Checkpoint | undefined;
  /** How far, in milliseconds, the last fragment was behind the newest of the stream, by the service. */
  readonly millisBehindNow: number | undefined;
  /** When its worker last gave a sign of life. */
  readonly seenAt: Date | undefined;
}

/** Options for processing a stored range: how it is split, and how often a part is tried. */
export interface ProcessOptions {
  /** The most fragments of a part. Default 100. */
  readonly partFragments?: number | undefined;
  /** The most bytes of a part, as far as ListFragments has stated sizes. Default 256 MiB. One fragment may be larger. */
  readonly partBytes?: number | undefined;
  /** The longest stretch of time of a part, by the producer's clock, in milliseconds. Default: no bound. */
  readonly partMs?: number | undefined;
  /** How often a part is tried. Default 5. */
  readonly attempts?: number | undefined;
}

/** A range of stored media: the `stream`, by name or ARN, and the times. */
export type StoredStretch = FragmentRange & { readonly stream: StreamName };

/** The options of a {@link StreamFleet}. */
export interface StreamFleetOptions extends FleetConnection {
  /** How the service is reached, for listing fragments. */
  readonly consumer?: FragmentListConsumerSettings | undefined;
  /** How long, in milliseconds, connecting to Redis may take; each method is rejected then. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
}

/** Controls a fleet: which streams are followed, and which stored ranges are processed. It can be opened anywhere, any number of times. */
export class StreamFleet {
  readonly #options: StreamFleetOptions;
  #live: Promise<Live> | undefined;
  #stored: Promise<Stored> | undefined;

  /**
   * Connects to nothing yet: Redis is connected to when it is first needed.
   *
   * @throws RangeError when `connectTimeoutMs` is no positive number
   */
  constructor(options: StreamFleetOptions) {
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
    if (!(connectTimeoutMs > 0)) throw new RangeError(`connectTimeoutMs is a positive number, not ${connectTimeoutMs}`);
    this.#options = options;
  }

  /** Has a stream followed, from its checkpoint on where there is one. One that is followed already stays as it is. */
  async follow(stream: StreamName, options: FollowOptions = {}): Promise<void> {
    const identity = identityOf(stream);
    const { queue, run } = await this.#openLive();
    const jobId = jobIdOf(identity);
    const { retryDelayMs = 5000, priority } = options;
    await run('kvsField', [queue.toKey('streams'), jobId, JSON.stringify(identity)]);
    await queue.add(
      `follow ${titleOf(identity)}`,
      { stream: identity, options },
      {
        jobId,
        attempts: ATTEMPTS,
        backoff: { type: 'fixed', delay: retryDelayMs, jitter: 0.5 },
        removeOnComplete: true,
        ...(priority === undefined ? {} : { priority }),
      },
    );
  }

  /**
   * Ends the following of a stream. Its worker gives it up within a quarter of the lock's time. The checkpoint is kept, so that following
   * the stream again continues there; with `forget` it is deleted too.
   */
  async unfollow(stream: StreamName, { forget = false }: { readonly forget?: boolean } = {}): Promise<void> {
    const { queue, run } = await this.#openLive();
    const jobId = jobIdOf(identityOf(stream));
    await run('kvsField', [queue.toKey('streams'), jobId]);
    for (;;) {
      const job = await queue.getJob(jobId);
      if (job === undefined) break;
      // A worker that has it removes it itself.
      const removed = await job.remove().then(
        () => true,
        () => false,
      );
      if (removed) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (forget) await run('kvsForget', [queue.toKey(`state:${jobId}`)]);
  }

  /** The streams that are followed, each with its worker, delay and checkpoint. */
  async list(): Promise<FollowedStream[]> {
    const { queue, run } = await this.#openLive();
    const found = await run('kvsList', [queue.toKey('streams'), queue.toKey('state:'), queue.toKey('')]);
    const rows: unknown[] = Array.isArray(found) ? found : [];
    return rows.map((row) => {
      const [, identity, locked, flat]: unknown[] = Array.isArray(row) ? row : [];
      const { worker, checkpoint, millisBehindNow, at } = fieldsOf(flat);
      return {
        stream: identityOf(JSON.parse(String(identity))),
        worker: Number(locked) === 1 ? worker : undefined,
        checkpoint: checkpoint === undefined ? undefined : JSON.parse(checkpoint),
        millisBehindNow: millisBehindNow === undefined ? undefined : Number(millisBehindNow),
        seenAt: at === undefined ? undefined : new Date(Number(at)),
      };
    });
  }

  /**
   * Has the fragments of a stored stretch processed, of any length: they are listed here, split into parts, and each part is a job of its
   * own, which is tried again alone. The job that they belong to completes when all of them have.
   *
   * @throws KinesisVideoError when the fragments cannot be listed
   */
  async process({ stream, ...range }: StoredStretch, options: ProcessOptions = {}): Promise<RangeRun> {
    const identity = identityOf(stream);
    const { queue, run } = await this.#openLive();
    const { flows, parts, ranges } = await this.#openStored();
    const endpointRateLimiter = endpointLimiter(run, (name) => queue.toKey(name), identity);
    const consumer = new FragmentListConsumer({ endpointRateLimiter, ...this.#options.consumer, ...identity, range });
    const listed = await consumer.list();
    const split = splitFragments(listed, options);
    const title = titleOf(identity);
    const flow = await flows.add({
      name: `process ${title} ${range.from.toISOString()} to ${range.to.toISOString()}`,
      queueName: RANGE_QUEUE,
      data: { stream: identity, range, fragments: listed.length, parts: split.length },
      children: split.map((fragments, index) => ({
        name: `${title} part ${index + 1} of ${split.length}: ${fragments.length} fragments`,
        queueName: PART_QUEUE,
        data: { stream: identity, fragmentNumbers: fragments.map(({ fragmentNumber }) => fragmentNumber), index },
        opts: { attempts: options.attempts ?? 5, backoff: { type: 'exponential', delay: 1000, jitter: 0.5 } },
      })),
    });
    const ids = (flow.children ?? []).map(({ job }) => job.id ?? '');
    return new RangeRun({ id: flow.job.id ?? '', partIds: ids, fragments: listed.length, parts, ranges });
  }

  /** Closes the connections to Redis. Jobs continue. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled([this.#live, this.#stored]);
    this.#live = undefined;
    this.#stored = undefined;
    const [live, stored] = opened.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
    await Promise.allSettled([...(live?.all ?? []), ...(stored?.all ?? [])].map((one) => one.close()));
  }

  #openLive(): Promise<Live> {
    this.#live ??= openLive(this.#options).catch((error: unknown) => {
      this.#live = undefined;
      throw error;
    });
    return this.#live;
  }

  #openStored(): Promise<Stored> {
    this.#stored ??= openStored(this.#options).catch((error: unknown) => {
      this.#stored = undefined;
      throw error;
    });
    return this.#stored;
  }
}

/** What following needs. */
interface Live {
  readonly queue: Queue;
  readonly run: Run;
  readonly all: readonly Queue[];
}

/** What stored stretches need besides. */
interface Stored {
  readonly parts: Queue;
  readonly ranges: Queue;
  readonly flows: FlowProducer;
  readonly all: readonly (Queue | FlowProducer)[];
}

async function openLive(options: StreamFleetOptions): Promise<Live> {
  const bullmq = await loadBullMQ();
  const queue = new bullmq.Queue(LIVE_QUEUE, sharedOptions(options), closableConnection(bullmq));
  await connected([queue], options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  return { queue, run: defineScripts(await queue.client), all: [queue] };
}

async function openStored(options: StreamFleetOptions): Promise<Stored> {
  const bullmq = await loadBullMQ();
  const shared = sharedOptions(options);
  const Connection = closableConnection(bullmq);
  const parts = new bullmq.Queue(PART_QUEUE, shared, Connection);
  const ranges = new bullmq.Queue(RANGE_QUEUE, shared, Connection);
  const flows = new bullmq.FlowProducer(shared, Connection);
  const all = [parts, ranges, flows];
  await connected(all, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  return { parts, ranges, flows, all };
}

function sharedOptions(options: FleetConnection) {
  const { prefix } = options;
  return { connection: connectionOf(options), ...(prefix === undefined ? {} : { prefix }) };
}

/** Fragments in parts, in order, none of which is larger or longer than the options say. */
export function splitFragments(listed: readonly ListedFragment[], options: ProcessOptions): ListedFragment[][] {
  const { partFragments = 100, partBytes = 256 * 1024 * 1024, partMs = Number.POSITIVE_INFINITY } = options;
  for (const [key, value] of Object.entries({ partFragments, partBytes, partMs })) {
    if (!(value >= 1)) throw new RangeError(`${key} is 1 or more, not ${value}`);
  }
  const parts: ListedFragment[][] = [];
  let part: ListedFragment[] = [];
  let bytes = 0;
  for (const fragment of listed) {
    const size = fragment.size ?? 0;
    const began = Number(part[0]?.producerTimestamp ?? Number.NaN);
    const isFull = part.length >= partFragments || bytes + size > partBytes;
    const isLong = Number(fragment.producerTimestamp ?? Number.NaN) - began >= partMs;
    if (part.length > 0 && (isFull || isLong)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(fragment);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
