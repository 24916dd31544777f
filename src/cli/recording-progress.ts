import type { Fragment } from '../fragments/fragment.js';

const INTERVAL_MS = 200;

/** Counts what is recorded, and says on a terminal how far it has come. */
export class RecordingProgress {
  readonly #stream: string;
  #bytes = 0;
  #shown = 0;
  /** Fragments recorded. */
  fragments = 0;
  /** Frames in them. */
  frames = 0;
  /** Fragments that could not be had. */
  failed = 0;
  /** Fragments that there are to record, where that is known. */
  total: number | undefined;

  /** @param stream names it in what is shown */
  constructor(stream: string) {
    this.#stream = stream;
  }

  /** A fragment has been recorded. */
  advance(fragment: Fragment, bytes: readonly Uint8Array[]): void {
    this.fragments++;
    this.frames += fragment.frames.length;
    for (const piece of bytes) this.#bytes += piece.length;
    if (process.stderr.isTTY !== true) return;
    const now = Date.now();
    if (now - this.#shown < INTERVAL_MS) return;
    this.#shown = now;
    const of = this.total === undefined ? '' : ` of ${this.total}`;
    const time = fragment.producerTimestamp?.toISOString() ?? '';
    const count = this.fragments + this.failed;
    // The line ends where it began, so that whatever is written next takes its place.
    process.stderr.write(
      `\x1b[Kkvs: ${this.#stream}: ${count}${of} fragments, ${(this.#bytes / 1e6).toFixed(1)} MB ${time}\r`,
    );
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown > 0) process.stderr.write('\x1b[K');
    this.#shown = 0;
  }
}
