import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { dashUrl, getClip, hlsUrl, images, type StreamingUrl } from '../../src/client/index.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { remuxToMp4 } from '../../src/mp4/index.js';
import { scriptedFaults } from '../../src/testing/faults.js';
import { describeNeeding, packages } from '../support/tools.js';
import { RECORDING, start } from '../testing/support.js';

const BEGIN = Date.UTC(2024, 4, 1, 12, 0, 0, 250);

function access(endpoint: string) {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  return { streamName: 'camera', clientConfig: { endpoint, region: 'us-east-1', credentials } };
}

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

describeNeeding('images', [packages('@napi-rs/webcodecs')], () => {
  test('a range of 301 s takes two calls, none of more than 300 s; pages are followed, errors are items', async () => {
    const server = await start({ streams: { camera: { source: RECORDING, keepMetadata: true } } });
    const asked: number[] = [];
    const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(BEGIN), to: new Date(BEGIN + 301_000) } as const;
    const found = await all(
      images({ ...access(server.endpoint), range, samplingIntervalMs: 5000, heightPixels: 24, format: 'PNG' }),
    );
    for (const { operation } of server.requests) if (operation === 'GetImages') asked.push(1);
    // 60 images in pages of 25 are three pages; the last one is of the second call.
    expect(asked.length).toBe(4);
    expect(server.requests.every(({ error }) => error === undefined)).toBe(true);
    expect(found.map(({ timestamp }) => timestamp.getTime())).toEqual(found.map((_, i) => BEGIN + i * 5000));
    expect(found.length).toBe(61);
    expect(found.slice(0, 3).map(({ image, error }) => [image?.subarray(1, 4).toString(), error])).toEqual([
      ['80,78,71', undefined],
      ['80,78,71', undefined],
      [undefined, 'NO_MEDIA'],
    ]);
  });

  test('two calls for 301 s of an image each minute', async () => {
    const server = await start({ streams: { camera: { source: RECORDING, keepMetadata: true } } });
    const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(BEGIN), to: new Date(BEGIN + 301_000) } as const;
    await all(images({ ...access(server.endpoint), range, samplingIntervalMs: 20_000, heightPixels: 24 }));
    expect(server.requests.filter(({ operation }) => operation === 'GetImages').length).toBe(2);
  });

  test('a range or an interval that is none is refused', () => {
    const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(1), to: new Date(0) } as const;
    expect(() => images({ streamName: 'x', range })).toThrow(RangeError);
    const forward = { type: 'PRODUCER_TIMESTAMP', from: new Date(0), to: new Date(1) } as const;
    expect(() => images({ streamName: 'x', range: forward, samplingIntervalMs: 199 })).toThrow(RangeError);
  });
});

test('hlsUrl and dashUrl open sessions that play, also after a failure that passes', async () => {
  const server = await start({ streams: { camera: { source: RECORDING } } });
  server.setFaults(
    scriptedFaults([
      { operation: 'GetHLSStreamingSessionURL', faults: [{ kind: 'error', type: 'ClientLimitExceededException' }] },
    ]),
  );
  const retries: string[] = [];
  const onRetry = ({ code }: { code: string }) => void retries.push(code);
  const hls = await hlsUrl({
    ...access(server.endpoint),
    onRetry,
    baseDelayMs: 1,
    session: { DisplayFragmentTimestamp: 'ALWAYS' },
  });
  expect(retries).toEqual(['ClientLimitExceededException']);
  expect(await (await fetch(hls.url)).text()).toContain('#EXT-X-STREAM-INF');
  expect(hls.expiresAt.getTime() - Date.now()).toBeGreaterThan(290_000);
  const dash = await dashUrl(access(server.endpoint));
  expect(await (await fetch(dash.url)).text()).toContain('<MPD');
  await expect(hlsUrl({ ...access(server.endpoint), streamName: 'other' })).rejects.toMatchObject({
    code: 'ResourceNotFoundException',
  });
});

test('a session is renewed before it expires, until it is stopped', async () => {
  const server = await start({ streams: { camera: { source: RECORDING } } });
  const stop = new AbortController();
  const renewed: StreamingUrl[] = [];
  const waits: number[] = [];
  // Long waits are over at once.
  const clock = {
    now: () => performance.now(),
    schedule: (callback: () => void, ms: number) => {
      const isLong = ms > 200_000;
      if (isLong) waits.push(ms);
      const timer = setTimeout(callback, isLong ? 10 : ms);
      return () => clearTimeout(timer);
    },
  };
  const session = await hlsUrl({
    ...access(server.endpoint),
    clock,
    signal: stop.signal,
    onRenew: (next) => {
      renewed.push(next);
      if (renewed.length === 2) stop.abort();
    },
  });
  await expect.poll(() => renewed.length).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(renewed.length).toBe(2);
  expect(waits[0]).toBe(240_000);
  expect(new Set([session, ...renewed].map(({ url }) => url)).size).toBe(3);
});

test('getClip: ranges longer than the limits in several clips, no fragment in two of them', async () => {
  const server = await start({ limits: false, streams: { camera: { source: RECORDING, loop: 26 } } });
  const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(0), to: new Date(Date.now() + 60_000) } as const;
  const clips = await all(getClip({ ...access(server.endpoint), range }));
  expect(clips.map(({ fragments }) => fragments)).toEqual([200, 8]);
  expect(clips[1]?.from.getTime()).toBeGreaterThan(clips[0]?.to.getTime() ?? 0);
  const parts: Uint8Array[] = [];
  await remuxToMp4(readFileSync(RECORDING), (part) => void parts.push(part));
  // The last round of the recording is the recording, at other times.
  expect(clips[1]?.bytes.length).toBe(concatBytes(parts).length);
  const none = { ...range, from: new Date(0), to: new Date(1) };
  expect(await all(getClip({ ...access(server.endpoint), range: none }))).toEqual([]);
});

/** A way to an endpoint on which clips take their time: pieces of them come every 100 ms. */
async function slowWayTo(endpoint: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.url === '/getDataEndpoint') {
      response.end(JSON.stringify({ DataEndpoint: `http://${request.headers.host}` }));
      return;
    }
    const answer = await fetch(endpoint + request.url, { method: 'POST', body: Buffer.concat(chunks) });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    const bytes = Buffer.from(await answer.arrayBuffer());
    const size = request.url === '/getClip' ? Math.ceil(bytes.length / 8) : bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('getClip: a clip may come for longer than what is waited for its next bytes', async () => {
  const server = await start({ streams: { camera: { source: RECORDING } } });
  const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(0), to: new Date(Date.now() + 60_000) } as const;
  const [expected] = await all(getClip({ ...access(server.endpoint), range }));
  const retries: string[] = [];
  const clips = await all(
    getClip({
      ...access(await slowWayTo(server.endpoint)),
      range,
      readTimeoutMs: 400,
      giveUpAfterMs: 2000,
      onRetry: ({ message }) => void retries.push(message),
    }),
  );
  expect(retries).toEqual([]);
  expect(clips.map(({ bytes }) => Buffer.compare(bytes, expected?.bytes ?? Buffer.of()))).toEqual([0]);
});
