import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readAddress } from '../../src/hls/asked.js';
import { Packager, type PlaybackHandler } from '../../src/hls/index.js';
import { serve } from './support.js';

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
}

interface Answered {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What only `node:http` adds. */
const OF_NODE = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding']);

function headersOf(entries: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries([...entries].filter(([name]) => !OF_NODE.has(name)).sort());
}

async function byFetch(handler: PlaybackHandler, { method = 'GET', path, headers = {} }: Asked): Promise<Answered> {
  const response = await handler(new Request(`http://localhost${path}`, { method, headers }));
  const body = Buffer.from(await response.arrayBuffer()).toString('base64');
  return { status: response.status, headers: headersOf(response.headers), body };
}

function byNode(origin: string, { method = 'GET', path, headers = {} }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(origin);
    const asking = request({ port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: headersOf(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString('base64'),
        }),
      );
    });
    asking.on('error', reject).end();
  });
}

describe('a Request, node:http, and node:http with a function that calls the handler are answered alike', () => {
  let packager: Packager;
  beforeAll(async () => {
    packager = new Packager({ basePath: '/a', maxFragmentResults: 'all', partDuration: 200, query: { token: 'é&=' } });
    await packager.feed(new Uint8Array(readFileSync('examples/recording/camera.mkv')));
  });

  test('whatever is asked', async () => {
    const { handler } = packager;
    const direct = await serve(handler);
    const wrapped = await serve((asked, Response) => handler(asked, Response));
    const paths = [
      ...['main.m3u8', 'manifest.mpd', 'video-1/media.m3u8', 'audio-2/media.m3u8?_HLS_msn=2&_HLS_part=1&_HLS_skip=YES'],
      ...['video-1/init-0.mp4', 'video-1/1.m4s', 'audio-2/3.0.m4s', 'video-1/99.m4s', 'video-1/media.m3u8?_HLS_msn=x'],
      ...['../a/main.m3u8', './video-1/../main.m3u8?a=1#b', 'video%2d1/media.m3u8', '%6dain.m3u8', '/main.m3u8', ''],
    ].map((path) => `/a/${path}`);
    const { headers } = await byFetch(handler, { path: '/a/video-1/1.m4s' });
    const etag = headers['etag'] ?? '';
    const asked: Asked[] = [
      ...paths.flatMap((path) => ['GET', 'HEAD', 'OPTIONS', 'DELETE'].map((method) => ({ method, path }))),
      ...[
        { range: 'bytes=0-9' },
        { range: 'bytes=-9' },
        { range: 'bytes=100-' },
        { range: 'bytes=9999999-' },
        { range: 'bytes=0-1,4-5' },
        { range: 'bytes=5-5', 'if-range': etag },
        { 'if-none-match': etag },
        { 'if-none-match': `"x", W/${etag}` },
        { 'if-none-match': '*', range: 'bytes=0-9' },
      ].flatMap((given) =>
        ['GET', 'HEAD'].flatMap((method) =>
          ['/a/video-1/1.m4s', '/a/main.m3u8'].map((path) => ({ method, path, headers: given })),
        ),
      ),
    ];
    for (const each of asked) {
      const expected = await byFetch(handler, each);
      expect([each, 'direct', await byNode(direct, each)]).toEqual([each, 'direct', expected]);
      expect([each, 'wrapped', await byNode(wrapped, each)]).toEqual([each, 'wrapped', expected]);
    }
  });
});

test('an address comes apart as the platform takes it apart', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '/..',
    '%2e',
    '\\',
    '?',
    '#',
    '&',
    '=',
    ':',
    '@',
    '[',
    ' ',
    'é',
    '\t',
    'a',
    '1',
    '_',
    '+',
    '%zz',
  );
  const path = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);
  fc.assert(
    fc.property(
      fc.oneof(
        path,
        fc.webPath().map((text) => `/${text}`),
      ),
      (url) => {
        const { pathname, searchParams } = new URL(`http://localhost${url}`);
        for (const each of [url, `http://localhost${url}`]) {
          const address = readAddress(each);
          expect([address?.path, address?.query.toString()]).toEqual([pathname, searchParams.toString()]);
        }
      },
    ),
  );
});
