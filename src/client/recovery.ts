import type { Backoff } from './backoff.js';
import { type Clock, sleep } from './clock.js';
import type { DataClient, DataPlane } from './data-plane.js';
import type { KinesisVideoError } from './service-error.js';

/** After how many refused endpoints in a row a new one is not tried at once. */
const PROMPT_ENDPOINTS = 1;

/** How often in a row credentials may be expired: a provider may give out some that are about to be. */
const EXPIRED_RENEWALS = 5;

/** What recovering needs besides the data plane. */
export interface RecoverySetup {
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** How long failures may go on with nothing going well between them. */
  readonly giveUpAfterMs: number;
}

/** Decides what is done about a failure, and does what has to be done before the next try. */
export class Recovery<C extends { destroy?(): void }> {
  readonly #plane: DataPlane<C>;
  readonly #setup: RecoverySetup;
  #everAnswered = false;
  #renewals = 0;
  #endpointsRefused = 0;
  #failingSince: number | undefined;

  constructor(plane: DataPlane<C>, setup: RecoverySetup) {
    this.#plane = plane;
    this.#setup = setup;
  }

  /** The service has taken a call: endpoint and credentials are good. */
  answered(): void {
    this.#everAnswered = true;
    this.#renewals = 0;
    this.#endpointsRefused = 0;
  }

  /** Something came of it: whatever fails next is a first failure. */
  progressed(): void {
    this.#failingSince = undefined;
    this.#setup.backoff.reset();
  }

  /**
   * Renews what has to be renewed and tells how long to wait, in milliseconds.
   *
   * @param client the client that failed
   * @throws KinesisVideoError the failure, when it is final
   */
  async assess(failure: KinesisVideoError, client: DataClient<C> | undefined): Promise<number> {
    const { clock, backoff, giveUpAfterMs } = this.#setup;
    const now = clock.now();
    this.#failingSince ??= now;
    if (now - this.#failingSince > giveUpAfterMs) throw failure;
    switch (failure.kind) {
      case 'final':
        throw failure;
      case 'unknown':
        if (!this.#everAnswered) throw failure;
        return backoff.next();
      case 'expired':
      case 'credentials': {
        const renewals = this.#renewals++;
        if (renewals >= (failure.kind === 'expired' ? EXPIRED_RENEWALS : 1)) throw failure;
        await this.#plane.renewCredentials(client);
        return renewals === 0 ? 0 : backoff.next();
      }
      case 'endpoint':
        this.#plane.forgetEndpoint(client);
        return this.#endpointsRefused++ < PROMPT_ENDPOINTS ? 0 : backoff.next();
      default:
        return backoff.next();
    }
  }

  /** Waits before the next try. */
  async pause(delayMs: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#setup.clock, delayMs, signal);
  }
}
