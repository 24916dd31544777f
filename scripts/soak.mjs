/**
 * Runs a consumer against a local endpoint for as long as is wanted, under random faults, and compares every fragment with what was put
 * in: `npm run soak -- --minutes 30 --seed 7`. The service's limits hold. Exits with 1 at the first thing that is wrong.
 */
import { parseArgs } from 'node:util';
import { GetMediaConsumer, RateLimiter } from '../dist/client/index.js';
import { randomFaults, startLocalKinesisVideo } from '../dist/testing/index.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, speed: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 10);
const seed = Number(values.seed ?? Date.now() % 1e6);
const speed = Number(values.speed ?? 10);
if (!(minutes > 0 && speed > 0 && Number.isInteger(seed)))
  throw new Error('usage: npm run soak -- [--minutes N] [--seed N] [--speed N]');

const local = await startLocalKinesisVideo({
  streams: { camera: { source: 'examples/recording/camera.mkv', realtime: true, loop: true, speed } },
  faults: randomFaults({ seed, probability: 0.8, maxBytes: 100_000, forMs: 4000 }),
  maxSessionMs: 4000,
  retention: 20_000,
});
const stream = local.stream('camera');

// The service counts calls whichever consumer makes them.
const rateLimiter = new RateLimiter();
let issued = 0;
let saved;
const makeConsumer = () =>
  new GetMediaConsumer({
    streamName: 'camera',
    clientConfig: {
      endpoint: local.endpoint,
      region: 'local',
      credentials: async () => ({ accessKeyId: `KEY${++issued}`, secretAccessKey: 'any' }),
    },
    start: { type: 'EARLIEST' },
    rateLimiter,
    readTimeoutMs: 3000,
    maxDelayMs: 2000,
    checkpointStore: {
      load: () => saved,
      save: (checkpoint) => {
        saved = checkpoint;
      },
    },
    onGap: (gap) => fail(`a gap: ${JSON.stringify(gap)}`),
  });

const ends = performance.now() + minutes * 60_000;
const restartEvery = 200;
const totals = { fragments: 0, reconnects: 0, duplicates: 0, truncated: 0, restarts: -1 };
let last = -1n;
let shown = performance.now();

console.log(`seed ${seed}, ${minutes} min at ${speed} times real time`);
while (performance.now() < ends) {
  const consumer = makeConsumer();
  totals.restarts++;
  let count = 0;
  for await (const { fragment, bytes } of consumer.documents()) {
    const expected = stream.fragments[stream.indexAfter(last)];
    if (expected?.fragmentNumber !== fragment.fragmentNumber) {
      fail(`fragment ${fragment.fragmentNumber} came in place of ${expected?.fragmentNumber}`);
    }
    if (!Buffer.concat(bytes).includes(expected.media))
      fail(`fragment ${fragment.fragmentNumber} is not what was stored`);
    last = BigInt(fragment.fragmentNumber);
    totals.fragments++;
    if (performance.now() - shown > 10_000) {
      shown = performance.now();
      report(consumer);
    }
    if (++count === restartEvery || performance.now() >= ends) break;
  }
  await consumer.commit();
  const { reconnects, duplicates, truncated } = consumer.metrics;
  totals.reconnects += reconnects;
  totals.duplicates += duplicates;
  totals.truncated += truncated;
}
await local.close();
if (local.violations.length > 0)
  fail(`${local.violations.length} calls beyond the limits: ${JSON.stringify(local.violations[0])}`);
console.log(`as it should be: ${JSON.stringify(totals)}`);

function report({ metrics }) {
  const memory = Math.round(process.memoryUsage().rss / 1e6);
  const behind = stream.fragments.length - stream.indexAfter(last);
  console.log(`${totals.fragments} fragments, ${metrics.reconnects} reconnects, ${behind} behind, ${memory} MB`);
}

function fail(text) {
  console.error(`wrong: ${text} (seed ${seed}, fragment ${totals.fragments})`);
  process.exit(1);
}
