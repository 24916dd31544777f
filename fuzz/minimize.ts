import { concatBytes } from '../src/ebml/writer.js';
import { parseTree, places, writeTree } from './ebml-tree.js';
import { findingKey } from './finding.js';
import type { Input } from './input.js';
import { runWithinLimits } from './limits.js';
import type { FuzzTarget } from './target.js';

/** How often the target may be run to make one input smaller. */
const MAX_RUNS = 600;

/** A smaller input that gives the same finding. */
export async function minimize(target: FuzzTarget, input: Input, key: string): Promise<Input> {
  let best = input;
  let runs = 0;
  const accept = async (bytes: Uint8Array): Promise<boolean> => {
    if (bytes.length >= best.bytes.length || runs++ > MAX_RUNS) return false;
    const smaller = { choice: input.choice, bytes };
    try {
      await runWithinLimits(target, smaller, new Set());
      return false;
    } catch (error) {
      if (findingKey(error) !== key) return false;
      best = smaller;
      return true;
    }
  };
  if (target.ebml)
    await dropElements(
      () => best.bytes,
      accept,
      () => runs > MAX_RUNS,
    );
  for (let size = best.bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.bytes.length && runs <= MAX_RUNS; ) {
      const shorter = concatBytes([best.bytes.subarray(0, at), best.bytes.subarray(at + size)]);
      if (!(await accept(shorter))) at += size;
    }
  }
  return best;
}

/** Leaves out elements one by one; sizes around them are put right. */
async function dropElements(
  current: () => Uint8Array,
  accept: (bytes: Uint8Array) => Promise<boolean>,
  isOver: () => boolean,
): Promise<void> {
  for (let index = 0; !isOver(); ) {
    const tree = parseTree(current());
    const place = places(tree)[index];
    if (place === undefined) return;
    place.list.splice(place.index, 1);
    if (!(await accept(writeTree(tree)))) index++;
  }
}
