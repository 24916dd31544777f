import { parseArgs } from 'node:util';
import { watchAllocations } from '../allocations.js';
import { findingKey } from '../finding.js';
import { APIS } from './apis.js';
import { grow, judge } from './growth.js';
import { watchNativeWork } from './native-work.js';
import { PATTERNS } from './patterns/index.js';

const USAGE = `npm run probe -- [--size BYTES] [--pattern TEXT] [--api TEXT] [--table]

  --size     of the shortest input; the others have 4 and 16 times as many bytes; default 4096
  --pattern  only patterns whose name has this in it
  --api      only ways into the library whose name has this in it
  --table    print what everything cost for each byte

Makes each pattern longer and counts what that costs in each way into the library, in statements and bytes, not in time.
Prints what grows faster than its input, and exits with 1 then.
`;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '4096' },
    pattern: { type: 'string', default: '' },
    api: { type: 'string', default: '' },
    table: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const size = Number(values.size);
  if (values.help || !(size > 0)) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  watchAllocations();
  watchNativeWork();
  const patterns = PATTERNS.filter(({ name }) => name.includes(values.pattern));
  const apis = APIS.filter(({ name }) => name.includes(values.api));
  let findings = 0;
  for (const pattern of patterns) {
    for (const api of apis) {
      try {
        const growth = await grow(pattern, api, size);
        const wrong = judge(growth);
        if (wrong !== undefined) findings++;
        if (wrong !== undefined || values.table) {
          const [steps, allocated] = (['steps', 'allocated'] as const).map((what) =>
            growth.work.map((work, i) => (work[what] / (growth.bytes[i] ?? 1)).toFixed(1)).join(' '),
          );
          console.log(
            `${api.name}: ${pattern.name}: ${wrong ?? `steps ${steps}, allocated ${allocated} for each byte`}`,
          );
        }
      } catch (error) {
        findings++;
        console.log(`${api.name}: ${pattern.name}: throws ${findingKey(error)}`);
      }
    }
  }
  console.log(`${patterns.length} patterns in ${apis.length} ways, findings ${findings}`);
  return findings === 0 ? 0 : 1;
}

process.exitCode = await main();
