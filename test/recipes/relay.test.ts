import { on, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { FragmentRelay } from '../../examples/recipes/fragment-relay.js';
import { relayOverHttp } from '../../examples/recipes/relay-http.js';
import { relayOverWebSocket } from '../../examples/recipes/relay-websocket.js';
import { type FragmentDocument, GetMediaConsumer } from '../../src/client/index.js';
import { readFragments } from '../../src/index.js';
import { startLocalKinesisVideo } from '../../src/testing/index.js';
import { clientConfigOf, RECORDING } from './support.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A relay of a camera that records without end, ten times as fast as it should. */
async function relayOfLive(): Promise<FragmentRelay> {
  const door = { source: RECORDING, realtime: true, speed: 10, loop: true };
  const local = await startLocalKinesisVideo({ streams: { door } });
  closing.push(() => local.close());
  const ended = new AbortController();
  const consumer = new GetMediaConsumer({
    streamName: 'door',
    clientConfig: clientConfigOf(local),
    start: { type: 'EARLIEST' },
    signal: ended.signal,
  });
  const relay = new FragmentRelay();
  const running = relay.run(consumer).catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  closing.push(() => {
    ended.abort();
    return running;
  });
  return relay;
}

/** The first fragments of a body, each whole and with a key frame at its beginning. */
async function take(body: AsyncIterable<Uint8Array>, count: number): Promise<string[]> {
  const numbers: string[] = [];
  for await (const { fragmentNumber = '', frames, truncated } of readFragments(body)) {
    expect(truncated).toBe(false);
    expect(frames.find(({ track }) => track.type === 'video')?.keyframe).toBe(true);
    numbers.push(fragmentNumber);
    if (numbers.length === count) break;
  }
  return numbers;
}

it('gives a live stream to several viewers over HTTP and WebSocket, over one connection', async () => {
  const relay = await relayOfLive();
  const server = createServer((request, response) => void relayOverHttp(relay, request, response));
  const sockets = new WebSocketServer({ server });
  relayOverWebSocket(relay, sockets);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;

  const watch = async () => {
    const left = new AbortController();
    const { body, headers } = await fetch(`http://127.0.0.1:${port}/`, { signal: left.signal });
    expect(headers.get('content-type')).toBe('video/x-matroska');
    const numbers = await take(body!, 3);
    left.abort();
    return numbers;
  };
  const listen = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    async function* messages(): AsyncGenerator<Uint8Array, undefined> {
      for await (const [data] of on(socket, 'message')) yield new Uint8Array(data);
      return undefined;
    }
    const numbers = await take(messages(), 3);
    socket.terminate();
    return numbers;
  };
  for (const numbers of await Promise.all([watch(), watch(), listen()])) {
    expect(numbers.map(BigInt)).toEqual(numbers.map(BigInt).sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(numbers).size).toBe(numbers.length);
  }
  expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' })).status).toBe(405);
  // Those who have gone are not kept.
  await expect.poll(() => relay.viewers).toBe(0);
});

/** A consumer whose fragments come when the test says so; one byte each. */
function consumerOf(count: number, step: (index: number) => Promise<void>) {
  return {
    async *documents(): AsyncGenerator<FragmentDocument, undefined> {
      let fragment: FragmentDocument['fragment'] | undefined;
      for await (const one of readFragments(new Uint8Array(readFileSync(RECORDING)))) {
        fragment = one;
        break;
      }
      for (let index = 0; index < count; index++) {
        await step(index);
        yield { fragment: fragment!, bytes: [Uint8Array.of(index)] };
      }
      return undefined;
    },
  };
}

it('drops for a slow viewer what is too old, keeps nothing of it, and costs the others nothing', async () => {
  const relay = new FragmentRelay();
  const slow = relay.watch(new AbortController().signal);
  const fast = relay.watch(new AbortController().signal);
  const seen: number[] = [];
  let next = fast.next();
  const first = slow.next();
  await relay.run(
    consumerOf(100, async (index) => {
      if (index === 0) return;
      const { value } = await next;
      if (value !== undefined) seen.push(value[0]!);
      next = fast.next();
    }),
  );
  for (let step = await next; step.done !== true; step = await fast.next()) seen.push(step.value[0]!);
  expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index));
  expect((await first).value).toEqual(Uint8Array.of(0));
  const rest: number[] = [];
  for await (const [value] of slow) rest.push(value!);
  expect(rest).toEqual([97, 98, 99]);
  expect(relay.viewers).toBe(0);
});

it('begins with the newest fragment, and ends with the signal while it waits', async () => {
  const relay = new FragmentRelay();
  await relay.run(consumerOf(5, async () => {}));
  const late: number[] = [];
  for await (const [value] of relay.watch(new AbortController().signal)) late.push(value!);
  expect(late).toEqual([4]);

  const gone = new AbortController();
  const idle = new FragmentRelay().watch(gone.signal);
  const waiting = idle.next();
  gone.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
});
