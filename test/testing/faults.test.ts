import { GetDataEndpointCommand, ListStreamsCommand } from '@aws-sdk/client-kinesis-video';
import { GetMediaForFragmentListCommand, ListFragmentsCommand } from '@aws-sdk/client-kinesis-video-archived-media';
import { describe, expect, it } from 'vitest';
import { Mkv } from '../../src/mkv/elements.js';
import { readElements } from '../../src/mkv/streams.js';
import { type Fault, randomFaults, scriptedFaults } from '../../src/testing/faults.js';
import { Pacer } from '../../src/testing/limits.js';
import { bodyOf, clients, getMedia, numbersOf, RECORDING, readBody, start } from './support.js';

const streams = { camera: { source: RECORDING, keepMetadata: true } };

/** Starts an endpoint whose first GetMedia goes wrong. */
function withFault(...faults: Fault[]) {
  return start({ streams, limits: false, faults: scriptedFaults([{ operation: 'GetMedia', faults }]) });
}

/** Reads until the body ends or fails. */
async function drain(body: AsyncIterable<Uint8Array>): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
  return { bytes: Buffer.concat(chunks), error: undefined };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Which of two comes first. */
const first = (one: Promise<unknown>, other: Promise<unknown>) =>
  Promise.race([one.then(() => 'first'), other.then(() => 'second')]);

async function plain(): Promise<Buffer> {
  const { endpoint } = await start({ streams });
  return (await drain(await getMedia(endpoint))).bytes;
}

