// npm run fuzz:decode -- [--minutes N] [--from NUMBER] [--decoder webcodecs|ffmpeg]: decodes damaged media in a process of its own, so that a
// crash of native code is seen, as well as errors that nobody expects, pictures that are not closed, and hanging.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HANGS_MS = 60_000;
const MOST_FINDINGS = 20;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
    decoder: { type: 'string', default: 'webcodecs' },
  },
});
const end = Date.now() + Number(values.minutes) * 60_000;
let number = Number(values.from);
let done = 0;
let findings = 0;

/** Runs inputs from a number on. Settles when the process has ended: with what it said, and why it ended. */
function run(from: number): Promise<{ readonly last: number; readonly why: string | undefined }> {
  const worker = fileURLToPath(new URL('fuzz-decode-worker.mjs', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [worker, String(from), values.decoder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let last = from;
  let said = '';
  let why: string | undefined;
  let isOver = false;
  let changed = Date.now();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const numbers = text.trim().split('\n').map(Number);
    last = numbers.at(-1) ?? last;
    done += numbers.length;
    changed = Date.now();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-3000);
  });
  const timer = setInterval(() => {
    if (Date.now() > end) isOver = true;
    else if (Date.now() - changed > HANGS_MS) why = `no end after ${HANGS_MS / 1000} s`;
    else return;
    child.kill('SIGKILL');
  }, 500);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearInterval(timer);
      resolve({ last, why: isOver ? undefined : (why ?? `ended with ${code ?? signal}: ${said.trim()}`) });
    });
  });
}

while (Date.now() < end && findings < MOST_FINDINGS) {
  const { last, why } = await run(number);
  number = last + 1;
  if (why === undefined) break;
  findings++;
  console.error(`input ${last} (again: npm run fuzz:decode -- --from ${last} --minutes 1): ${why}`);
}
console.log(`${values.decoder}: ${done} inputs, ${findings} findings, up to input ${number - 1}`);
process.exitCode = findings === 0 ? 0 : 1;
