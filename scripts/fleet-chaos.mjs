/**
 * A fleet under attack: npm run chaos:fleet -- [--seconds 300] [--streams 60] [--seed N]
 *
 * Three workers follow live streams of a local endpoint that fails at random. Workers are killed and started anew, one is stopped for
 * longer than its lock and woken, Redis is restarted twice. Every fragment of every stream has to be handled, in order for its stream;
 * twice only what lies between a checkpoint and a takeover; no stream may be without a worker for longer than twice the lock; no checkpoint
 * may go back. Exits with 1 where something is wrong.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { StreamFleet } from '../dist/fleet/index.js';
import { randomFaults, startLocalKinesisVideo } from '../dist/testing/index.js';
import { makeFragment } from './fleet-fragment.mjs';
import { RedisServer } from './redis-server.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    streams: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    lock: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const isLong = seconds >= 120;
const lockMs = Number(values.lock ?? (isLong ? 5000 : 3100));
const killEveryMs = isLong ? 20_000 : 7000;
const FRAGMENT_MS = 1000;
/** How long nothing more may be handled, after the last fragment is stored, before what is missing counts as lost. */
const REST_MS = Math.max(60_000, 6 * lockMs);

// mulberry32: the same seed gives the same choices.
let state = seed;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const problems = [];
const folder = mkdtempSync(join(tmpdir(), 'kvs-chaos-'));
const log = join(folder, 'handled.jsonl');
const redis = await RedisServer.start();
const local = await startLocalKinesisVideo({
  faults: randomFaults({ seed, probability: 0.3, forMs: 500, maxBytes: 60_000 }),
});
const names = Array.from({ length: Number(values.streams) }, (_, i) => `camera-${i}`);
const streams = new Map(names.map((name) => [name, local.createStream(name)]));
const stored = new Map(names.map((name) => [name, []]));
const consumer = {
  clientConfig: {
    endpoint: local.endpoint,
    region: 'local',
  },
  readTimeoutMs: 4000,
  maxDelayMs: 1000,
  maxIdleDelayMs: 500,
};
const fleet = new StreamFleet({ redis: redis.url });
for (const name of names) await fleet.follow(name, { start: { type: 'EARLIEST' }, retryDelayMs: 500 });

let started = 0;
const workers = new Set();
const events = { taken: 0, lost: 0, failed: 0, drained: 0 };
/** Streams that have lost their worker, and when. */
const orphans = new Map();
let longestMs = 0;
/** For how long in all Redis was not there. */
let redisDownMs = 0;
let redisDownSince;

