import { describe, expect, it } from 'vitest';
import { ClientPool, ownLease } from '../../src/client/client-pool.js';
import { GetMediaConsumer } from '../../src/client/index.js';
import { loadControl } from '../../src/client/sdk.js';
import { startLocalKinesisVideo } from '../../src/testing/index.js';

describe('a pool of clients', () => {
  const make = () => ({ destroyed: 0 });
  const dispose = (client: { destroyed: number }) => {
    client.destroyed++;
  };
  const provider = () => {};

  it('gives one to those with the same settings, until the last one has given it back', () => {
    const pool = new ClientPool<{ destroyed: number }>();
    const settings = () => [
      { region: 'a', credentials: { accessKeyId: 'x' }, list: [1, { b: 2 }], provider },
      undefined,
    ];
    const one = pool.acquire(settings(), make, dispose);
    const other = pool.acquire(settings(), make, dispose);
    expect(other.client).toBe(one.client);
    one.release();
    one.release();
    expect(other.client.destroyed).toBe(0);
    expect(pool.acquire(settings(), make, dispose).client).toBe(one.client);
    other.release();
    expect(other.client.destroyed).toBe(0);
  });

  it('disposes of one that nobody uses, and makes another', () => {
    const pool = new ClientPool<{ destroyed: number }>();
    const first = pool.acquire(['a'], make, dispose);
    first.release();
    expect(first.client.destroyed).toBe(1);
    expect(pool.acquire(['a'], make, dispose).client).not.toBe(first.client);
  });

  it.each([
    [[{ region: 'a' }], [{ region: 'b' }]],
    [[{ region: 'a' }], [{ region: 'a', endpoint: undefined }]],
    [[{ credentials: () => {} }], [{ credentials: () => {} }]],
    [[new Date(1)], [new Date(1)]],
    [[[]], [{}]],
    [[undefined], [{}]],
    [['a'], ['a', 'b']],
  ])('does not share between %j and %j', (a, b) => {
    const pool = new ClientPool<{ destroyed: number }>();
    expect(pool.acquire(b, make, dispose).client).not.toBe(pool.acquire(a, make, dispose).client);
  });

  it.each(['of a pool', 'of its own'])('keeps one %s for the calls that hold it', (kind) => {
    const client = make();
    const lease =
      kind === 'of its own'
        ? ownLease(client, dispose)
        : new ClientPool<typeof client>().acquire([], () => client, dispose);
    const [first, second] = [lease.hold(), lease.hold()];
    first();
    first();
    lease.release();
    expect(client.destroyed).toBe(0);
    second();
    expect(client.destroyed).toBe(1);
    // Who takes hold of it too late has it destroyed again, with all that it has opened since.
    lease.hold()();
    expect(client.destroyed).toBe(2);
  });

  it('gives one that was found to be of no use to nobody else', () => {
    const pool = new ClientPool<{ destroyed: number }>();
    const one = pool.acquire(['a'], make, dispose);
    const other = pool.acquire(['a'], make, dispose);
    one.retire();
    expect(other.retired).toBe(true);
    const next = pool.acquire(['a'], make, dispose);
    expect(next.client).not.toBe(one.client);
    one.release();
    expect(one.client.destroyed).toBe(0);
    other.release();
    expect(one.client.destroyed).toBe(1);
    expect(next.client.destroyed).toBe(0);
  });
});

it('lets consumers with the same settings share the credentials that their provider gives, over more than 50 connections', async () => {
  await loadControl();
  const names = Array.from({ length: 60 }, (_, index) => `camera-${index}`);
  const source = 'examples/recording/camera.mkv';
  const local = await startLocalKinesisVideo({ streams: Object.fromEntries(names.map((name) => [name, { source }])) });
  let asked = 0;
  const credentials = async () => {
    asked++;
    return { accessKeyId: 'any', secretAccessKey: 'any' };
  };
  const consumers = names.map((streamName) =>
    new GetMediaConsumer({
      streamName,
      clientConfig: { region: 'local', endpoint: local.endpoint, credentials },
      start: { type: 'EARLIEST' },
    })[Symbol.asyncIterator](),
  );
  // All connections are open at once: each iterator stays within its first fragment.
  const first = await Promise.all(consumers.map((consumer) => consumer.next()));
  expect(first.every(({ done }) => done !== true)).toBe(true);
  expect(asked).toBeLessThan(10);
  await Promise.all(consumers.map((consumer) => consumer.return?.()));
  await local.close();
});
