import { nodeModule } from '../mkv/node-module.js';

/** The part of a child process of Node that is used. */
interface Child {
  readonly stdin: {
    write(data: Uint8Array): boolean;
    end(): void;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'drain', listener: () => void): void;
  };
  readonly stdout: { on(event: 'data', listener: (chunk: Uint8Array) => void): void };
  readonly stderr: { on(event: 'data', listener: (chunk: Uint8Array) => void): void };
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'close', listener: (code: number | null) => void): void;
  kill(signal: 'SIGKILL'): boolean;
}

type Spawn = (command: string, args: readonly string[], options: { readonly stdio: 'pipe' }) => Child;

/** Of what ffmpeg says on standard error, this much is kept. */
const MOST_SAID = 2000;

/** What is told of a process. */
export interface FfmpegListener {
  /** Bytes of its standard output. */
  readonly onData: (chunk: Uint8Array) => void;
  /** It takes more input again. */
  readonly onDrain: () => void;
}

/** An ffmpeg that is fed and read at the same time. */
export class FfmpegProcess {
  readonly #child: Child;
  /** Settles when it has ended and all of its output has been given; rejects when it failed. */
  readonly done: Promise<void>;
  #said = '';

  constructor(args: readonly string[], { onData, onDrain }: FfmpegListener) {
    const child = spawnFfmpeg(args);
    this.#child = child;
    // That it went away is told by its end.
    child.stdin.on('error', () => {});
    child.stdout.on('data', onData);
    child.stderr.on('data', (chunk) => {
      this.#said = `${this.#said}${new TextDecoder().decode(chunk)}`.slice(-MOST_SAID);
    });
    this.done = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`ffmpeg ended with ${code ?? 'a signal'}: ${this.#said.trim()}`));
      });
    });
    this.done.catch(() => {});
    child.stdin.on('drain', onDrain);
  }

  /** Gives it bytes; `false` when it is behind, and `onDrain` is called when it has caught up. */
  write(bytes: Uint8Array): boolean {
    return this.#child.stdin.write(bytes);
  }

  /** No more bytes come. */
  end(): void {
    this.#child.stdin.end();
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function spawnFfmpeg(args: readonly string[]): Child {
  const module = nodeModule('node:child_process');
  const spawn: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'spawn') : undefined;
  if (typeof spawn !== 'function') throw new Error('this runtime starts no programs');
  // In a process group of its own: a terminal's Ctrl-C is for the program that decodes, which ends it with its input.
  const options = { stdio: 'pipe', detached: true, windowsHide: true } as const;
  return (spawn as Spawn)('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...args], options);
}

let found: boolean | undefined;

/** Whether there is an ffmpeg on the PATH. */
export function hasFfmpeg(): boolean {
  found ??= runsFfmpeg();
  return found;
}

function runsFfmpeg(): boolean {
  const module = nodeModule('node:child_process');
  const run: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'spawnSync') : undefined;
  if (typeof run !== 'function') return false;
  const result: unknown = run('ffmpeg', ['-version'], { stdio: 'ignore' });
  return typeof result === 'object' && result !== null && Reflect.get(result, 'status') === 0;
}
