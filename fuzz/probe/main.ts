import { parseArgs } from 'node:util';
import { watchAllocations } from '../allocations.js';
import { APIS } from './apis.js';
import { grow, inputsOf, judge } from './growth.js';
import { HOLDERS, judgeHeld } from './held.js';
import { watchNativeWork } from './native-work.js';
import type { Pattern } from './pattern.js';
import { generatedPattern } from './patterns/generated.js';
import { PATTERNS } from './patterns/index.js';

const USAGE = `npm run probe -- [--size BYTES] [--pattern TEXT] [--api TEXT] [--table] [--held] [--generated N] [--seed N]

  --size       of the shortest input; the others have 4 and 16 times as many bytes; default 4096
  --pattern    only patterns whose name has this in it
  --api        only ways into the library whose name has this in it
  --table      print what everything cost for each byte
  --held       look at the memory that streams hold that do not end, in place of work
  --generated  so many patterns that follow from seeds, in place of those that are written down
  --seed       the first of these seeds; default 1

Makes each pattern longer and counts what that costs in each way into the library, in statements and bytes, not in time.
Prints what grows faster than its input, and exits with 1 then.
`;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '4096' },
    pattern: { type: 'string', default: '' },
    api: { type: 'string', default: '' },
    table: { type: 'boolean', default: false },
    held: { type: 'boolean', default: false },
    generated: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const size = Number(values.size);
  if (values.help || !(size > 0)) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const generated = Array.from({ length: Number(values.generated) }, (_, i) =>
    generatedPattern(Number(values.seed) + i),
  );
  const all = generated.length > 0 ? generated : PATTERNS;
  const patterns = all.filter(({ name }) => name.includes(values.pattern));
  const ways = (values.held ? HOLDERS : APIS).filter(({ name }) => name.includes(values.api));
  const findings = values.held ? await lookAtMemory(patterns) : await lookAtWork(patterns, size);
  console.log(`${patterns.length} patterns in ${ways.length} ways, findings ${findings}`);
  return findings === 0 ? 0 : 1;
}

async function lookAtWork(patterns: readonly Pattern[], size: number): Promise<number> {
  watchAllocations();
  watchNativeWork();
  let findings = 0;
  for (const pattern of patterns) {
    const inputs = inputsOf(pattern, size);
    for (const api of APIS.filter(({ name }) => name.includes(values.api))) {
      const growth = await grow(inputs, api);
      const wrong = judge(growth);
      if (wrong !== undefined) findings++;
      if (wrong === undefined && !values.table) continue;
      const [steps, allocated] = (['steps', 'allocated'] as const).map((what) =>
        growth.work.map((work, i) => (work[what] / (growth.bytes[i] ?? 1)).toFixed(1)).join(' '),
      );
      console.log(`${api.name}: ${pattern.name}: ${wrong ?? `steps ${steps}, allocated ${allocated} for each byte`}`);
    }
  }
  return findings;
}

async function lookAtMemory(patterns: readonly Pattern[]): Promise<number> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('--held needs node --expose-gc');
  let findings = 0;
  for (const pattern of patterns) {
    for (const holder of HOLDERS.filter(({ name }) => name.includes(values.api))) {
      const wrong = await judgeHeld(pattern, holder, collect);
      if (wrong === undefined) continue;
      findings++;
      console.log(`${holder.name}: ${pattern.name}: ${wrong}`);
    }
  }
  return findings;
}

process.exitCode = await main();
