import type { StreamIdentity } from '../client/access.js';

/** The queue of streams that are followed. */
export const LIVE_QUEUE = 'kvs-live';

/** The queue of the parts of stored stretches. */
export const PART_QUEUE = 'kvs-parts';

/** The queue of stored stretches, whose parts are in {@link PART_QUEUE}. */
export const RANGE_QUEUE = 'kvs-ranges';

/** How long a worker holds a job without a sign of life, unless said otherwise. */
export const LOCK_MS = 30_000;

/** The longest wait before Redis is tried again. */
const MOST_RETRY_MS = 2000;

/** A stream by its name, its ARN, or either as an object. */
export type StreamName = string | StreamIdentity;

/** How to connect to Redis or Valkey. */
export interface FleetConnection {
  /** A URL, `redis://…` or `rediss://…`, or options of ioredis. */
  readonly redis: string | Readonly<Record<string, unknown>>;
  /** What all keys begin with. Default `bull`; for Redis Cluster with a hash tag: `{kvs}`. */
  readonly prefix?: string | undefined;
}

/**
 * Which stream is meant.
 *
 * @throws TypeError when it is neither a name nor an ARN
 */
export function identityOf(stream: StreamName): StreamIdentity {
  const { streamName, streamARN } = typeof stream === 'string' ? named(stream) : stream;
  if (typeof streamARN === 'string' && streamARN !== '') return { streamARN };
  if (typeof streamName === 'string' && streamName !== '') return { streamName };
  throw new TypeError(`no stream: ${JSON.stringify(stream)}`);
}

function named(text: string): StreamIdentity {
  return text.startsWith('arn:') ? { streamARN: text } : { streamName: text };
}

/** What people call a stream: its name, also where its ARN is given. */
export function titleOf({ streamName, streamARN }: StreamIdentity): string {
  return streamName ?? /:stream\/([^/]+)/.exec(streamARN ?? '')?.[1] ?? streamARN ?? '';
}

/** The id of a stream's job. BullMQ takes no colon and no plain number in an id. */
export function jobIdOf(stream: StreamIdentity): string {
  return `follow-${(stream.streamName ?? stream.streamARN ?? '').replaceAll(':', '|')}`;
}

/** What BullMQ connects with. A connection that is lost is made again sooner than BullMQ would: streams wait for it. */
export function connectionOf({ redis }: FleetConnection): Record<string, unknown> {
  const retryStrategy = (times: number) => Math.min(50 * 2 ** times, MOST_RETRY_MS);
  return { retryStrategy, ...(typeof redis === 'string' ? { url: redis } : redis) };
}
