import { stat } from 'node:fs/promises';
import { clearStatus, showStatus, showsStatus } from './terminal.js';

const INTERVAL_MS = 200;

/** Lets through one call in {@link INTERVAL_MS}, where there is a terminal to show something on. */
export class StatusTimer {
  #shown = 0;

  /** Shows a text, when it is time for it. */
  show(text: () => string): void {
    if (!showsStatus()) return;
    const now = Date.now();
    if (now - this.#shown < INTERVAL_MS) return;
    this.#shown = now;
    showStatus(text());
  }
}

/** Says on a terminal how far long work has come; where standard error is none, nothing. */
export class Progress {
  readonly #file: string;
  readonly #total: number | undefined;
  readonly #timer = new StatusTimer();
  #bytes = 0;

  private constructor(file: string, total: number | undefined) {
    this.#file = file;
    this.#total = total;
  }

  /** Progress through a file, or through something else whose size is not known. */
  static async through(file: string, isStream = false): Promise<Progress> {
    if (!showsStatus() || isStream || file === '-') return new Progress(file, undefined);
    const facts = await stat(file).catch(() => undefined);
    return new Progress(file, facts?.isFile() === true && facts.size > 0 ? facts.size : undefined);
  }

  /** So many bytes more have been read. */
  advance(bytes: number): void {
    this.#bytes += bytes;
    const part = this.#total === undefined ? '' : ` of ${megabytes(this.#total)}`;
    this.#timer.show(() => `kvs: ${this.#file}: ${megabytes(this.#bytes)}${part} MB`);
  }

  /** The same chunks, each counted as it is taken. */
  async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of chunks) {
      this.advance(chunk.length);
      yield chunk;
    }
  }

  /** Takes the line away. */
  end(): void {
    clearStatus();
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
