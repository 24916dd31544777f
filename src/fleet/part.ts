import type { StreamIdentity } from '../client/access.js';
import { FragmentListConsumer } from '../client/fragment-list-consumer.js';
import type { FragmentListConsumerSettings } from '../client/fragment-list-options.js';
import type { FleetHandler } from './handler.js';

/** What a part of a stored stretch is, as its job has it. */
export interface PartData {
  readonly stream: StreamIdentity;
  readonly fragmentNumbers: readonly string[];
}

/** A fragment and what the handler has returned for it. */
export interface FragmentResult {
  /** A decimal string. */
  readonly fragmentNumber: string;
  /** As JSON keeps it; `null` where the handler has returned nothing. */
  readonly result: unknown;
}

/** What a part needs besides. */
export interface PartSetup {
  readonly worker: string;
  readonly handler: FleetHandler;
  readonly settings: FragmentListConsumerSettings;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => Promise<void>;
}

/** How long progress is not told again, in milliseconds. */
const PROGRESS_MS = 1000;

/**
 * Deals with the fragments of a part, in order.
 *
 * @throws what the handler throws; KinesisVideoError for a fragment that cannot be had
 */
export async function processPart({ stream, fragmentNumbers }: PartData, setup: PartSetup): Promise<FragmentResult[]> {
  const { worker, handler, settings, signal, onProgress } = setup;
  const results: FragmentResult[] = [];
  const consumer = new FragmentListConsumer({ connections: 1, ...settings, ...stream, fragmentNumbers, signal });
  let toldAt = Number.NEGATIVE_INFINITY;
  for await (const fragment of consumer) {
    const result: unknown = await handler(fragment, { stream, kind: 'stored', worker, signal });
    signal.throwIfAborted();
    results.push({ fragmentNumber: fragment.fragmentNumber ?? '', result: result ?? null });
    if (performance.now() - toldAt < PROGRESS_MS) continue;
    toldAt = performance.now();
    await onProgress(results.length, fragmentNumbers.length);
  }
  await onProgress(results.length, fragmentNumbers.length);
  return results;
}
