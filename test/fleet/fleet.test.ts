import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../../scripts/redis-server.mjs';
import { peerError } from '../../src/client/peer.js';
import {
  FleetWorker,
  type FleetWorkerOptions,
  PeerError,
  StreamFleet,
  type WorkerEvent,
} from '../../src/fleet/index.js';
import { defineScripts } from '../../src/fleet/scripts.js';
import { SharedLimiter } from '../../src/fleet/shared-limiter.js';
import { splitFragments } from '../../src/fleet/stream-fleet.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';
import { describeNeeding, tools } from '../support/tools.js';

const source = 'examples/recording/camera.mkv';
const LOCK_MS = 2000;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describeNeeding('a fleet', [tools('redis-server')], () => {
  let redis: RedisServer;
  let local: LocalKinesisVideo;
  let fleet: StreamFleet;
  let workers: FleetWorker[] = [];
  let prefix = '';
  let count = 0;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.remove());
  beforeEach(async () => {
    local = await startLocalKinesisVideo({ streams: { door: { source }, yard: { source } } });
    prefix = `test${++count}`;
    fleet = new StreamFleet({ redis: redis.url, prefix, consumer: consumer() });
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    workers = [];
    await fleet.close();
    await local.close();
  });

  function consumer() {
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    return { clientConfig: { endpoint: local.endpoint, region: 'local', credentials } };
  }

  async function work(options: Pick<FleetWorkerOptions, 'handler'> & Partial<FleetWorkerOptions>) {
    const events: WorkerEvent[] = [];
    const worker = new FleetWorker({
      redis: redis.url,
      prefix,
      consumer: consumer(),
      lockMs: LOCK_MS,
      drainAtSigterm: false,
      onEvent: (event) => events.push(event),
      ...options,
    });
    await worker.start();
    workers.push(worker);
    return { worker, events };
  }

  const numbersOf = (name: string) => local.stream(name).fragments.map(({ fragmentNumber }) => fragmentNumber);

  it('leaves a fragment’s bytes to its handler until that has ended, where memory is used again', async () => {
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    const copies: Buffer[] = [];
    let before: Uint8Array | undefined;
    let [same, overwritten] = [0, 0];
    const handler: FleetWorkerOptions['handler'] = async ({ frames }) => {
      if (before !== undefined && copies.at(-1)?.equals(before) === false) overwritten++;
      const bytes = frames[0]?.parts[0] ?? new Uint8Array(0);
      const copy = Buffer.from(bytes);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (copy.equals(bytes)) same++;
      before = bytes;
      copies.push(copy);
    };
    await work({ handler, consumer: { ...consumer(), reuseBuffers: 'overwrite' } });
    await until(() => copies.length === 8);
    expect({ same, overwritten }).toEqual({ same: 8, overwritten: 7 });
  });

  it('follows streams, says how they are, and passes them to others when a worker drains', async () => {
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    await fleet.follow({ streamName: 'yard' }, { start: { type: 'EARLIEST' } });
    await fleet.follow('door');
    const handled: string[] = [];
    const handler: FleetWorkerOptions['handler'] = ({ fragmentNumber }, { stream, worker, kind }) => {
      handled.push(`${stream.streamName} ${fragmentNumber} ${worker} ${kind}`);
    };
    const { worker: a } = await work({ handler, name: 'a' });
    await until(() => handled.length === 16);
    await until(async () =>
      (await fleet.list()).every(({ checkpoint, stream }) => {
        return checkpoint?.fragmentNumber === numbersOf(stream.streamName ?? '').at(-1);
      }),
    );
    expect(new Set(handled)).toEqual(
      new Set(['door', 'yard'].flatMap((name) => numbersOf(name).map((number) => `${name} ${number} a live`))),
    );
    const listed = await fleet.list();
    expect(listed.map(({ stream }) => stream.streamName).sort()).toEqual(['door', 'yard']);
    expect(listed.every(({ worker, millisBehindNow }) => worker === 'a' && millisBehindNow === 0)).toBe(true);
    expect(a.health()).toMatchObject({ name: 'a', state: 'running', redis: 'reachable', parts: 0 });
    expect(a.health().streams.map(({ fragments }) => fragments)).toEqual([8, 8]);

    await work({ handler, name: 'b' });
    await a.close();
    expect(a.health().state).toBe('closed');
    await until(async () => (await fleet.list()).every(({ worker }) => worker === 'b'));
    // The checkpoint stands behind everything: nothing comes again.
    expect(handled).toHaveLength(16);
  });

  it('passes a stream on although the handler that drains does not end, long before its lock would be over', async () => {
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    const handled: string[] = [];
    const options = (name: string, end: Promise<void> | undefined) => ({
      name,
      lockMs: 120_000,
      handler: async () => {
        handled.push(name);
        await end;
      },
    });
    const { worker: a } = await work(options('a', new Promise(() => {})));
    await until(() => handled.length === 1);
    await work(options('b', undefined));
    await a.close();
    await until(() => handled.length === 9);
    expect(handled).toEqual(['a', ...Array(8).fill('b')]);
  });

  it('gives jobs names and progress that other tools of BullMQ show', async () => {
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    await work({ handler: () => {}, name: 'a' });
    const queue = new Queue('kvs-live', { connection: { url: redis.url }, prefix });
    await until(async () => {
      const job = await queue.getJob('follow-door');
      return (job?.progress as { fragments?: number } | undefined)?.fragments === 8;
    });
    const [job] = await queue.getActive();
    expect(job).toMatchObject({ name: 'follow door', data: { stream: { streamName: 'door' } } });
    expect(job?.progress).toMatchObject({ worker: 'a', fragmentNumber: numbersOf('door').at(-1), millisBehindNow: 0 });
    await queue.close();
  });

  it('begins at the time that is asked for', async () => {
    const timestamp = local.stream('door').fragments[5]?.serverTimestamp ?? 0;
    await fleet.follow('door', { start: { type: 'SERVER_TIMESTAMP', timestamp: new Date(timestamp) } });
    const handled: string[] = [];
    await work({ handler: ({ fragmentNumber = '' }) => void handled.push(fragmentNumber) });
    await until(() => handled.at(-1) === numbersOf('door').at(-1));
    expect(handled).toEqual(numbersOf('door').slice(5));
  });

  it('tries a fragment again whose handler has failed, and tells it', async () => {
    await fleet.follow('door', { start: { type: 'EARLIEST' }, retryDelayMs: 100 });
    const handled: string[] = [];
    let failed = false;
    const { events } = await work({
      handler: ({ fragmentNumber = '' }) => {
        handled.push(fragmentNumber);
        if (handled.length === 3 && !failed) {
          failed = true;
          throw new Error('the detector is out of order');
        }
      },
    });
    await until(() => handled.length === 9);
    const numbers = numbersOf('door');
    expect(handled).toEqual([...numbers.slice(0, 3), ...numbers.slice(2)]);
    expect(events).toContainEqual({ type: 'failed', stream: 'door', reason: 'the detector is out of order' });
  });

  it('lets go of a stream that is not followed any more, and goes on behind its checkpoint when it is again', async () => {
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    const handled: string[] = [];
    const { events } = await work({ handler: ({ fragmentNumber = '' }) => void handled.push(fragmentNumber) });
    await until(() => handled.length === 8);
    await fleet.unfollow('door');
    expect(await fleet.list()).toEqual([]);
    await until(() => events.some(({ type }) => type === 'unfollowed'));
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    await until(async () => (await fleet.list())[0]?.worker !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(handled).toHaveLength(8);
    await fleet.unfollow('door', { forget: true });
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    await until(() => handled.length === 16);
  });

  it('keeps no checkpoint of a worker whose lock is another’s, and has it hand out nothing more', async () => {
    await fleet.follow('door', { start: { type: 'EARLIEST' } });
    let release = () => {};
    const handled: string[] = [];
    const { worker, events } = await work({
      name: 'a',
      handler: async ({ fragmentNumber = '' }) => {
        handled.push(fragmentNumber);
        if (handled.length === 3) {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
      },
    });
    await until(() => handled.length === 3);
    const queue = new Queue('kvs-live', { connection: { url: redis.url }, prefix });
    const { checkpoint } = (await fleet.list())[0] ?? {};
    expect(checkpoint?.fragmentNumber).toBe(numbersOf('door')[1]);
    // Another has taken over, as after a pause that was longer than the lock.
    const client = await queue.client;
    await client.set(`${queue.toKey('follow-door')}:lock`, 'another');
    release();
    await until(() => events.some(({ type }) => type === 'lost'));
    expect((await fleet.list())[0]?.checkpoint).toEqual(checkpoint);
    expect(handled).toHaveLength(3);
    expect(worker.health().streams).toEqual([]);
    await queue.close();
  });

  it('splits a stored stretch into parts, tries those again that fail, and gives each fragment one result', async () => {
    let failures = 2;
    await work({
      handler: ({ fragmentNumber, frames }, { kind }) => {
        if (fragmentNumber === numbersOf('door')[3] && failures-- > 0) throw new Error('not yet');
        return { kind, frames: frames.length };
      },
    });
    const run = await fleet.process(
      { stream: 'door', type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(Date.now() + 1e6) },
      { partFragments: 3 },
    );
    const results = await run.results();
    expect(results.map(({ fragmentNumber }) => fragmentNumber)).toEqual(numbersOf('door'));
    expect(results.every(({ result }) => (result as { kind: string }).kind === 'stored')).toBe(true);
    expect(await run.progress()).toEqual({ fragments: 8, parts: 3, completed: 3, failed: 0 });
    const ranges = new Queue('kvs-ranges', { connection: { url: redis.url }, prefix });
    await until(async () => (await ranges.getJobState(run.id)) === 'completed');
    expect((await ranges.getJob(run.id))?.name).toMatch(/^process door 1970-/);
    await ranges.close();
  });

  it('says which part has failed for good, and has it tried again', async () => {
    let isBroken = true;
    await work({
      handler: ({ fragmentNumber }) => {
        if (isBroken && fragmentNumber === numbersOf('yard')[5]) throw new Error('out of order');
      },
    });
    const run = await fleet.process(
      { stream: 'yard', type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(Date.now() + 1e6) },
      { partFragments: 4, attempts: 1 },
    );
    await expect(run.results()).rejects.toThrow('yard part 2 of 2: 4 fragments has failed: out of order');
    isBroken = false;
    await run.retryFailed();
    expect(await run.results()).toHaveLength(8);
  });

  it('shares the service’s rates among all processes', async () => {
    const queues = [1, 2, 3].map(() => new Queue('kvs-live', { connection: { url: redis.url }, prefix }));
    const runs = await Promise.all(queues.map(async (queue) => defineScripts(await queue.client)));
    const limiters = runs.map((run) => new SharedLimiter(run, `${prefix}:limit`, 5));
    const { signal } = new AbortController();
    const times: number[] = [];
    await Promise.all(
      limiters.flatMap((limiter) =>
        Array.from({ length: 4 }, async () => {
          (await limiter.take(signal))();
          times.push(performance.now());
        }),
      ),
    );
    times.sort((a, b) => a - b);
    for (let i = 5; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 5] ?? 0)).toBeGreaterThan(1000);
    await Promise.all(queues.map((queue) => queue.close()));
  });
});

