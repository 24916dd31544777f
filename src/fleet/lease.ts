/** What the lock's script answers. */
export type HoldAnswer = 'held' | 'lost' | 'unfollowed';

/** The lock on a stream is not this worker's any more, or nobody can tell. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';
}

/** What a lease is made of. */
export interface LeaseSetup {
  readonly lockMs: number;
  /** Makes the lock last from now on, and keeps the checkpoint where there is one. */
  readonly hold: (checkpoint: string | undefined) => Promise<HoldAnswer>;
  /** The lease is over; nothing may be handed out any more. */
  readonly onLost: (reason: LeaseLostError) => void;
  /** The stream is not to be followed any more. */
  readonly onUnfollowed: () => void;
}

/** How often within the time of the lock it is renewed. */
const RENEWALS = 4;

/**
 * A worker's right to a stream. It holds for the time of the lock from the moment when the last renewal was sent, by this process's own
 * clock: whoever cannot reach Redis, or has stood still, knows by itself when the right is over.
 */
export class Lease {
  readonly #setup: LeaseSetup;
  #validUntil: number;
  #renewedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #lost: LeaseLostError | undefined;

  /** @param takenAt when the lock was taken at the latest, by `performance.now()` */
  constructor(setup: LeaseSetup, takenAt: number) {
    this.#setup = setup;
    this.#validUntil = takenAt + setup.lockMs;
    this.#renewedAt = takenAt;
    this.#timer = setInterval(() => this.#tick(), setup.lockMs / RENEWALS);
  }

  /** For how many milliseconds more it holds. */
  get remainingMs(): number {
    return this.#lost === undefined ? Math.max(0, this.#validUntil - performance.now()) : 0;
  }

  /**
   * Makes sure that the lock is this worker's, before something is handed out.
   *
   * @throws LeaseLostError when it is not
   */
  async check(): Promise<void> {
    if (this.remainingMs === 0) await this.renew();
  }

  /**
   * Renews the lock and keeps a checkpoint with it. Waits for Redis for as long as the lease holds.
   *
   * @throws LeaseLostError when the lock is not this worker's, or Redis has not answered before the lease was over
   */
  async renew(checkpoint?: string): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    for (;;) {
      const sentAt = performance.now();
      const answer = await this.#ask(checkpoint);
      if (answer === 'lost') throw this.#lose('another worker has it, or its lock is over');
      if (answer === undefined) {
        if (this.remainingMs === 0) throw this.#lose('Redis does not answer');
        continue;
      }
      this.#validUntil = Math.max(this.#validUntil, sentAt + this.#setup.lockMs);
      this.#renewedAt = sentAt;
      if (answer === 'unfollowed') this.#setup.onUnfollowed();
      return;
    }
  }

  /** Nothing is held any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** `undefined` where Redis has not answered in time. */
  async #ask(checkpoint: string | undefined): Promise<HoldAnswer | undefined> {
    // Whoever has stood still for long asks once more all the same.
    const patience = Math.min(this.#setup.lockMs / RENEWALS, this.remainingMs || Number.POSITIVE_INFINITY);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        this.#setup.hold(checkpoint),
        new Promise<undefined>((resolve) => {
          timer = setTimeout(resolve, patience, undefined);
        }),
      ]);
    } catch {
      // A connection that fails at once is not asked again at once.
      await new Promise((resolve) => setTimeout(resolve, Math.min(100, patience)));
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  #tick(): void {
    if (this.#lost !== undefined) return;
    // A checkpoint that was saved has renewed it.
    if (performance.now() - this.#renewedAt < this.#setup.lockMs / RENEWALS / 2) return;
    this.renew().catch(() => {
      // What lost it has been told.
    });
  }

  #lose(reason: string): LeaseLostError {
    if (this.#lost === undefined) {
      this.#lost = new LeaseLostError(reason);
      this.stop();
      this.#setup.onLost(this.#lost);
    }
    return this.#lost;
  }
}
