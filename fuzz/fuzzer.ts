import { coveredEdges } from './counters.js';
import { findingKey } from './finding.js';
import { Choices, type Input } from './input.js';
import { type Cost, runWithinLimits } from './limits.js';
import { minimize } from './minimize.js';
import { mutateBytes } from './mutate-bytes.js';
import { EBML_TOKENS, mutateEbml } from './mutate-ebml.js';
import type { FuzzTarget } from './target.js';

const MAX_LENGTH = 16 * 1024;

/** An input that gives a finding. */
export interface FoundInput {
  readonly error: unknown;
  readonly input: Input;
}

/** What fuzzing has done so far. */
export interface FuzzState {
  executions: number;
  readonly corpus: Input[];
  /** How many things the corpus makes happen: branches taken so often, and the target's own words. */
  features: number;
  readonly findings: FoundInput[];
  /** The most statements for a byte among inputs of 256 bytes and more. */
  stepsPerByte: number;
  /** The same of bytes allocated. */
  allocatedPerByte: number;
}

/** How {@link fuzz} runs. */
export interface FuzzOptions {
  /** Decides everything: the same seed and corpus give the same inputs. */
  readonly seed: number;
  /** Inputs found before. */
  readonly corpus?: readonly Input[] | undefined;
  /** Asked before each run. */
  readonly isDone: (state: FuzzState) => boolean;
  /** Is told of each input that does something new. */
  readonly onNew?: ((input: Input) => void) | undefined;
  /** Is told of each finding of a kind that was not found before, made small. */
  readonly onFinding?: ((found: FoundInput) => void) | undefined;
}

/** Runs a target on its seeds, then on changes of whatever did something new. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzState> {
  const c = new Choices(options.seed);
  const seen = new Set<number | string>();
  const keys = new Set<string>();
  const state: FuzzState = {
    executions: 0,
    corpus: [],
    features: 0,
    findings: [],
    stepsPerByte: 0,
    allocatedPerByte: 0,
  };
  const run = async (input: Input, keep: boolean): Promise<void> => {
    state.executions++;
    const words = new Set<string>();
    try {
      const cost = await runWithinLimits(target, input, words);
      noteCost(state, input, cost);
    } catch (error) {
      const key = findingKey(error);
      if (keys.has(key)) return;
      keys.add(key);
      const found = { error, input: await minimize(target, input, key) };
      state.findings.push(found);
      options.onFinding?.(found);
      return;
    }
    const before = seen.size;
    for (const feature of coveredEdges()) seen.add(feature);
    for (const word of words) seen.add(word);
    state.features = seen.size;
    if (seen.size === before && !keep) return;
    state.corpus.push(input);
    if (!keep) options.onNew?.(input);
  };
  for (const bytes of target.seeds()) {
    // Several times, for the options that the choice decides.
    for (let i = 0; i < 4 && !options.isDone(state); i++) await run({ choice: c.below(2 ** 32), bytes }, i === 0);
  }
  for (const input of options.corpus ?? []) if (!options.isDone(state)) await run(input, false);
  while (!options.isDone(state)) await run(mutate(target, state.corpus, c), false);
  return state;
}

function noteCost(state: FuzzState, { bytes: { length } }: Input, { steps, allocated }: Cost): void {
  if (length < 256) return;
  state.stepsPerByte = Math.max(state.stepsPerByte, steps / length);
  state.allocatedPerByte = Math.max(state.allocatedPerByte, allocated / length);
}

function mutate(target: FuzzTarget, corpus: readonly Input[], c: Choices): Input {
  // What came last is what has been tried least.
  const parent = c.oneIn(2) ? c.pick(corpus) : c.pick(corpus.slice(-50));
  const other = c.pick(corpus).bytes;
  const choice = c.oneIn(3) ? parent.choice : c.below(2 ** 32);
  const bytes = target.mutate?.(parent.bytes, c, other) ?? change(target, parent.bytes, c, other);
  return { choice, bytes: Uint8Array.from(bytes.subarray(0, target.maxLength ?? MAX_LENGTH)) };
}

function change(target: FuzzTarget, bytes: Uint8Array, c: Choices, other: Uint8Array): Uint8Array {
  if (target.ebml && !c.oneIn(3)) return mutateEbml(bytes, c, other);
  return mutateBytes(bytes, c, target.ebml ? EBML_TOKENS : [], other);
}
