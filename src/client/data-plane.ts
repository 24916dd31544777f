import type { ControlClient, StreamIdentity } from './access.js';
import { Attempt } from './attempt.js';
import type { Lease } from './client-pool.js';
import type { Clock } from './clock.js';
import { type CallLimiter, RateLimiter } from './rate-limiter.js';
import { abandonRenewal, clockOffsetOf, loadControl, renewCredentials } from './sdk.js';
import type { APIName } from './sdk-types.js';
import { KinesisVideoError } from './service-error.js';

/** How long the service lets an endpoint be kept. */
const ENDPOINT_AGE_MS = 45 * 60_000;

/** A client for the endpoint of one stream and operation. */
export interface DataClient<C> {
  readonly client: C;
  readonly endpoint: string;
  /** See {@link Lease.hold}. */
  readonly hold: () => () => void;
}

/** What a data plane is made of. */
export interface DataPlaneSetup<C> {
  readonly apiName: APIName;
  readonly stream: StreamIdentity;
  /** `clockOffset`: what the clients before have learned of how far the clock here is behind, in milliseconds. */
  readonly openControl: (clockOffset: number | undefined) => Promise<Lease<ControlClient>>;
  readonly openClient: (control: ControlClient, endpoint: string, clockOffset: number | undefined) => Promise<Lease<C>>;
  /** Counts calls of GetDataEndpoint. Default: five a second for this one alone. */
  readonly limiter?: CallLimiter | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * The way to one stream's endpoint for one operation: GetDataEndpoint, kept for 45 minutes, and a client for it, kept for as long as the
 * endpoint stays the same. Calls that come together share one GetDataEndpoint.
 */
export class DataPlane<C extends { destroy?(): void }> {
  readonly #setup: DataPlaneSetup<C>;
  readonly #limiter: CallLimiter;
  #control: Lease<ControlClient> | undefined;
  #lease: Lease<C> | undefined;
  #current: DataClient<C> | undefined;
  #expires = 0;
  #clockOffset: number | undefined;
  #opening: Promise<DataClient<C>> | undefined;
  #renewing: Promise<void> | undefined;

  constructor(setup: DataPlaneSetup<C>) {
    this.#setup = setup;
    this.#limiter = setup.limiter ?? new RateLimiter(undefined, undefined, setup.clock);
  }

  /**
   * A client for the stream's endpoint.
   *
   * @param attempt the call that it is for: the client is not destroyed before its end
   * @throws KinesisVideoError when the service does not give the endpoint
   */
  async acquire(attempt: Attempt, signal: AbortSignal): Promise<DataClient<C>> {
    signal.throwIfAborted();
    const client = this.#valid ?? (await this.#openOnce(signal));
    attempt.atClose(client.hold());
    return client;
  }

  get #valid(): DataClient<C> | undefined {
    return this.#setup.clock.now() < this.#expires ? this.#current : undefined;
  }

