import { checkPeer, peerError } from '../client/peer.js';

/** What is used of it. */
type Parts = Pick<typeof import('bullmq'), 'Queue' | 'Worker' | 'FlowProducer' | 'WaitingError' | 'RedisConnection'>;

/** The package of the queue. */
export async function loadBullMQ(): Promise<Parts> {
  try {
    return checkPeer<Parts>(await import('bullmq'), 'Queue');
  } catch (cause) {
    throw peerError('bullmq', cause, 'kvs-parser/fleet');
  }
}

/**
 * The connections of queues. BullMQ takes all listeners from a connection that it closes; one that was still being made then emits an
 * error that nobody can catch.
 */
export function closableConnection({ RedisConnection }: Pick<Parts, 'RedisConnection'>): Parts['RedisConnection'] {
  return class extends RedisConnection {
    override removeAllListeners(event?: string | symbol): this {
      super.removeAllListeners(event);
      return this.on('error', () => {});
    }
  };
}

/** A queue, or what makes flows. */
interface Connecting {
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Waits until all are connected to Redis. Errors of them go to nobody from then on: what goes wrong is thrown where something is asked for.
 *
 * @throws Error with the reason when that takes longer than `timeoutMs`; they are closed then
 */
export async function connected(all: readonly Connecting[], timeoutMs: number): Promise<void> {
  let reason: unknown = new Error(`no answer within ${timeoutMs} ms`);
  for (const one of all) {
    one.on('error', (error) => {
      reason = error;
    });
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(reason), timeoutMs);
  });
  try {
    await Promise.race([Promise.all(all.map((one) => one.waitUntilReady())), late]);
  } catch (error) {
    for (const one of all) one.close().catch(() => {});
    throw new Error(`Redis cannot be reached: ${textOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** What an error says. One of several addresses that were tried in vain has a code only. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String(Reflect.get(error, 'code') ?? error.name);
}
