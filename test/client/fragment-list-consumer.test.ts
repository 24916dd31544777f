import type { GetMediaForFragmentListCommand } from '@aws-sdk/client-kinesis-video-archived-media';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArchivedMediaClient, SendOptions } from '../../src/client/access.js';
import { FragmentListConsumer } from '../../src/client/fragment-list-consumer.js';
import type {
  FailedFragment,
  FragmentListConsumerSettings,
  FragmentListProgress,
  FragmentRetryEvent,
} from '../../src/client/fragment-list-options.js';
import { KinesisVideoError } from '../../src/client/service-error.js';
import type { Fragment } from '../../src/fragments/fragment.js';
import { FakeArchive, type FragmentFault } from './support/fake-archive.js';
import { FakeClock } from './support/fake-clock.js';
import { serviceError } from './support/fake-service.js';
import { identify, type StoredStreamOptions, seeded, storedStream } from './support/stored-stream.js';

const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(0), to: new Date(2e12) } as const;

/** A consumer of a fake archive, and all that happened. The archive sends nothing behind the frames, as the service does. */
function setUp(stream: StoredStreamOptions, settings: FragmentListConsumerSettings = {}, seed = 1) {
  const random = seeded(seed);
  const fragments = storedStream({ bare: true, sideTimestamps: true, ...stream });
  const clock = new FakeClock();
  const archive = new FakeArchive(clock, fragments, random);
  const failures: FailedFragment[] = [];
  const progress: FragmentListProgress[] = [];
  const retries: FragmentRetryEvent[] = [];
  const shared = {
    streamName: 'stream',
    client: archive.control,
    createArchivedMediaClient: archive.createArchivedMediaClient,
    clock,
    random,
    onFailure: (failure: FailedFragment) => failures.push(failure),
    onProgress: (event: FragmentListProgress) => progress.push(event),
    onRetry: (event: FragmentRetryEvent) => retries.push(event),
    ...settings,
  };
  const consumer = new FragmentListConsumer({ range, ...shared });
  return { random, fragments, clock, archive, failures, progress, retries, shared, consumer };
}

async function all(consumer: AsyncIterable<Fragment>): Promise<string[]> {
  const taken: string[] = [];
  for await (const fragment of consumer) taken.push(identify(fragment));
  return taken;
}

const identities = (fragments: readonly { readonly identity: string }[]) => fragments.map(({ identity }) => identity);

