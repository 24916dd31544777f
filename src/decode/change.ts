const LONGEST_WAIT_MS = 1000;

/** Something that others wait for to happen. */
export class Change {
  #wait: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  /** Settles at the next {@link Change.notify}, or after a while. The work of a native decoder does not keep Node running, the timer does. */
  wait(): Promise<void> {
    this.#wait ??= new Promise((resolve) => {
      const timer = setTimeout(() => this.notify(), LONGEST_WAIT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return this.#wait;
  }

  /** It has happened. Nothing is left that would keep the process running. */
  notify(): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#wait = undefined;
  }
}
