import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ReconnectEvent } from '../../src/client/events.js';
import { FragmentListConsumer } from '../../src/client/fragment-list-consumer.js';
import { GetMediaConsumer, type GetMediaConsumerSettings } from '../../src/client/get-media-consumer.js';
import { KinesisVideoError } from '../../src/client/service-error.js';
import type { Fragment } from '../../src/fragments/fragment.js';
import { FakeClock } from './support/fake-clock.js';
import { FakeService, type Fault, serviceError } from './support/fake-service.js';
import { failure, identities, take } from './support/local.js';
import { seeded, storedStream } from './support/stored-stream.js';

const stop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of stop.splice(0)) await close();
});

/** A consumer of a fake service whose credentials come from a provider that `renew` stands in for. */
function withProvider(renew: (time: number) => Promise<void>, settings: GetMediaConsumerSettings = {}) {
  const clock = new FakeClock();
  const fragments = storedStream({ count: 4 });
  const service = new FakeService(clock, fragments);
  const renewals: number[] = [];
  const credentials = async () => {
    renewals.push(clock.now());
    await renew(renewals.length);
    return { accessKeyId: 'a', secretAccessKey: 'b' };
  };
  const reconnects: ReconnectEvent[] = [];
  const consumer = new GetMediaConsumer({
    streamName: 'stream',
    client: { ...service.control, config: { credentials } },
    createMediaClient: service.createMediaClient,
    start: { type: 'EARLIEST' },
    clock,
    random: seeded(1),
    onReconnect: (event) => reconnects.push(event),
    ...settings,
  });
  const cut: Fault = { type: 'cut', bytes: fragments[0]!.bytes.length + 10 };
  const expired: Fault = { type: 'error', name: 'ExpiredTokenException' };
  service.fault = (call) => (call === 0 ? cut : renewals.length < 2 ? expired : { type: 'none' });
  return { clock, service, fragments, consumer, renewals, reconnects };
}

const FAILURES = [
  Object.assign(new Error('getaddrinfo ENOTFOUND sts.amazonaws.com'), { code: 'ENOTFOUND' }),
  serviceError({ name: 'ThrottlingException' }),
  Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' }),
  'not even an error',
];

describe('credentials', () => {
  it.each(FAILURES)('are asked for again when their provider has failed once (%s)', async (thrown) => {
    const { clock, fragments, consumer, renewals } = withProvider(async (time) => {
      if (time === 1) throw thrown;
    });
    expect(await clock.run(take(consumer, 4))).toEqual(identities(fragments));
    expect(renewals).toHaveLength(2);
  });

  it('do not hold up the consumer when their provider does not answer', async () => {
    const { clock, fragments, consumer, renewals } = withProvider(
      async (time) => (time === 1 ? new Promise(() => {}) : undefined),
      { readTimeoutMs: 9000 },
    );
    expect(await clock.run(take(consumer, 4))).toEqual(identities(fragments));
    expect(renewals).toHaveLength(2);
    expect(clock.now()).toBeGreaterThan(9000);
    expect(clock.now()).toBeLessThan(12_000);
  });

  it('do not hold up the signal or the end of the loop either', async () => {
    const controller = new AbortController();
    const never = async () => new Promise<void>(() => {});
    const first = withProvider(never, { signal: controller.signal, readTimeoutMs: 1e9 });
    const reason = new Error('enough');
    first.clock.schedule(() => controller.abort(reason), 5000);
    expect(await first.clock.run(failure(first.consumer))).toBe(reason);
    const second = withProvider(never, { readTimeoutMs: 1e9 });
    const iterator = second.consumer[Symbol.asyncIterator]();
    await second.clock.run(iterator.next());
    const waiting = iterator.next();
    second.clock.schedule(() => void iterator.return?.(), 5000);
    expect(await second.clock.run(waiting)).toEqual({ done: true, value: undefined });
  });

  it.each([1, 5, 6])('whose provider fails %i times before anything has been reached', async (times) => {
    const { clock, service, consumer, fragments } = withProvider(async () => {});
    service.endpointFault = (call) =>
      call < times ? { type: 'error', name: 'CredentialsProviderError', status: 200 } : undefined;
    service.fault = () => ({ type: 'none' });
    if (times < 6) expect(await clock.run(take(consumer, 4))).toEqual(identities(fragments));
    else expect(await clock.run(failure(consumer))).toMatchObject({ code: 'CredentialsProviderError' });
  });

  it('that stay expired end it', async () => {
    const { clock, service, consumer } = withProvider(async () => {});
    service.fault = () => ({ type: 'error', name: 'ExpiredTokenException' });
    expect(await clock.run(failure(consumer))).toMatchObject({ kind: 'expired' });
  });

  it('whose provider never works again are given up when it is told to', async () => {
    const { clock, service, consumer } = withProvider(
      async () => {
        throw FAILURES[0];
      },
      { giveUpAfterMs: 60_000 },
    );
    service.fault = () => ({ type: 'error', name: 'ExpiredTokenException' });
    expect(await clock.run(failure(consumer))).toMatchObject({ code: 'ExpiredTokenException' });
    expect(clock.now()).toBeGreaterThan(60_000);
  });
});

