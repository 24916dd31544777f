// Serves the page, and a recording as GetMedia would send it while it is recorded:
// `node examples/browser/serve.mjs [FILE] [PORT]`, after `npm run build`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { readFragments } from 'kvs-parser';

const [file = 'examples/recording/camera.mkv', port = '8080'] = process.argv.slice(2);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const { outputFiles } = await build({
  entryPoints: [here('page.js')],
  bundle: true,
  write: false,
  format: 'esm',
  logLevel: 'warning',
});
const bundle = outputFiles.map(({ text }) => text).join('\n');

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

/** The path that is asked for. It is compared only, so that nothing in it can name a file. */
function pathOf(url = '/') {
  return url.split('?', 1)[0];
}

const server = createServer((request, response) => {
  const { method } = request;
  const path = pathOf(request.url);
  if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
  else if (path === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(readFileSync(here('index.html')));
  else if (path === '/page.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(bundle);
  else if (path === '/media' && method === 'GET')
    void send(response.writeHead(200, { 'content-type': 'video/x-matroska' }));
  else response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
});
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
