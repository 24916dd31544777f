import { describe, expect, it } from 'vitest';
import { FragmentListConsumer } from '../../src/client/fragment-list-consumer.js';
import type { FailedFragment, FragmentListConsumerSettings } from '../../src/client/fragment-list-options.js';
import type { Fragment } from '../../src/fragments/fragment.js';
import { randomFaults } from '../../src/testing/faults.js';
import type { LocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { failure, fasterClock, identities, sdkConfig, startWith } from './support/local.js';
import { identify } from './support/stored-stream.js';

const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(2e12) } as const;

const consume = (server: LocalKinesisVideo, settings: FragmentListConsumerSettings = {}) =>
  new FragmentListConsumer({ streamName: 'camera', range, clientConfig: sdkConfig(server), ...settings });

async function all(consumer: AsyncIterable<Fragment>): Promise<string[]> {
  const taken: string[] = [];
  for await (const fragment of consumer) taken.push(identify(fragment));
  return taken;
}

describe('FragmentListConsumer with the AWS SDK against a local endpoint', () => {
  it('gives 5,000 fragments in order within the service’s limits, but for the one that always fails', async () => {
    // Every third call meets an error at one of its fragments. Limits are ten times the service's, and time passes ten times as fast.
    const { server, fragments } = await startWith(
      { count: 5000, frameSize: 100 },
      {
        limits: { callsPerSecond: 50, fragmentsPerSecond: 5000 },
        faults: ({ operation, call }) =>
          operation === 'GetMediaForFragmentList' && call % 3 === 1
            ? [{ kind: 'fragment-error', fragment: (call * 37) % 100 }]
            : [],
      },
    );
    const listed = await consume(server).list();
    expect(listed.map(({ fragmentNumber }) => fragmentNumber)).toEqual(fragments.map(({ number }) => number));
    // One that is not there fails whenever it is asked for.
    const absent = String(BigInt(fragments[2345]!.number) * 10n);
    const fragmentNumbers = fragments.map(({ number }) => number);
    fragmentNumbers.splice(2345, 0, absent);
    const failures: FailedFragment[] = [];
    const consumer = new FragmentListConsumer({
      streamName: 'camera',
      fragmentNumbers,
      clientConfig: sdkConfig(server),
      clock: fasterClock(10),
      onFailure: (failed) => failures.push(failed),
    });
    expect(await all(consumer)).toEqual(identities(fragments));
    expect(failures).toMatchObject([
      { fragmentNumber: absent, attempts: 4, error: { code: 'FRAGMENT_NOT_FOUND', cause: { id: 4000 } } },
    ]);
    expect(consumer.progress).toMatchObject({ total: 5001, done: 5001, failed: 1 });
    expect(consumer.mostHeld).toBeLessThanOrEqual(500);
    expect(server.violations).toEqual([]);
    expect(server.peakConnections('GetMediaForFragmentList')).toBeLessThanOrEqual(5);
  });

  it('lists what lies in a stretch of time', async () => {
    const { server, fragments } = await startWith({ count: 40 });
    const [from, to] = [new Date(fragments[7]!.producedAt), new Date(fragments[31]!.producedAt)];
    const consumer = consume(server);
    const some = new FragmentListConsumer({
      streamName: 'camera',
      range: { type: 'PRODUCER_TIMESTAMP', from, to },
      orderBy: 'producerTimestamp',
      clientConfig: sdkConfig(server),
    });
    expect(await all(some)).toEqual(identities(fragments.slice(7, 32)));
    expect(await all(consumer)).toEqual(identities(fragments));
  });

  it('loses nothing and keeps the order under random faults', async () => {
    const faults = randomFaults({ seed: 8, probability: 0.5, maxBytes: 60_000 });
    const { server, fragments } = await startWith({ count: 400 }, { faults });
    const settings = { readTimeoutMs: 2000, baseDelayMs: 20, maxDelayMs: 300, attempts: 20, batchSize: 40 };
    expect(await all(consume(server, settings))).toEqual(identities(fragments));
    expect(server.violations).toEqual([]);
  });

  it('ends with the service’s error when the stream is not there or access is denied', async () => {
    const { server } = await startWith({ count: 10 });
    const nothing = new FragmentListConsumer({ streamName: 'nothing', range, clientConfig: sdkConfig(server) });
    expect(await failure(nothing)).toMatchObject({ operation: 'GetDataEndpoint', code: 'ResourceNotFoundException' });
    server.setFaults(({ operation }) =>
      operation === 'GetMediaForFragmentList' ? [{ kind: 'error', type: 'NotAuthorizedException' }] : [],
    );
    const denied = await failure(consume(server));
    expect(denied).toMatchObject({ operation: 'GetMediaForFragmentList', code: 'NotAuthorizedException' });
    expect(String(denied)).toContain(String(server.requests.at(-1)?.requestId));
  });
});