  #openOnce(signal: AbortSignal): Promise<DataClient<C>> {
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
   *
   * @throws KinesisVideoError when the provider of the credentials fails or does not answer in time; the signal's reason when it is aborted
   */
  async renewCredentials(client: DataClient<C> | undefined, signal: AbortSignal): Promise<void> {
    if (client !== undefined && client !== this.#current) return;
    this.#renewing ??= this.#renew(signal).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /**
   * A call with this client, or GetDataEndpoint or a renewal where there is none, was not answered in time: the next one goes through new
   * clients. The SDK's clients share one question to the provider of the credentials for as long as it is not answered, so that one that is
   * never answered would hold up all calls after it. A control client that the caller gave is kept.
   */
  startAnew(client: DataClient<C> | undefined): void {
    if (client !== undefined && client !== this.#current) return;
    this.#keepClockOffset();
    this.#expires = 0;
    this.#control?.retire();
    this.#dropControl();
    this.#lease?.retire();
    this.#use(undefined, '');
  }

  /** Closes the clients that were made here. */
  close(): void {
    this.#use(undefined, '');
    this.#dropControl();
  }

  /** Uses this client from now on, and not the one before. */
  #use(lease: Lease<C>, endpoint: string): DataClient<C>;
  #use(lease: undefined, endpoint: string): undefined;
  #use(lease: Lease<C> | undefined, endpoint: string): DataClient<C> | undefined {
    this.#lease?.release();
    this.#lease = lease;
    this.#current = lease === undefined ? undefined : { client: lease.client, endpoint, hold: () => lease.hold() };
    return this.#current;
  }

  async #open(signal: AbortSignal): Promise<DataClient<C>> {
    const { openControl, openClient, clock } = this.#setup;
    this.#control ??= await this.#leaseInTime(() => openControl(this.#clockOffset), signal);
    const { client: control } = this.#control;
    const free = this.#control.hold();
    const endpoint = await this.#limiter
      .take(signal)
      .then((called) => this.#askEndpoint(control, signal).finally(called))
      .finally(free);
    this.#expires = clock.now() + ENDPOINT_AGE_MS;
    if (this.#current?.endpoint === endpoint) return this.#current;
    this.#keepClockOffset();
    const open = () => openClient(control, endpoint, this.#clockOffset);
    return this.#use(await this.#leaseInTime(open, signal), endpoint);
  }

  async #askEndpoint(control: ControlClient, signal: AbortSignal): Promise<string> {
    const { apiName, stream } = this.#setup;
    const { GetDataEndpointCommand } = await loadControl();
    const command = new GetDataEndpointCommand({
      APIName: apiName,
      StreamName: stream.streamName,
      StreamARN: stream.streamARN,
    });
    const { DataEndpoint } = await this.#inTime((abortSignal) => control.send(command, { abortSignal }), signal);
    if (typeof DataEndpoint === 'string' && isEndpoint(DataEndpoint)) return DataEndpoint;
    const text =
      DataEndpoint === undefined
        ? 'the answer names no endpoint'
        : `the answer names no HTTP endpoint: ${JSON.stringify(DataEndpoint).slice(0, 200)}`;
    // An answer without the field is not of the service; something between here and it has answered.
    const kind = DataEndpoint === undefined ? 'service' : 'unknown';
    throw new KinesisVideoError('GetDataEndpoint', { code: 'NoEndpoint', kind, text });
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const control = this.#control;
    if (control === undefined) return;
    // Another consumer has found the same client's credentials expired and has had them renewed.
    if (this.#lease?.retired !== true) {
      await this.#inTime(async () => {
        await renewCredentials(control.client);
        return control;
      }, signal).catch((error: unknown) => {
        abandonRenewal(control.client);
        throw error;
      });
    }
    // A client that was made by the caller's function holds what credentials it holds: another one is made.
    this.#keepClockOffset();
    this.#lease?.retire();
    this.#use(undefined, '');
    this.#expires = 0;
  }

  #keepClockOffset(): void {
    this.#clockOffset =
      clockOffsetOf(this.#current?.client) ?? clockOffsetOf(this.#control?.client) ?? this.#clockOffset;
  }

  #dropControl(): void {
    this.#control?.release();
    this.#control = undefined;
  }

  /** What is opened too late is given back. */
  async #leaseInTime<T>(open: () => Promise<Lease<T>>, signal: AbortSignal): Promise<Lease<T>> {
    let opening: Promise<Lease<T>> | undefined;
    try {
      return await this.#inTime(() => {
        opening = open();
        return opening;
      }, signal);
    } catch (error) {
      void opening?.then(
        (lease) => lease.release(),
        () => {},
      );
      throw error;
    }
  }

  /** Waits for what the caller's code or the service gives, no longer than for an answer. */
  async #inTime<T extends object>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, timeoutMs } = this.#setup;
    const attempt = new Attempt('GetDataEndpoint', clock, timeoutMs, signal);
    try {
      return await attempt.call(work);
    } finally {
      await attempt.close();
    }
  }
}

/** Whether requests can be sent there. */
function isEndpoint(text: string): boolean {
  try {
    const { protocol, hostname } = new URL(text);
    return (protocol === 'https:' || protocol === 'http:') && hostname !== '';
  } catch {
    return false;
  }
}
