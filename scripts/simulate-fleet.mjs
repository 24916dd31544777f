/**
 * What a large fleet asks of Redis, and what follows when workers are lost: a discrete simulation with costs that are measured first.
 *
 * node scripts/simulate-fleet.mjs [--streams 100000] [--per-worker 200] [--spare 0.25] [--lock 30] [--fragment 2] [--checkpoint 0]
 *   [--lost 0.1] [--shards 1]
 *
 * Redis runs one command at a time: each waits for those before it. Workers save a checkpoint for each fragment, or at most every
 * --checkpoint seconds, and renew locks that no checkpoint has renewed. At 60 s the given part of the workers is lost; what they had comes
 * back when its locks are over and a check has found it, and the others take it, one stream after the other.
 */
import { parseArgs } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { defineScripts } from '../dist/fleet/scripts.js';
import { RedisServer } from './redis-server.mjs';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '100000' },
    'per-worker': { type: 'string', default: '200' },
    spare: { type: 'string', default: '0.25' },
    lock: { type: 'string', default: '30' },
    fragment: { type: 'string', default: '2' },
    checkpoint: { type: 'string', default: '0' },
    lost: { type: 'string', default: '0.1' },
    shards: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    costs: { type: 'string' },
  },
});
const ROUND_TRIP_MS = 1;
const LOST_AT = 60_000;
const END = 240_000;
/** Streams that were taken over, by the second. */
const perSecond = new Map();

/** What comes next in time. */
class Heap {
  #items = [];

  push(at, what) {
    const items = this.#items;
    items.push([at, what]);
    for (let i = items.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (items[parent][0] <= items[i][0]) break;
      [items[parent], items[i]] = [items[i], items[parent]];
      i = parent;
    }
  }

  pop() {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    items[0] = last;
    for (let i = 0; ; ) {
      let least = 2 * i + 1;
      if (least >= items.length) break;
      if (least + 1 < items.length && items[least + 1][0] < items[least][0]) least++;
      if (items[i][0] <= items[least][0]) break;
      [items[least], items[i]] = [items[i], items[least]];
      i = least;
    }
    return first;
  }
}

const costs = values.costs === undefined ? await measure() : JSON.parse(values.costs);
const result = simulate({
  streams: Math.ceil(Number(values.streams) / Number(values.shards)),
  perWorker: Number(values['per-worker']),
  spare: Number(values.spare),
  lockMs: Number(values.lock) * 1000,
  saveMs: Math.max(Number(values.fragment), Number(values.checkpoint)) * 1000,
  lost: Number(values.lost),
});
console.log(JSON.stringify({ costs, ...result }, undefined, values.json ? undefined : 2));

/** Processor time of Redis for each thing, in microseconds. */
async function measure() {
  const redis = await RedisServer.start();
  const connection = { url: redis.url, maxRetriesPerRequest: null };
  const queue = new Queue('measured', { connection });
  const client = await queue.client;
  const run = defineScripts(client);
  const cpu = async () => {
    const [, user] = /used_cpu_user:([\d.]+)/.exec(await client.info('cpu'));
    const [, system] = /used_cpu_sys:([\d.]+)/.exec(await client.info('cpu'));
    return (Number(user) + Number(system)) * 1e6;
  };
  const count = 20_000;
  const checkpoint = JSON.stringify({
    fragmentNumber: '91343852333181432392682062607743920185884420441',
    continuationToken: '91343852333181432392682062607743920185884420441',
    producerTimestamp: new Date().toISOString(),
    serverTimestamp: new Date().toISOString(),
  });
  const key = (name) => queue.toKey(name);
  for (let i = 0; i < 1000; i++) await client.set(key(`s${i}:lock`), 'token');
  const hold = (i, ...fields) =>
    run(
      'kvsHold',
      key(`s${i}:lock`),
      key(`s${i}`),
      key('stalled'),
      key('streams'),
      key(`state:s${i}`),
      'token',
      1e7,
      `s${i}`,
      '{"worker":"a"}',
      ...fields,
    );
  const holds = async (...fields) => {
    const before = await cpu();
    for (let i = 0; i < count; i += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, at) => hold((i + at) % 1000, ...fields)));
    }
    return ((await cpu()) - before) / count;
  };
  const save = await holds('worker', 'a', 'at', Date.now(), 'checkpoint', checkpoint);
  const renew = await holds('worker', 'a', 'at', Date.now());
  const jobs = 2000;
  await queue.addBulk(
    Array.from({ length: jobs }, (_, i) => ({ name: `follow ${i}`, data: { stream: { streamName: `${i}` } } })),
  );
  const before = await cpu();
  let done = 0;
  const worker = new Worker('measured', async () => void done++, { connection, concurrency: 50 });
  while (done < jobs) await new Promise((resolve) => setTimeout(resolve, 10));
  // Finishing is in it too: what is taken is more than it is.
  const take = ((await cpu()) - before) / jobs;
  const active = 5000;
  const ids = Array.from({ length: active }, (_, i) => `s${i}`);
  for (let i = 0; i < active; i += 500) await client.rpush(key('active'), ...ids.slice(i, i + 500));
  for (const id of ids) await client.set(key(`${id}:lock`), 'token');
  const checks = 20;
  const from = await cpu();
  for (let i = 0; i < checks; i++) {
    await client.del(key('stalled-check'));
    await worker.scripts.moveStalledJobsToWait();
  }
  const checkPerJob = ((await cpu()) - from) / checks / active;
  await worker.close(true);
  await queue.close();
  await redis.remove();
  return { save, renew, take, checkPerJob };
}

