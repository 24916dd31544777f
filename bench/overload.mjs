// npm run bench:overload [-- --consumers 1000] [--seconds 20] [--mbit 2] [--memory own|reused]
//
// More live consumers in this process than it may be able to read, and what becomes of them when no more is stored: how even they fall
// behind, what the event loop's delay is, whether a connection is made anew, and whether all catch up with nothing lost and nothing twice.
import { fork } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GetMediaConsumer } from '../dist/client/index.js';

const { values } = parseArgs({
  options: {
    consumers: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    mbit: { type: 'string', default: '2' },
    memory: { type: 'string', default: 'own' },
  },
});
const count = Number(values.consumers);
const setup = { streams: count, bitsPerSecond: Number(values.mbit) * 1e6, fragmentSeconds: 2, framesPerSecond: 25 };
const endpoint = fork(fileURLToPath(new URL('consumers-endpoint.mjs', import.meta.url)), [JSON.stringify(setup)]);
const [{ endpoint: url }] = await once(endpoint, 'message');
const report = async () => {
  endpoint.send('report');
  return (await once(endpoint, 'message'))[0].report;
};
const stop = new AbortController();
setMaxListeners(0, stop.signal);
let reconnects = 0;
const viewers = Array.from({ length: count }, (_, i) => {
  const consumer = new GetMediaConsumer({
    streamName: `camera-${i}`,
    clientConfig: { endpoint: url, region: 'local', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } },
    start: { type: 'EARLIEST' },
    reuseBuffers: values.memory === 'reused',
    signal: stop.signal,
    onReconnect: ({ reason }) => {
      if (reason !== 'idle' && reason !== 'ended') reconnects++;
    },
  });
  const seen = [];
  const read = async () => {
    for await (const { fragmentNumber } of consumer) seen.push(fragmentNumber);
  };
  return { consumer, seen, done: read().catch(() => {}) };
});
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();
const began = performance.now();
const behind = async () => {
  const { numbers } = await report();
  const each = viewers.map(({ seen }, i) => numbers[i].length - seen.length).sort((a, b) => a - b);
  const at = (part) => each[Math.floor(part * (count - 1))];
  const told = viewers.map(({ consumer }) => consumer.metrics.millisBehindNow ?? 0).sort((a, b) => a - b);
  const text =
    `${((performance.now() - began) / 1000).toFixed(0)} s: fragments behind: least ${at(0)}, median ${at(0.5)}, most ${at(1)}; ` +
    `millisBehindNow: median ${told[count >> 1]}, most ${told.at(-1)}; loop delay 99 % ${(loop.percentile(99) / 1e6).toFixed(0)} ms, ` +
    `most ${(loop.max / 1e6).toFixed(0)} ms; ${reconnects} reconnects`;
  loop.reset();
  console.log(text);
  return { numbers, most: at(1) };
};
for (let rest = Number(values.seconds); rest > 0; rest -= 5) {
  await sleep(5000);
  await behind();
}
endpoint.send('stop');
console.log('no more is stored');
let last = await behind();
for (let tries = 0; last.most > 0 && tries < 24; tries++) {
  await sleep(2500);
  last = await behind();
}
const wrong = viewers.filter(({ seen }, i) => seen.join() !== last.numbers[i].join()).length;
console.log(`${wrong} of ${count} consumers have not had each fragment once, in order; ${reconnects} reconnects`);
stop.abort();
await Promise.race([Promise.all(viewers.map(({ done }) => done)), sleep(5000)]);
endpoint.kill();
process.exit(wrong > 0 ? 1 : 0);
