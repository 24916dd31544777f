import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LambdaOptions, makeHandler } from '../../examples/recipes/lambda-checkpoint.js';
import type { LocalKinesisVideo } from '../../src/testing/index.js';
import { startDynamoDb } from './dynamodb.js';
import { clientConfigOf, FRAGMENTS, startDoor } from './support.js';

let local: LocalKinesisVideo;
let db: Awaited<ReturnType<typeof startDynamoDb>>;
beforeAll(async () => {
  [local, db] = await Promise.all([startDoor(), startDynamoDb()]);
});
afterAll(async () => {
  await local.close();
  await db.close();
});

let runs = 0;
const context = (remainingMs: number) => ({
  awsRequestId: `run ${++runs}`,
  getRemainingTimeInMillis: () => remainingMs,
});

it('goes on in the next run where the time was up, and processes each fragment once', async () => {
  const done: (string | undefined)[] = [];
  let waitAt = 3;
  const handler = makeHandler({
    streamName: 'door',
    dynamoDb: db.client,
    tableName: db.tableName,
    reserveMs: 0,
    consumer: { clientConfig: clientConfigOf(local) },
    async process({ fragmentNumber }, signal) {
      if (done.length + 1 === waitAt) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        signal.throwIfAborted();
      }
      done.push(fragmentNumber);
    },
  });
  const first = await handler({}, context(1000));
  expect(first).toEqual({ processed: done.length, more: true });
  expect(done.length).toBeLessThan(3);

  waitAt = -1;
  expect(await handler({}, context(60_000))).toEqual({ processed: FRAGMENTS - first.processed, more: false });
  const stored = local.stream('door').fragments.map(({ fragmentNumber }) => fragmentNumber);
  expect(done).toEqual(stored);

  expect(await handler({}, context(60_000))).toEqual({ processed: 0, more: false });
  expect(done).toHaveLength(FRAGMENTS);
});

it('fails with what the processing throws, and leaves the fragment to the next run', async () => {
  const done: (string | undefined)[] = [];
  const options: LambdaOptions = {
    // Another row of the table.
    streamName: 'hall',
    dynamoDb: db.client,
    tableName: db.tableName,
    consumer: { clientConfig: clientConfigOf(local) },
    async process({ fragmentNumber }) {
      if (done.length === 2) throw new Error('no room');
      done.push(fragmentNumber);
    },
  };
  local.createStream('hall');
  await local.stream('hall').fill('examples/recording/camera.mkv', {});
  await expect(makeHandler(options)({}, context(60_000))).rejects.toThrow('no room');
  const again: (string | undefined)[] = [];
  const process = async ({ fragmentNumber }: { readonly fragmentNumber: string | undefined }) =>
    void again.push(fragmentNumber);
  await makeHandler({ ...options, process })({}, context(60_000));
  const stored = local.stream('hall').fragments.map(({ fragmentNumber }) => fragmentNumber);
  expect([...done, ...again]).toEqual(stored);
});

it('fails where another run has taken the stream over', async () => {
  const options = {
    streamName: 'taken',
    dynamoDb: db.client,
    tableName: db.tableName,
    consumer: { clientConfig: clientConfigOf(local) },
  };
  local.createStream('taken');
  await local.stream('taken').fill('examples/recording/camera.mkv', {});
  const other = makeHandler({ ...options, process: async () => {} });
  let begun = false;
  const handler = makeHandler({
    ...options,
    async process() {
      if (!begun) await other({}, context(60_000));
      begun = true;
    },
  });
  await expect(handler({}, context(60_000))).rejects.toThrow('was taken over');
});
