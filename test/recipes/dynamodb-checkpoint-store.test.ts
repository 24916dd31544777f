import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoDbCheckpointStore } from '../../examples/recipes/dynamodb-checkpoint-store.js';
import { startDynamoDb } from './dynamodb.js';

let db: Awaited<ReturnType<typeof startDynamoDb>>;
beforeAll(async () => {
  db = await startDynamoDb();
});
afterAll(() => db.close());

const NUMBERS = [
  '9134385233318143239268206260774392014627033918',
  '91343852333181432392682062607743920146270339185',
] as const;
const storeOf = (stream: string, owner: string) =>
  new DynamoDbCheckpointStore({ client: db.client, tableName: db.tableName, stream, owner });

describe('the checkpoint store on DynamoDB', () => {
  it('gives back what was saved last, with all its digits', async () => {
    const store = storeOf('whole', 'a');
    expect(await store.load()).toBeUndefined();
    const checkpoint = { fragmentNumber: NUMBERS[1], producerTimestamp: '2024-05-01T12:00:00.250Z' };
    await store.save({ fragmentNumber: NUMBERS[0] });
    await store.save(checkpoint);
    expect(await storeOf('whole', 'b').load()).toEqual(checkpoint);
  });

  it('never moves back, also where the later number has more digits', async () => {
    const store = storeOf('back', 'a');
    await store.load();
    await store.save({ fragmentNumber: NUMBERS[1] });
    await store.save({ fragmentNumber: NUMBERS[0] });
    expect((await store.load())?.fragmentNumber).toBe(NUMBERS[1]);
  });

  it('lets nobody save whose stream was taken over', async () => {
    const old = storeOf('taken', 'a');
    await old.load();
    await old.save({ fragmentNumber: NUMBERS[0] });
    const next = storeOf('taken', 'b');
    await next.load();
    await expect(old.save({ fragmentNumber: NUMBERS[1] })).rejects.toThrow('was taken over');
    expect((await next.load())?.fragmentNumber).toBe(NUMBERS[0]);
    await next.save({ fragmentNumber: NUMBERS[1] });
  });

  it('saves nothing for a stream that nobody has taken', async () => {
    await expect(storeOf('never', 'a').save({ fragmentNumber: NUMBERS[0] })).rejects.toThrow('was taken over');
  });

  it('says what else went wrong', async () => {
    const store = new DynamoDbCheckpointStore({
      client: db.client,
      tableName: 'no-such-table',
      stream: 's',
      owner: 'a',
    });
    await expect(store.load()).rejects.toThrow(/resource not found/);
    await expect(store.save({ fragmentNumber: '1' })).rejects.toThrow(/resource not found/);
  });
});
