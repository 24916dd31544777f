import type { APIName } from '@aws-sdk/client-kinesis-video';
import type { ControlClient, StreamIdentity } from './access.js';
import { Attempt } from './attempt.js';
import type { Clock } from './clock.js';
import { RateLimiter } from './rate-limiter.js';
import { type Control, loadControl, renewCredentials } from './sdk.js';
import { KinesisVideoError, toKinesisVideoError } from './service-error.js';

/** How long the service lets an endpoint be kept. */
const ENDPOINT_AGE_MS = 45 * 60_000;

/** A client for the endpoint of one stream and operation. */
export interface DataClient<C> {
  readonly client: C;
  readonly endpoint: string;
}

/** What a data plane is made of. */
export interface DataPlaneSetup<C> {
  readonly apiName: APIName;
  readonly stream: StreamIdentity;
  readonly openControl: () => Promise<Control>;
  readonly openClient: (control: ControlClient, endpoint: string) => Promise<C>;
  /** Whether the clients may be destroyed when they are not used any more. */
  readonly disposable: boolean;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * The way to one stream's endpoint for one operation: GetDataEndpoint, kept for 45 minutes, and a client for it, kept for as long as the
 * endpoint stays the same. Calls that come together share one GetDataEndpoint.
 */
export class DataPlane<C extends { destroy?(): void }> {
  readonly #setup: DataPlaneSetup<C>;
  readonly #limiter: RateLimiter;
  #control: Control | undefined;
  #current: DataClient<C> | undefined;
  #expires = 0;
  #opening: Promise<DataClient<C>> | undefined;
  #renewing: Promise<void> | undefined;

  constructor(setup: DataPlaneSetup<C>) {
    this.#setup = setup;
    this.#limiter = new RateLimiter(undefined, undefined, setup.clock);
  }

  /**
   * A client for the stream's endpoint.
   *
   * @throws KinesisVideoError when the service does not give the endpoint
   */
  async acquire(signal: AbortSignal): Promise<DataClient<C>> {
    signal.throwIfAborted();
    if (this.#current !== undefined && this.#setup.clock.now() < this.#expires) return this.#current;
    this.#opening ??= this.#open(signal).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** The endpoint that this client is for is not the stream's any more. */
  forgetEndpoint(client: DataClient<C> | undefined): void {
    if (client === this.#current) this.#expires = 0;
  }

  /**
   * The credentials that this client used, or GetDataEndpoint where there is none, are not taken any more: new ones are asked for, unless
   * that has been done since.
   */
  async renewCredentials(client: DataClient<C> | undefined): Promise<void> {
    if (client !== undefined && client !== this.#current) return;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Closes the clients that were made here. */
  close(): void {
    this.#discard(this.#current);
    this.#current = undefined;
    if (this.#control?.disposable === true) this.#control.client.destroy?.();
    this.#control = undefined;
  }

  async #open(signal: AbortSignal): Promise<DataClient<C>> {
    const { openControl, openClient, clock } = this.#setup;
    this.#control ??= await openControl();
    const { client: control } = this.#control;
    const called = await this.#limiter.take(signal);
    const endpoint = await this.#askEndpoint(control, signal).finally(called);
    this.#expires = clock.now() + ENDPOINT_AGE_MS;
    if (this.#current?.endpoint === endpoint) return this.#current;
    const client = await openClient(control, endpoint);
    this.#discard(this.#current);
    this.#current = { client, endpoint };
    return this.#current;
  }

  async #askEndpoint(control: ControlClient, signal: AbortSignal): Promise<string> {
    const { apiName, stream, clock, timeoutMs } = this.#setup;
    const { GetDataEndpointCommand } = await loadControl();
    const command = new GetDataEndpointCommand({
      APIName: apiName,
      StreamName: stream.streamName,
      StreamARN: stream.streamARN,
    });
    const attempt = new Attempt('GetDataEndpoint', clock, timeoutMs, signal);
    try {
      const { DataEndpoint } = await attempt.call((abortSignal) => control.send(command, { abortSignal }));
      if (DataEndpoint !== undefined) return DataEndpoint;
    } catch (error) {
      signal.throwIfAborted();
      throw toKinesisVideoError('GetDataEndpoint', error);
    } finally {
      await attempt.close();
    }
    throw new KinesisVideoError('GetDataEndpoint', {
      code: 'NoEndpoint',
      kind: 'service',
      text: 'no endpoint was given',
    });
  }

  async #renew(): Promise<void> {
    const control = this.#control;
    if (control === undefined) return;
    await renewCredentials(control.client);
    // A client that was made by the caller's function holds what credentials it holds: another one is made.
    this.#discard(this.#current);
    this.#current = undefined;
    this.#expires = 0;
  }

  #discard(client: DataClient<C> | undefined): void {
    if (this.#setup.disposable) client?.client.destroy?.();
  }
}
