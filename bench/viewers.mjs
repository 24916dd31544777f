// Viewers of one low-latency stream: how fast playlists are answered, and what a viewer costs the serving process.
//
//   npm run bench:hls [-- --viewers 200 --seconds 20 --clients 2 --tracks video-1 --alone]
//
// A camera is sent in real time to a packager in one process. The viewers are in processes of their own (`--clients`); each viewer reloads the
// playlists of video and audio as hls.js does (blocking) and requests each part. Then, without
// `--alone`, comes what a viewer costs beside nginx (nginx.mjs).
//
// A blocking reload is measured from when the packager was given the bytes that complete the part (or from when the request was sent, where
// that is later) until the viewer has read the last byte of the response; any other request from when it is sent. All processes read one clock.
// What the server needs is told besides: until the response is in the socket's buffer, which on loopback is the viewer's.
import { fork, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    viewers: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
    clients: { type: 'string', default: '2' },
    tracks: { type: 'string', default: 'video-1,audio-2' },
    alone: { type: 'boolean', default: false },
    role: { type: 'string' },
  },
});
const viewers = Number(values.viewers);
const seconds = Number(values.seconds);
const clients = Number(values.clients);
const WARM_UP = 3;

/** Milliseconds of the clock that all processes of a machine share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;
const isPlaylist = (path) => path.includes('media.m3u8');
const isBlocking = (path) => path.includes('_HLS_msn');

function percentile(numbers, part) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * part)] ?? Number.NaN;
}

function describe(numbers) {
  const [median, most] = [0.5, 0.95].map((part) => percentile(numbers, part).toFixed(2));
  return `median ${median} ms, 95 % ${most} ms (${numbers.length})`;
}

async function serve() {
  const { Packager } = await import('../dist/hls/index.js');
  const { toNodeListener } = await import('../dist/hls/node.js');
  const recording = readFileSync(new URL('../examples/recording/camera.mkv', import.meta.url));
  const packager = new Packager({ partDuration: 200, maxFragmentResults: 6 });
  let released = 0;
  /** When the bytes came that made a playlist what was waited for, by its address: the newest when the first viewer was answered. */
  const caused = new Map();
  const answered = { plain: [], blocking: [] };
  let isMeasured = false;
  const listener = toNodeListener(packager.handler);
  const server = createServer((request, response) => {
    if (isPlaylist(request.url)) {
      const came = now();
      const { end } = response;
      response.end = (...body) => {
        if (!caused.has(request.url)) caused.set(request.url, released);
        end.apply(response, body);
        if (!isMeasured) return response;
        if (isBlocking(request.url)) answered.blocking.push(now() - Math.max(came, caused.get(request.url)));
        else answered.plain.push(now() - came);
        return response;
      };
    }
    listener(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  async function* camera() {
    const size = recording.length / 400;
    let due = now() - 8000;
    for (let piece = 0; ; piece++) {
      due += 25;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - now())));
      const at = piece % 400;
      released = now();
      yield recording.subarray(Math.floor(at * size), Math.floor((at + 1) * size));
    }
  }
  packager.feed(camera()).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const each = Array.from(
    { length: clients },
    (_, index) => Math.floor(((index + 1) * viewers) / clients) - Math.floor((index * viewers) / clients),
  );
  const results = each.map((count) => {
    const child = fork(
      fileURLToPath(import.meta.url),
      [
        '--role',
        'viewers',
        '--viewers',
        String(count),
        '--seconds',
        String(seconds + WARM_UP + 1),
        '--tracks',
        values.tracks,
      ],
      { env: { ...process.env, PORT: String(server.address().port) }, serialization: 'advanced' },
    );
    return new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', () => reject(new Error('a process of viewers ended without a word')));
    });
  });
  await new Promise((resolve) => setTimeout(resolve, WARM_UP * 1000));
  isMeasured = true;
  const from = now();
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { user, system } = process.cpuUsage(before);
  isMeasured = false;
  const to = now();
  const got = (await Promise.all(results)).flat();
  packager.close();
  server.closeAllConnections();
  server.close();
  const seen = { plain: [], blocking: [], part: [] };
  const inTime = got.filter(({ sent, received }) => sent >= from && received <= to);
  for (const { path, sent, received } of inTime) {
    const kind = !isPlaylist(path) ? 'part' : isBlocking(path) ? 'blocking' : 'plain';
    seen[kind].push(received - Math.max(sent, kind === 'blocking' ? (caused.get(`/${path}`) ?? sent) : sent));
  }
  const failed = got.filter(({ status }) => status !== 200).length;
  const bytes = inTime.reduce((sum, { length }) => sum + length, 0);
  console.log(
    `${viewers} viewers in ${clients} processes for ${seconds} s: ${inTime.length} requests, ${failed} failed, ${(bytes / 1e6).toFixed(0)} MB`,
  );
  console.log('until the viewer has it:');
  console.log(`  playlists  ${describe([...seen.plain, ...seen.blocking])}`);
  console.log(`    plain    ${describe(seen.plain)}`);
  console.log(`    blocking ${describe(seen.blocking)}`);
  console.log(`  parts      ${describe(seen.part)}`);
  console.log("until it is in the viewer's socket:");
  console.log(`    plain    ${describe(answered.plain)}`);
  console.log(`    blocking ${describe(answered.blocking)}`);
  console.log(
    `CPU of the serving process: ${(((user + system) / 1e6 / seconds) * 100).toFixed(1)} % of a core, ${(((user + system) / 1e6 / seconds / viewers) * 100).toFixed(3)} % for each viewer`,
  );
}

