import type { Fragment } from '../fragments/fragment.js';
import { StatusTimer } from './progress.js';
import { clearStatus } from './terminal.js';
import { count } from './text.js';

/** Counts what is recorded, and says on a terminal how far it has come. */
export class RecordingProgress {
  readonly #stream: string;
  readonly #timer = new StatusTimer();
  #bytes = 0;
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
    this.#timer.show(() => {
      const of = this.total === undefined ? '' : ` of ${this.total}`;
      const time = fragment.producerTimestamp?.toISOString() ?? '';
      const done = this.fragments + this.failed;
      return `kvs: ${this.#stream}: ${of === '' ? count(done, 'fragment') : `${done}${of} fragments`}, ${(this.#bytes / 1e6).toFixed(1)} MB ${time}`;
    });
  }

  /** Takes the line away. */
  end(): void {
    clearStatus();
  }
}
