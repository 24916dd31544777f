import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { FragmentRelay } from '../../examples/recipes/fragment-relay.js';
import { relayOverHttp } from '../../examples/recipes/relay-http.js';
import { relayOverWebSocket } from '../../examples/recipes/relay-websocket.js';
import { GetMediaConsumer } from '../../src/client/index.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';
import { type BrowserSession, openBrowser } from '../support/browser.js';
import { describeNeeding, tools } from '../support/tools.js';
import { buildPage } from '../support/vite-bundle.js';
import type { Players } from './fixtures/players.js';
import { clientConfigOf, RECORDING } from './support.js';

describeNeeding('a live stream in a page of React, in Chromium', [tools('chromium')], () => {
  let local: LocalKinesisVideo;
  let server: Server;
  let session: BrowserSession;
  let origin: string;
  let running: Promise<void>;
  /** Makes each answer to this path break off behind its first bytes. */
  let breaks = 0;
  const relay = new FragmentRelay();
  const ended = new AbortController();

  beforeAll(async () => {
    const door = { source: RECORDING, realtime: true, speed: 2, loop: true };
    local = await startLocalKinesisVideo({ streams: { door } });
    const clientConfig = clientConfigOf(local);
    const consumer = new GetMediaConsumer({ streamName: 'door', clientConfig, signal: ended.signal });
    running = relay.run(consumer).catch(() => {});
    server = createServer((request, response) => {
      response.setHeader('access-control-allow-origin', '*');
      if (request.url === '/breaks' && breaks-- > 0) response.writeHead(503).end();
      else void relayOverHttp(relay, request, response);
    });
    relayOverWebSocket(relay, new WebSocketServer({ server }));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const entry = fileURLToPath(new URL('fixtures/players.tsx', import.meta.url));
    session = await openBrowser(await buildPage(entry, '<div id="react"></div><div id="socket"></div>'));
    await session.page.waitForFunction(() => 'players' in globalThis);
  });
  afterAll(async () => {
    await session?.close();
    ended.abort();
    await running;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await local.close();
  });

  const call = (code: (players: Players, argument: string) => void, argument = '') =>
    session.page.evaluate(`(${code})(globalThis.players, ${JSON.stringify(argument)})`);
  /** Waits until the video has shown more than it has shown so far. */
  const isPlayed = (selector: string) =>
    session.page.waitForFunction((text) => {
      const video = document.querySelector(text);
      return video instanceof HTMLVideoElement && video.currentTime > 0.2 && !video.paused && video.videoWidth > 0;
    }, `${selector} video`);
  const fetches = () => session.page.evaluate<number>('globalThis.players.fetches');
  const errors = () => session.page.evaluate<string[]>('globalThis.players.errors');

  it('plays, says so, and lets go of the connection when it is unmounted', async () => {
    await call((players, url) => players.show(url, false), `${origin}/live`);
    await isPlayed('#react');
    await session.page.waitForFunction(() => document.querySelector('[role=status]')?.textContent === 'playing');
    expect(relay.viewers).toBe(1);
    expect(await fetches()).toBe(1);
    await call((players) => players.unmount());
    await expect.poll(() => relay.viewers).toBe(0);
    expect(await errors()).toEqual([]);
  });

  it('plays over one connection where StrictMode mounts it twice, and again behind an unmount', async () => {
    for (let round = 0; round < 2; round++) {
      const before = await fetches();
      await call((players, url) => players.show(url, true), `${origin}/live`);
      await isPlayed('#react');
      await expect.poll(() => relay.viewers).toBe(1);
      // It is mounted twice indeed: React does so in builds for development.
      expect((await fetches()) - before).toBe(2);
      await call((players) => players.unmount());
      await expect.poll(() => relay.viewers).toBe(0);
    }
    expect(await errors()).toEqual([]);
  });

  it('plays another stream in the same video when the URL changes', async () => {
    await call((players, url) => players.show(url, true), `${origin}/live`);
    await isPlayed('#react');
    const before = await session.page.evaluate(() => document.querySelector('video')?.src);
    await call((players, url) => players.show(url, true), `${origin}/live?other`);
    await session.page.waitForFunction((src) => {
      const video = document.querySelector('video');
      return video !== null && video.src !== src && video.src !== '' && video.currentTime > 0.2;
    }, before);
    await expect.poll(() => relay.viewers).toBe(1);
    await call((players) => players.unmount());
    await expect.poll(() => relay.viewers).toBe(0);
  });

  it('connects again when a connection fails, and says why it did', async () => {
    breaks = 2;
    await call((players, url) => players.show(url, false), `${origin}/breaks`);
    await isPlayed('#react');
    expect(await errors()).toEqual(Array(2).fill(`Error: ${origin}/breaks: 503 Service Unavailable`));
    await call((players) => players.unmount());
    await expect.poll(() => relay.viewers).toBe(0);
  });

  it('plays what comes over a WebSocket', async () => {
    await call((players, url) => players.playSocket(url), origin.replace('http', 'ws'));
    await isPlayed('#socket');
    expect(await errors()).toHaveLength(2);
  });
});
