import { parseArgs } from 'node:util';
import { findingKey } from '../finding.js';
import { runLiveSession } from './live-session.js';
import { FakeService } from './service.js';
import type { Tally } from './session.js';
import { runStoredSession } from './stored-session.js';

const USAGE = `npm run attack:consumers -- [--sessions N | --session SEED] [--seed S] [--at-once N]

  --sessions  how many streams are consumed; default 1000
  --seed      an integer that decides the sessions' own seeds; default 1
  --session   run this one session, by the seed that a finding was told with
  --trace     print what happens in the session
  --at-once   how many run at the same time; default 12

Consumers through the AWS SDK's clients against a fake service with random faults. Prints what was done; exits with 1 at findings.
`;

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    session: { type: 'string' },
    'at-once': { type: 'string', default: '12' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
});

const tally: Tally = { sessions: 0, fragments: 0, missing: 0, faults: 0, calls: 0, consumers: 0 };
const findings = new Map<string, number>();
let current = 0;

function report(seed: number | undefined, error: unknown): void {
  const key = findingKey(error);
  const count = findings.get(key) ?? 0;
  findings.set(key, count + 1);
  if (count >= 3) return;
  const again = seed === undefined ? '' : `\n  again: npm run attack:consumers -- --session ${seed}`;
  console.error(`${error instanceof Error ? error.stack : String(error)}${again}`);
}

async function runOne(service: FakeService, seed: number): Promise<void> {
  try {
    await (seed % 3 === 2 ? runStoredSession : runLiveSession)(service, seed, {
      tally,
      trace: values.trace ? console.log : () => {},
    });
  } catch (error) {
    report(seed, error);
  }
}

async function main(): Promise<number> {
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const numbers = [values.sessions, values.seed, values['at-once'], values.session ?? '0'].map(Number);
  const [sessions = 0, seed = 0, atOnce = 0, session = 0] = numbers;
  if (!numbers.every((value) => Number.isSafeInteger(value) && value >= 0)) throw new Error(USAGE);
  process.on('unhandledRejection', (error) => report(undefined, error));
  const service = new FakeService();
  await service.start();
  if (values.session !== undefined) {
    await runOne(service, session);
  } else {
    // Seeds of runs that follow each other do not overlap.
    const first = seed * 1_000_000;
    let told = Date.now();
    const work = async () => {
      while (current < sessions) {
        await runOne(service, first + current++);
        if (Date.now() - told < 30_000) continue;
        told = Date.now();
        console.error(`${JSON.stringify(tally)}, findings ${findings.size}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }
  await service.close();
  console.log(
    `${tally.sessions} sessions, ${tally.faults} faults, ${tally.fragments} fragments, ${tally.missing} told as missing, ` +
      `${tally.calls} calls, ${tally.consumers} consumers, findings ${findings.size}`,
  );
  for (const [key, count] of findings) console.log(`${count} times: ${key}`);
  return findings.size === 0 ? 0 : 1;
}

// What is left behind keeps the process alive: then it does not end by itself.
const ends = Date.now();
process.exitCode = await main();
setTimeout(() => {
  console.error(`left behind: ${process.getActiveResourcesInfo().join(', ')} after ${Date.now() - ends} ms`);
  process.exit(1);
}, 10_000).unref();
