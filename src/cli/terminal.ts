import { once } from 'node:events';
import { interruptible, throwIfInterrupted } from './interrupt.js';
import { reasonOf } from './system-error.js';
import { fitted, harmless } from './text.js';

// The one place that writes to standard output and standard error. What is text is made harmless here, whatever it came from.

/** The reader of standard output went away; what was asked for is done as far as anyone can see it. */
export class ClosedOutputError extends Error {}

let failure: Error | undefined;
let listening = false;
let statusShown = false;

/** Must be called before anything is written: an error of either stream would end the process with a stack trace. */
function listen(): void {
  if (listening) return;
  listening = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure ??=
      error.code === 'EPIPE'
        ? new ClosedOutputError('standard output is closed')
        : new Error(`cannot write standard output: ${reasonOf(error)}`, { cause: error });
  });
  // There is nobody left to tell.
  process.stderr.on('error', () => {});
}

/** Says something on standard error, in a line of its own that begins with `kvs: `. */
export function tell(message: string): void {
  explain(`kvs: ${message}`);
}

/** Writes lines to standard error as they are. */
export function explain(...lines: string[]): void {
  listen();
  clearStatus();
  // A message of the SDK or of the system may have several lines: they become one.
  const text = lines.map((line) => `${harmless(line.replaceAll(/\s*[\r\n]\s*/g, ' ').trimEnd())}\n`).join('');
  process.stderr.write(text);
}

/** Writes a text of our own, like the help, to standard error: its lines and its indents stay. */
export function explainText(text: string): void {
  listen();
  clearStatus();
  process.stderr.write(harmlessLines(text));
}

/** Whether long work is to be shown: whether standard error is a terminal. */
export function showsStatus(): boolean {
  return process.stderr.isTTY === true;
}

/** Shows how far work has come in a line that gives way to whatever is written next. */
export function showStatus(text: string): void {
  if (!showsStatus()) return;
  listen();
  const columns = process.stderr.columns > 0 ? process.stderr.columns : 80;
  // A line as wide as the terminal would wrap, and a wrapped line cannot be taken back.
  process.stderr.write(`\r\x1b[K${fitted(harmless(text), columns - 1)}`);
  statusShown = true;
}

/** Takes the line that shows how far work has come away. */
export function clearStatus(): void {
  if (!statusShown) return;
  statusShown = false;
  process.stderr.write('\r\x1b[K');
}

/** Lines wait for others at the most so long. */
const GATHERING_MS = 50;

/**
 * Lines for standard output, gathered so that a write is made for many of them, and held back when nobody reads. A line of a live stream
 * is written also while no other follows.
 */
export class LineOutput {
  #text = '';
  #timer: NodeJS.Timeout | undefined;

  /** Adds a line; a newline within it is escaped. A promise is returned when it has to be waited for. */
  line(text: string): Promise<void> | undefined {
    this.#text += `${harmless(text)}\n`;
    // An error is kept, and thrown by the next write.
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), GATHERING_MS);
    return this.#text.length < 64 * 1024 ? undefined : this.flush();
  }

  /** Writes what has been gathered. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#text;
    this.#text = '';
    await write(text);
  }
}

/**
 * Writes text to standard output, made harmless but for its newlines, and waits while its reader is behind.
 *
 * @throws ClosedOutputError when the reader went away, Error when writing fails otherwise
 */
export async function writeOut(text: string): Promise<void> {
  await write(harmlessLines(text));
}

/**
 * Writes bytes to standard output as they are, and waits until they have been taken, so that they may be used again.
 *
 * @throws as {@link writeOut}
 */
export async function writeBytes(bytes: Uint8Array): Promise<void> {
  listen();
  if (failure !== undefined) throw failure;
  const written = new Promise<void>((resolve) => process.stdout.write(bytes, () => resolve()));
  await interruptible(written);
  await thrown();
}

/** Whether standard output is a terminal, where bytes of media would do what they like. */
export function outputIsTerminal(): boolean {
  return process.stdout.isTTY === true;
}

async function write(text: string): Promise<void> {
  listen();
  if (failure !== undefined) throw failure;
  if (text === '') return;
  if (outputIsTerminal()) clearStatus();
  const { stdout } = process;
  if (!stdout.write(text)) {
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      await interruptible(Promise.race([once(stdout, 'drain', { signal }), once(stdout, 'close', { signal })]));
    } catch (error) {
      throwIfInterrupted();
      throw failure ?? error;
    } finally {
      waiting.abort();
    }
  }
  await thrown();
}

/** Waits until an error of what has been written is known, and throws it. */
async function thrown(): Promise<void> {
  // A file or pipe is written at once, and its error comes with the next tick.
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (failure !== undefined) throw failure;
}

function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}
