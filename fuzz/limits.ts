import { allocatedBytes } from './allocations.js';
import { countSteps, isInstrumented, resetCounters } from './counters.js';
import { ensure } from './finding.js';
import type { Input } from './input.js';
import type { FuzzTarget } from './target.js';

/**
 * A run reads its input several times, in chunks down to a byte, and looks at all that comes; what all of that costs has to be within
 * these bounds, however long the input is. A statement is what the instrumented source counts: no clock is asked.
 */
const STATEMENTS = 200_000;
const STATEMENTS_PER_BYTE = 3000;
/** Up to 1 MiB is allocated on the word of a size; then what has arrived, once or twice over. */
const ALLOCATED = 16 << 20;
const ALLOCATED_PER_BYTE = 200;

/** What a run cost. */
export interface Cost {
  readonly steps: number;
  readonly allocated: number;
}

/** Runs a target on an input; a finding is thrown, too much work among them. */
export async function runWithinLimits(target: FuzzTarget, input: Input, features: Set<string>): Promise<Cost> {
  const before = allocatedBytes();
  if (isInstrumented()) resetCounters();
  await target.run(input, features);
  const steps = countSteps();
  const allocated = allocatedBytes() - before;
  const { length } = input.bytes;
  ensure(steps <= STATEMENTS + STATEMENTS_PER_BYTE * length, () => `<${steps}> statements for <${length}> bytes`);
  ensure(allocated <= ALLOCATED + ALLOCATED_PER_BYTE * length, () => `<${allocated}> bytes held for <${length}>`);
  return { steps, allocated };
}
