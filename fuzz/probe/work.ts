import { allocations, resetAllocations } from '../allocations.js';
import { countSteps, resetCounters } from '../counters.js';
import { nativeWork, resetNativeWork } from './native-work.js';

/** What something cost. */
export interface Work {
  /** Statements of the library that ran, and elements that functions of the platform went over. */
  readonly steps: number;
  /** Bytes of arrays that were made. */
  readonly allocated: number;
}

/** Counts what a run costs. */
export async function measure(run: () => void | Promise<void>): Promise<Work> {
  resetAllocations();
  resetCounters();
  resetNativeWork();
  await run();
  return { steps: countSteps() + nativeWork(), allocated: allocations().all };
}
