// npm run bench:consumers [-- --json] [--consumers N] [--seconds N] [--warm-up N] [--mbit N] [--fragment-seconds N] [--memory own|reused|both]
//
// Many live consumers in this process, of streams that a process of its own serves: once with fragments whose bytes are the caller's, and once,
// in a process of its own, with `reuseBuffers`.
import { execFileSync, fork } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GetMediaConsumer } from '../dist/client/index.js';

const FRAMES_PER_SECOND = 25;
const MEMORY_INTERVAL_MS = 500;
const LOOP_INTERVAL_MS = 10;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    consumers: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
    'warm-up': { type: 'string', default: '15' },
    mbit: { type: 'string', default: '2' },
    'fragment-seconds': { type: 'string', default: '2' },
    memory: { type: 'string', default: 'both' },
  },
});
const count = Number(values.consumers);
const fragmentSeconds = Number(values['fragment-seconds']);
const bitsPerSecond = Number(values.mbit) * 1e6;

const started = process.memoryUsage.rss();
const setup = { streams: count, bitsPerSecond, fragmentSeconds, framesPerSecond: FRAMES_PER_SECOND };
const endpoint = fork(fileURLToPath(new URL('consumers-endpoint.mjs', import.meta.url)), [JSON.stringify(setup)]);
const ended = once(endpoint, 'exit').then(([code]) => {
  throw new Error(`the endpoint ended (${code})`);
});
ended.catch(() => {});
const answer = async (key) => (await Promise.race([once(endpoint, 'message'), ended]))[0][key];
const report = () => {
  endpoint.send('report');
  return answer('report');
};

const url = await answer('endpoint');
const stop = new AbortController();
// Each consumer listens to it.
setMaxListeners(0, stop.signal);
const reconnects = [];
const viewers = Array.from({ length: count }, (_, i) => view(`camera-${i}`));
const failed = Promise.all(viewers.map(({ done }) => done));

await Promise.race([sleep(Number(values['warm-up']) * 1000), failed]);
const before = await look();
const loop = monitorEventLoopDelay({ resolution: LOOP_INTERVAL_MS });
loop.enable();
const memory = [];
const sampling = setInterval(() => memory.push(process.memoryUsage.rss()), MEMORY_INTERVAL_MS);
await Promise.race([sleep(Number(values.seconds) * 1000), failed]);
clearInterval(sampling);
memory.push(process.memoryUsage.rss());
memory.sort((a, b) => a - b);
loop.disable();
const after = await look();
stop.abort();
await failed;
const bare = await readBare();
endpoint.send('end');

