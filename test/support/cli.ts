import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
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

/** A command that runs beside the test. */
export interface RunningCli {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly said: { stdout: string; stderr: string };
  /** Settles with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts the built `kvs`, without credentials; its standard input stays open. */
export function startKvs(words: readonly string[], cwd = process.cwd()): RunningCli {
  const child = spawn(process.execPath, [KVS, ...words], {
    cwd,
    env: { ...process.env, AWS_ACCESS_KEY_ID: undefined, NODE_NO_WARNINGS: '1' },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  return { child, said, ended: new Promise((done) => child.on('close', done)) };
}
