import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/client/checkpoint.js';
import type { GapEvent, ReconnectEvent } from '../../src/client/events.js';
import { GetMediaConsumer, type GetMediaConsumerSettings } from '../../src/client/get-media-consumer.js';
import { KinesisVideoError } from '../../src/client/service-error.js';
import type { Fragment } from '../../src/fragments/fragment.js';
import { FakeClock } from './support/fake-clock.js';
import { FakeService, type Fault } from './support/fake-service.js';
import {
  identify,
  type StoredFragment,
  type StoredStreamOptions,
  seeded,
  storedStream,
} from './support/stored-stream.js';

/** A consumer of a fake service, and all that happened. */
function setUp(stream: StoredStreamOptions | StoredFragment[], settings: GetMediaConsumerSettings = {}) {
  const fragments = Array.isArray(stream) ? stream : storedStream(stream);
  const clock = new FakeClock();
  const service = new FakeService(clock, fragments);
  const reconnects: ReconnectEvent[] = [];
  const gaps: GapEvent[] = [];
  const make = (more: GetMediaConsumerSettings = {}) =>
    new GetMediaConsumer({
      streamName: 'stream',
      client: service.control,
      createMediaClient: service.createMediaClient,
      start: { type: 'EARLIEST' },
      clock,
      random: seeded(7),
      onReconnect: (event) => reconnects.push(event),
      onGap: (event) => gaps.push(event),
      ...settings,
      ...more,
    });
  return { clock, service, fragments, reconnects, gaps, make, consumer: make() };
}

/** What comes, until there are so many. */
async function take(consumer: AsyncIterable<Fragment>, count: number): Promise<string[]> {
  const taken: string[] = [];
  if (count > 0) {
    for await (const fragment of consumer) {
      taken.push(identify(fragment));
      if (taken.length === count) break;
    }
  }
  return taken;
}

/** The error that the iteration ends with. */
async function failure(consumer: AsyncIterable<Fragment>): Promise<unknown> {
  try {
    for await (const _ of consumer);
  } catch (error) {
    return error;
  }
  throw new Error('the iteration ended without an error');
}

const identities = (fragments: readonly StoredFragment[]) => fragments.map(({ identity }) => identity);