const result = summary();
if (values.memory === 'both') result.reused = runReused();
if (values.json) console.log(JSON.stringify(result, undefined, 2));
else {
  const { machine } = result;
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`);
  print(result);
  if (result.reused !== undefined) print(result.reused);
}
if (result.failures.length > 0 || result.reused?.failures.length > 0) process.exitCode = 1;

/** The same with memory that is used again. */
function runReused() {
  const script = fileURLToPath(import.meta.url);
  const args = [...process.execArgv, script, ...process.argv.slice(2), '--json', '--memory', 'reused'];
  try {
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
  } catch (error) {
    // It has failed by its figures, which say why.
    if (typeof error.stdout === 'string' && error.stdout !== '') return JSON.parse(error.stdout);
    throw error;
  }
}

/** Reads a stream from now on, as a program would that looks at every frame, and notes when each fragment came. */
function view(streamName) {
  const consumer = new GetMediaConsumer({
    streamName,
    clientConfig: { endpoint: url, region: 'local', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } },
    reuseBuffers: values.memory === 'reused',
    signal: stop.signal,
    onReconnect: ({ reason, error }) => reconnects.push(`${streamName}: ${error?.message ?? reason}`),
  });
  const seen = [];
  const read = async () => {
    for await (const { fragmentNumber, serverTimestamp, millisBehindNow, frames } of consumer) {
      const at = Date.now();
      let bytes = 0;
      for (const frame of frames) bytes += frame.data.length;
      const delay = at - Number(serverTimestamp);
      seen.push({ number: fragmentNumber, at, delay, millisBehindNow, frames: frames.length, bytes });
    }
  };
  const done = read().catch((error) => {
    if (!stop.signal.aborted) throw error;
  });
  return { consumer, seen, done };
}

/** Node's HTTP client alone, in a process of its own, on the same streams. */
async function readBare() {
  const options = { endpoint: url, streams: count, seconds: Number(values.seconds) / 2, warmUp: fragmentSeconds * 2 };
  const client = fork(fileURLToPath(new URL('consumers-bare.mjs', import.meta.url)), [JSON.stringify(options)], {
    execArgv: [],
  });
  const [message] = await Promise.race([once(client, 'message'), once(client, 'exit').then(() => [{}]), ended]);
  if (message.bare === undefined) throw new Error("Node's HTTP client failed");
  return message.bare;
}

/** What everything has used and counted so far. */
async function look() {
  const cpu = process.cpuUsage();
  const received = viewers.reduce((sum, { consumer }) => sum + consumer.metrics.bytes, 0);
  const idle = cpus().map(({ times }) => times);
  const time = Date.now();
  const last = viewers.map(({ seen }) => seen.at(-1));
  return { time, cpu, received, idle, last, load: loadavg()[0], endpoint: await report() };
}

function summary() {
  const seconds = (after.time - before.time) / 1000;
  const isMeasured = ({ at }) => at >= before.time && at < after.time;
  const measured = viewers.map(({ seen }) => seen.filter(isMeasured));
  const all = measured.flat();
  const delays = all.map(({ delay }) => delay).sort((a, b) => a - b);
  const own = cores(before.cpu, after.cpu, seconds);
  const serving = cores(before.endpoint.cpu, after.endpoint.cpu, seconds);
  const busy = busySeconds(before.idle, after.idle) / seconds;
  const { numbers } = after.endpoint;
  const megabytesPerCpuSecond = (after.received - before.received) / 1e6 / seconds / own;
  const bareMegabytesPerCpuSecond = bare.bytes / 1e6 / bare.cpuSeconds;
  const lost = viewers.reduce((sum, { seen }, i) => sum + missing(seen, numbers[i]), 0);
  const within = viewers.filter((_, i) => isLive(after.last[i], measured[i], numbers[i])).length;
  const result = {
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    consumers: count,
    memory: values.memory === 'reused' ? 'reused' : 'own',
    megabitsPerSecondEach: bitsPerSecond / 1e6,
    fragmentSeconds,
    seconds,
    fragments: all.length,
    frames: all.reduce((sum, { frames }) => sum + frames, 0),
    megabytesPerSecond: (after.received - before.received) / 1e6 / seconds,
    reconnects: reconnects.length,
    lost,
    refused: after.endpoint.violations,
    withinOneFragment: within,
    delayMs: { median: at(delays, 0.5), p99: at(delays, 0.99), max: at(delays, 1) },
    millisBehindNow: Math.max(...all.map(({ millisBehindNow }) => millisBehindNow)),
    cores: { consumers: own, endpoint: serving, others: Math.max(0, busy - own - serving) },
    cpuPerConsumer: own / count,
    megabytesPerCpuSecond,
    bareMegabytesPerCpuSecond,
    ratio: megabytesPerCpuSecond / bareMegabytesPerCpuSecond,
    eventLoopDelayMs: { median: loopDelay(50), p99: loopDelay(99), max: loopDelay(100) },
    rssMiB: { atStart: started / 2 ** 20, median: at(memory, 0.5) / 2 ** 20, max: at(memory, 1) / 2 ** 20 },
    endpointLateMs: after.endpoint.late,
    load: { before: before.load, after: after.load },
  };
  return { ...result, failures: failures(result) };
}

function failures({ reconnects: times, lost, refused, withinOneFragment }) {
  return [
    ...(times === 0 ? [] : [`${times} reconnects: ${reconnects.slice(0, 3).join('; ')}`]),
    ...(lost === 0 ? [] : [`${lost} fragments did not come`]),
    ...(refused === 0 ? [] : [`${refused} calls went beyond the service's limits`]),
    ...(withinOneFragment === count
      ? []
      : [`${count - withinOneFragment} consumers were behind by a fragment or more`]),
  ];
}

