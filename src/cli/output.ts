import { once } from 'node:events';

/** The reader of standard output went away; what was asked for is done as far as anyone can see it. */
export class ClosedOutputError extends Error {}

let failure: Error | undefined;
let listening = false;

function listen(): void {
  if (listening) return;
  listening = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code === 'EPIPE' ? new ClosedOutputError('standard output is closed') : error;
  });
}

/** Lines for standard output, gathered so that a write is made for many of them, and held back when nobody reads. */
export class LineOutput {
  #text = '';

  constructor() {
    listen();
  }

  /** Adds a line. A promise is returned when it has to be waited for. */
  line(text: string): Promise<void> | undefined {
    this.#text += `${text}\n`;
    return this.#text.length < 64 * 1024 ? undefined : this.flush();
  }

  /** Writes what has been gathered. */
  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    await writeOut(text);
  }
}

/**
 * Writes to standard output and waits while its reader is behind.
 *
 * @throws ClosedOutputError when the reader went away, the system's error when writing fails otherwise
 */
export async function writeOut(data: string | Uint8Array): Promise<void> {
  listen();
  if (failure !== undefined) throw failure;
  if (data.length === 0 || process.stdout.write(data)) return;
  const drained = new AbortController();
  try {
    await Promise.race([once(process.stdout, 'drain', drained), once(process.stdout, 'close', drained)]);
  } catch (error) {
    throw failure ?? error;
  } finally {
    drained.abort();
  }
  if (failure !== undefined) throw failure;
}
