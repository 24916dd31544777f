// What a viewer costs the process that serves it, beside nginx with the same files: processor time, user and system.
//
//   npm run bench:hls [-- --viewers 200 --seconds 20 --json]
//
// The recording on demand: nginx has its files in a folder, a packager has them in memory. So many viewers get the playlists and the next
// segments of picture and sound whenever a segment's time has passed, over connections that stay open, from one after the other.
import { fork, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Packager } from '../dist/hls/index.js';
import { toNodeListener } from '../dist/hls/node.js';

const { values } = parseArgs({
  options: {
    viewers: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    role: { type: 'string' },
  },
});
const viewers = Number(values.viewers);
const seconds = Number(values.seconds);
/** How long a segment of the recording is, on average. */
const SEGMENT_MS = 1250;
const SEGMENTS = 8;
/** What /proc counts processor time in, on Linux: a hundredth of a second. */
const TICK_MS = 10;

async function packaged() {
  const packager = new Packager({ playbackMode: 'ON_DEMAND' });
  await packager.feed(readFileSync(new URL('../examples/recording/camera.mkv', import.meta.url)));
  return packager;
}

/** Processor time of processes, in milliseconds, by what the kernel says. */
function cpuOf(pids) {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }, 0);
}

/** Lets viewers watch what is served at a port, and gives what they got and what it cost. */
async function watch(port, pids) {
  const agent = new Agent({ keepAlive: true, maxSockets: viewers });
  const counts = { requests: 0, errors: 0, bytes: 0 };
  const fetch = (path) =>
    new Promise((resolve) => {
      counts.requests++;
      get({ host: '127.0.0.1', port, path: `/${path}`, agent }, (response) => {
        if (response.statusCode !== 200) counts.errors++;
        response.on('data', (data) => {
          counts.bytes += data.length;
        });
        response.on('end', resolve);
      }).on('error', () => {
        counts.errors++;
        resolve();
      });
    });
  const round = async (index) => {
    for (const track of ['video-1', 'audio-2']) {
      await fetch(`${track}/media.m3u8`);
      await fetch(`${track}/${index % SEGMENTS}.m4s`);
    }
  };
  const view = async (number, rounds) => {
    const began = performance.now() + (SEGMENT_MS * number) / viewers;
    for (let index = 0; index < rounds; index++) {
      const wait = began + index * SEGMENT_MS - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      await round(index);
    }
  };
  const all = (rounds) => Promise.all(Array.from({ length: viewers }, (_, number) => view(number, rounds)));
  await all(4);
  Object.assign(counts, { requests: 0, errors: 0, bytes: 0 });
  const before = cpuOf(pids);
  const rounds = Math.ceil((seconds * 1000) / SEGMENT_MS);
  await all(rounds);
  const cpuMs = cpuOf(pids) - before;
  agent.destroy();
  return { ...counts, cpuMs, perViewer: cpuMs / viewers / (rounds * SEGMENT_MS) };
}

async function serve() {
  const { handler } = await packaged();
  // As long as nginx keeps connections open on which nothing comes.
  const server = createServer({ keepAliveTimeout: 75_000 }, toNodeListener(handler));
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
}

async function measureOurs() {
  const child = fork(fileURLToPath(import.meta.url), ['--role', 'serve']);
  const port = await new Promise((resolve) => child.once('message', resolve));
  const result = await watch(port, [child.pid]);
  child.kill();
  return result;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function measureNginx() {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  for await (const { path, bytes } of (await packaged()).files()) {
    mkdirSync(join(folder, 'files', dirname(path)), { recursive: true });
    writeFileSync(join(folder, 'files', path), bytes);
  }
  const port = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
    events { worker_connections 4096; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=100; ${paths.join(' ')}
      types { application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; }
      server { listen 127.0.0.1:${port}; root ${folder}/files; add_header Access-Control-Allow-Origin *; add_header Cache-Control "public, max-age=3600"; }
    }`,
  );
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    for (let tries = 0; ; tries++) {
      const isThere = await new Promise((resolve) => {
        get({ host: '127.0.0.1', port, path: '/main.m3u8' }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode === 200));
        }).on('error', () => resolve(false));
      });
      if (isThere) break;
      if (tries > 100 || child.exitCode !== null) throw new Error('nginx does not serve');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return await watch(port, [child.pid]);
  } finally {
    child.kill();
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve()));
    rmSync(folder, { recursive: true });
  }
}

function tell(name, { requests, errors, bytes, cpuMs, perViewer }) {
  console.log(
    `${name}: ${cpuMs} ms of CPU for ${requests} requests (${errors} failed, ${(bytes / 1e6).toFixed(0)} MB): ${(perViewer * 100).toFixed(4)} % of a core for each viewer`,
  );
}

if (values.role === 'serve') await serve();
else if (process.platform !== 'linux') console.log('beside nginx: skipped, processor time is read from /proc');
else {
  const ours = await measureOurs();
  const hasNginx = spawnSync('nginx', ['-v']).status === 0;
  const nginx = hasNginx ? await measureNginx() : undefined;
  if (values.json) console.log(JSON.stringify({ viewers, seconds, ours, nginx }));
  else {
    tell('kvs-parser/hls', ours);
    if (nginx === undefined) console.log('beside nginx: skipped, nginx is not on PATH (apt: nginx-light)');
    else {
      tell('nginx', nginx);
      console.log(`a viewer costs ${(ours.perViewer / nginx.perViewer).toFixed(1)} times what one of nginx costs`);
    }
  }
}
