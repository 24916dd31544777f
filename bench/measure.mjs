// One subject on one workload, in a process of its own: warms up, then measures whenever the parent says so.
//
// Arguments: subject, workload, chunk size, stream length. Messages: to the parent { ready }, { sample }, { end }; from it 'go', 'end'.
import { SUBJECTS } from './subjects.mjs';
import { cut, WORKLOADS } from './workloads.mjs';

// Of processor time: the clock goes on while others have the processor.
const WARM_UP_SECONDS = 2;
const SAMPLE_SECONDS = 0.1;

const [, , subjectName, workloadName, chunkSize, length] = process.argv;
const subject = SUBJECTS.find(({ name }) => name === subjectName);
const workload = WORKLOADS.find(({ name }) => name === workloadName);

const bytes = workload.make(Number(length));
const chunks = cut(bytes, Number(chunkSize));
const before = process.memoryUsage.rss();
let peak = before;
const pass = await subject.open(chunks);

async function run(passes) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < passes; i++) {
    const found = pass();
    if (found instanceof Promise) await found;
  }
  const seconds = (performance.now() - start) / 1000 / passes;
  const { user, system } = process.cpuUsage(cpu);
  peak = Math.max(peak, process.memoryUsage.rss());
  return { seconds, cpuSeconds: (user + system) / 1e6 / passes };
}

const found = await pass();
let spent = 0;
let last = 0;
do {
  last = (await run(1)).cpuSeconds;
  spent += last;
} while (spent < WARM_UP_SECONDS);
const passes = Math.max(1, Math.round(SAMPLE_SECONDS / Math.max(last, 1e-6)));

process.on('message', async (message) => {
  if (message === 'go') {
    // While the others had their turn, caches and the memory for new objects have gone to them.
    await run(Math.floor(passes / 2));
    process.send({ sample: await run(passes) });
  } else {
    process.send({ end: { peakGrowth: peak - before } });
    process.disconnect();
  }
});
process.send({ ready: { bytes: bytes.length, chunks: chunks.length, passes, ...found } });
