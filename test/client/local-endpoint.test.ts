import { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import { describe, expect, it, vi } from 'vitest';
import type { ReconnectEvent } from '../../src/client/events.js';
import type { GetMediaConsumerSettings } from '../../src/client/get-media-consumer.js';
import { GetMediaConsumer } from '../../src/client/get-media-consumer.js';
import { KinesisVideoError } from '../../src/client/service-error.js';
import { type Fault, type FaultPlan, randomFaults, scriptedFaults } from '../../src/testing/faults.js';
import { consume, failure, fasterClock, identities, sdkConfig, startWith, take } from './support/local.js';
import { identify, seeded, storedStream } from './support/stored-stream.js';

const freed = vi.hoisted(() => ({ bytes: 0 }));
vi.mock(import('../../src/client/free-memory.js'), async (original) => {
  const { freeMemory } = await original();
  const note = (buffer: ArrayBuffer) => {
    freed.bytes += buffer.byteLength;
    freeMemory(buffer);
  };
  return { freeMemory: note };
});

const onCall = (operation: string, fromCall: number, ...faults: Fault[]) => ({ operation, fromCall, faults });

const TEN_THOUSAND = storedStream({ count: 10_000, frameSize: 200 });

describe('GetMediaConsumer with the AWS SDK against a local endpoint', () => {
  it('reads a stream through clients made from a configuration, and through one that is injected', async () => {
    const { server, fragments } = await startWith({ count: 40 });
    expect(await take(consume(server), 40)).toEqual(identities(fragments));
    const client = new KinesisVideoClient(sdkConfig(server));
    const { arn } = server.stream('camera');
    const injected = new GetMediaConsumer({ streamARN: arn, client, start: { type: 'EARLIEST' } });
    expect(await take(injected, 40)).toEqual(identities(fragments));
    expect(server.violations).toEqual([]);
  });

  it('frees what a connection gave once it is in memory that is used again, and nothing that is its caller’s', async () => {
    const { server, fragments } = await startWith({ count: 40 });
    for (const reuseBuffers of [true, 'overwrite', false] as const) {
      freed.bytes = 0;
      const consumer = consume(server, { reuseBuffers });
      expect(await take(consumer, 40)).toEqual(identities(fragments));
      expect(consumer.metrics.bytes).toBeGreaterThan(10_000);
      expect(freed.bytes).toBe(reuseBuffers === false ? 0 : consumer.metrics.bytes);
    }
  });

  it.each([1, 2, 3])('gives 10,000 fragments once each, in order, under random faults (seed %i)', async (seed) => {
    // Twenty times the service's calls a second, for a consumer whose time passes twenty times as fast.
    const random = randomFaults({ seed, probability: 0.8, maxBytes: 150_000, maxFragments: 200 });
    const lengths = seeded(seed);
    // A connection that nothing befalls would give all that is left.
    const faults: FaultPlan = (call) => [...random(call), { kind: 'cut', afterBytes: Math.floor(lengths() * 300_000) }];
    const { server, fragments } = await startWith(TEN_THOUSAND, { faults, limits: { callsPerSecond: 100 } });
    const consumer = consume(server, {
      clock: fasterClock(20),
      readTimeoutMs: 40_000,
      resumeBy: seed % 2 === 0 ? 'CONTINUATION_TOKEN' : 'FRAGMENT_NUMBER',
      onGap: (gap) => expect(gap).toBe('no gap'),
    });
    expect(await take(consumer, fragments.length)).toEqual(identities(fragments));
    expect(consumer.metrics.fragments).toBe(10_000);
    expect(consumer.metrics.reconnects).toBeGreaterThan(30);
    expect(server.violations).toEqual([]);
    expect(server.peakConnections('GetMedia')).toBeLessThanOrEqual(2);
  });

  it('does so over restarts from its checkpoint', async () => {
    const faults = randomFaults({ seed: 4, probability: 0.7, maxBytes: 100_000 });
    const { server, fragments } = await startWith({ count: 2000 }, { faults, limits: false });
    let saved: string | undefined;
    const random = seeded(4);
    const taken: string[] = [];
    while (taken.length < fragments.length) {
      const consumer = consume(server, {
        baseDelayMs: 5,
        maxDelayMs: 50,
        checkpointStore: {
          load: () => (saved === undefined ? undefined : JSON.parse(saved)),
          save: (checkpoint) => {
            saved = JSON.stringify(checkpoint);
          },
        },
      });
      const most = Math.min(fragments.length - taken.length, 1 + Math.floor(random() * 200));
      taken.push(...(await take(consumer, most)));
      await consumer.commit();
    }
    expect(taken).toEqual(identities(fragments));
  });

  it('stays within the service’s rates however often a connection ends', async () => {
    const random = seeded(5);
    const faults = () => [{ kind: 'cut', afterBytes: 2000 + Math.floor(random() * 6000) } as const];
    const { server, fragments } = await startWith({ count: 100 }, { faults });
    expect(await take(consume(server, { baseDelayMs: 0 }), 100)).toEqual(identities(fragments));
    expect(server.requests.filter(({ operation }) => operation === 'GetMedia').length).toBeGreaterThan(15);
    expect(server.violations).toEqual([]);
  });

  it('survives a proxy that cuts every connection after 1 to 50 kB', async () => {
    const random = seeded(6);
    const faults = () => [
      { kind: random() < 0.5 ? 'cut' : 'reset', afterBytes: 1000 + Math.floor(random() * 49_000) } as const,
    ];
    const { server, fragments } = await startWith(
      { count: 1000, frameSize: 1500 },
      { faults, limits: { callsPerSecond: 100 } },
    );
    const consumer = consume(server, { clock: fasterClock(20) });
    expect(await take(consumer, 1000)).toEqual(identities(fragments));
    expect(consumer.metrics.reconnects).toBeGreaterThan(30);
    expect(server.violations).toEqual([]);
  });

  it('waits while the producer is silent', async () => {
    const { server, fragments } = await startWith({ count: 3 });
    const reconnects: ReconnectEvent[] = [];
    const consumer = consume(server, { onReconnect: (event) => reconnects.push(event) });
    const work = take(consumer, 5);
    await new Promise((resolve) => setTimeout(resolve, 900));
    const more = storedStream({ count: 5 }).slice(3);
    for (const { bytes } of more) await server.stream('camera').fill(bytes, { keepMetadata: true });
    expect(await work).toEqual(identities([...fragments, ...more]));
    expect(reconnects.filter(({ reason }) => reason === 'idle').length).toBeGreaterThan(1);
    expect(reconnects.every(({ error }) => error === undefined)).toBe(true);
    expect(server.violations).toEqual([]);
  });

  it.each<[string, Fault[][], GetMediaConsumerSettings]>([
    ['a token that expires in the middle of a fragment', [[{ kind: 'expire-credentials', afterBytes: 5000 }]], {}],
    ['an endpoint that moves', [[{ kind: 'cut', afterBytes: 5000 }], [{ kind: 'expire-endpoint' }]], {}],
    ['a server that is silent', [[{ kind: 'silent' }], [{ kind: 'silent' }]], { readTimeoutMs: 300 }],
    ['a server that falls silent', [[{ kind: 'stall', afterBytes: 5000 }]], { readTimeoutMs: 300 }],
    [
      'a throttled start',
      [
        [{ kind: 'error', type: 'ClientLimitExceededException' }],
        [{ kind: 'error', type: 'ConnectionLimitExceededException' }],
        [{ kind: 'refuse' }],
        [{ kind: 'error', type: 'InternalFailure' }],
      ],
      {},
    ],
    ['a body that ends early as if it were whole', [[{ kind: 'end', afterBytes: 5000 }]], {}],
    ['an error within the stream', [[{ kind: 'stream-error', id: 5000, afterFragments: 4 }]], {}],
    ['fragments that come twice', [[{ kind: 'duplicate', fragment: 3 }]], {}],
  ])('survives %s', async (_, calls, settings) => {
    const script = scriptedFaults(calls.map((faults, call) => onCall('GetMedia', call, ...faults)));
    const { server, fragments } = await startWith({ count: 30 }, { faults: script });
    const began = performance.now();
    expect(await take(consume(server, settings), 30)).toEqual(identities(fragments));
    // Far beyond what is waited here on a machine that is not busy, and far below a default time-out.
    expect(performance.now() - began).toBeLessThan(12_000);
    expect(server.violations).toEqual([]);
  });

  it('ends at once when the stream is not there or is deleted, access is denied, or an argument is wrong', async () => {
    const { server, fragments } = await startWith({ count: 3 });
    const settings = { clientConfig: sdkConfig(server), start: { type: 'EARLIEST' } } as const;
    const consumer = consume(server);
    const absent = await failure(new GetMediaConsumer({ streamName: 'nothing', ...settings }));
    expect(absent).toMatchObject({ operation: 'GetDataEndpoint', code: 'ResourceNotFoundException', statusCode: 404 });
    const wrong = await failure(consume(server, { start: { type: 'FRAGMENT_NUMBER', afterFragmentNumber: 'x' } }));
    expect(wrong).toMatchObject({ operation: 'GetMedia', code: 'InvalidArgumentException', statusCode: 400 });
    expect(String(wrong)).toContain(String(server.requests.at(-1)?.requestId));
    server.setFaults(({ operation }) =>
      operation === 'GetMedia' ? [{ kind: 'error', type: 'NotAuthorizedException' }] : [],
    );
    const denied = await failure(consume(server));
    expect(denied).toBeInstanceOf(KinesisVideoError);
    expect(denied).toMatchObject({ operation: 'GetMedia', code: 'NotAuthorizedException' });
    expect(String(denied)).toContain(String(server.requests.at(-1)?.requestId));
    server.setFaults(() => []);
    const taken: string[] = [];
    const deleted = await (async () => {
      try {
        for await (const fragment of consumer) {
          if (taken.push(identify(fragment)) === 3) server.deleteStream('camera');
        }
      } catch (error) {
        return error;
      }
    })();
    expect(taken).toEqual(identities(fragments));
    expect(deleted).toMatchObject({ code: 'ResourceNotFoundException' });
  });

  it('holds the connection back for a slow caller, and goes on when the service has ended it', async () => {
    const { server, fragments } = await startWith(
      { count: 12, frameSize: 1, padding: 4_000_000 },
      { slowConsumerMs: 200, limits: { bytesPerSecond: Number.POSITIVE_INFINITY } },
    );
    const consumer = consume(server);
    const taken: string[] = [];
    let most = 0;
    for await (const fragment of consumer) {
      taken.push(identify(fragment));
      if (taken.length % 6 === 1) await new Promise((resolve) => setTimeout(resolve, 700));
      most = Math.max(most, consumer.metrics.bytes - taken.length * 4_000_000);
      if (taken.length === fragments.length) break;
    }
    expect(taken).toEqual(identities(fragments));
    expect(consumer.metrics.reconnects).toBeGreaterThan(0);
    expect(most).toBeLessThan(40_000_000);
  });

  it('goes on from NOW and from a time', async () => {
    const { server, fragments } = await startWith({ count: 10 });
    expect(await take(consume(server, { start: { type: 'NOW' } }), 1)).toEqual(identities(fragments.slice(-1)));
    const timestamp = new Date(fragments[4]!.producedAt);
    const consumer = consume(server, { start: { type: 'PRODUCER_TIMESTAMP', timestamp } });
    expect(await take(consumer, 6)).toEqual(identities(fragments.slice(4)));
  });
});