/** A service over HTTP whose clock is `skewMs` ahead, and that refuses what was signed by another clock. */
async function skewedService(skewMs: number, body: Uint8Array, refusal = 'InvalidSignatureException') {
  const refused: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    const now = Date.now() + skewMs;
    response.setHeader('Date', new Date(now).toUTCString());
    const [, year, month, day, hour, minute, second] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(request.headers['x-amz-date'])) ?? [];
    const signed = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
    if (!(Math.abs(signed - now) < 300_000)) {
      refused.push(String(request.url));
      response.writeHead(403, { 'x-amzn-ErrorType': refusal, 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ message: 'Signature expired' }));
    } else if (request.url === '/getDataEndpoint') {
      response.end(JSON.stringify({ DataEndpoint: `http://${request.headers.host}` }));
    } else {
      response.end(body);
    }
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, refused };
}

/** A service over HTTP that finds the first credentials that the provider gave expired, once it is asked for media. */
async function expiringService(body: Uint8Array): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === '/getDataEndpoint') {
      response.end(JSON.stringify({ DataEndpoint: `http://${request.headers.host}` }));
    } else if (/Credential=KEY1\//.test(String(request.headers.authorization))) {
      response.writeHead(400, { 'x-amzn-ErrorType': 'ExpiredTokenException', 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ message: 'The security token included in the request is expired' }));
    } else {
      response.end(body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a provider that the SDK's clients ask together and that does not answer once", () => {
  // Each time is one question to the provider: the first call, and the renewal.
  it.each([1, 2])('ends neither consumer: time %i', async (silent) => {
    const fragments = storedStream({ count: 3 });
    const body = Buffer.concat(fragments.map(({ bytes }) => bytes));
    for (const kind of ['live', 'stored'] as const) {
      let asked = 0;
      const endpoint = await expiringService(body);
      const credentials = async () => {
        if (++asked === silent) await new Promise(() => {});
        return { accessKeyId: `KEY${asked}`, secretAccessKey: 'b' };
      };
      const clientConfig = { region: 'us-east-1', endpoint, credentials };
      const shared = { streamName: 's', clientConfig, readTimeoutMs: 300, baseDelayMs: 1 };
      const fragmentNumbers = fragments.map(({ number }) => number);
      const consumer =
        kind === 'live'
          ? new GetMediaConsumer({ ...shared, start: { type: 'EARLIEST' } })
          : new FragmentListConsumer({ ...shared, fragmentNumbers });
      expect(await take(consumer, 3)).toEqual(identities(fragments));
      expect(asked).toBeGreaterThan(silent);
    }
  });
});

