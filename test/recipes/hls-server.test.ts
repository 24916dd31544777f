import type { AddressInfo } from 'node:net';
import { Parser } from 'm3u8-parser';
import { expect, it } from 'vitest';
import { serveHls } from '../../examples/recipes/hls-server.js';
import { GetMediaConsumer } from '../../src/client/index.js';
import { clientConfigOf, startDoor } from './support.js';

it('serves a consumer as HLS and DASH until its signal', async () => {
  const local = await startDoor();
  const ended = new AbortController();
  const { signal } = ended;
  try {
    const clientConfig = clientConfigOf(local);
    const consumer = new GetMediaConsumer({ streamName: 'door', clientConfig, start: { type: 'EARLIEST' }, signal });
    const server = await serveHls(consumer, { port: 0, signal });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const get = async (path: string) => {
      const response = await fetch(new URL(path, `${origin}/`));
      expect(response.status, path).toBe(200);
      return response;
    };
    expect(await (await get('main.m3u8')).text()).toContain('avc1.4d4016');
    expect(await (await get('manifest.mpd')).text()).toContain('<MPD');
    const parser = new Parser();
    parser.push(await (await get('video-1/media.m3u8')).text());
    parser.end();
    const { segments } = parser.manifest;
    expect(segments.length).toBeGreaterThan(0);
    expect(segments[0]?.dateTimeString).toBeDefined();
    const segment = await get(`video-1/${segments[0]?.uri}`);
    expect((await segment.arrayBuffer()).byteLength).toBeGreaterThan(1000);

    const closed = new Promise((resolve) => server.on('close', resolve));
    ended.abort();
    await closed;
    await expect(serveHls(consumer, { port: 0, signal })).rejects.toThrow('abort');
  } finally {
    ended.abort();
    await local.close();
  }
});

it('says what the source fails with, and an address that is taken', async () => {
  const ended = new AbortController();
  async function* broken(): AsyncGenerator<Uint8Array, undefined> {
    yield new Uint8Array(0);
    throw new Error('the line is dead');
  }
  try {
    let fail: (error: unknown) => void = () => {};
    const failure = new Promise<unknown>((resolve) => {
      fail = resolve;
    });
    const server = await serveHls(broken(), { port: 0, signal: ended.signal, onError: fail });
    expect(await failure).toMatchObject({ message: 'the line is dead' });
    const { port } = server.address() as AddressInfo;
    await expect(serveHls(broken(), { port, onError: () => {} })).rejects.toThrow('EADDRINUSE');
  } finally {
    ended.abort();
  }
});
