import { stat } from 'node:fs/promises';

const INTERVAL_MS = 200;

/** Says on a terminal how far long work has come; where standard error is none, nothing. */
export class Progress {
  readonly #file: string;
  readonly #total: number | undefined;
  #bytes = 0;
  #shown = 0;

  private constructor(file: string, total: number | undefined) {
    this.#file = file;
    this.#total = total;
  }

  /** Progress through a file, or standard input for `-`. */
  static async through(file: string): Promise<Progress> {
    if (process.stderr.isTTY !== true || file === '-') return new Progress(file, undefined);
    const facts = await stat(file).catch(() => undefined);
    return new Progress(file, facts?.isFile() === true && facts.size > 0 ? facts.size : undefined);
  }

  /** So many bytes more have been read. */
  advance(bytes: number): void {
    this.#bytes += bytes;
    if (process.stderr.isTTY !== true) return;
    const now = Date.now();
    if (now - this.#shown < INTERVAL_MS) return;
    this.#shown = now;
    const part = this.#total === undefined ? '' : ` of ${megabytes(this.#total)}`;
    // The line ends where it began, so that whatever is written next takes its place.
    process.stderr.write(`\x1b[Kkvs: ${this.#file}: ${megabytes(this.#bytes)}${part} MB\r`);
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
    if (this.#shown > 0) process.stderr.write('\x1b[K');
    this.#shown = 0;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
