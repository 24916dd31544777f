// Serves the pages (`/` plays, `/analytics.html` shows pictures and the level of the sound,
// `/low-latency.html` plays a camera by HLS and by MsePlayer), and a recording as GetMedia would send it while it is recorded:
// `node examples/browser/serve.mjs [FILE] [PORT]`, after `npm run build`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { readFragments } from 'kvs-parser';
import { Packager } from 'kvs-parser/hls';
import { toNodeListener } from 'kvs-parser/hls/node';
import { liveCamera } from './live-camera.mjs';

const [file = 'examples/recording/camera.mkv', port = '8080'] = process.argv.slice(2);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A script of this folder, with what it imports. */
async function bundle(script) {
  const { outputFiles } = await build({
    entryPoints: [here(script)],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'warning',
  });
  return outputFiles.map(({ text }) => text).join('\n');
}

const files = new Map([
  ['/', ['text/html', readFileSync(here('index.html'))]],
  ['/page.js', ['text/javascript', await bundle('page.js')]],
  ['/analytics.html', ['text/html', readFileSync(here('analytics.html'))]],
  ['/analytics.js', ['text/javascript', await bundle('analytics.js')]],
  ['/low-latency.html', ['text/html', readFileSync(here('low-latency.html'))]],
  ['/low-latency.js', ['text/javascript', await bundle('low-latency.js')]],
]);

/** The documents of the recording, each with the time at which its first frame was recorded, in microseconds. */
async function documents() {
  const bytes = readFileSync(file);
  const starts = [];
  const id = Buffer.of(0x1a, 0x45, 0xdf, 0xa3);
  for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + 4)) starts.push(at);
  return Promise.all(
    starts.map(async (start, index) => {
      const document = bytes.subarray(start, starts[index + 1]);
      let time;
      for await (const { frames } of readFragments(document)) time ??= frames[0]?.timestamp;
      return { document, time };
    }),
  );
}

const recording = await documents();

async function send(response) {
  let before;
  for (const { document, time } of recording) {
    // A page that was closed wants nothing more.
    if (response.destroyed) return;
    if (before !== undefined && time !== undefined) await wait(Math.max(0, (time - before) / 1000));
    before = time ?? before;
    response.write(document);
  }
  response.end();
}

/** The camera runs from the first request for it on. */
let playLive;
function live(request, response) {
  if (playLive === undefined) {
    const packager = new Packager({ partDuration: 200, displayFragmentTimestamp: 'ALWAYS', basePath: '/live' });
    packager.feed(liveCamera(file, new AbortController().signal)).catch(console.error);
    playLive = toNodeListener(packager.handler);
  }
  playLive(request, response);
}

/** The same as one body, from now on. */
async function sendLive(response) {
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  for await (const bytes of liveCamera(file, closed.signal)) response.write(bytes);
}

/** The path that is asked for. It is compared only, so that nothing in it can name a file. */
function pathOf(url = '/') {
  return url.split('?', 1)[0];
}

const server = createServer((request, response) => {
  const { method } = request;
  const path = pathOf(request.url);
  if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
  else if (files.has(path)) {
    const [type, body] = files.get(path);
    response.writeHead(200, { 'content-type': type }).end(body);
  } else if (path === '/media' && method === 'GET')
    void send(response.writeHead(200, { 'content-type': 'video/x-matroska' }));
  else if (path === '/live/media' && method === 'GET')
    void sendLive(response.writeHead(200, { 'content-type': 'video/x-matroska' }));
  else if (path.startsWith('/live/')) live(request, response);
  else response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
});
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
