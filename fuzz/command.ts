import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { watchAllocations } from './allocations.js';
import { type FoundInput, type FuzzState, fuzz } from './fuzzer.js';
import { decodeInput, encodeInput, type Input } from './input.js';
import { runWithinLimits } from './limits.js';
import type { FuzzTarget } from './target.js';

/** What a fuzzer on the command line is made of. */
export interface FuzzCommand {
  /** The script of package.json that runs it. */
  readonly script: string;
  readonly targets: readonly FuzzTarget[];
  /** A folder below `.cache` for corpus and findings. */
  readonly folder: string;
}

const usage = ({
  script,
  targets,
  folder,
}: FuzzCommand) => `npm run ${script} -- [--minutes N | --runs N] [--target NAME[,NAME…]] [--seed S] [--corpus DIR] [--input FILE]

  --minutes   how long for each target; default 1
  --runs      how many runs for each target instead
  --target    ${targets.map(({ name }) => name).join(', ')}; default: all
  --seed      an integer that decides all inputs; default: a random one, which is printed
  --corpus    a folder to take inputs from and to put new ones in; default .cache/${folder}/corpus; none with --seed unless it is named
  --input     run this one input, as a finding was written to .cache/${folder}/findings, and show the error
`;

function nameOf(input: Input): string {
  return createHash('sha256').update(encodeInput(input)).digest('hex').slice(0, 16);
}

function report(command: FuzzCommand, target: FuzzTarget, { error, input }: FoundInput): void {
  const folder = join('.cache', command.folder, 'findings', target.name);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, nameOf(input));
  writeFileSync(file, encodeInput(input));
  console.error(`${target.name}: ${error instanceof Error ? error.stack : String(error)}`);
  console.error(
    `  choice ${input.choice}, ${input.bytes.length} bytes: ${Buffer.from(input.bytes.subarray(0, 300)).toString('hex')}`,
  );
  console.error(`  again: npm run ${command.script} -- --target ${target.name} --input ${file}`);
}

function summary(target: FuzzTarget, state: FuzzState, seconds: number): string {
  return [
    `${target.name}: ${state.executions} executions in ${seconds.toFixed(0)} s`,
    `corpus ${state.corpus.length}`,
    `features ${state.features}`,
    `at most ${state.stepsPerByte.toFixed(0)} statements and ${state.allocatedPerByte.toFixed(0)} bytes allocated per byte`,
    `findings ${state.findings.length}`,
  ].join(', ');
}

function number(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value >= 0)) throw new Error(`${text} is no number`);
  return value;
}

function loadCorpus(folder: string | undefined): Input[] {
  if (folder === undefined) return [];
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder).map((file) => decodeInput(readFileSync(join(folder, file))));
}

/** Runs a fuzzer as the command line says. Resolves with its exit code: 1 when something was found. */
export async function runFuzzCommand(command: FuzzCommand): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      runs: { type: 'string' },
      target: { type: 'string' },
      seed: { type: 'string' },
      corpus: { type: 'string' },
      input: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(usage(command));
    return 0;
  }
  const wanted = values.target?.split(',');
  const targets = command.targets.filter(({ name }) => wanted?.includes(name) ?? true);
  if (targets.length !== (wanted ?? command.targets).length) throw new Error(`no such target\n\n${usage(command)}`);
  watchAllocations();
  if (values.input !== undefined) {
    const input = decodeInput(readFileSync(values.input));
    for (const target of targets) await runWithinLimits(target, input, new Set());
    console.log('no finding');
    return 0;
  }
  const seed = number(values.seed, Math.floor(Math.random() * 2 ** 32));
  console.log(`seed ${seed}`);
  let findings = 0;
  for (const target of targets) {
    const root = values.corpus ?? (values.seed === undefined ? join('.cache', command.folder, 'corpus') : undefined);
    const folder = root === undefined ? undefined : join(root, target.name);
    const begin = Date.now();
    const end = begin + number(values.minutes, 1) * 60_000;
    const runs = values.runs === undefined ? Number.POSITIVE_INFINITY : number(values.runs, 0);
    let told = begin;
    const state = await fuzz(target, {
      seed,
      corpus: loadCorpus(folder),
      isDone(so_far) {
        if (so_far.executions % 64 === 0 && Date.now() - told > 30_000) {
          told = Date.now();
          console.error(summary(target, so_far, (told - begin) / 1000));
        }
        return runs === Number.POSITIVE_INFINITY ? Date.now() >= end : so_far.executions >= runs;
      },
      onNew: (input) => folder === undefined || writeFileSync(join(folder, nameOf(input)), encodeInput(input)),
      onFinding: (found) => report(command, target, found),
    });
    findings += state.findings.length;
    console.log(summary(target, state, (Date.now() - begin) / 1000));
  }
  return findings === 0 ? 0 : 1;
}
