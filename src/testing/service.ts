import type { FaultPlan } from './faults.js';
import { LimitCounter, Pacer, type ServiceLimits } from './limits.js';
import { LocalStream } from './local-stream.js';
import { PlaybackSessions } from './playback-sessions.js';
import { ServiceError } from './service-error.js';

/** What a local service is made with. */
export interface ServiceSettings {
  readonly limits: ServiceLimits;
  readonly idleTimeoutMs: number;
  readonly maxSessionMs: number;
  readonly slowConsumerMs: number;
  readonly retention: number;
  readonly sideTimestamps: boolean;
}

/** The state that all requests share: streams, counts, endpoints, credentials. */
export class Service {
  readonly settings: ServiceSettings;
  readonly limits: LimitCounter;
  readonly streams = new Map<string, LocalStream>();
  readonly sessions = new PlaybackSessions();
  faults: FaultPlan = () => [];
  #endpointGeneration = 0;
  readonly #seenCredentials = new Set<string>();
  readonly #expiredCredentials = new Set<string>();
  readonly #pacers = new WeakMap<LocalStream, { readonly archived: Pacer; readonly media: Pacer }>();

  constructor(settings: ServiceSettings) {
    this.settings = settings;
    this.limits = new LimitCounter(settings.limits);
  }

  createStream(name: string): LocalStream {
    if (!/^[a-zA-Z0-9_.-]{1,256}$/.test(name)) {
      throw new ServiceError('InvalidArgumentException', `${JSON.stringify(name.slice(0, 300))} is no stream name`);
    }
    if (this.streams.has(name)) throw new ServiceError('ResourceInUseException', `The stream ${name} already exists.`);
    const stream = new LocalStream(name, this.settings.retention);
    this.streams.set(name, stream);
    return stream;
  }

  deleteStream(stream: LocalStream): void {
    this.streams.delete(stream.name);
    stream.delete();
  }

  /** The stream that a request names; throws ServiceError. */
  findStream(name: unknown, arn: unknown): LocalStream {
    if ((name === undefined) === (arn === undefined)) {
      throw new ServiceError('InvalidArgumentException', 'Either StreamName or StreamARN must be given, not both.');
    }
    const wanted = typeof arn === 'string' ? /stream\/([^/]+)/.exec(arn)?.[1] : name;
    const stream = typeof wanted === 'string' ? this.streams.get(wanted) : undefined;
    if (stream === undefined || (arn !== undefined && arn !== stream.arn)) {
      throw new ServiceError('ResourceNotFoundException', 'The requested stream is not found or not active.');
    }
    return stream;
  }

  /** Fragments of one stream a second, for all connections of GetMediaForFragmentList, or of GetMedia, together. */
  fragmentPacer(stream: LocalStream, operation: 'archived' | 'media'): Pacer {
    const { fragmentsPerSecond, mediaFragmentsPerSecond } = this.settings.limits;
    let pacers = this.#pacers.get(stream);
    if (pacers === undefined) {
      const media = new Pacer(mediaFragmentsPerSecond, mediaFragmentsPerSecond);
      pacers = { archived: new Pacer(fragmentsPerSecond), media };
      this.#pacers.set(stream, pacers);
    }
    return pacers[operation];
  }

  /** The path below which requests for media are taken. */
  get endpointPath(): string {
    return `/endpoint-${this.#endpointGeneration}`;
  }

  /** Makes all paths that were given so far invalid. */
  expireEndpoints(): void {
    this.#endpointGeneration++;
  }

  /** Notes credentials by what identifies them; throws ServiceError when they have expired. */
  checkCredentials(id: string): void {
    if (this.#expiredCredentials.has(id)) {
      throw new ServiceError('ExpiredTokenException', 'The security token included in the request is expired');
    }
    this.#seenCredentials.add(id);
    forgetOldest(this.#seenCredentials);
  }

  /** Makes all credentials that were seen so far invalid. */
  expireCredentials(): void {
    for (const id of this.#seenCredentials) this.#expiredCredentials.add(id);
    forgetOldest(this.#expiredCredentials);
  }
}

/** How many credentials are known, the newest ones. */
const MOST_CREDENTIALS = 10_000;

function forgetOldest(ids: Set<string>): void {
  for (const id of ids) {
    if (ids.size <= MOST_CREDENTIALS) return;
    ids.delete(id);
  }
}