it('splits fragments by number, size and time', () => {
  const listed = Array.from({ length: 10 }, (_, index) => ({
    fragmentNumber: String(index),
    size: index === 4 ? 1000 : 100,
    producerTimestamp: new Date(index * 2000),
    serverTimestamp: undefined,
    durationMs: undefined,
  }));
  const split = (options: object) =>
    splitFragments(listed, options).map((part) => part.map(({ fragmentNumber }) => fragmentNumber).join(''));
  expect(split({ partFragments: 4 })).toEqual(['0123', '4567', '89']);
  expect(split({ partBytes: 300 })).toEqual(['012', '3', '4', '567', '89']);
  expect(split({ partMs: 6000 })).toEqual(['012', '345', '678', '9']);
  expect(split({})).toEqual(['0123456789']);
  expect(splitFragments([], {})).toEqual([]);
  expect(() => split({ partFragments: 0 })).toThrow(RangeError);
});

it('says what is missing without BullMQ', () => {
  const error = peerError('bullmq', new Error("Cannot find package 'bullmq'"), 'kvs-parser/fleet');
  expect(error).toBeInstanceOf(PeerError);
  expect(error).toBeInstanceOf(PeerError);
  expect(error.code).toBe('PeerMissing');
  expect(error.message).toBe('kvs-parser/fleet needs the package bullmq: install it beside kvs-parser');
});

it.each([{ lockMs: 10 }, { lockMs: 2000.5 }, { maxStreams: -1 }, { maxParts: 1.5 }])('refuses %j', (options) => {
  expect(() => new FleetWorker({ redis: 'redis://127.0.0.1:1', handler: () => {}, ...options })).toThrow(RangeError);
});
