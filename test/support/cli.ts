import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const KVS = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** What a command line did. */
export interface CliRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `kvs`. */
export function kvs(words: readonly string[], input?: Uint8Array): CliRun {
  const { status, stdout, stderr } = spawnSync(process.execPath, [KVS, ...words], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...(input === undefined ? {} : { input }),
  });
  return { status, stdout, stderr };
}

/** The objects of a run that printed JSON lines and had nothing to complain of. */
export function jsonLines<T>(run: CliRun): T[] {
  if (run.status !== 0 || run.stderr !== '') throw new Error(`exit ${run.status}: ${run.stderr}`);
  return run.stdout === ''
    ? []
    : run.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
}
