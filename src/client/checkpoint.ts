import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { isFragmentNumber } from './fragment-number.js';

/** The position at which a consumer continues in another process: behind this fragment. It can be stored as JSON. */
export interface Checkpoint {
  /** The last fragment that was processed. */
  readonly fragmentNumber: string;
  /** The service's token behind it, where it gave one. */
  readonly continuationToken?: string | undefined;
  /** When the producer began to record it, ISO 8601. */
  readonly producerTimestamp?: string | undefined;
  /** When the service began to receive it, ISO 8601. */
  readonly serverTimestamp?: string | undefined;
}

/**
 * Stores a consumer's checkpoint, for example in a file or a row of a table. An error that it throws ends the iteration; no fragment is
 * lost.
 */
export interface CheckpointStore {
  /** The checkpoint that was saved last; nothing the first time. */
  load(): Promise<Checkpoint | undefined> | Checkpoint | undefined;
  /** Keeps it instead of the one before. */
  save(checkpoint: Checkpoint): Promise<void> | void;
}

/** The checkpoint behind a fragment; `undefined` where the fragment has no number that can be one. */
export function checkpointOf(metadata: FragmentMetadata | undefined): Checkpoint | undefined {
  if (metadata === undefined || !isFragmentNumber(metadata.fragmentNumber)) return undefined;
  const { fragmentNumber, continuationToken, producerTimestamp, serverTimestamp } = metadata;
  return {
    fragmentNumber,
    ...(continuationToken === undefined ? {} : { continuationToken }),
    ...(producerTimestamp === undefined ? {} : { producerTimestamp: producerTimestamp.toISOString() }),
    ...(serverTimestamp === undefined ? {} : { serverTimestamp: serverTimestamp.toISOString() }),
  };
}

/**
 * Looks at what a store has given.
 *
 * @throws TypeError when it is no checkpoint: going on from somewhere else would lose fragments without a word
 */
export function requireCheckpoint(value: Checkpoint): Checkpoint {
  if (typeof value?.fragmentNumber === 'string' && isFragmentNumber(value.fragmentNumber)) return value;
  throw new TypeError(`no checkpoint: ${JSON.stringify(value)}`);
}

/** Whether it is a checkpoint but for its number, which is none: a stream's damage has got into it. */
export function isSpoiled(value: Checkpoint): boolean {
  return typeof value?.fragmentNumber === 'string' && !isFragmentNumber(value.fragmentNumber);
}
