// npm run bench [-- --quick] [--json] [--rounds N] [--workload NAME]... [--subject NAME]... [--chunks NAME]...
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureDecoding, missing } from './decode.mjs';
import { printReport } from './report.mjs';
import { SUBJECTS } from './subjects.mjs';
import { CHUNKINGS, WORKLOADS } from './workloads.mjs';

/** A subject that takes longer than this to warm up is given up. */
const PATIENCE_SECONDS = 30;
/** No more samples are taken of a subject when they have taken this long together. */
const BUDGET_SECONDS = 5;

/** The smallest chunks that are remuxed: smaller ones measure the reader once more. */
const REMUX_CHUNKS = 65536;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    workload: { type: 'string', multiple: true },
    subject: { type: 'string', multiple: true },
    chunks: { type: 'string', multiple: true },
  },
});

/** Under three minutes on two cores: one chunking, our own subjects and the peers that the README names. */
const QUICK_SUBJECTS = [
  'memcpy',
  'reader, FrameVisitor',
  'readFrames',
  'readFragments',
  'merger, chunks',
  'mediabunny',
  'ebml-stream',
];
const selects = values.workload !== undefined || values.subject !== undefined || values.chunks !== undefined;
const rounds = Number(values.rounds ?? (values.quick ? 3 : 9));
if (values.quick) {
  values.chunks ??= ['64 KiB'];
  values.subject ??= QUICK_SUBJECTS;
}

const wanted = (names, all) => all.filter(({ name }) => names === undefined || names.includes(name));
const started = performance.now();

/** Says on standard error what is done: in one line of a terminal, elsewhere in a line each. */
function progress(text) {
  const seconds = `${((performance.now() - started) / 1000).toFixed(0)} s`.padStart(6);
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${seconds}  ${text}`);
  else process.stderr.write(`${seconds}  ${text}\n`);
}

const path = (file) => fileURLToPath(new URL(file, import.meta.url));

/** A message from a child that has `key`; `undefined` when it ends or takes too long. */
async function answer(child, key) {
  const waiting = new AbortController();
  const timer = setTimeout(() => child.kill(), PATIENCE_SECONDS * 1000);
  try {
    const [message] = await Promise.race([
      once(child, 'message', waiting),
      once(child, 'exit', waiting).then(() => []),
    ]);
    return message?.[key];
  } finally {
    clearTimeout(timer);
    waiting.abort();
  }
}

async function start(subject, workload, chunking) {
  const length = chunking.length * (workload.share ?? 1);
  const args = [subject.name, workload.name, String(chunking.size), String(length)];
  const child = fork(path('measure.mjs'), args);
  const ready = await answer(child, 'ready');
  return { subject, child, ready, samples: [], spent: 0 };
}

async function measure(workload, chunking) {
  const all = [];
  // One after another, so that none is disturbed while it warms up.
  const kinds = workload.kinds ?? ['read'];
  for (const subject of wanted(values.subject, SUBJECTS)) {
    const { kind = 'read' } = subject;
    if (!kinds.includes(kind) || (kind === 'remux' && chunking.size < REMUX_CHUNKS)) continue;
    progress(`${workload.name}, ${chunking.name}: ${subject.name}`);
    all.push(await start(subject, workload, chunking));
  }
  for (let round = 0; round < rounds; round++) {
    progress(`${workload.name}, ${chunking.name}: round ${round + 1} of ${rounds}`);
    for (const one of all) {
      if (one.ready === undefined || one.spent > BUDGET_SECONDS) continue;
      one.child.send('go');
      const sample = await answer(one.child, 'sample');
      if (sample === undefined) {
        one.ready = undefined;
        continue;
      }
      one.samples.push(sample);
      one.spent += sample.seconds * one.ready.passes;
    }
  }
  const rows = [];
  for (const { subject, child, ready, samples } of all) {
    if (ready === undefined) {
      rows.push({ subject: subject.name, peer: subject.peer === true, tooSlow: PATIENCE_SECONDS });
      continue;
    }
    child.send('end');
    const { peakGrowth } = await answer(child, 'end');
    const { bytes, chunks, passes, ...found } = ready;
    const { median: seconds, spread } = summary(samples.map((sample) => sample.seconds));
    const { median: cpuSeconds } = summary(samples.map((sample) => sample.cpuSeconds));
    const things = found.elements ?? found.fragments ?? found.frames;
    rows.push({
      subject: subject.name,
      peer: subject.peer === true,
      bytes,
      found,
      seconds,
      cpuSeconds,
      bytesPerSecond: bytes / seconds,
      bytesPerCpuSecond: bytes / cpuSeconds,
      thingsPerSecond: things === undefined ? undefined : things / seconds,
      framesPerSecond: found.frames === undefined ? undefined : found.frames / seconds,
      spread,
      peakGrowth,
    });
  }
  return { workload: workload.name, chunks: chunking.name, rows, disagreement: disagreement(rows) };
}

/** Half of the values lie within `spread`, a part of the median. */
function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.round(part * (sorted.length - 1))];
  return { median: at(0.5), spread: (at(0.75) - at(0.25)) / at(0.5) };
}

/** Subjects that found other frames than most are not reading the same stream. */
function disagreement(rows) {
  const counted = rows.filter(({ found }) => found?.frames !== undefined);
  const texts = counted.map(({ found }) => `${found.frames} frames of ${found.frameBytes} bytes`);
  return new Set(texts).size < 2 ? undefined : counted.map(({ subject }, i) => `${subject}: ${texts[i]}`).join('; ');
}

const results = [];
for (const workload of wanted(values.workload, WORKLOADS)) {
  if (workload.make === undefined) continue;
  for (const chunking of wanted(values.chunks, CHUNKINGS)) {
    const result = await measure(workload, chunking);
    if (result.rows.length > 0) results.push(result);
  }
}
/** Decoding, unless only some workloads or subjects are wanted. */
function decoding() {
  if (selects) return undefined;
  const reason = missing();
  if (reason !== undefined) return { missing: reason };
  const [seconds, times] = values.quick ? [40, 1] : [120, Math.min(rounds, 3)];
  return { seconds, rows: measureDecoding({ seconds, rounds: times, progress }) };
}
const decoded = decoding();
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

const report = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  results,
  decoding: decoded,
  figures: JSON.parse(execFileSync(process.execPath, ['--expose-gc', path('figures.mjs')], { encoding: 'utf8' })),
  sizes: JSON.parse(execFileSync(process.execPath, [path('../scripts/size.mjs'), '--json'], { encoding: 'utf8' })),
};
if (values.json) console.log(JSON.stringify(report, undefined, 2));
else printReport(report);
if (results.some((result) => result.disagreement !== undefined)) process.exitCode = 1;
