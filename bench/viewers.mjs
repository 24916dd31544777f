// Viewers of one low-latency stream: how fast playlists are answered, and what a viewer costs the serving process.
//
//   npm run bench:hls [-- --viewers 200 --seconds 20]
//
// A camera is sent in real time to a packager in one process; another one has the viewers, each of which reloads the video's and the sound's
// playlists as hls.js does (blocking) and gets each part. Then comes what a viewer costs beside nginx (nginx.mjs).
import { fork, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    viewers: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
    role: { type: 'string' },
  },
});
const viewers = Number(values.viewers);
const seconds = Number(values.seconds);

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const percentile = (numbers, part) =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * part)] ?? Number.NaN;

async function serve() {
  const { Packager } = await import('../dist/hls/index.js');
  const { toNodeListener } = await import('../dist/hls/node.js');
  const recording = readFileSync(new URL('../examples/recording/camera.mkv', import.meta.url));
  const packager = new Packager({ partDuration: 200, maxFragmentResults: 6 });
  let released = 0;
  const answered = { plain: [], blocking: [] };
  let isMeasured = false;
  let bytes = 0;
  /** When the bytes came that made a playlist what was waited for, by its address: the newest when the first viewer was answered. */
  const caused = new Map();
  const listener = toNodeListener(async (request, Response) => {
    const response = await packager.handler(request, Response);
    const path = request.url.slice(request.url.indexOf('/', 8));
    if (!caused.has(path)) caused.set(path, released);
    return response;
  });
  const server = createServer((request, response) => {
    const came = performance.now();
    if (request.url.includes('media.m3u8')) {
      response.on('finish', () => {
        if (!isMeasured) return;
        const since = Math.max(came, request.url.includes('_HLS_msn') ? (caused.get(request.url) ?? came) : came);
        answered[request.url.includes('_HLS_msn') ? 'blocking' : 'plain'].push(performance.now() - since);
      });
    }
    listener(request, response);
  });
  server.on('connection', (socket) =>
    socket.on('close', () => {
      bytes += socket.bytesWritten;
    }),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  async function* camera() {
    const size = recording.length / 400;
    let due = performance.now() - 8000;
    for (let piece = 0; ; piece++) {
      due += 25;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const at = piece % 400;
      released = performance.now();
      yield recording.subarray(Math.floor(at * size), Math.floor((at + 1) * size));
    }
  }
  packager.feed(camera()).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const child = fork(
    fileURLToPath(import.meta.url),
    ['--role', 'viewers', '--viewers', String(viewers), '--seconds', String(seconds + 4)],
    { env: { ...process.env, PORT: String(server.address().port) } },
  );
  await new Promise((resolve) => setTimeout(resolve, 3000));
  isMeasured = true;
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { user, system } = process.cpuUsage(before);
  isMeasured = false;
  const counts = await new Promise((resolve) => child.once('message', resolve));
  packager.close();
  server.closeAllConnections();
  server.close();
  const all = [...answered.plain, ...answered.blocking];
  console.log(
    `${viewers} viewers for ${seconds} s: ${counts.requests} requests, ${counts.errors} failed, ${(bytes / 1e6).toFixed(0)} MB`,
  );
  console.log(
    `playlists: ${all.length}, median ${median(all).toFixed(2)} ms, 95 % ${percentile(all, 0.95).toFixed(2)} ms (from request or newest bytes to the end of the answer)`,
  );
  console.log(`  plain ${median(answered.plain).toFixed(2)} ms, blocking ${median(answered.blocking).toFixed(2)} ms`);
  console.log(
    `CPU of the serving process: ${(((user + system) / 1e6 / seconds) * 100).toFixed(1)} % of a core, ${(((user + system) / 1e6 / seconds / viewers) * 100).toFixed(3)} % for each viewer`,
  );
}

async function watch() {
  const agent = new Agent({ keepAlive: true, maxSockets: viewers * 2 });
  const base = `http://127.0.0.1:${process.env.PORT}/`;
  const end = performance.now() + seconds * 1000;
  let requests = 0;
  let errors = 0;
  const fetchText = (path) =>
    new Promise((resolve) => {
      requests++;
      get(base + path, { agent }, (response) => {
        let text = '';
        response.setEncoding('latin1').on('data', (data) => {
          text += data;
        });
        response.on('end', () => {
          if (response.statusCode !== 200) errors++;
          resolve(text);
        });
      }).on('error', () => {
        errors++;
        resolve('');
      });
    });
  const follow = async (track) => {
    let query = '';
    let last = '';
    for (let count = 0; performance.now() < end; count++) {
      // A viewer looks for the whole playlist now and then.
      const text = await fetchText(`${track}/media.m3u8${count % 20 === 0 ? '' : query}`);
      const hint = /PRELOAD-HINT:TYPE=PART,URI="((\d+)\.(\d+)\.m4s)"/.exec(text);
      const parts = text.match(/\d+\.\d+\.m4s(?=",?[^\n]*)/g) ?? [];
      const newest = parts.at(hint === null ? -1 : -2);
      if (newest !== undefined && newest !== last) await fetchText(`${track}/${newest}`);
      last = newest ?? last;
      query = hint === null ? '' : `?_HLS_msn=${hint[2]}&_HLS_part=${hint[3]}&_HLS_skip=YES`;
    }
  };
  await Promise.all(Array.from({ length: viewers }, () => Promise.all([follow('video-1'), follow('audio-2')])));
  agent.destroy();
  process.send({ requests, errors });
}

await (values.role === 'viewers' ? watch() : serve());
if (values.role !== 'viewers') {
  const script = fileURLToPath(new URL('nginx.mjs', import.meta.url));
  spawnSync(process.execPath, [script, '--viewers', values.viewers, '--seconds', values.seconds], { stdio: 'inherit' });
}
process.exit();