describe('FragmentListConsumer', () => {
  it('destroys no client while a call waits with it, also when its credentials have expired', async () => {
    const clock = new FakeClock();
    const fragments = storedStream({ count: 12, bare: true, sideTimestamps: true });
    const archive = new FakeArchive(clock, fragments, seeded(1));
    let [made, destroyed, calls] = [0, 0, 0];
    const createArchivedMediaClient = (): ArchivedMediaClient => {
      const { send } = archive.createArchivedMediaClient();
      let waiting = 0;
      made++;
      const sendSlowly = async (command: GetMediaForFragmentListCommand, options?: SendOptions) => {
        const call = calls++;
        waiting++;
        // The second call for media finds the credentials expired while the others wait.
        await clock.wait(call === 2 ? 10 : 1000);
        waiting--;
        if (call === 2) throw serviceError({ name: 'ExpiredTokenException' });
        return send(command, options);
      };
      const destroy = () => {
        destroyed++;
        expect(waiting).toBe(0);
      };
      return { send: sendSlowly as never, destroy };
    };
    const consumer = new FragmentListConsumer({
      streamName: 'stream',
      range,
      client: { ...archive.control, config: { credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }) } },
      createArchivedMediaClient,
      clock,
      batchSize: 3,
    });
    expect(await clock.run(all(consumer))).toEqual(identities(fragments));
    expect([made, destroyed]).toEqual([3, 3]);
  });

  it('counts refused credentials for the consumer, not for each call: others may be taken meanwhile', async () => {
    const clock = new FakeClock();
    const fragments = storedStream({ count: 12, bare: true, sideTimestamps: true });
    const archive = new FakeArchive(clock, fragments, seeded(1));
    const refusal = () => serviceError({ name: 'AccessDeniedException', status: 403 });
    let [calls, endpointCalls] = [0, 0];
    const createArchivedMediaClient = (): ArchivedMediaClient => {
      const { send } = archive.createArchivedMediaClient();
      const sendOrRefuse = async (command: GetMediaForFragmentListCommand, options?: SendOptions) => {
        // The second call for media is refused first, then others are answered.
        if (calls++ === 2) throw refusal();
        await clock.wait(1000);
        return send(command, options);
      };
      return { send: sendOrRefuse as never };
    };
    const consumer = new FragmentListConsumer({
      streamName: 'stream',
      range,
      client: {
        ...archive.control,
        send: async (command) => {
          // The first is for ListFragments, the second for media; the third is refused after that.
          const call = endpointCalls++;
          await clock.wait(2000);
          if (call === 2) throw refusal();
          return archive.control.send(command);
        },
      },
      createArchivedMediaClient,
      clock,
      batchSize: 3,
    });
    expect(await clock.run(all(consumer))).toEqual(identities(fragments));
    expect(endpointCalls).toBe(4);
  });

  it('gives 2,000 fragments in order within the rates, but for the one that always fails', async () => {
    const { clock, archive, fragments, failures, progress, consumer, random } = setUp({ count: 2000, frameSize: 60 });
    const bad = fragments[1234]!.number;
    archive.fragmentFault = (number, time) =>
      number === bad || (time === 1 && Number(number.slice(-3)) % 97 === 5) ? 'exception' : 'none';
    archive.delayMs = () => (random() < 0.01 ? 500 * random() : 0);
    expect(await clock.run(all(consumer))).toEqual(identities(fragments.filter(({ number }) => number !== bad)));
    expect(failures).toMatchObject([
      { fragmentNumber: bad, attempts: 4, error: { code: 'InternalError', requestId: 'request' } },
    ]);
    expect(progress[0]).toEqual({ total: 2000, done: 0, failed: 0, bytes: 0 });
    expect(progress.map(({ done }) => done)).toEqual(Array.from({ length: 2001 }, (_, done) => done));
    expect(progress.at(-1)).toMatchObject({ total: 2000, done: 2000, failed: 1 });
    expect(archive.mostOpen).toBeLessThanOrEqual(5);
    expect(archive.mostOpen).toBeGreaterThan(2);
    expect(archive.mostPerSecond('ListFragments')).toBeLessThanOrEqual(5);
    expect(archive.mostPerSecond('GetMediaForFragmentList')).toBeLessThanOrEqual(5);
    expect(archive.mostPerSecond('GetMediaForFragmentList', (call) => call.fragments.length)).toBeLessThanOrEqual(500);
    expect(consumer.mostHeld).toBeLessThanOrEqual(500);
    expect(archive.open).toBe(0);
  });

  it('gives them by the producer’s time where that is asked for', async () => {
    const { clock, archive, consumer, fragments } = setUp({ count: 30 }, { orderBy: 'producerTimestamp' });
    archive.pageSize = 7;
    expect(await clock.run(all(consumer))).toEqual(identities(fragments));
    const listed = await clock.run(consumer.list());
    expect(listed.map(({ fragmentNumber }) => fragmentNumber)).toEqual(fragments.map(({ number }) => number));
    expect(listed[3]).toEqual({
      fragmentNumber: fragments[3]!.number,
      size: fragments[3]!.bytes.length,
      producerTimestamp: new Date(fragments[3]!.producedAt),
      serverTimestamp: new Date(fragments[3]!.receivedAt),
      durationMs: 1000,
    });
  });

  it('gives the fragments that the caller names, in the caller’s order, each once', async () => {
    const { clock, archive, fragments, shared } = setUp({ count: 9 });
    const wanted = [fragments[5]!, fragments[1]!, fragments[7]!];
    const fragmentNumbers = [...wanted, fragments[1]!].map(({ number }) => number);
    const consumer = new FragmentListConsumer({ ...shared, fragmentNumbers });
    expect(await clock.run(all(consumer))).toEqual(identities(wanted));
    expect(archive.calls.map(({ operation }) => operation)).toEqual(['GetMediaForFragmentList']);
    const frames: string[] = [];
    const read = async () => {
      for await (const frame of consumer.frames()) frames.push(String(frame.fragment?.fragmentNumber));
    };
    await clock.run(read());
    expect(frames).toEqual(wanted.flatMap(({ number, frames: count }) => Array.from({ length: count }, () => number)));
  });

  it('gives the bytes that the service sent', async () => {
    const { clock, archive, fragments, consumer } = setUp({ count: 20, seekHead: true }, { batchSize: 6 });
    archive.fragmentFault = (_, time) => (time === 1 ? 'cut' : 'none');
    archive.chunkSize = () => 333;
    const pieces: Uint8Array[] = [];
    const read = async () => {
      for await (const { bytes } of consumer.documents()) pieces.push(...bytes);
    };
    await clock.run(read());
    expect(Buffer.concat(pieces).equals(Buffer.concat(fragments.map(({ bytes }) => bytes)))).toBe(true);
    const again: Uint8Array[] = [];
    const readAgain = async () => {
      for await (const piece of consumer.bytes()) again.push(piece);
    };
    await clock.run(readAgain());
    expect(Buffer.concat(again).equals(Buffer.concat(pieces))).toBe(true);
  });

  it('gives nothing where there is nothing', async () => {
    const { clock, consumer, progress } = setUp({ count: 0 });
    expect(await clock.run(all(consumer))).toEqual([]);
    expect(progress).toEqual([{ total: 0, done: 0, failed: 0, bytes: 0 }]);
  });

  it('loses nothing and keeps the order whatever goes wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 0, max: 120 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (seed, count, batchSize, connections, bare) => {
          const stream = { count, crc: true, bare, unknownSizeCluster: false };
          const settings = { batchSize, connections, verifyCrc: true, attempts: 60, maxDelayMs: 2000 };
          const { clock, archive, fragments, failures, consumer, random } = setUp(stream, settings, seed);
          const faults: FragmentFault[] = ['exception', 'missing', 'cut', 'reset', bare ? 'damage' : 'missing'];
          archive.pageSize = 1 + Math.floor(random() * 50);
          archive.chunkSize = () => Math.floor(random() * 1000);
          archive.delayMs = () => (random() < 0.2 ? 2000 * random() : 0);
          archive.fragmentFault = () => (random() < 0.1 ? (faults[Math.floor(random() * 5)] ?? 'none') : 'none');
          archive.callFault = () => (random() < 0.1 ? (random() < 0.5 ? 'throttle' : 'silent') : 'none');
          expect(await clock.run(all(consumer))).toEqual(identities(fragments));
          expect(failures).toEqual([]);
          expect(archive.mostOpen).toBeLessThanOrEqual(connections);
          expect(archive.mostPerSecond('ListFragments')).toBeLessThanOrEqual(5);
          expect(archive.mostPerSecond('GetMediaForFragmentList')).toBeLessThanOrEqual(5);
          expect(consumer.mostHeld).toBeLessThanOrEqual(batchSize * connections);
        },
      ),
      { numRuns: 25, seed: 20261122 },
    );
  });

  it('holds no more than its window, also for a slow caller', async () => {
    for (const settings of [{ windowFragments: 7 }, { windowBytes: 5000 }]) {
      const { clock, archive, fragments, consumer, random } = setUp({ count: 80 }, { batchSize: 20, ...settings });
      archive.delayMs = () => 30 * random();
      const taken: string[] = [];
      let mostAhead = 0;
      const work = async () => {
        for await (const fragment of consumer) {
          taken.push(identify(fragment));
          await clock.wait(400);
          const asked = archive.calls.reduce((sum, call) => sum + call.fragments.length, 0);
          mostAhead = Math.max(mostAhead, asked - taken.length);
        }
      };
      await clock.run(work());
      expect(taken).toEqual(identities(fragments));
      expect(consumer.mostHeld).toBeLessThanOrEqual(7);
      expect(mostAhead).toBeLessThanOrEqual(9);
    }
  });

  it('ends at a failed fragment when nobody is told of it', async () => {
    const { clock, archive, fragments, shared } = setUp({ count: 10 });
    const consumer = new FragmentListConsumer({ ...shared, range, onFailure: undefined });
    archive.fragmentFault = (number) => (number === fragments[4]!.number ? 'exception' : 'none');
    const taken: string[] = [];
    const work = async () => {
      for await (const fragment of consumer) taken.push(identify(fragment));
    };
    const error = await clock.run(work().catch((thrown: unknown) => thrown));
    expect(error).toBeInstanceOf(KinesisVideoError);
    expect(String(error)).toContain('not today');
    expect(taken).toEqual(identities(fragments.slice(0, 4)));
  });

  it('finds the one fragment that ends every call, and gives the others', async () => {
    for (const fault of ['reset', 'cut', 'missing', 'damage'] as const) {
      const { clock, archive, fragments, failures, consumer } = setUp({ count: 30, crc: true }, { verifyCrc: true });
      const bad = fragments[12]!.number;
      archive.fragmentFault = (number) => (number === bad ? fault : 'none');
      expect(await clock.run(all(consumer)), fault).toEqual(
        identities(fragments.filter(({ number }) => number !== bad)),
      );
      expect(failures.map(({ fragmentNumber }) => fragmentNumber)).toEqual([bad]);
    }
  });

  it.each(['ListFragments', 'GetMediaForFragmentList'] as const)(
    'ends when %s says what does not pass',
    async (operation) => {
      const { clock, archive, consumer } = setUp({ count: 300 });
      archive.callFault = (called) => (called === operation ? 'final' : 'none');
      const error = await clock.run(all(consumer).catch((thrown: unknown) => thrown));
      expect(error).toMatchObject({
        operation,
        code: 'ResourceNotFoundException',
        requestId: 'request-id-of-the-error',
      });
      expect(archive.calls.filter((call) => call.operation === operation).length).toBeLessThanOrEqual(3);
    },
  );

  it('ends with the reason of its signal, and closes its connections', async () => {
    for (const operation of ['ListFragments', 'GetMediaForFragmentList'] as const) {
      const controller = new AbortController();
      const { clock, archive, consumer } = setUp({ count: 300 }, { signal: controller.signal, readTimeoutMs: 1e9 });
      archive.callFault = (called, call) => (called === operation && call === 0 ? 'silent' : 'none');
      const reason = new Error('enough');
      clock.schedule(() => controller.abort(reason), 7000);
      expect(await clock.run(all(consumer).catch((thrown: unknown) => thrown))).toBe(reason);
      expect(archive.open).toBe(0);
      expect(clock.now()).toBeLessThan(9000);
    }
  });

  it('passes on what a listener throws', async () => {
    const boom = new Error('boom');
    const fail = () => {
      throw boom;
    };
    for (const settings of [{ onFailure: fail }, { onProgress: fail }, { onRetry: fail }]) {
      const { clock, archive, consumer } = setUp({ count: 3 }, settings);
      archive.fragmentFault = () => 'exception';
      expect(await clock.run(all(consumer).catch((thrown: unknown) => thrown))).toBe(boom);
    }
  });

  it.each([4500, 4501, 4502, 4503, 4504, 4505, 4506])('asks no more for a batch that meets error %i', async (id) => {
    for (const connections of [1, 5]) {
      const { clock, archive, fragments, failures, retries, consumer } = setUp(
        { count: 30 },
        { batchSize: 10, connections },
      );
      // The others of the batch come: 4500 may be of one fragment's key alone.
      archive.fragmentFault = (number) => (number === fragments[12]!.number ? id : 'none');
      expect(await clock.run(all(consumer))).toEqual(identities(fragments.filter((_, index) => index !== 12)));
      expect(failures).toMatchObject([
        { fragmentNumber: fragments[12]!.number, attempts: 0, error: { kind: 'final', cause: { id } } },
      ]);
      expect(failures[0]?.error.code).toMatch(/^KMS_KEY_/);
      expect(archive.calls.filter(({ operation }) => operation === 'GetMediaForFragmentList')).toHaveLength(3);
      expect(retries).toEqual([]);
    }
  });

  it('reports what else is missing of a batch that meets an error of the key, or ends with it', async () => {
    const faulty = () => {
      const set = setUp({ count: 10 });
      set.archive.fragmentFault = (number) => {
        if (number === set.fragments[3]!.number) return 4501;
        return number >= set.fragments[4]!.number ? 'missing' : 'none';
      };
      return set;
    };
    const { clock, archive, fragments, failures, consumer } = faulty();
    expect(await clock.run(all(consumer))).toEqual(identities(fragments.slice(0, 3)));
    expect(failures.map(({ fragmentNumber }) => fragmentNumber)).toEqual(
      fragments.slice(3).map(({ number }) => number),
    );
    expect(failures.every(({ error }) => error.code === 'KMS_KEY_DISABLED')).toBe(true);
    expect(archive.calls.filter(({ operation }) => operation === 'GetMediaForFragmentList')).toHaveLength(1);
    const silent = faulty();
    const alone = new FragmentListConsumer({ ...silent.shared, range, onFailure: undefined });
    expect(await silent.clock.run(all(alone).catch((error: unknown) => error))).toMatchObject({
      code: 'KMS_KEY_DISABLED',
    });
  });

  it.each([4000, 5000, 3002, 4999])('asks again for a fragment with error %i, then reports it', async (id) => {
    const { clock, archive, fragments, failures, retries, consumer } = setUp({ count: 5 });
    archive.fragmentFault = (number, time) =>
      number === fragments[1]!.number || (number === fragments[2]!.number && time < 3) ? id : 'none';
    expect(await clock.run(all(consumer))).toEqual(identities(fragments.filter((_, index) => index !== 1)));
    expect(failures).toMatchObject([{ fragmentNumber: fragments[1]!.number, attempts: 4, error: { cause: { id } } }]);
    expect(retries.every(({ error }) => error.operation === 'GetMediaForFragmentList')).toBe(true);
  });

  it('tells of every call that it makes again, and counts them', async () => {
    const { clock, archive, fragments, retries, consumer } = setUp({ count: 12 });
    archive.endpointFault = (call) => call < 2 || call === 3;
    archive.callFault = (operation, call) => (operation === 'ListFragments' && call < 2 ? 'throttle' : 'none');
    archive.fragmentFault = (number, time) => (number === fragments[4]!.number && time === 1 ? 5000 : 'none');
    expect(await clock.run(all(consumer))).toEqual(identities(fragments));
    const operations = retries.map(({ error }) => `${error.operation} ${error.code}`);
    const atOnce = operations.filter((name) => name === 'GetDataEndpoint ServiceUnavailable');
    expect(operations.slice(0, 4)).toEqual([
      'GetDataEndpoint ServiceUnavailable',
      'GetDataEndpoint ServiceUnavailable',
      'ListFragments ClientLimitExceededException',
      'ListFragments ClientLimitExceededException',
    ]);
    expect(atOnce.length).toBeGreaterThanOrEqual(3);
    expect(operations.at(-1)).toBe('GetMediaForFragmentList INTERNAL_ERROR');
    expect(retries[2]?.fragmentNumbers).toEqual([]);
    expect(retries.at(-1)?.fragmentNumbers).toEqual([fragments[4]!.number]);
    const { metrics } = consumer;
    expect(metrics).toMatchObject({
      fragments: 12,
      failed: 0,
      duplicates: 0,
      calls: 3,
      retries: retries.length,
      held: 0,
    });
    expect(metrics.frames).toBe(fragments.reduce((sum, { frames }) => sum + frames, 0));
    expect(metrics.bytes).toBeGreaterThan(metrics.frameBytes);
    expect(metrics.millisSinceLastFragment).toBeGreaterThanOrEqual(0);
    await clock.run(all(consumer));
    expect(consumer.metrics.fragments).toBe(24);
  });

  it.each(['GetDataEndpoint', 'ListFragments', 'GetMediaForFragmentList'] as const)(
    'gives up when %s fails for too long, where that is asked for',
    async (operation) => {
      const { clock, archive, retries, consumer } = setUp({ count: 12 }, { giveUpAfterMs: 60_000 });
      archive.endpointFault = () => operation === 'GetDataEndpoint';
      archive.callFault = (called) => (called === operation ? 'throttle' : 'none');
      const error = await clock.run(all(consumer).catch((thrown: unknown) => thrown));
      expect(error).toMatchObject({ operation });
      expect(retries.length).toBeGreaterThan(4);
      expect(clock.now()).toBeGreaterThan(60_000);
      expect(clock.now()).toBeLessThan(120_000);
    },
  );

  it('asks again where an answer has no list, also between two pages', async () => {
    const { clock, archive, fragments, retries, consumer } = setUp({ count: 12 });
    archive.pageSize = 5;
    archive.callFault = (operation, call) => (operation === 'ListFragments' && call % 2 === 0 ? 'no-list' : 'none');
    expect(await clock.run(all(consumer))).toEqual(identities(fragments));
    expect(retries.map(({ error }) => error.code)).toEqual(['NoList', 'NoList', 'NoList']);
  });

  it('reports a fragment whose document does not begin as one', async () => {
    const { clock, archive, fragments, failures, consumer } = setUp({ count: 12 }, { batchSize: 12 });
    archive.fragmentFault = (number) => (number === fragments[7]!.number ? 'headless' : 'none');
    expect(await clock.run(all(consumer))).toEqual(identities(fragments.filter((_, index) => index !== 7)));
    expect(failures.map(({ fragmentNumber }) => fragmentNumber)).toEqual([fragments[7]!.number]);
  });

  it('waits while something else answers in place of the service', async () => {
    const { clock, archive, fragments, failures, retries, consumer } = setUp({ count: 12 }, { batchSize: 5 });
    archive.callFault = (operation, call) => (operation === 'GetMediaForFragmentList' && call < 60 ? 'html' : 'none');
    expect(await clock.run(all(consumer))).toEqual(identities(fragments));
    expect(failures).toEqual([]);
    expect(retries.length).toBeGreaterThanOrEqual(60);
    const late = setUp({ count: 12 }, { giveUpAfterMs: 30_000 });
    late.archive.callFault = (operation) => (operation === 'GetMediaForFragmentList' ? 'html' : 'none');
    const error = await late.clock.run(all(late.consumer).catch((thrown: unknown) => thrown));
    expect(String(error)).toContain('HTML');
    expect(late.failures).toEqual([]);
  });

  it('gives one fragment of each producer time, where that is asked for', async () => {
    for (const orderBy of ['fragmentNumber', 'producerTimestamp'] as const) {
      for (const duplicates of ['keep', 'first', 'last'] as const) {
        const { clock, archive, fragments, consumer, progress } = setUp({ count: 12 }, { orderBy, duplicates });
        // The producer sends 0 to 5, and again what it has sent twice before: 6 and 7 are 2 again, 8 is 4, 9 to 11 are their own.
        const times = [0, 1, 2, 3, 4, 5, 2, 2, 4, 9, 10, 11];
        archive.producedAt = ({ number }) => times[fragments.findIndex((other) => other.number === number)]! * 1000;
        const kept = {
          keep: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
          first: [0, 1, 2, 3, 4, 5, 9, 10, 11],
          last: [0, 1, 3, 5, 7, 8, 9, 10, 11],
        };
        const byTime = [...kept[duplicates]].sort((a, b) => times[a]! - times[b]! || a - b);
        const expected = (orderBy === 'fragmentNumber' ? kept[duplicates] : byTime).map((index) => fragments[index]!);
        expect(await clock.run(all(consumer))).toEqual(identities(expected));
        expect((await clock.run(consumer.list())).map(({ fragmentNumber }) => fragmentNumber)).toEqual(
          expected.map(({ number }) => number),
        );
        expect(progress[0]).toMatchObject({ total: expected.length });
        expect(consumer.metrics.duplicates).toBe(2 * (12 - expected.length));
      }
    }
  });

  it('says what is missing when it is not told which fragments', () => {
    const make = (options: object) => () => new FragmentListConsumer(options as never);
    const streamName = 'stream';
    expect(make({ streamName })).toThrow(/which fragments: a range, or fragmentNumbers/);
    expect(make({ streamName, range, fragmentNumbers: ['1'] })).toThrow(/not both/);
    expect(make({ range })).toThrow(/needs a streamName or a streamARN/);
    expect(make({ streamName, range: { ...range, from: '2026-01-31' } })).toThrow(/are Dates/);
    expect(make({ streamName, range: { ...range, to: new Date(Number.NaN) } })).toThrow(/are Dates/);
    expect(make({ streamName, range: { ...range, from: range.to, to: range.from } })).toThrow(/is after range\.to/);
    expect(make({ streamName, range: { ...range, type: 'TIME' } })).toThrow(/PRODUCER_TIMESTAMP or SERVER_TIMESTAMP/);
    expect(make({ streamName, range, duplicates: 'none' })).toThrow(/keep, first or last/);
    expect(make({ streamName, fragmentNumbers: ['1'], duplicates: 'last' })).toThrow(/needs a range/);
  });

  it('refuses what the service does not take', () => {
    const make = (settings: FragmentListConsumerSettings) => () =>
      new FragmentListConsumer({ streamName: 'stream', range, ...settings });
    expect(make({ batchSize: 1001 })).toThrow(RangeError);
    expect(make({ connections: 6 })).toThrow(RangeError);
    expect(make({ connections: 0 })).toThrow(RangeError);
    expect(make({ windowFragments: 0 })).toThrow(RangeError);
  });
});