function startWorker() {
  const name = `worker-${++started}`;
  const options = {
    redis: redis.url,
    consumer,
    lockMs,
    name,
    log,
    maxStreams: names.length,
    maxParts: 0,
  };
  const child = fork(fileURLToPath(new URL('fleet-chaos-worker.mjs', import.meta.url)), [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const worker = { name, child };
  child.on('message', ({ type, stream, reason }) => {
    if (values.verbose) console.log(`${name}: ${type} ${stream ?? ''} ${reason ?? ''}`);
    if (type in events) events[type]++;
  });
  child.on('exit', () => workers.delete(worker));
  workers.add(worker);
  return worker;
}

/** What a worker had that is killed or stopped. */
async function orphan(name) {
  for (const { stream, worker } of await list()) {
    if (worker === name)
      orphans.set(stream.streamName, { since: Date.now(), at: performance.now(), downMs: redisDownMs });
  }
}

async function list() {
  return await Promise.race([fleet.list().catch(() => []), sleep(1000, [])]);
}

const checkpoints = new Map();
let watching = true;
async function watch() {
  while (watching) {
    for (const { stream, worker, checkpoint, seenAt } of await list()) {
      const name = stream.streamName;
      const number = BigInt(checkpoint?.fragmentNumber ?? -1);
      const last = checkpoints.get(name) ?? -1n;
      if (number < last) problems.push(`the checkpoint of ${name} went back from ${last} to ${number}`);
      checkpoints.set(name, number);
      const lost = orphans.get(name);
      if (lost === undefined || worker === undefined || !(Number(seenAt) > lost.since)) continue;
      orphans.delete(name);
      const tookMs = performance.now() - lost.at - (redisDownMs - lost.downMs);
      if (values.verbose)
        console.log(`${name}: ${Math.round(tookMs)} ms until ${worker}, seen ${seenAt.toISOString()}`);
      longestMs = Math.max(longestMs, tookMs);
    }
    await sleep(100);
  }
}

async function restartRedis() {
  redisDownSince = performance.now();
  await redis.stop();
  await sleep(200 + random() * 500);
  await redis.start();
  // What was connected comes back within its own back-off.
  await sleep(1000);
  redisDownMs += performance.now() - redisDownSince;
}

console.log(`seed ${seed}: ${names.length} streams, 3 workers, ${seconds} s, lock ${lockMs} ms`);
for (let i = 0; i < 3; i++) startWorker();
const watched = watch();
const began = performance.now();
let appended = 0;
const period = FRAGMENT_MS / names.length;
const feed = setInterval(() => {
  for (; appended * period <= performance.now() - began; appended++) {
    const name = names[appended % names.length];
    const index = Math.floor(appended / names.length);
    const now = Date.now();
    const times = { producerTimestamp: now - FRAGMENT_MS, serverTimestamp: now };
    stored.get(name).push(streams.get(name).append(makeFragment(index * FRAGMENT_MS), times).fragmentNumber);
  }
}, 20);

const plan = [];
for (let at = killEveryMs; at < seconds * 1000 - killEveryMs / 2; at += killEveryMs) plan.push({ at, what: 'kill' });
plan.push(
  { at: seconds * 330, what: 'stop' },
  { at: seconds * 450, what: 'redis' },
  { at: seconds * 750, what: 'redis' },
);
plan.sort((a, b) => a.at - b.at);
const running = [];
for (const { at, what } of plan) {
  await sleep(Math.max(0, at - (performance.now() - began)));
  const free = [...workers].filter(({ stopped }) => stopped !== true);
  const victim = free[Math.floor(random() * free.length)];
  if (values.verbose) console.log(`${new Date().toISOString()} ${what} ${victim?.name}`);
  if (what === 'redis') {
    await restartRedis();
  } else if (what === 'kill' && victim !== undefined) {
    await orphan(victim.name);
    victim.child.kill('SIGKILL');
    startWorker();
  } else if (victim !== undefined) {
    await orphan(victim.name);
    victim.stopped = true;
    victim.child.kill('SIGSTOP');
    running.push(
      sleep(lockMs * 2.5).then(() => {
        victim.child.kill('SIGCONT');
        victim.stopped = false;
      }),
    );
  }
}
await Promise.all(running);
await sleep(Math.max(0, seconds * 1000 - (performance.now() - began)));
clearInterval(feed);

const handled = () => {
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const found = new Map(names.map((name) => [name, []]));
  for (const line of lines) {
    const [name, number, worker, frames] = JSON.parse(line);
    found.get(name)?.push({ number, worker, frames });
  }
  return found;
};
const distinctIn = (found, name) => new Set(found.get(name).map(({ number }) => number)).size;
const distinctOf = (found) => names.reduce((sum, name) => sum + distinctIn(found, name), 0);
const isDone = (found) => names.every((name) => distinctIn(found, name) >= stored.get(name).length);
// A machine that is busy with other things takes longer for what is left: time counts from the last fragment that was handled.
let restsUntil = 0;
let distinct = -1;
for (;;) {
  const found = handled();
  if (isDone(found)) break;
  const now = distinctOf(found);
  if (now > distinct) restsUntil = performance.now() + REST_MS;
  else if (performance.now() >= restsUntil) break;
  distinct = now;
  await sleep(500);
}
await sleep(500);
watching = false;
await watched;

let duplicates = 0;
let total = 0;
const found = handled();
for (const name of names) {
  const numbers = stored.get(name);
  total += numbers.length;
  const seen = new Set();
  const first = [];
  for (const [index, { number, worker, frames }] of found.get(name).entries()) {
    if (frames === 0) problems.push(`${name}: ${number} came without frames`);
    if (!seen.has(number)) {
      seen.add(number);
      first.push(number);
      continue;
    }
    duplicates++;
    const before = found.get(name).findLast((one, at) => at < index && one.number === number);
    if (before.worker === worker) problems.push(`${name}: ${worker} has handled ${number} twice`);
  }
  const missing = numbers.filter((number) => !seen.has(number));
  if (missing.length > 0) problems.push(`${name}: ${missing.length} of ${numbers.length} fragments were not handled`);
  else if (first.join() !== numbers.join()) problems.push(`${name}: not in order`);
}
if (orphans.size > 0) problems.push(`${orphans.size} streams have found no other worker`);
if (longestMs > 2 * lockMs) problems.push(`a stream was without a worker for ${Math.round(longestMs)} ms`);

// The end: all drain.
const ending = [...workers].map(
  ({ child }) =>
    new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGTERM');
    }),
);
const ended = await Promise.race([Promise.all(ending).then(() => true), sleep(15_000, false)]);
if (!ended) problems.push('a worker has not ended 15 s after SIGTERM');
for (const { child } of workers) child.kill('SIGKILL');
await fleet.close();
await local.close();
await redis.remove();
rmSync(folder, { recursive: true, force: true });
console.log(
  `${total} fragments; ${duplicates} handled twice; ${started} workers; taken ${events.taken}, lost ${events.lost}, failed ${events.failed} times; ` +
    `at most ${Math.round(longestMs)} ms without a worker; ${local.violations.length} calls beyond the service's limits`,
);
for (const problem of problems.slice(0, 20)) console.log(`WRONG: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);