describe('a clock that is wrong', () => {
  it.each([
    [3_600_000, 'InvalidSignatureException'],
    [-3_600_000, 'RequestTimeTooSkewed'],
    [86_400_000 * 400, 'SignatureDoesNotMatch'],
  ])('by %i ms ends neither consumer (%s)', async (skewMs, refusal) => {
    const fragments = storedStream({ count: 3 });
    const { endpoint, refused } = await skewedService(
      skewMs,
      Buffer.concat(fragments.map(({ bytes }) => bytes)),
      refusal,
    );
    const credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 'b' });
    const clientConfig = { region: 'us-east-1', endpoint, credentials };
    const live = new GetMediaConsumer({ streamName: 's', clientConfig, start: { type: 'EARLIEST' } });
    expect(await take(live, 3)).toEqual(identities(fragments));
    // What one client has learned, the next one begins with.
    expect(refused).toEqual(['/getDataEndpoint']);
    const fragmentNumbers = fragments.map(({ number }) => number);
    const stored = new FragmentListConsumer({ streamName: 's', clientConfig, fragmentNumbers });
    expect(await take(stored, 3)).toEqual(identities(fragments));
  });

  it('is known to the clients that are made anew when a provider of credentials has not answered', async () => {
    const fragments = storedStream({ count: 3 });
    const { endpoint, refused } = await skewedService(3_600_000, Buffer.concat(fragments.map(({ bytes }) => bytes)));
    let asked = 0;
    // Credentials that have expired are asked for before each call: the second time is that of the call which knows the clock.
    const credentials = async () => {
      if (++asked === 2) await new Promise(() => {});
      return { accessKeyId: 'a', secretAccessKey: 'b', expiration: new Date(asked === 1 ? 0 : Date.now() + 7_200_000) };
    };
    const consumer = new GetMediaConsumer({
      streamName: 's',
      clientConfig: { region: 'us-east-1', endpoint, credentials },
      start: { type: 'EARLIEST' },
      readTimeoutMs: 300,
      baseDelayMs: 1,
    });
    expect(await take(consumer, 3)).toEqual(identities(fragments));
    expect(asked).toBe(3);
    expect(refused).toEqual(['/getDataEndpoint']);
  });

  it('that changes while the consumer works ends nothing, and the client that has learned it is kept', async () => {
    const clock = new FakeClock();
    const fragments = storedStream({ count: 3 });
    const service = new FakeService(clock, fragments);
    let made = 0;
    const consumer = new GetMediaConsumer({
      streamName: 'stream',
      client: service.control,
      createMediaClient: (endpoint) => {
        made++;
        return service.createMediaClient(endpoint);
      },
      start: { type: 'EARLIEST' },
      clock,
    });
    const skewed: Fault = { type: 'error', name: 'InvalidSignatureException', status: 403, clockSkewCorrected: true };
    service.fault = (call) =>
      call === 0 || call === 2 ? skewed : call === 1 ? { type: 'cut', bytes: 10 } : { type: 'none' };
    expect(await clock.run(take(consumer, 3))).toEqual(identities(fragments));
    expect(made).toBe(1);
    service.fault = () => skewed;
    expect(await clock.run(failure(consumer))).toMatchObject({ kind: 'clock', code: 'InvalidSignatureException' });
  });
});

