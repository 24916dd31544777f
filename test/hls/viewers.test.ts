import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Packager, type PackagerOptions, type PlaybackHandler } from '../../src/hls/index.js';
import { toNodeListener } from '../../src/hls/node.js';
import { Presentation } from '../../src/hls/presentation.js';
import { bodyOf, type Media, readMedia, type WrappedFragment, wrapAsGetMedia } from '../support/kvs-media.js';
import { Feed, get, mediaPlaylist } from './support.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));
/** More than sockets take that nobody reads from. */
const LARGE = 16_000_000;

/** The ways to `node:http`: the handler itself, and a function that calls it with a `Request`. */
const WAYS: Record<string, (handler: PlaybackHandler) => PlaybackHandler> = {
  'the handler': (handler) => handler,
  'a function that calls the handler': (handler) => (request, Response) => handler(request, Response),
};
type Start = (options: PackagerOptions) => Promise<Served>;

/** A packager behind `node:http`. */
class Served {
  readonly packager: Packager;
  readonly server: Server;
  readonly source = new Feed();
  readonly fed: Promise<void>;
  readonly #until = vi.spyOn(Presentation.prototype, 'until');
  readonly #sockets: Socket[] = [];

  private constructor(options: PackagerOptions, way: (handler: PlaybackHandler) => PlaybackHandler) {
    this.packager = new Packager(options);
    this.fed = this.packager.feed(this.source);
    this.server = createServer(toNodeListener(way(this.packager.handler)));
  }

  /** How many requests wait for media. */
  get pending(): number {
    return [...new Set(this.#until.mock.contexts)].reduce<number>(
      (sum, each) => sum + (each instanceof Presentation ? each.waiting : 0),
      0,
    );
  }

  static async start(options: PackagerOptions, way: (handler: PlaybackHandler) => PlaybackHandler): Promise<Served> {
    const served = new Served(options, way);
    await new Promise<void>((resolve) => served.server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      served.#until.mockRestore();
      served.source.end();
      for (const socket of served.#sockets) socket.destroy();
      served.server.closeAllConnections();
      await new Promise((resolve) => served.server.close(resolve));
    });
    return served;
  }

  get #port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Sends what stands there, as it stands there. Nothing is read from the socket until someone does. */
  async send(text: string): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => {});
    socket.pause();
    this.#sockets.push(socket);
    await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
    socket.write(text);
    return socket;
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  }

  /** That all has come to its end. */
  async expectQuiet(): Promise<void> {
    await expect.poll(async () => [this.pending, await this.connections()], { timeout: 10_000 }).toEqual([0, 0]);
  }
}

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

/** All that a socket says until it has been closed, or has said so much. */
function read(socket: Socket, most = Number.POSITIVE_INFINITY): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.length >= most) resolve(text);
    });
    socket.on('close', () => resolve(text));
    socket.resume();
  });
}