describe('a body', () => {
  for (const kind of ['cut', 'reset'] as const) {
    it(`is ${kind} after the bytes that were planned, and the next one is whole`, async () => {
      const whole = await plain();
      const { endpoint } = await withFault({ kind, afterBytes: 54_321 });
      const { bytes, error } = await drain(await getMedia(endpoint));
      expect(error).toMatchObject({ code: 'ECONNRESET' });
      // What the reset overtakes on its way is lost.
      if (kind === 'cut') expect(bytes.length).toBe(54_321);
      expect(bytes.equals(whole.subarray(0, bytes.length))).toBe(true);
      expect((await drain(await getMedia(endpoint))).bytes.equals(whole)).toBe(true);
    });
  }

  it('is cut before its first byte', async () => {
    const { endpoint } = await withFault({ kind: 'cut', afterBytes: 0 });
    const { bytes, error } = await drain(await getMedia(endpoint));
    expect(bytes.length).toBe(0);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('ends early as if it were complete', async () => {
    const whole = await plain();
    const { endpoint } = await withFault({ kind: 'end', afterBytes: 100_000 });
    const { bytes, error } = await drain(await getMedia(endpoint));
    expect(error).toBeUndefined();
    expect(bytes.equals(whole.subarray(0, 100_000))).toBe(true);
  });

  it('has a damaged byte, and only that', async () => {
    const whole = await plain();
    const { endpoint } = await withFault({ kind: 'damage', atByte: 777, mask: 0x10 }, { kind: 'damage', atByte: 9000 });
    const { bytes } = await drain(await getMedia(endpoint));
    expect(bytes.length).toBe(whole.length);
    const places = [...bytes.keys()].filter((at) => bytes[at] !== whole[at]);
    expect(places).toEqual([777, 9000]);
    expect((bytes[777] ?? 0) ^ (whole[777] ?? 0)).toBe(0x10);
  });

  it('stalls, for a while or until the consumer goes away', async () => {
    const whole = await plain();
    const short = await withFault({ kind: 'stall', afterBytes: 30_000, forMs: 150 });
    const iterator = (await getMedia(short.endpoint))[Symbol.asyncIterator]();
    let before = 0;
    while (before < 30_000) before += (await iterator.next()).value?.length ?? 0;
    const rest = iterator.next();
    expect(await first(rest, pause(30))).toBe('second');
    const after = (await rest).value?.length + (await drain({ [Symbol.asyncIterator]: () => iterator })).bytes.length;
    expect([before, after]).toEqual([30_000, whole.length - 30_000]);

    const long = await withFault({ kind: 'stall', afterBytes: 30_000 });
    let received = 0;
    for await (const chunk of await getMedia(long.endpoint)) {
      received += chunk.length;
      if (received === 30_000) break;
    }
    expect(received).toBe(30_000);
    expect(numbersOf(await readBody(await getMedia(long.endpoint)))).toHaveLength(8);
  });

  it('carries every error of the service, and ends with it', async () => {
    const ids = [3002, 4000, 4500, 4501, 4502, 4503, 4504, 4505, 4506, 5000];
    const { endpoint } = await start({
      streams,
      limits: false,
      faults: ({ call }) => [{ kind: 'stream-error', id: ids[call] ?? 0, afterFragments: 2 }],
    });
    for (const id of ids) {
      const fragments = await readBody(await getMedia(endpoint));
      expect(fragments).toHaveLength(3);
      expect(fragments[2]?.tags.get('ERROR_ID')).toBe(String(id));
      expect(fragments[2]?.tags.get('ERROR_CODE')).toMatch(/\w+/);
    }
  });

  it('has a fragment twice, or late', async () => {
    const numbers = numbersOf(await readBody([await plain()] as never));
    const twice = await withFault({ kind: 'duplicate', fragment: 2 });
    const [a, b, c, ...rest] = numbers;
    expect(numbersOf(await readBody(await getMedia(twice.endpoint)))).toEqual([a, b, c, c, ...rest]);
    const late = await withFault({ kind: 'late', fragment: 1 });
    expect(numbersOf(await readBody(await getMedia(late.endpoint)))).toEqual([a, c, b, ...rest]);
    const last = await withFault({ kind: 'late', fragment: 7 });
    expect(numbersOf(await readBody(await getMedia(last.endpoint)))).toEqual(numbers);
  });

  it('of a list has an error in place of a fragment', async () => {
    const faults = scriptedFaults([{ faults: [{ kind: 'fragment-error', fragment: 1, code: '5000', message: 'so' }] }]);
    const server = await start({ streams, faults });
    const Fragments = server.stream('camera').fragments.map(({ fragmentNumber }) => fragmentNumber);
    const { archived } = clients(server.endpoint);
    const output = await archived.send(new GetMediaForFragmentListCommand({ StreamName: 'camera', Fragments }));
    const fragments = await readBody(bodyOf(output.Payload));
    expect(numbersOf(fragments)).toEqual(Fragments);
    expect(fragments[1]?.tags.get('EXCEPTION_ERROR_CODE')).toBe('5000');
    expect(fragments[1]?.tags.get('EXCEPTION_MESSAGE')).toBe('so');
  });
});

describe('a request', () => {
  it('is refused', async () => {
    const { endpoint } = await withFault({ kind: 'refuse' });
    await expect(getMedia(endpoint)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await readBody(await getMedia(endpoint))).toHaveLength(8);
  });

  it('is answered late', async () => {
    const { endpoint } = await withFault({ kind: 'silent', forMs: 100 });
    const answer = getMedia(endpoint);
    expect(await first(answer, pause(20))).toBe('second');
    expect(await readBody(await answer)).toHaveLength(8);
  });

  for (const type of [
    'ClientLimitExceededException',
    'ConnectionLimitExceededException',
    'NotAuthorizedException',
    'ServiceUnavailable',
  ] as const) {
    it(`is answered with ${type}`, async () => {
      const server = await withFault({ kind: 'error', type, message: 'as planned' });
      await expect(getMedia(server.endpoint)).rejects.toMatchObject({ name: type, message: 'as planned' });
      expect(server.requests).toMatchObject([{ operation: 'GetMedia', stream: 'camera', error: type }]);
      expect(await readBody(await getMedia(server.endpoint))).toHaveLength(8);
      expect(server.violations).toEqual([]);
    });
  }

  it('finds its endpoint expired', async () => {
    const server = await start({
      streams,
      faults: scriptedFaults([{ operation: 'GetMedia', fromCall: 1, faults: [{ kind: 'expire-endpoint' }] }]),
    });
    const { control } = clients(server.endpoint);
    const ask = new GetDataEndpointCommand({ StreamName: 'camera', APIName: 'GET_MEDIA' });
    const { DataEndpoint: first = '' } = await control.send(ask);
    expect(await readBody(await getMedia(first))).toHaveLength(8);
    await expect(getMedia(first)).rejects.toMatchObject({ name: 'InvalidEndpointException' });
    await expect(getMedia(first)).rejects.toMatchObject({ name: 'InvalidEndpointException' });
    const { DataEndpoint: second = '' } = await control.send(ask);
    expect(second).not.toBe(first);
    expect(await readBody(await getMedia(second))).toHaveLength(8);
  });

  it('finds its credentials expired, until it has new ones', async () => {
    const server = await withFault({ kind: 'expire-credentials', afterBytes: 40_000 });
    const { bytes, error } = await drain(await getMedia(server.endpoint));
    expect(bytes.length).toBe(40_000);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await expect(getMedia(server.endpoint)).rejects.toMatchObject({
      name: 'ExpiredTokenException',
      $metadata: { httpStatusCode: 403 },
    });
    const renewed = clients(server.endpoint, 'AKIDRENEWED');
    expect((await renewed.control.send(new ListStreamsCommand({}))).StreamInfoList).toHaveLength(1);
    server.expireCredentials();
    await expect(renewed.control.send(new ListStreamsCommand({}))).rejects.toMatchObject({
      name: 'ExpiredTokenException',
    });
  });
});

describe('plans', () => {
  it('a script is used as often as it says', () => {
    const plan = scriptedFaults([
      { operation: 'GetMedia', fromCall: 2, times: 2, faults: [{ kind: 'refuse' }] },
      { stream: 'door', faults: [{ kind: 'cut', afterBytes: 1 }] },
    ]);
    const at = (operation: string, stream: string, call: number) =>
      plan({ operation, stream, call }).map(({ kind }) => kind);
    expect([0, 1, 2, 3, 4].map((call) => at('GetMedia', 'camera', call).length)).toEqual([0, 0, 1, 1, 0]);
    expect(at('ListFragments', 'door', 0)).toEqual(['cut']);
    expect(at('ListFragments', 'door', 1)).toEqual([]);
  });

  it('a random plan follows from its seed, and has every kind in it', () => {
    const kindsOf = (seed: number) => {
      const plan = randomFaults({ seed, probability: 0.6 });
      return ['GetMedia', 'GetMediaForFragmentList'].flatMap((operation) =>
        Array.from({ length: 400 }, (_, call) => plan({ operation, stream: 'camera', call })[0]),
      );
    };
    expect(kindsOf(1)).toEqual(kindsOf(1));
    expect(kindsOf(1)).not.toEqual(kindsOf(2));
    const faults = kindsOf(1).filter((fault) => fault !== undefined);
    expect(faults.length / 800).toBeGreaterThan(0.4);
    expect(faults.length / 800).toBeLessThan(0.65);
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(12);
    const kinds = ['damage', 'late'] as const;
    const others = randomFaults({ seed: 1, probability: 1, kinds });
    const call = { operation: 'GetMedia', stream: 'camera' };
    const drawn = Array.from({ length: 50 }, (_, i) => others({ ...call, call: i })[0]?.kind);
    expect(new Set(drawn)).toEqual(new Set(kinds));
    const calm = randomFaults({ seed: 1, probability: 0 });
    expect(calm({ operation: 'GetMedia', stream: 'camera', call: 3 })).toEqual([]);
  });
});

/** Faults after which a consumer must call again. */
const ENDING = ['refuse', 'error', 'cut', 'reset', 'end', 'stream-error', 'expire-credentials'] as const;

describe('a random plan', () => {
  it.each([1, 2, 3])('lets a consumer that goes on by its token have every fragment once (seed %i)', async (seed) => {
    const server = await start({
      streams: { camera: { source: RECORDING, loop: 5 } },
      faults: randomFaults({ seed, kinds: ENDING, probability: 1 }),
      limits: false,
    });
    const numbers = server.stream('camera').fragments.map(({ fragmentNumber }) => fragmentNumber);
    const found: string[] = [];
    let ContinuationToken: string | undefined;
    let calls = 0;
    for (; found.length < numbers.length && calls < 1000; calls++) {
      const selector =
        ContinuationToken === undefined
          ? { StartSelectorType: 'EARLIEST' as const }
          : { StartSelectorType: 'CONTINUATION_TOKEN' as const, ContinuationToken };
      let name = '';
      let number = '';
      try {
        const body = await getMedia(server.endpoint, selector, 'camera', `AKID${calls}`);
        for await (const element of readElements(body, { elements: [Mkv.TagName, Mkv.TagString] })) {
          if (element.kind !== 'data') continue;
          if (element.is(Mkv.TagName)) name = element.value;
          else if (element.is(Mkv.TagString) && name.endsWith('FRAGMENT_NUMBER')) number = element.value;
          else if (element.is(Mkv.TagString) && name.endsWith('CONTINUATION_TOKEN')) {
            ContinuationToken = element.value;
            if (number !== found.at(-1)) found.push(number);
          }
        }
      } catch {
        // The next call goes on.
      }
    }
    expect(found).toEqual(numbers);
    expect(calls).toBeGreaterThan(10);
    expect(new Set(server.requests.flatMap(({ faults }) => faults.map(({ kind }) => kind))).size).toBeGreaterThan(3);
  });
});

describe('limits', () => {
  it('refuse the sixth call in a second, and count it', async () => {
    const server = await start({ streams });
    const { archived } = clients(server.endpoint);
    const calls = Array.from({ length: 6 }, () => archived.send(new ListFragmentsCommand({ StreamName: 'camera' })));
    const results = await Promise.allSettled(calls);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => reason.name)).toEqual(['ClientLimitExceededException']);
    expect(server.violations).toMatchObject([
      { operation: 'ListFragments', stream: 'camera', limit: 'calls a second' },
    ]);
  });

  it('refuse the fourth connection of GetMedia until one is closed', async () => {
    const server = await start({ streams, idleTimeoutMs: 60_000, limits: { callsPerSecond: 100 } });
    const bodies = await Promise.all([1, 2, 3].map(() => getMedia(server.endpoint)));
    await expect(getMedia(server.endpoint)).rejects.toMatchObject({ name: 'ConnectionLimitExceededException' });
    expect(server.violations).toMatchObject([{ operation: 'GetMedia', limit: 'connections' }]);
    expect(server.peakConnections('GetMedia')).toBe(3);
    for await (const _ of bodies[0] ?? []) break;
    await expect.poll(() => getMedia(server.endpoint).then(() => 'taken', String), { timeout: 5000 }).toBe('taken');
  });

  it('refuse the sixth connection of GetMediaForFragmentList with the error that it has', async () => {
    const faults = () => [{ kind: 'stall' as const, afterBytes: 0 }];
    const server = await start({ streams, faults, limits: { callsPerSecond: 100 } });
    const { archived } = clients(server.endpoint);
    const Fragments = [server.stream('camera').fragments[0]?.fragmentNumber ?? ''];
    const call = () => archived.send(new GetMediaForFragmentListCommand({ StreamName: 'camera', Fragments }));
    await Promise.all([1, 2, 3, 4, 5].map(call));
    await expect(call()).rejects.toMatchObject({ name: 'ClientLimitExceededException' });
    expect(server.peakConnections('GetMediaForFragmentList')).toBe(5);
  });

  for (const limits of [{ fragmentsPerSecond: 0.001 }, { bytesPerSecond: 10 }]) {
    it(`hold back a body beyond ${JSON.stringify(limits)}`, async () => {
      const server = await start({ streams, limits });
      const Fragments = server.stream('camera').fragments.map(({ fragmentNumber }) => fragmentNumber);
      const { archived } = clients(server.endpoint);
      const output = await archived.send(new GetMediaForFragmentListCommand({ StreamName: 'camera', Fragments }));
      const chunk = bodyOf(output.Payload)[Symbol.asyncIterator]().next();
      chunk.catch(() => {});
      expect(await first(chunk, pause(300))).toBe('second');
      expect(server.violations).toEqual([]);
    });
  }

  it('let six fragments of a stream through GetMedia at once, then six a second', async () => {
    const server = await start({ streams, limits: { mediaFragmentsPerSecond: 6 } });
    const fragments = await readBody(await getMedia(server.endpoint));
    expect(fragments).toHaveLength(8);
    // The next ones wait for those, also on another connection.
    const slow = await start({ streams, limits: { mediaFragmentsPerSecond: 0.001 } });
    const bodies = await Promise.all([getMedia(slow.endpoint), getMedia(slow.endpoint)]);
    const chunks = bodies.map((body) => body[Symbol.asyncIterator]().next());
    for (const chunk of chunks) chunk.catch(() => {});
    expect(await first(Promise.race(chunks), pause(300))).toBe('second');
  });

  it('refuse lists of more fragments a second than the service gives', async () => {
    const server = await start({ streams, limits: { listedFragmentsPerSecond: 10, callsPerSecond: 100 } });
    const { archived } = clients(server.endpoint);
    const list = (MaxResults: number) => archived.send(new ListFragmentsCommand({ StreamName: 'camera', MaxResults }));
    await list(8);
    await list(2);
    await expect(list(1)).rejects.toMatchObject({ name: 'ClientLimitExceededException' });
    expect(server.violations).toMatchObject([
      { operation: 'ListFragments', stream: 'camera', limit: 'fragments a second' },
    ]);
  });

  it('let through a burst, then so much a second', () => {
    const pacer = new Pacer(1000, 10);
    expect(pacer.delay(10)).toBe(0);
    const delays = [1, 100, 100].map((units) => pacer.delay(units));
    expect(delays[1]).toBeGreaterThan(50);
    expect(delays[2]).toBeGreaterThan(delays[1] ?? 0);
    expect(new Pacer(Number.POSITIVE_INFINITY).delay(1e12)).toBe(0);
  });
});
