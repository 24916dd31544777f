import type { CmafFragment } from '../mp4/cmaf-remuxer.js';

/** Lets fragments through in the time that they last: the first at once, each other when its own duration has passed since. */
export class Pacer {
  readonly #signal: AbortSignal;
  #first: number | undefined;
  #began = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Waits until a fragment's time has come, or the signal is aborted. */
  async wait({ media }: CmafFragment): Promise<void> {
    const end = media.reduce((latest, { start, duration }) => Math.max(latest, start + duration), 0);
    if (this.#first === undefined) {
      this.#first = end;
      this.#began = performance.now();
      return;
    }
    const left = this.#began + (end - this.#first) / 1000 - performance.now();
    if (left > 0) await pause(left, this.#signal);
  }
}

/** Waits so many milliseconds, or until the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