describe('the endpoint', () => {
  const consumerWith = (answer: unknown, settings: GetMediaConsumerSettings = {}) => {
    const clock = new FakeClock();
    const fragments = storedStream({ count: 2 });
    const service = new FakeService(clock, fragments);
    let asked = 0;
    const client = {
      ...service.control,
      send: async () => ({ DataEndpoint: asked++ === 0 ? answer : service.endpoint, $metadata: {} }) as never,
    };
    const consumer = new GetMediaConsumer({
      streamName: 'stream',
      client,
      createMediaClient: service.createMediaClient,
      start: { type: 'EARLIEST' },
      clock,
      ...settings,
    });
    return { clock, consumer, fragments };
  };

  it.each(['', 'ftp://example.com', 'nonsense', 'https://', 5, 'javascript:alert(1)'])(
    'that is none (%s) is a clear error',
    async (answer) => {
      const { clock, consumer } = consumerWith(answer);
      const error = await clock.run(failure(consumer));
      expect(error).toBeInstanceOf(KinesisVideoError);
      expect(error).toMatchObject({ operation: 'GetDataEndpoint', code: 'NoEndpoint' });
      expect(String(error)).toContain(JSON.stringify(answer));
    },
  );

  it('that the answer does not name at all is asked for again: the answer is not of the service', async () => {
    const reconnects: ReconnectEvent[] = [];
    const { clock, consumer, fragments } = consumerWith(undefined, { onReconnect: (event) => reconnects.push(event) });
    expect(await clock.run(take(consumer, 2))).toEqual(identities(fragments));
    expect(reconnects).toMatchObject([{ reason: 'service', error: { code: 'NoEndpoint' } }]);
    expect(String(reconnects[0]?.error)).toContain('names no endpoint');
  });

  it('that is a page of something else is asked for again, with an error that says so', async () => {
    const events: ReconnectEvent[] = [];
    let pages = 0;
    const { endpoint } = await (async () => {
      const server = createServer((request, response) => {
        request.resume();
        if (request.url === '/getDataEndpoint' && pages++ < 2) {
          response.writeHead(200, { 'Content-Type': 'text/html' });
          response.end('<!DOCTYPE html><html><body>Log in to the hotel</body></html>');
        } else if (request.url === '/getDataEndpoint') {
          response.end(JSON.stringify({ DataEndpoint: `http://${request.headers.host}` }));
        } else {
          response.end(storedStream({ count: 1 })[0]!.bytes);
        }
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      stop.push(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      });
      return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    })();
    const consumer = new GetMediaConsumer({
      streamName: 's',
      clientConfig: { region: 'us-east-1', endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
      start: { type: 'EARLIEST' },
      baseDelayMs: 1,
      onReconnect: (event) => events.push(event),
    });
    expect(await take(consumer, 1)).toHaveLength(1);
    expect(events.map(({ reason, error }) => [reason, error?.operation])).toEqual([
      ['service', 'GetDataEndpoint'],
      ['service', 'GetDataEndpoint'],
    ]);
    expect(String(events[0]?.error)).toContain('not JSON');
  });
});

describe('what a consumer has reached', () => {
  it('holds for all its loops', async () => {
    const clock = new FakeClock();
    const fragments = storedStream({ count: 4 });
    const service = new FakeService(clock, fragments);
    const consumer = new GetMediaConsumer({
      streamName: 'stream',
      client: service.control,
      createMediaClient: service.createMediaClient,
      start: { type: 'EARLIEST' },
      clock,
    });
    expect(await clock.run(take(consumer, 2))).toEqual(identities(fragments.slice(0, 2)));
    const calls = service.selectors().length;
    service.fault = (call) => (call === calls ? { type: 'error', name: 'Odd', status: 200 } : { type: 'none' });
    expect(await clock.run(take(consumer, 2))).toEqual(identities(fragments.slice(2)));
  });

  it('does not need an iterator that nobody uses to listen to the signal', () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    const live = new GetMediaConsumer({ streamName: 's', signal });
    const stored = new FragmentListConsumer({ streamName: 's', signal, fragmentNumbers: ['1'] });
    for (const consumer of [live, stored] satisfies AsyncIterable<Fragment>[]) {
      consumer[Symbol.asyncIterator]();
      consumer.frames();
      consumer.documents();
      consumer.bytes();
    }
    expect(listeners).toBe(0);
  });

  it('gives nothing from an iterator that was closed before it was used', async () => {
    const iterator = new GetMediaConsumer({ streamName: 's' })[Symbol.asyncIterator]();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});
