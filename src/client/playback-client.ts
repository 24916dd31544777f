import type { ControlClient, SendOptions, ServiceAccess, StreamIdentity } from './access.js';
import type { Attempt } from './attempt.js';
import { Backoff } from './backoff.js';
import { type Lease, ownLease } from './client-pool.js';
import { systemClock } from './clock.js';
import { DataPlane } from './data-plane.js';
import { type PatienceOptions, READ_TIMEOUT_MS } from './iteration.js';
import { callPatiently, readPatiently } from './patient-call.js';
import { RateLimiter } from './rate-limiter.js';
import { Recovery } from './recovery.js';
import { openControl, sharedConfig, sharesHandler } from './sdk.js';
import { loadArchivedMedia } from './sdk-archived-media.js';
import type {
  APIName,
  GetClipCommand,
  GetClipCommandOutput,
  GetDASHStreamingSessionURLCommand,
  GetDASHStreamingSessionURLCommandOutput,
  GetHLSStreamingSessionURLCommand,
  GetHLSStreamingSessionURLCommandOutput,
  GetImagesCommand,
  GetImagesCommandOutput,
  KinesisVideoArchivedMediaClientConfig,
} from './sdk-types.js';
import type { KinesisVideoError, ServiceOperation } from './service-error.js';

/** The part of `KinesisVideoArchivedMediaClient` that playback uses. */
export interface PlaybackClient {
  send(command: GetImagesCommand, options?: SendOptions): Promise<GetImagesCommandOutput>;
  send(command: GetClipCommand, options?: SendOptions): Promise<GetClipCommandOutput>;
  send(
    command: GetHLSStreamingSessionURLCommand,
    options?: SendOptions,
  ): Promise<GetHLSStreamingSessionURLCommandOutput>;
  send(
    command: GetDASHStreamingSessionURLCommand,
    options?: SendOptions,
  ): Promise<GetDASHStreamingSessionURLCommandOutput>;
  destroy?(): void;
}

/** How to reach the playback operations of the service, and how long to try. */
export interface PlaybackAccess extends ServiceAccess, PatienceOptions {
  /** What the clients are made with besides region, credentials and endpoint. */
  readonly archivedMediaClientConfig?: KinesisVideoArchivedMediaClientConfig | undefined;
  /** Receives a call that failed and is made again after so many milliseconds. */
  readonly onRetry?: ((error: KinesisVideoError, delayMs: number) => void) | undefined;
}

/** Calls that a stream's endpoint for one operation is asked, one after another or at once. */
export class PlaybackCalls {
  readonly #plane: DataPlane<PlaybackClient>;
  readonly #operation: ServiceOperation;
  readonly #setup: Parameters<typeof callPatiently<object, PlaybackClient>>[1];

  /** @param callsPerSecond what the service allows */
  constructor(
    access: PlaybackAccess & StreamIdentity,
    operation: ServiceOperation,
    apiName: APIName,
    callsPerSecond?: number,
  ) {
    const { clock = systemClock, readTimeoutMs = READ_TIMEOUT_MS, onRetry, random = Math.random } = access;
    const { giveUpAfterMs = Number.POSITIVE_INFINITY } = access;
    this.#operation = operation;
    this.#plane = new DataPlane({
      apiName,
      stream: access,
      openControl: (clockOffset) => openControl(access, clockOffset),
      openClient: (control, endpoint, clockOffset) => openClient(access, control, endpoint, clockOffset),
      limiter: access.endpointRateLimiter,
      clock,
      timeoutMs: readTimeoutMs,
    });
    this.#setup = {
      plane: this.#plane,
      recovery: new Recovery(this.#plane, { clock, backoff: new Backoff(access, random), giveUpAfterMs }),
      limiter: new RateLimiter(callsPerSecond, undefined, clock),
      clock,
      readTimeoutMs,
      onAnswer: () => {},
      onRetry: (error, delayMs) => onRetry?.(error, delayMs),
    };
  }

  /**
   * Makes a call, again where it fails with what may pass.
   *
   * @throws KinesisVideoError when the service says what does not pass; the signal's reason when it is aborted
   */
  call<T extends object>(
    signal: AbortSignal,
    send: (client: PlaybackClient, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return callPatiently(this.#operation, this.#setup, signal, ({ client }, abortSignal) => send(client, abortSignal));
  }

  /** The same for a call whose answer has a body, which `read` reads through the attempt. */
  read<T extends object, R>(
    signal: AbortSignal,
    send: (client: PlaybackClient, abortSignal: AbortSignal) => Promise<T>,
    read: (answer: T, attempt: Attempt) => Promise<R>,
  ): Promise<R> {
    return readPatiently(
      this.#operation,
      this.#setup,
      signal,
      ({ client }, abortSignal) => send(client, abortSignal),
      read,
    );
  }

  /** Closes the clients that were made here. */
  close(): void {
    this.#plane.close();
  }
}

async function openClient(
  access: PlaybackAccess,
  control: ControlClient,
  endpoint: string,
  clockOffset: number | undefined,
): Promise<Lease<PlaybackClient>> {
  const { clientConfig, archivedMediaClientConfig } = access;
  const { KinesisVideoArchivedMediaClient } = await loadArchivedMedia();
  const client = new KinesisVideoArchivedMediaClient({
    ...sharedConfig(access, control, clockOffset),
    ...archivedMediaClientConfig,
    endpoint,
  });
  return ownLease(client, () => {
    if (!sharesHandler([clientConfig, archivedMediaClientConfig])) client.destroy();
  });
}
