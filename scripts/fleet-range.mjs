/**
 * A stored stretch over several workers: node scripts/fleet-range.mjs [--fragments 5000] [--workers 3] [--streams 1] [--handler-ms 0] [--kill]
 *
 * Every fragment has to have its result once, in order. Prints how many fragments a second that was. Exits with 1 where something is wrong.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { StreamFleet } from '../dist/fleet/index.js';
import { startLocalKinesisVideo } from '../dist/testing/index.js';
import { makeFragment } from './fleet-fragment.mjs';
import { RedisServer } from './redis-server.mjs';

const { values } = parseArgs({
  options: {
    fragments: { type: 'string', default: '5000' },
    workers: { type: 'string', default: '3' },
    streams: { type: 'string', default: '1' },
    'handler-ms': { type: 'string', default: '0' },
    kill: { type: 'boolean', default: false },
  },
});
const each = Math.floor(Number(values.fragments) / Number(values.streams));
const folder = mkdtempSync(join(tmpdir(), 'kvs-range-'));
const redis = await RedisServer.start();
const local = await startLocalKinesisVideo();
const began = Date.now() - each * 1000;
const names = Array.from({ length: Number(values.streams) }, (_, i) => `camera-${i}`);
const stored = names.map((name) => {
  const stream = local.createStream(name);
  return Array.from({ length: each }, (_, index) => {
    const at = began + index * 1000;
    return stream.append(makeFragment(index * 1000), { producerTimestamp: at, serverTimestamp: at }).fragmentNumber;
  });
});
const consumer = {
  clientConfig: {
    endpoint: local.endpoint,
    region: 'local',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  },
};
const start = (index) =>
  new Promise((resolve) => {
    const options = {
      redis: redis.url,
      consumer: { clientConfig: { endpoint: local.endpoint, region: 'local' } },
      lockMs: 3000,
      name: `worker-${index}`,
      log: join(folder, 'handled.jsonl'),
      maxStreams: 0,
      maxParts: 2,
      handlerMs: Number(values['handler-ms']),
    };
    const child = fork(fileURLToPath(new URL('fleet-chaos-worker.mjs', import.meta.url)), [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', ({ type }) => type === 'started' && resolve(child));
  });
const workers = await Promise.all(Array.from({ length: Number(values.workers) }, (_, i) => start(i + 1)));
const fleet = new StreamFleet({ redis: redis.url, consumer });
const from = performance.now();
const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(began), to: new Date(began + each * 1000) };
const runs = await Promise.all(names.map((stream) => fleet.process({ stream, ...range })));
if (values.kill) {
  for (;;) {
    const { completed, parts } = await runs[0].progress();
    if (completed >= parts / 4) break;
    await sleep(50);
  }
  workers[0].kill('SIGKILL');
  console.log('one worker is killed');
}
const results = await Promise.all(runs.map((run) => run.results(AbortSignal.timeout(120_000))));
const seconds = (performance.now() - from) / 1000;
let problem;
for (const [index, found] of results.entries()) {
  const numbers = found.map(({ fragmentNumber }) => fragmentNumber);
  if (numbers.join() !== stored[index].join()) problem = `${numbers.length} results of ${each}, or not in order`;
  if (found.some(({ result }) => result !== 5)) problem = 'a result is not what the handler has returned';
}
for (const child of workers) child.kill('SIGTERM');
await sleep(500);
for (const child of workers) child.kill('SIGKILL');
await fleet.close();
await local.close();
await redis.remove();
rmSync(folder, { recursive: true, force: true });
const rate = Math.round((each * names.length) / seconds);
console.log(
  `${each * names.length} fragments of ${names.length} streams, ${values.workers} workers: ${seconds.toFixed(1)} s, ${rate} a second; ` +
    `${local.violations.length} calls beyond the service's limits`,
);
for (const { operation, limit } of local.violations) console.log(`${operation}: ${limit}`);
if (problem !== undefined) console.log(`WRONG: ${problem}`);
process.exit(problem === undefined ? 0 : 1);