function simulate({ streams, perWorker, spare, lockMs, saveMs, lost }) {
  const workers = Math.ceil((streams / perWorker) * (1 + spare));
  const capacity = perWorker;
  const has = Array.from({ length: workers }, () => 0);
  const workerOf = new Int32Array(streams);
  const lockedUntil = new Float64Array(streams);
  for (let s = 0; s < streams; s++) {
    const w = s % workers;
    workerOf[s] = w;
    has[w]++;
  }
  const lostWorkers = Math.floor(workers * lost);
  const isLost = (w) => w < lostWorkers;
  const events = new Heap();
  const renewMs = Math.min(saveMs, lockMs / 4);
  const isSave = (n) => Math.floor((n * renewMs) / saveMs) !== Math.floor(((n - 1) * renewMs) / saveMs);
  for (let s = 0; s < streams; s++) events.push((s / streams) * renewMs, ['hold', s, 1, 0]);
  for (let t = lockMs / 6; t < END; t += lockMs / 6) events.push(t, ['check']);
  let busyUntil = 0;
  let operations = 0;
  const busy = { before: 0, after: 0 };
  const waits = { before: 0, after: 0 };
  const waiting = [];
  let waitingFrom = 0;
  const expired = new Set();
  const without = [];
  const lostStreams = new Set();
  const taking = new Uint8Array(workers);
  const started = new Map();
  const command = (at, us) => {
    const phase = at < LOST_AT ? 'before' : 'after';
    waits[phase] = Math.max(waits[phase], busyUntil - at);
    busyUntil = Math.max(busyUntil, at) + us / 1000;
    busy[phase] += us / 1000;
    operations++;
    return busyUntil;
  };
  const offer = (at) => {
    for (let w = lostWorkers; w < workers && waitingFrom < waiting.length; w++) {
      if (taking[w] === 1 || has[w] >= capacity) continue;
      taking[w] = 1;
      events.push(at + ROUND_TRIP_MS, ['take', w]);
    }
  };
  for (let event = events.pop(); event !== undefined && event[0] < END; event = events.pop()) {
    const [at, [what, a, n, generation]] = event;
    if (what === 'hold') {
      if (isLost(workerOf[a]) && at >= LOST_AT) {
        lostStreams.add(a);
        if (!expired.has(a)) expired.add(a);
        continue;
      }
      if (generation !== (started.get(a)?.generation ?? 0)) continue;
      lockedUntil[a] = command(at, isSave(n) ? costs.save : costs.renew) + lockMs;
      events.push(at + renewMs, ['hold', a, n + 1, generation]);
    } else if (what === 'check') {
      const done = command(at, costs.checkPerJob * streams);
      for (const s of expired) {
        if (lockedUntil[s] > at) continue;
        expired.delete(s);
        waiting.push(s);
      }
      offer(done);
    } else {
      taking[a] = 0;
      const s = waiting[waitingFrom];
      if (s === undefined || has[a] >= capacity) continue;
      waitingFrom++;
      has[a]++;
      workerOf[s] = a;
      // Taking it, asking who has it, reading the checkpoint, and two turns at the service.
      const done = command(at, costs.take + 4 * costs.renew);
      without.push(done - LOST_AT);
      const second = Math.floor(done / 1000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
      started.set(s, { generation: 1 });
      lockedUntil[s] = done + lockMs;
      events.push(done + renewMs, ['hold', s, 1, 1]);
      offer(done);
    }
  }
  without.sort((x, y) => x - y);
  const of = (part) => Math.round(without[Math.floor(part * (without.length - 1))] ?? 0) / 1000;
  return {
    streams,
    workers,
    lockSeconds: lockMs / 1000,
    saveSeconds: saveMs / 1000,
    redisOperationsPerSecond: Math.round(operations / (END / 1000)),
    redisUse: { before: round(busy.before / LOST_AT), after: round(busy.after / (END - LOST_AT)) },
    longestWaitMs: { before: Math.round(waits.before), after: Math.round(waits.after) },
    lostWorkers,
    lostStreams: lostStreams.size,
    takenOver: without.length,
    secondsWithoutWorker: { median: of(0.5), p99: of(0.99), max: of(1) },
    mostTakenInASecond: Math.max(0, ...perSecond.values()),
  };
}

function round(value) {
  return Math.round(value * 1000) / 1000;
}
