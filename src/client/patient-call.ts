import { Attempt } from './attempt.js';
import type { Clock } from './clock.js';
import type { DataClient, DataPlane } from './data-plane.js';
import type { CallLimiter } from './rate-limiter.js';
import type { Recovery } from './recovery.js';
import { type KinesisVideoError, type ServiceOperation, toKinesisVideoError } from './service-error.js';

/** What calls are made with. */
export interface PatientSetup<C extends { destroy?(): void }> {
  readonly plane: DataPlane<C>;
  readonly recovery: Recovery<C>;
  readonly limiter: CallLimiter;
  readonly clock: Clock;
  readonly readTimeoutMs: number;
  /** The service has answered a call. */
  readonly onAnswer: () => void;
  /** A call failed and is made again. */
  readonly onRetry: (error: KinesisVideoError, delayMs: number) => void;
}

/**
 * Makes a call of the service, again and again where it fails with what may pass.
 *
 * @param send makes the call; its answer has come whole
 * @throws KinesisVideoError when the service says what does not pass; the signal's reason when it is aborted
 */
export function callPatiently<T extends object, C extends { destroy?(): void }>(
  operation: ServiceOperation,
  setup: PatientSetup<C>,
  signal: AbortSignal,
  send: (client: DataClient<C>, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return readPatiently(operation, setup, signal, send, async (answer) => answer);
}

/**
 * The same for a call whose answer has a body.
 *
 * @param send makes the call
 * @param read reads the body, through the attempt: so long as something of it comes, it may take its time
 */
export async function readPatiently<T extends object, C extends { destroy?(): void }, R>(
  operation: ServiceOperation,
  setup: PatientSetup<C>,
  signal: AbortSignal,
  send: (client: DataClient<C>, signal: AbortSignal) => Promise<T>,
  read: (answer: T, attempt: Attempt) => Promise<R>,
): Promise<R> {
  const { plane, limiter, clock, readTimeoutMs, recovery } = setup;
  for (;;) {
    let client: DataClient<C> | undefined;
    const attempt = new Attempt(operation, clock, readTimeoutMs, signal);
    try {
      client = await plane.acquire(attempt, signal);
      const acquired = client;
      const called = await limiter.take(signal);
      const answer = await attempt.call((abortSignal) => send(acquired, abortSignal)).finally(called);
      recovery.answered();
      const wanted = await read(answer, attempt);
      recovery.progressed();
      setup.onAnswer();
      return wanted;
    } catch (error) {
      signal.throwIfAborted();
      const failure = toKinesisVideoError(operation, error);
      const delayMs = await recovery.assess(failure, client, signal);
      setup.onRetry(failure, delayMs);
      await recovery.pause(delayMs, signal);
    } finally {
      await attempt.close();
    }
  }
}
