import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DynamoDbCheckpointStore } from '../../examples/recipes/dynamodb-checkpoint-store.js';
import { type Sample, sampleForInference } from '../../examples/recipes/sample-for-inference.js';
import { GetMediaConsumer } from '../../src/client/index.js';
import { readFragments } from '../../src/index.js';
import { startLocalKinesisVideo } from '../../src/testing/index.js';
import { describeNeeding, packages, tools } from '../support/tools.js';
import { startDynamoDb } from './dynamodb.js';

const RECORDING = 'examples/recording/camera.mkv';

const DECODERS = [tools('ffmpeg'), packages('@napi-rs/webcodecs')];
const decoder = DECODERS.find(({ missing }) => missing === undefined) ?? DECODERS[0]!;

describeNeeding('sampling for an inference service', [decoder], () => {
  it('gives every fragment’s samples, and goes on behind a crash: nothing is lost, and only what was unfinished comes twice', async () => {
    const numbers: string[] = [];
    for await (const { fragmentNumber = '' } of readFragments(new Uint8Array(readFileSync(RECORDING))))
      numbers.push(fragmentNumber);
    const local = await startLocalKinesisVideo({
      streams: { door: { source: RECORDING, keepMetadata: true } },
      idleTimeoutMs: 100,
    });
    const db = await startDynamoDb();
    try {
      const done = new Map<string, number>();
      let running = 0;
      let most = 0;
      const run = async (owner: string, until: number) => {
        const consumer = new GetMediaConsumer({
          streamName: 'door',
          clientConfig: {
            endpoint: local.endpoint,
            region: 'local',
            credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
          },
          start: { type: 'EARLIEST' },
          checkpointStore: new DynamoDbCheckpointStore({
            client: db.client,
            tableName: db.tableName,
            stream: 'door',
            owner,
          }),
        });
        const ended = new AbortController();
        const infer = async ({ image, recordedAt, fragmentNumber = '' }: Sample, signal: AbortSignal) => {
          most = Math.max(most, ++running);
          try {
            await new Promise((resolve) => setTimeout(resolve, 5));
            signal.throwIfAborted();
            expect([...image.subarray(0, 2)]).toEqual([0xff, 0xd8]);
            expect(recordedAt).toBeInstanceOf(Date);
            done.set(fragmentNumber, (done.get(fragmentNumber) ?? 0) + 1);
          } finally {
            running--;
          }
        };
        const onProgress = ({ processed }: { readonly processed: number }) => {
          if (processed >= until) ended.abort(new Error('stopped'));
        };
        await sampleForInference(consumer, infer, {
          every: '700ms',
          width: 160,
          signal: ended.signal,
          onProgress,
        }).catch((error: Error) => {
          expect(error.message).toBe('stopped');
        });
      };
      await run('first', 4);
      expect(done.size).toBeGreaterThanOrEqual(4);
      expect(done.size).toBeLessThan(numbers.length);
      const store = new DynamoDbCheckpointStore({
        client: db.client,
        tableName: db.tableName,
        stream: 'door',
        owner: 'look',
      });
      const reached = numbers.indexOf((await store.load())?.fragmentNumber ?? '');
      expect(reached).toBeGreaterThanOrEqual(0);
      await run('second', numbers.length - reached - 1);
      expect([...done.keys()].sort()).toEqual([...numbers].sort());
      // Two samples of each fragment; what the first run had begun and not finished came again.
      const twice = [...done.values()].filter((count) => count > 2);
      expect(twice.length).toBeLessThanOrEqual(3);
      expect(Math.min(...done.values())).toBe(2);
      expect(most).toBeLessThanOrEqual(3);
      expect((await store.load())?.fragmentNumber).toBe(numbers.at(-1));
    } finally {
      await db.close();
      await local.close();
    }
  });
});