describe('GetMediaConsumer', () => {
  it('hands out the fragments in order and polls when there are no more', async () => {
    const { clock, service, fragments, consumer, reconnects } = setUp({ count: 20, intervalMs: 7000 });
    expect(await clock.run(take(consumer, 20))).toEqual(identities(fragments));
    expect(service.selectors()[0]).toEqual({ StartSelectorType: 'EARLIEST' });
    // 3 s of silence end a body, a fragment comes every 7 s: the producer looks silent again and again.
    expect(reconnects.filter(({ reason }) => reason === 'idle').length).toBeGreaterThan(10);
    expect(consumer.metrics).toMatchObject({
      fragments: 20,
      frames: fragments.reduce((sum, { frames }) => sum + frames, 0),
      duplicates: 0,
      truncated: 0,
      connected: false,
      millisBehindNow: 1000,
      millisSinceLastFragment: 0,
    });
    expect(service.open).toBe(0);
  });

  it('gives frames when their fragment is whole', async () => {
    const { clock, service, fragments, consumer } = setUp({ count: 12 });
    service.fault = (call) => (call < 3 ? { type: 'cut', bytes: 900 + call * 400 } : { type: 'none' });
    const wanted = fragments.reduce((sum, { frames }) => sum + frames, 0);
    const frames: string[] = [];
    const work = async () => {
      for await (const frame of consumer.frames()) {
        frames.push(`${frame.fragment?.fragmentNumber} ${frame.timestamp}`);
        if (frames.length === wanted) return;
      }
    };
    await clock.run(work());
    expect(new Set(frames).size).toBe(wanted);
    expect(frames).toEqual([...frames].sort());
  });

  it('gives the bytes that the service sent, whatever it took', async () => {
    for (const bare of [false, true]) {
      const stream = { count: 12, bare, seekHead: true, voidSize: 40 };
      // The bytes are looked at when all have come.
      const { clock, service, fragments, make } = setUp(stream, { reuseBuffers: false });
      const random = seeded(9);
      service.chunkSize = () => Math.floor(random() * 700);
      service.fault = () => ({ type: 'cut', bytes: Math.floor(random() * 5000), clean: true });
      const documents: Buffer[] = [];
      const work = async () => {
        for await (const { fragment, bytes } of make().documents()) {
          expect(fragment.fragmentNumber).toBe(fragments[documents.length]!.number);
          if (documents.push(Buffer.concat(bytes)) === fragments.length) break;
        }
      };
      await clock.run(work());
      expect(documents.map((bytes) => bytes.equals(fragments[documents.indexOf(bytes)]!.bytes))).toEqual(
        fragments.map(() => true),
      );
      const pieces: Uint8Array[] = [];
      const total = fragments.reduce((sum, { bytes }) => sum + bytes.length, 0);
      const read = async () => {
        for await (const piece of make().bytes()) {
          pieces.push(piece);
          if (pieces.reduce((sum, { length }) => sum + length, 0) >= total) break;
        }
      };
      await clock.run(read());
      expect(Buffer.concat(pieces).equals(Buffer.concat(fragments.map(({ bytes }) => bytes)))).toBe(true);
    }
  });

  it('keeps nothing of a fragment that the connection ended in, at every byte', async () => {
    // Each connection ends a byte later than the one before: within the first fragment, then within the second.
    const { clock, service, fragments, consumer } = setUp({ count: 600, frameSize: 1 });
    const lengths = fragments.map(({ bytes }) => bytes.length);
    service.fault = (call) => ({ type: 'cut', bytes: call, clean: call % 2 === 0 });
    expect(await clock.run(take(consumer, 600))).toEqual(identities(fragments));
    expect(service.selectors().length).toBeGreaterThan(2 * Math.min(...lengths));
    expect(consumer.metrics.truncated).toBeGreaterThan(Math.min(...lengths) / 2);
  });

  it.each(['FRAGMENT_NUMBER', 'CONTINUATION_TOKEN'] as const)('goes on by %s', async (resumeBy) => {
    const { clock, service, fragments, consumer } = setUp({ count: 5 }, { resumeBy });
    const bytes = fragments[0]!.bytes.length + fragments[1]!.bytes.length + 10;
    service.fault = (call) => (call === 0 ? { type: 'cut', bytes } : { type: 'none' });
    expect(await clock.run(take(consumer, 5))).toEqual(identities(fragments));
    const { number, token } = fragments[1]!;
    expect(service.selectors()[1]).toEqual(
      resumeBy === 'FRAGMENT_NUMBER'
        ? { StartSelectorType: resumeBy, AfterFragmentNumber: number }
        : { StartSelectorType: resumeBy, ContinuationToken: token },
    );
  });

  it('goes on by the number where the token is missing or not taken', async () => {
    const fragments = storedStream({ count: 4 });
    const forgetful = fragments.map((fragment) => ({ ...fragment, token: 'another' }));
    const { clock, service, consumer } = setUp(forgetful, { resumeBy: 'CONTINUATION_TOKEN' });
    const bytes = fragments[0]!.bytes.length + 10;
    service.fault = (call) => (call === 0 ? { type: 'cut', bytes } : { type: 'none' });
    expect(await clock.run(take(consumer, 4))).toEqual(identities(fragments));
    expect(service.selectors().map((selector) => selector?.StartSelectorType)).toEqual([
      'EARLIEST',
      'CONTINUATION_TOKEN',
      'FRAGMENT_NUMBER',
    ]);
  });

  it('reads a stream without tokens', async () => {
    for (const unknownSizeCluster of [false, true]) {
      const { clock, service, fragments, consumer } = setUp({ count: 8, bare: true, unknownSizeCluster });
      const random = seeded(3);
      service.fault = () => ({ type: 'cut', bytes: Math.floor(random() * 2500), clean: random() < 0.5 });
      expect(await clock.run(take(consumer, 8))).toEqual(identities(fragments));
    }
  });

  it('begins with the fragment that NOW began with, though the first connection ended in it', async () => {
    const { clock, service, fragments, consumer } = setUp({ count: 40, intervalMs: 100 }, { start: { type: 'NOW' } });
    await clock.run(clock.wait(1050));
    const bytes = fragments[10]!.bytes.length - 30;
    service.fault = (call) => (call < 2 ? { type: 'cut', bytes } : { type: 'none' });
    expect(await clock.run(take(consumer, 20))).toEqual(identities(fragments.slice(10, 30)));
    expect(service.selectors().slice(0, 2)).toEqual([
      { StartSelectorType: 'NOW' },
      { StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: new Date(fragments[10]!.receivedAt) },
    ]);
  });

  it('gives up a connection that stays silent, before and after the answer', async () => {
    const { clock, service, fragments, consumer, reconnects } = setUp({ count: 4 }, { readTimeoutMs: 9000 });
    const faults: Fault[] = [{ type: 'silent' }, { type: 'stall', bytes: 0 }, { type: 'stall', bytes: 700 }];
    service.fault = (call) => faults[call] ?? { type: 'none' };
    expect(await clock.run(take(consumer, 4))).toEqual(identities(fragments));
    expect(reconnects.map(({ error }) => error?.code)).toEqual(['ReadTimeout', 'ReadTimeout', 'ReadTimeout']);
    // Three times 9 s of silence, and the waits between.
    expect(clock.now()).toBeGreaterThan(27_000);
    expect(clock.now()).toBeLessThan(30_000);
  });

  it('waits longer and longer while it is throttled, up to a bound', async () => {
    const { clock, service, fragments, consumer, reconnects } = setUp(
      { count: 2 },
      { random: () => 1, maxDelayMs: 3000 },
    );
    service.fault = (call) =>
      call < 8
        ? { type: 'error', name: call % 2 === 0 ? 'ClientLimitExceededException' : 'ConnectionLimitExceededException' }
        : { type: 'none' };
    expect(await clock.run(take(consumer, 2))).toEqual(identities(fragments));
    expect(reconnects.map(({ reason, delayMs }) => [reason, delayMs])).toEqual(
      [200, 400, 800, 1600, 3000, 3000, 3000, 3000].map((delay) => ['throttled', delay]),
    );
  });

  it('asks for the endpoint again when it has moved, and when it is old', async () => {
    const { clock, service, fragments, consumer } = setUp(
      { count: 100, intervalMs: 60_000 },
      { maxIdleDelayMs: 60_000 },
    );
    const work = take(consumer, 100);
    const moved = (async () => {
      await clock.wait(600_000);
      service.endpoint = 'https://two.example';
    })();
    expect(await clock.run(work)).toEqual(identities(fragments));
    await moved;
    const times = service.calls.filter(({ operation }) => operation === 'GetDataEndpoint').map(({ at }) => at);
    // At the beginning, when it has moved after 10 minutes, and 45 minutes after that.
    const [first, moved10, old] = times.map((at) => at / 60_000);
    expect(first).toBe(0);
    expect(Math.abs((moved10 ?? 0) - 11)).toBeLessThan(2);
    expect(Math.abs((old ?? 0) - (moved10 ?? 0) - 46)).toBeLessThan(2);
    expect(times).toHaveLength(3);
  });

  it('renews credentials that are refused once', async () => {
    const fragments = storedStream({ count: 6 });
    let renewed = 0;
    const credentials = async () => {
      renewed++;
      return { accessKeyId: 'a', secretAccessKey: 'b' };
    };
    const { clock, service, make } = setUp(fragments);
    const consumer = make({ client: { ...service.control, config: { credentials } } });
    service.fault = (call) => {
      if (call % 2 === 1) return { type: 'error', name: 'NotAuthorizedException', status: 401 };
      return call < 6 ? { type: 'cut', bytes: fragments[call / 2]!.bytes.length + 50 } : { type: 'none' };
    };
    expect(await clock.run(take(consumer, 6))).toEqual(identities(fragments));
    expect(renewed).toBe(3);
  });

  it.each([
    ['ResourceNotFoundException', 404, 1],
    ['InvalidArgumentException', 400, 1],
    ['NotAuthorizedException', 401, 2],
    ['AccessDeniedException', 403, 2],
    ['SomethingNobodyKnowsException', 400, 1],
  ])('ends with %s', async (name, status, calls) => {
    const { clock, service, consumer } = setUp({ count: 1 });
    service.fault = () => ({ type: 'error', name, status });
    const error = await clock.run(failure(consumer));
    expect(error).toBeInstanceOf(KinesisVideoError);
    expect(error).toMatchObject({
      code: name,
      statusCode: status,
      requestId: 'request-id-of-the-error',
      operation: 'GetMedia',
    });
    expect(String(error)).toContain(name);
    expect(String(error)).toContain('request-id-of-the-error');
    expect(service.selectors()).toHaveLength(calls);
    expect(clock.now()).toBeLessThan(1000);
  });

  it('ends when GetDataEndpoint says that there is no such stream, and not when it is throttled', async () => {
    const { clock, service, consumer, fragments, make } = setUp({ count: 1 });
    service.endpointFault = (call) => (call < 3 ? { type: 'error', name: 'ClientLimitExceededException' } : undefined);
    expect(await clock.run(take(consumer, 1))).toEqual(identities(fragments));
    service.endpointFault = () => ({ type: 'error', name: 'ResourceNotFoundException', status: 404 });
    const error = await clock.run(failure(make()));
    expect(error).toMatchObject({ operation: 'GetDataEndpoint', code: 'ResourceNotFoundException' });
  });

  it('ends with what nobody knows before anything has gone well, and survives it after', async () => {
    const { clock, service, consumer, fragments, make } = setUp({ count: 3 });
    const odd: Fault = { type: 'error', name: 'Error', status: 200 };
    service.fault = () => odd;
    expect(await clock.run(failure(consumer))).toBeInstanceOf(KinesisVideoError);
    service.fault = (call) => (call === 1 ? { type: 'cut', bytes: 10 } : call === 2 ? odd : { type: 'none' });
    expect(await clock.run(take(make(), 3))).toEqual(identities(fragments));
  });

  it.each([4500, 4501, 4502, 4504, 4505, 4506])('ends with error %i within the stream', async (id) => {
    const { clock, service, consumer, fragments } = setUp({ count: 5 });
    service.fault = () => ({ type: 'stream-error', fragments: 2, id });
    const taken: string[] = [];
    const work = async () => {
      for await (const fragment of consumer) taken.push(identify(fragment));
    };
    const error = await clock.run(work().catch((thrown: unknown) => thrown));
    expect(taken).toEqual(identities(fragments.slice(0, 2)));
    expect(error).toMatchObject({ code: `CODE_${id}`, kind: 'final', requestId: 'request-0' });
    expect(String(error)).toContain(String(id));
  });

  it.each([3002, 4503, 5000])('survives error %i within the stream', async (id) => {
    const { clock, service, consumer, fragments } = setUp({ count: 5 });
    service.fault = (call) => (call < 3 ? { type: 'stream-error', fragments: call, id } : { type: 'none' });
    expect(await clock.run(take(consumer, 5))).toEqual(identities(fragments));
  });

  it('goes on with what is left when the service does not know the last fragment any more', async () => {
    const all = storedStream({ count: 10 });
    const { clock, consumer, gaps, service } = setUp(all.slice(4), {
      startAfter: { fragmentNumber: all[1]!.number },
    });
    expect(await clock.run(take(consumer, 6))).toEqual(identities(all.slice(4)));
    expect(gaps).toMatchObject([{ kind: 'expired', afterFragmentNumber: all[1]!.number }]);
    expect(service.selectors().map((selector) => selector?.StartSelectorType)).toEqual([
      'FRAGMENT_NUMBER',
      'FRAGMENT_NUMBER',
      'FRAGMENT_NUMBER',
      'EARLIEST',
    ]);
  });

  it('ends when the service does not know the fragment that the caller named', async () => {
    const { clock, consumer } = setUp({ count: 2 }, { start: { type: 'FRAGMENT_NUMBER', afterFragmentNumber: '77' } });
    expect(await clock.run(failure(consumer))).toMatchObject({ kind: 'position', code: 'FRAGMENT_NOT_FOUND' });
  });

  it('drops what comes again', async () => {
    const { clock, service, consumer, fragments } = setUp({ count: 10 });
    const faults: Fault[] = [
      { type: 'cut', bytes: 3000 },
      { type: 'back', fragments: 3 },
    ];
    service.fault = (call) => faults[call] ?? { type: 'duplicates' };
    expect(await clock.run(take(consumer, 10))).toEqual(identities(fragments));
    expect(consumer.metrics.duplicates).toBeGreaterThanOrEqual(3);
  });

  it('reads a damaged fragment again', async () => {
    const fragments = storedStream({ count: 6, crc: true });
    const { clock, service, consumer, gaps } = setUp(fragments, { verifyCrc: true });
    const random = seeded(5);
    service.fault = (call) =>
      call % 2 === 0
        ? { type: 'damage', byte: Math.floor(random() * 3000), mask: 1 + Math.floor(random() * 255) }
        : { type: 'cut', bytes: 2000 };
    expect(await clock.run(take(consumer, 6))).toEqual(identities(fragments));
    expect(gaps).toEqual([]);
  });

  it('passes over a fragment that stays damaged, and says so', async () => {
    const fragments = storedStream({ count: 6, crc: true });
    const broken = fragments.map((fragment, index) => {
      if (index !== 2) return fragment;
      const bytes = fragment.bytes.slice();
      // Within the last frame, which the Cluster's CRC-32 covers.
      const at = bytes.length - 220;
      bytes[at] = bytes[at]! ^ 0x55;
      return { ...fragment, bytes };
    });
    const { clock, consumer, gaps, service } = setUp(broken, { verifyCrc: true });
    expect(await clock.run(take(consumer, 5))).toEqual(identities(fragments.filter((_, index) => index !== 2)));
    expect(gaps).toMatchObject([
      {
        kind: 'damaged',
        afterFragmentNumber: fragments[1]!.number,
        beforeFragmentNumber: fragments[3]!.number,
        fragmentNumbers: [fragments[2]!.number],
      },
    ]);
    expect(service.selectors()).toHaveLength(4);
  });

  it('passes over nothing else on the connection that passes over damage', async () => {
    const fragments = storedStream({ count: 8 });
    const broken = fragments.map((fragment, index) =>
      index === 2 ? { ...fragment, bytes: new Uint8Array(fragment.bytes.length) } : fragment,
    );
    const { clock, consumer, gaps, service } = setUp(broken);
    // The fourth connection begins with the broken one and would lose the one after the next as well.
    service.fault = (call) => (call === 3 ? { type: 'erase', document: 2 } : { type: 'none' });
    expect(await clock.run(take(consumer, 7))).toEqual(identities(fragments.filter((_, index) => index !== 2)));
    expect(gaps).toMatchObject([{ afterFragmentNumber: fragments[1]!.number, fragmentNumbers: [] }]);
  });

  it('goes on from its checkpoint in another process', async () => {
    const { clock, make, fragments, service } = setUp({ count: 30 });
    let saved: string | undefined;
    const checkpointStore = {
      load: (): Checkpoint | undefined => (saved === undefined ? undefined : JSON.parse(saved)),
      save: async (checkpoint: Checkpoint) => {
        saved = JSON.stringify(checkpoint);
      },
    };
    const random = seeded(11);
    service.fault = () => ({ type: 'cut', bytes: 500 + Math.floor(random() * 4000) });
    const taken: string[] = [];
    while (taken.length < fragments.length) {
      const consumer = make({ checkpointStore });
      taken.push(...(await clock.run(take(consumer, Math.min(3, fragments.length - taken.length)))));
      await consumer.commit();
    }
    expect(taken).toEqual(identities(fragments));
  });

  it('counts a fragment as dealt with when the next one is asked for', async () => {
    const checkpoints: string[] = [];
    const { clock, consumer, fragments, make } = setUp(
      { count: 5 },
      { onCheckpoint: ({ fragmentNumber }) => checkpoints.push(fragmentNumber) },
    );
    await clock.run(take(consumer, 3));
    expect(checkpoints).toEqual(fragments.slice(0, 2).map(({ number }) => number));
    expect(consumer.checkpoint).toMatchObject({
      fragmentNumber: fragments[1]!.number,
      continuationToken: fragments[1]!.token,
      serverTimestamp: new Date(fragments[1]!.receivedAt).toISOString(),
    });
    const startAfter = consumer.checkpoint;
    expect(await clock.run(take(make({ startAfter }), 3))).toEqual(identities(fragments.slice(2)));
    // The same consumer has handed out the third: it goes on behind it.
    expect(await clock.run(take(consumer, 2))).toEqual(identities(fragments.slice(3)));
  });

  it('saves no more often than it is told, and at the end', async () => {
    const saved: string[] = [];
    const { clock, consumer, fragments } = setUp(
      { count: 40, intervalMs: 500 },
      {
        checkpointIntervalMs: 5000,
        checkpointStore: { load: () => undefined, save: ({ fragmentNumber }) => void saved.push(fragmentNumber) },
      },
    );
    await clock.run(take(consumer, 40));
    expect(saved.length).toBeLessThan(7);
    expect(saved.at(-1)).toBe(fragments[38]!.number);
  });

  it('passes on what a store or a listener throws', async () => {
    const boom = new Error('boom');
    const fail = () => {
      throw boom;
    };
    const { clock, make, service, fragments } = setUp({ count: 4 });
    service.fault = () => ({ type: 'cut', bytes: fragments[0]!.bytes.length + 5 });
    for (const settings of [
      { checkpointStore: { load: fail, save: () => {} } },
      { checkpointStore: { load: () => undefined, save: fail } },
      { onReconnect: fail },
      { onCheckpoint: fail },
      { startAfter: { fragmentNumber: 'none' } },
    ] satisfies GetMediaConsumerSettings[]) {
      const error = await clock.run(failure(make(settings)));
      if ('startAfter' in settings) expect(error).toBeInstanceOf(TypeError);
      else expect(error).toBe(boom);
    }
  });

  it('ends with the reason of its signal, wherever it waits', async () => {
    const faults: Fault[] = [
      { type: 'silent' },
      { type: 'stall', bytes: 0 },
      { type: 'stall', bytes: 5000 },
      { type: 'error', name: 'ClientLimitExceededException' },
      { type: 'none' },
    ];
    for (const fault of faults) {
      const controller = new AbortController();
      const { clock, service, consumer } = setUp(
        { count: 30 },
        { signal: controller.signal, readTimeoutMs: 1e9, random: () => 1 },
      );
      service.fault = () => fault;
      const reason = new Error('enough');
      clock.schedule(() => controller.abort(reason), 7000);
      expect(await clock.run(failure(consumer))).toBe(reason);
      expect(clock.now(), JSON.stringify(fault)).toBe(7000);
    }
  });

  it('can be closed while it waits', async () => {
    const { clock, service, consumer } = setUp({ count: 1 }, { readTimeoutMs: 1e9 });
    service.fault = () => ({ type: 'stall', bytes: 100 });
    const iterator = consumer[Symbol.asyncIterator]();
    const waiting = iterator.next();
    clock.schedule(() => void iterator.return?.(), 500);
    expect(await clock.run(waiting)).toEqual({ done: true, value: undefined });
    service.fault = () => ({ type: 'none' });
    expect(await clock.run(take(consumer, 1))).toHaveLength(1);
  });

  it('is iterated over by one loop at a time', async () => {
    const { clock, consumer } = setUp({ count: 3 });
    const iterator = consumer[Symbol.asyncIterator]();
    await clock.run(iterator.next());
    await expect(consumer[Symbol.asyncIterator]().next()).rejects.toThrow('already');
    await iterator.return?.();
  });

  it('gives up when it is told to', async () => {
    const { clock, service, consumer } = setUp({ count: 3 }, { giveUpAfterMs: 60_000 });
    service.fault = () => ({ type: 'error', name: 'x', code: 'ECONNREFUSED' });
    expect(await clock.run(failure(consumer))).toMatchObject({ code: 'ECONNREFUSED', kind: 'connection' });
    expect(clock.now()).toBeGreaterThan(60_000);
    expect(clock.now()).toBeLessThan(100_000);
  });

  it('reads nothing ahead of a slow caller', async () => {
    const { clock, service, fragments, consumer } = setUp({ count: 50 });
    service.chunkSize = () => 500;
    const total = fragments.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const iterator = consumer[Symbol.asyncIterator]();
    await clock.run(iterator.next());
    await clock.run(clock.wait(60_000));
    expect(consumer.metrics.bytes).toBeLessThan(fragments[0]!.bytes.length + 1000);
    expect(total).toBeGreaterThan(20_000);
    await iterator.return?.();
  });
});
