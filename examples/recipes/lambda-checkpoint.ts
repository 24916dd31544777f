import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { compareFragmentNumbers, type Fragment } from 'kvs-parser';
import { FragmentListConsumer, type FragmentListConsumerSettings, processFragments } from 'kvs-parser/client';
import { DynamoDbCheckpointStore } from './dynamodb-checkpoint-store.js';

/** What AWS Lambda gives a handler besides the event, as far as it is used here. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** What a run of the function has done. */
export interface RunResult {
  readonly processed: number;
  /** Whether the time was up before everything was processed: the next run goes on. */
  readonly more: boolean;
}

/** Which stream is read, where the checkpoint is kept, and what is done with a fragment. */
export interface LambdaOptions {
  readonly streamName: string;
  readonly dynamoDb: DynamoDBClient;
  readonly tableName: string;
  /** Deals with one fragment. What it throws makes the fragment be tried again, at last by the next run. */
  readonly process: (fragment: Fragment, signal: AbortSignal) => Promise<void>;
  /** How far back the first run begins. Default 5 minutes. */
  readonly lookBackMs?: number;
  /** How long before the end of the function's time a run stops. Default 5,000. */
  readonly reserveMs?: number;
  readonly consumer?: FragmentListConsumerSettings;
}

/**
 * Makes a handler for AWS Lambda that a schedule calls, for example each minute. A run processes the fragments that the service has stored
 * since the run before. The checkpoint moves behind a fragment when it has been processed, never past one before it: a run that fails or
 * has no time left loses nothing. Of two runs at once, the one that began last goes on, and the other one fails.
 *
 * ```ts
 * export const handler = makeHandler({ streamName: 'door', dynamoDb: new DynamoDBClient(), tableName: 'checkpoints', process });
 * ```
 */
export function makeHandler(options: LambdaOptions): (event: unknown, context: LambdaContext) => Promise<RunResult> {
  const { streamName, dynamoDb, tableName, process, lookBackMs = 300_000, reserveMs = 5_000 } = options;
  return async (_event, context) => {
    const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - reserveMs));
    const owner = context.awsRequestId;
    const checkpointStore = new DynamoDbCheckpointStore({ client: dynamoDb, tableName, stream: streamName, owner });
    const last = await checkpointStore.load();
    const from = last?.serverTimestamp === undefined ? Date.now() - lookBackMs : Date.parse(last.serverTimestamp);
    // The clock here may be behind the service's.
    const to = Math.max(from, Date.now());
    const range = { type: 'SERVER_TIMESTAMP', from: new Date(from), to: new Date(to) } as const;
    const fragments = new FragmentListConsumer({ ...options.consumer, streamName, range, signal });

    let processed = 0;
    const handle = async (fragment: Fragment, ended: AbortSignal) => {
      const { fragmentNumber } = fragment;
      // The range begins with the fragment that was processed last.
      const isNew =
        last === undefined ||
        fragmentNumber === undefined ||
        compareFragmentNumbers(fragmentNumber, last.fragmentNumber) > 0;
      if (!isNew) return;
      await process(fragment, ended);
      processed++;
    };
    try {
      await processFragments(fragments, (fragment, { signal: ended }) => handle(fragment, ended), {
        checkpointStore,
        signal,
      });
      return { processed, more: false };
    } catch (error) {
      if (!signal.aborted) throw error;
      return { processed, more: true };
    }
  };
}