/** How many fragments did not come whole and in the order in which they were stored, from the first that came on. */
function missing(seen, numbers) {
  const first = numbers.indexOf(seen[0]?.number);
  const isRight = ({ number, frames }, i) =>
    number === numbers[first + i] && frames === FRAMES_PER_SECOND * fragmentSeconds;
  // The endpoint has told what it had stored after that time.
  const told = seen.filter(({ at }) => at < after.time);
  return told.filter((one, i) => !isRight(one, i)).length;
}

/** Whether all fragments came before the next was stored, and none but the newest is still to come. */
function isLive(last, measured, numbers) {
  const behind = numbers.length - 1 - numbers.indexOf(last?.number);
  return behind <= 1 && measured.length > 0 && measured.every(({ delay }) => delay < fragmentSeconds * 1000);
}

function cores(from, to, seconds) {
  return (to.user + to.system - from.user - from.system) / 1e6 / seconds;
}

/** Processor time that the whole machine spent on anything. */
function busySeconds(from, to) {
  const busy = ({ user, nice, sys, irq }) => user + nice + sys + irq;
  return to.reduce((sum, times, i) => sum + busy(times) - busy(from[i]), 0) / 1000;
}

/** How late a timer came; the histogram has the time from one to the next. */
function loopDelay(percentile) {
  return Math.max(0, loop.percentile(percentile) / 1e6 - LOOP_INTERVAL_MS);
}

function at(sorted, part) {
  return sorted[Math.round(part * (sorted.length - 1))];
}

function print(result) {
  const { delayMs, cores: used, eventLoopDelayMs, rssMiB, load } = result;
  const row = (name, text) => console.log(`  ${name.padEnd(34)}${text}`);
  const ms = (value) => `${Math.round(value)} ms`;
  const percent = (value) => `${(value * 100).toFixed(value < 0.1 ? 2 : 0)} %`;
  const how = result.memory === 'reused' ? 'reuseBuffers: true' : 'bytes of fragments are the caller’s';
  console.log(
    `\n${count} consumers of ${result.megabitsPerSecondEach} Mbit/s each, ${result.seconds.toFixed(0)} s, ${how}`,
  );
  row(
    'received',
    `${result.fragments} fragments, ${result.frames} frames, ${result.megabytesPerSecond.toFixed(1)} MB/s`,
  );
  row('reconnects', result.reconnects);
  row('fragments lost', result.lost);
  row('always within one fragment', `${result.withinOneFragment} of ${count} consumers`);
  row('from stored to handed out', `median ${ms(delayMs.median)}, 99 % ${ms(delayMs.p99)}, max ${ms(delayMs.max)}`);
  row('millis behind now, at most', ms(result.millisBehindNow));
  row('CPU of the consumers', `${percent(used.consumers)} of a core, ${percent(result.cpuPerConsumer)} each`);
  row(
    'read for each second of processor',
    `${Math.round(result.megabytesPerCpuSecond)} MB; Node's HTTP client alone ${Math.round(result.bareMegabytesPerCpuSecond)} MB; ratio ${result.ratio.toFixed(2)}`,
  );
  row(
    'event loop delay',
    `median ${ms(eventLoopDelayMs.median)}, 99 % ${ms(eventLoopDelayMs.p99)}, max ${ms(eventLoopDelayMs.max)}`,
  );
  row(
    'resident memory',
    `median ${Math.round(rssMiB.median)} MiB, ${(rssMiB.median / count).toFixed(2)} each; max ${Math.round(rssMiB.max)} MiB, ${Math.round(rssMiB.atStart)} MiB at the start`,
  );
  row(
    'CPU of the endpoint',
    `${percent(used.endpoint)} of a core; it stored ${ms(result.endpointLateMs)} late at most`,
  );
  row(
    'CPU of everything else',
    `${percent(used.others)} of a core; load ${load.before.toFixed(1)} to ${load.after.toFixed(1)}`,
  );
  for (const failure of result.failures) console.log(`  FAILED: ${failure}`);
}
