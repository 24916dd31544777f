import { UnansweredError } from './attempt.js';
import type { Backoff } from './backoff.js';
import { type Clock, sleep } from './clock.js';
import type { DataClient, DataPlane } from './data-plane.js';
import type { KinesisVideoError } from './service-error.js';

/** How often in a row the clock may be found to be wrong: each answer tells by how much. */
const CLOCK_CORRECTIONS = 3;

/** After how many refused endpoints in a row a new one is not tried at once. */
const PROMPT_ENDPOINTS = 1;

/** How often in a row credentials may be expired: a provider may give out some that are about to be. */
const EXPIRED_RENEWALS = 5;

/** How often the provider of the credentials may fail before the service has ever been reached: it may be set up wrong. */
const PROVIDER_FAILURES = 5;

/** What recovering needs besides the data plane. */
export interface RecoverySetup {
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** How long failures may go on with nothing going well between them. */
  readonly giveUpAfterMs: number;
  /** Whether the service has ever been reached; shared by whatever reaches it in the same way. Default: by this one alone. */
  readonly reach?: Reach | undefined;
}

/** How often the service has taken a call of a consumer, over all its loops and connections. */
export class Reach {
  answers = 0;

  /** Whether the service has taken a call. */
  get answered(): boolean {
    return this.answers > 0;
  }
}

/** Decides what is done about a failure, and does what has to be done before the next try. */
export class Recovery<C extends { destroy?(): void }> {
  readonly #plane: DataPlane<C>;
  readonly #setup: RecoverySetup;
  readonly #reach: Reach;
  #renewals = 0;
  /** How many good answers there had been when the refusal came that the last renewal was for. */
  #answersBefore = 0;
  #endpointsRefused = 0;
  #corrections = 0;
  #providerFailures = 0;
  #failingSince: number | undefined;

  constructor(plane: DataPlane<C>, setup: RecoverySetup) {
    this.#plane = plane;
    this.#setup = setup;
    this.#reach = setup.reach ?? new Reach();
  }

  /** The service has taken a call: endpoint and credentials are good. */
  answered(): void {
    this.#reach.answers++;
    this.#corrections = 0;
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
   * @param signal ends what is waited for
   * @param kind what is done about it, where that is not what its own kind says
   * @throws KinesisVideoError the failure, when it is final; the signal's reason when it is aborted
   */
  async assess(
    failure: KinesisVideoError,
    client: DataClient<C> | undefined,
    signal: AbortSignal,
    kind = failure.kind,
  ): Promise<number> {
    const { clock, backoff, giveUpAfterMs } = this.#setup;
    const now = clock.now();
    this.#failingSince ??= now;
    if (now - this.#failingSince > giveUpAfterMs) throw failure;
    switch (kind) {
      case 'final':
        throw failure;
      case 'unknown':
        if (!this.#reach.answered && !(isOfProvider(failure) && this.#providerFailures++ < PROVIDER_FAILURES))
          throw failure;
        return backoff.next();
      case 'clock':
        // The client that has learned how wrong the clock is makes the next try.
        if (this.#corrections++ >= CLOCK_CORRECTIONS) throw failure;
        return this.#corrections === 1 ? 0 : backoff.next();
      case 'expired':
      case 'credentials': {
        // Good answers since then, to any call of the consumer, show that the credentials are good.
        const { answers } = this.#reach;
        if (this.#answersBefore !== answers) this.#renewals = 0;
        if (this.#renewals >= (kind === 'expired' ? EXPIRED_RENEWALS : 1)) throw failure;
        if (!(await this.#renew(client, signal))) return backoff.next();
        this.#answersBefore = answers;
        return this.#renewals++ === 0 ? 0 : backoff.next();
      }
      case 'endpoint':
        this.#plane.forgetEndpoint(client);
        return this.#endpointsRefused++ < PROMPT_ENDPOINTS ? 0 : backoff.next();
      default:
        if (failure instanceof UnansweredError) this.#plane.startAnew(client);
        return backoff.next();
    }
  }

  /**
   * Asks for new credentials. That their provider fails, or does not answer, may pass like any failure of a connection: nothing has been
   * renewed then, and the next try finds the old ones expired again.
   */
  async #renew(client: DataClient<C> | undefined, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#plane.renewCredentials(client, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UnansweredError) this.#plane.startAnew(client);
      return false;
    }
  }

  /** Waits before the next try. */
  async pause(delayMs: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#setup.clock, delayMs, signal);
  }
}

function isOfProvider({ code }: KinesisVideoError): boolean {
  return code === 'CredentialsProviderError' || code === 'TokenProviderError';
}
