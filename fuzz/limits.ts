import { allocations, resetAllocations } from './allocations.js';
import { countSteps, isInstrumented, resetCounters } from './counters.js';
import { ensure } from './finding.js';
import type { Input } from './input.js';
import type { FuzzTarget } from './target.js';

/**
 * A run reads its input several times, in chunks down to a byte, and looks at all that comes; what all of that costs has to be within
 * these bounds, however long the input is. A statement is what the instrumented source counts: no clock is asked.
 */
const STATEMENTS = 100_000;
const STATEMENTS_PER_BYTE = 1000;
/** On the word of a size, 16 KiB are allocated; more only for bytes that have arrived. */
const LARGEST = 64 << 10;
const LARGEST_PER_BYTE = 20;
/** With `recover` a header of a dozen bytes may get its 16 KiB, in each reading, before the next mark shows that it was damage. */
const ALLOCATED = 1 << 20;
const ALLOCATED_PER_BYTE = 16 << 10;

/** What a run cost. */
export interface Cost {
  readonly steps: number;
  readonly allocated: number;
}

/** Runs a target on an input; a finding is thrown, too much work among them. */
export async function runWithinLimits(target: FuzzTarget, input: Input, features: Set<string>): Promise<Cost> {
  resetAllocations();
  if (isInstrumented()) resetCounters();
  await target.run(input, features);
  const steps = countSteps();
  const { all: allocated, largest } = allocations();
  const { length } = input.bytes;
  ensure(steps <= STATEMENTS + STATEMENTS_PER_BYTE * length, () => `<${steps}> statements for <${length}> bytes`);
  ensure(largest <= LARGEST + LARGEST_PER_BYTE * length, () => `an array of <${largest}> bytes for <${length}>`);
  const most = ALLOCATED + ALLOCATED_PER_BYTE * length + (target.filling ?? 0);
  ensure(allocated <= most, () => `<${allocated}> bytes allocated for <${length}>`);
  return { steps, allocated };
}