describe.each(Object.entries(WAYS))('viewers, by %s', (_, way) => {
  const start: Start = (options) => Served.start(options, way);
  let media: Media;
  let large: WrappedFragment[];

  beforeAll(async () => {
    media = await readMedia(RECORDING);
    const first = media.frames.find(({ track }) => track.type === 'video');
    // A slice of zeros: nothing is decoded here.
    const slice = new Uint8Array(LARGE);
    slice.set([
      (LARGE - 4) >>> 24,
      ((LARGE - 4) >>> 16) & 255,
      ((LARGE - 4) >>> 8) & 255,
      (LARGE - 4) & 255,
      0x65,
      0x88,
    ]);
    large = wrapAsGetMedia(media, { frame: (data, frame) => (frame === first ? slice : data) });
  });

  test('who go while they wait for a playlist or a part wait no longer, and leave nothing behind', async () => {
    const served = await start({ partDuration: 200 });
    served.source.push(bodyOf(wrapAsGetMedia(media)));
    for (let msn = 0; msn < 8; msn++) await get(served.packager.handler, `video-1/media.m3u8?_HLS_msn=${msn}`);
    const { preloadSegment } = await mediaPlaylist(served.packager.handler, 'video-1');
    const hint = preloadSegment?.preloadHints?.[0]?.uri ?? '';
    const [msn, part] = hint.split('.');
    const sockets: Socket[] = [];
    for (let index = 0; index < 20; index++) {
      const path = index % 2 === 0 ? `media.m3u8?_HLS_msn=${msn}&_HLS_part=${part}` : hint;
      sockets.push(await served.send(GET(`/video-1/${path}`)));
    }
    await expect.poll(() => served.pending).toBe(20);
    for (const socket of sockets) socket.destroy();
    await served.expectQuiet();
  });

  test('who read a byte now and then hold nobody up and cost no copies, and may go in the middle', async () => {
    const served = await start({ maxFragmentResults: 'all' });
    served.source.push(bodyOf(large));
    await get(served.packager.handler, 'video-1/media.m3u8?_HLS_msn=1');
    const segment = await get(served.packager.handler, 'video-1/0.m4s');
    expect(segment.bytes.length).toBeGreaterThan(LARGE);
    const before = process.memoryUsage().arrayBuffers;
    const sockets: Socket[] = [];
    for (let index = 0; index < 30; index++) sockets.push(await served.send(GET('/video-1/0.m4s')));
    for (let count = 0; count < 3; count++) {
      for (const socket of sockets) {
        await expect.poll(() => socket.read(1)?.length).toBe(1);
      }
    }
    // 30 copies would be 480 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * LARGE);
    const quick = await fetch(`${served.origin}/video-1/0.m4s`);
    expect(new Uint8Array(await quick.arrayBuffer()).length).toBe(segment.bytes.length);
    expect((await fetch(`${served.origin}/video-1/media.m3u8`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await served.connections()) <= 2, { timeout: 10_000 }).toBe(true);
    expect(served.pending).toBe(0);
  });

  test('who read slowly get what they have asked for, whole, when it has left the window meanwhile', async () => {
    const served = await start({ maxFragmentResults: 1 });
    served.source.push(bodyOf(large.slice(0, 1)));
    await get(served.packager.handler, 'video-1/media.m3u8?_HLS_msn=0');
    const socket = await served.send(GET('/video-1/0.m4s').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await expect.poll(() => socket.read(1)?.length).toBe(1);
    served.source.push(bodyOf(large.slice(1)));
    for (let msn = 1; msn < 8; msn++) await get(served.packager.handler, `video-1/media.m3u8?_HLS_msn=${msn}`);
    const gone = await fetch(`${served.origin}/video-1/0.m4s`);
    expect([gone.status, await gone.text()]).toEqual([
      404,
      expect.stringMatching(/^segment 0 of video-1 is gone: the oldest is \d\n$/),
    ]);
    const text = await read(socket);
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
    expect(length).toBeGreaterThan(LARGE);
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(length);
  });

  test.each([
    ['/../../etc/passwd', 404],
    ['/video-1/../../main.m3u8/..', 404],
    ['/video-1/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/video-1/%zz.m4s', 404],
    ['/video-1/%00', 404],
    ['//elsewhere.example/main.m3u8', 404],
    ['http://elsewhere.example/main.m3u8', 200],
    ['http://[/main.m3u8', 404],
    ['*', 404],
    ['/constructor/media.m3u8', 404],
    [`/${'a/'.repeat(1500)}`, 404],
    [`/main.m3u8?${'a=1&'.repeat(2000)}`, 414],
    [`/main.m3u8?a=${'9'.repeat(100_000)}`, 431],
    [`/video-1/media.m3u8?_HLS_msn=${'9'.repeat(400)}`, 400],
    ['/video-1/media.m3u8?_HLS_msn=1e9', 400],
    ['/video-1/media.m3u8?_HLS_msn=999999999999999', 400],
    ['/video-1/999999999999999.999999999999999.m4s', 404],
    ['/video-1/init-999999999999999.mp4', 404],
  ])('%s is answered with %i', async (path, status) => {
    const served = await start({ partDuration: 200 });
    served.source.push(RECORDING);
    await mediaPlaylist(served.packager.handler, 'video-1');
    const text = await read(await served.send(GET(path).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')));
    expect(text.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    await served.expectQuiet();
  });

  test.each([
    'GET /main.m3u8 HTTP/1.0\r\n\r\n',
    'GET /main.m3u8 HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n',
    'GET /main.m3u8 HTTP/1.1\r\nHost: a b/c?d#e\r\nConnection: close\r\n\r\n',
    'GET /main.m3u8 HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=9-1,0-,-\r\nConnection: close\r\n\r\n',
    'POST /main.m3u8 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    'nonsense\r\n\r\n',
  ])('%j has an answer', async (request) => {
    const served = await start({});
    served.source.push(RECORDING);
    await mediaPlaylist(served.packager.handler, 'video-1');
    expect(await read(await served.send(request))).toMatch(/^HTTP\/1.1 [2-4]\d\d /);
    await served.expectQuiet();
  });
});

test('viewers who send several requests at once and go are all forgotten', async () => {
  const served = await Served.start({ partDuration: 200 }, (handler) => handler);
  served.source.push(RECORDING);
  for (let msn = 0; msn < 8; msn++) await get(served.packager.handler, `video-1/media.m3u8?_HLS_msn=${msn}`);
  const socket = await served.send(GET('/video-1/media.m3u8?_HLS_msn=9').repeat(12));
  await expect.poll(() => served.pending).toBe(12);
  socket.destroy();
  // What is not told waits for three target durations.
  await expect.poll(() => served.pending, { timeout: 5000 }).toBe(0);
});