/** A connection of a viewer that stays open. It does no more than it must: what viewers cost is not what is measured. */
class Connection {
  #socket = connect(Number(process.env.PORT), '127.0.0.1').setNoDelay(true);
  #chunks = [];
  #missing = -1;
  #status = 0;
  #length = 0;
  #done;

  constructor() {
    this.#socket.on('data', (data) => this.#take(data));
    const gone = { status: 0, length: 0, received: Number.NaN, chunks: [] };
    for (const event of ['error', 'close']) this.#socket.on(event, () => this.#done?.(gone));
  }

  get(path) {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#missing = -1;
      this.#chunks = [];
      this.#socket.write(`GET /${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    });
  }

  #take(data) {
    this.#chunks.push(data);
    if (this.#missing < 0) {
      const start = this.#chunks.length === 1 ? data : Buffer.concat(this.#chunks);
      const end = start.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = start.latin1Slice(0, end);
      this.#status = Number(head.slice(9, 12));
      this.#length = Number(/\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      this.#missing = this.#length - (start.length - end - 4);
      this.#chunks = [start.subarray(end + 4)];
    } else this.#missing -= data.length;
    if (this.#missing > 0) return;
    const received = now();
    this.#done({ status: this.#status, length: this.#length, received, chunks: this.#chunks });
  }

  close() {
    this.#socket.destroy();
  }
}

async function watch() {
  const end = now() + seconds * 1000;
  const got = [];
  const follow = async (track) => {
    const connection = new Connection();
    const request = async (path) => {
      const sent = now();
      const { status, length, received, chunks } = await connection.get(path);
      got.push({ path, sent, received, status, length });
      return chunks;
    };
    let query = '';
    let last = '';
    for (let count = 0; now() < end; count++) {
      // A viewer looks for the whole playlist now and then.
      const chunks = await request(`${track}/media.m3u8${count % 20 === 0 ? '' : query}`);
      // The others are to have theirs first: what reading a playlist costs here is not the server's.
      await new Promise((resolve) => setImmediate(resolve));
      const text = Buffer.concat(chunks).toString('latin1');
      const hint = /PRELOAD-HINT:TYPE=PART,URI="((\d+)\.(\d+)\.m4s)"/.exec(text);
      const parts = text.match(/\d+\.\d+\.m4s(?=",?[^\n]*)/g) ?? [];
      const newest = parts.at(hint === null ? -1 : -2);
      if (newest !== undefined && newest !== last) await request(`${track}/${newest}`);
      last = newest ?? last;
      query = hint === null ? '' : `?_HLS_msn=${hint[2]}&_HLS_part=${hint[3]}&_HLS_skip=YES`;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: viewers }, () => Promise.all(values.tracks.split(',').map(follow))));
  await new Promise((resolve) => process.send(got, resolve));
}

await (values.role === 'viewers' ? watch() : serve());
if (values.role !== 'viewers') {
  const script = fileURLToPath(new URL('nginx.mjs', import.meta.url));
  if (!values.alone)
    spawnSync(process.execPath, [script, '--viewers', values.viewers, '--seconds', values.seconds], {
      stdio: 'inherit',
    });
}
process.exit();
