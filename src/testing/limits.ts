import { ServiceError } from './service-error.js';

/** The limits of the service, per stream. */
export interface ServiceLimits {
  /** Calls of each operation a second. Default 5; of the operations that list and describe streams, 50. */
  readonly callsPerSecond: number;
  /** Calls a second of GetHLSStreamingSessionURL, and of GetDASHStreamingSessionURL. Default 25. */
  readonly sessionsPerSecond: number;
  /** Fragments a second that go into clips of GetClip: 5 calls of 100 fragments. Default 500. */
  readonly clipFragmentsPerSecond: number;
  /** Connections of GetMedia at a time. Default 3. */
  readonly getMediaConnections: number;
  /** Connections of GetMediaForFragmentList at a time. Default 5. */
  readonly fragmentListConnections: number;
  /** Fragments of GetMediaForFragmentList a second, over all connections: beyond, the body waits. Default 500. */
  readonly fragmentsPerSecond: number;
  /** Bytes a second of each body of GetMedia and GetMediaForFragmentList: beyond, it waits. Default 25,000,000. */
  readonly bytesPerSecond: number;
  /** Fragments a second that GetMedia sends of a stream, over all connections: beyond, the body waits. Default 6. */
  readonly mediaFragmentsPerSecond: number;
  /** Fragments a second that ListFragments lists. Default 10,000. */
  readonly listedFragmentsPerSecond: number;
  /** Bytes of a fragment that PutMedia takes, with the header of its document. Default 50 MiB. */
  readonly fragmentBytes: number;
  /** How many streams CreateStream makes. Default 10,000. */
  readonly streams: number;
}

/** The limits that the service documents. */
export const SERVICE_LIMITS: ServiceLimits = {
  callsPerSecond: 5,
  sessionsPerSecond: 25,
  clipFragmentsPerSecond: 500,
  getMediaConnections: 3,
  fragmentListConnections: 5,
  fragmentsPerSecond: 500,
  bytesPerSecond: 25_000_000,
  mediaFragmentsPerSecond: 6,
  listedFragmentsPerSecond: 10_000,
  fragmentBytes: 50 * 1024 * 1024,
  streams: 10_000,
};

/** No limits at all. */
export const NO_LIMITS: ServiceLimits = {
  callsPerSecond: Number.POSITIVE_INFINITY,
  sessionsPerSecond: Number.POSITIVE_INFINITY,
  clipFragmentsPerSecond: Number.POSITIVE_INFINITY,
  getMediaConnections: Number.POSITIVE_INFINITY,
  fragmentListConnections: Number.POSITIVE_INFINITY,
  fragmentsPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  mediaFragmentsPerSecond: Number.POSITIVE_INFINITY,
  listedFragmentsPerSecond: Number.POSITIVE_INFINITY,
  fragmentBytes: Number.POSITIVE_INFINITY,
  streams: Number.POSITIVE_INFINITY,
};

const LISTING = new Set(['DescribeStream', 'ListStreams', 'CreateStream', 'DeleteStream', 'UpdateDataRetention']);
const SESSIONS = new Set(['GetHLSStreamingSessionURL', 'GetDASHStreamingSessionURL']);
const LISTING_CALLS_PER_SECOND = 50;

/** A call that exceeded a limit. */
export interface Violation {
  /** The operation's name in the API, for example `GetMedia`. */
  readonly operation: string;
  /** The stream's name; empty for an operation on no stream. */
  readonly stream: string;
  /** When, in milliseconds since 1970. */
  readonly time: number;
  /** Which limit: `'calls a second'`, `'connections'` at a time, or `'fragments a second'` within a body. */
  readonly limit: 'calls a second' | 'connections' | 'fragments a second';
}

/** How many violations are kept, the newest ones. */
const MOST_VIOLATIONS = 10_000;
/** How many counts are kept before those that are over are let go of. */
const MOST_COUNTS = 1000;

/** What has been counted lately. */
interface Count {
  readonly time: number;
  readonly weight: number;
}

/** Counts calls and connections, per operation and stream, and refuses those beyond the limits. */
export class LimitCounter {
  readonly #limits: ServiceLimits;
  readonly #calls = new Map<string, Count[]>();
  readonly #connections = new Map<string, number>();
  /** The most connections that were open at a time, by operation. */
  readonly peakConnections = new Map<string, number>();
  /** Calls that were refused, in order; the last 10,000. */
  readonly violations: Violation[] = [];

  constructor(limits: ServiceLimits) {
    this.#limits = limits;
  }

  /**
   * Counts a call.
   *
   * @throws ServiceError ClientLimitExceededException
   */
  call(operation: string, stream: string): void {
    const { callsPerSecond, sessionsPerSecond } = this.#limits;
    const allowed = SESSIONS.has(operation)
      ? sessionsPerSecond
      : LISTING.has(operation)
        ? Math.max(LISTING_CALLS_PER_SECOND, callsPerSecond)
        : callsPerSecond;
    this.#count(operation, stream, 'calls a second', 1, allowed);
  }

  /**
   * Counts fragments that ListFragments tells of.
   *
   * @throws ServiceError ClientLimitExceededException
   */
  listed(stream: string, fragments: number): void {
    this.#count('ListFragments', stream, 'fragments a second', fragments, this.#limits.listedFragmentsPerSecond);
  }

  /**
   * Counts fragments that go into a clip.
   *
   * @throws ServiceError ClientLimitExceededException
   */
  clipped(stream: string, fragments: number): void {
    this.#count('GetClip', stream, 'fragments a second', fragments, this.#limits.clipFragmentsPerSecond);
  }

  #count(operation: string, stream: string, limit: Violation['limit'], weight: number, allowed: number): void {
    if (allowed === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (this.#calls.size > MOST_COUNTS) {
      for (const [key, counts] of this.#calls) if (now - (counts.at(-1)?.time ?? 0) >= 1000) this.#calls.delete(key);
    }
    const key = `${limit} ${operation} ${stream}`;
    const recent = (this.#calls.get(key) ?? []).filter(({ time }) => now - time < 1000);
    this.#calls.set(key, recent);
    const sum = recent.reduce((total, count) => total + count.weight, 0);
    if (sum + weight > allowed) {
      this.#violate({ operation, stream, time: Date.now(), limit });
      throw new ServiceError('ClientLimitExceededException', `more than ${allowed} ${limit} of ${operation}`);
    }
    recent.push({ time: now, weight });
  }

  #violate(violation: Violation): void {
    this.violations.push(violation);
    if (this.violations.length > MOST_VIOLATIONS) this.violations.shift();
  }

  /**
   * Counts a connection until the function that is returned is called. A stream has one producer at a time.
   *
   * @throws ServiceError ConnectionLimitExceededException; of the archived media, which has no such error,
   * ClientLimitExceededException
   */
  connect(operation: 'GetMedia' | 'GetMediaForFragmentList' | 'PutMedia', stream: string): () => void {
    const { getMediaConnections, fragmentListConnections } = this.#limits;
    const archived = operation === 'GetMediaForFragmentList';
    const allowed = operation === 'PutMedia' ? 1 : archived ? fragmentListConnections : getMediaConnections;
    const key = `${operation} ${stream}`;
    const open = this.#connections.get(key) ?? 0;
    if (open >= allowed) {
      this.#violate({ operation, stream, time: Date.now(), limit: 'connections' });
      const type = archived ? 'ClientLimitExceededException' : 'ConnectionLimitExceededException';
      throw new ServiceError(type, `more than ${allowed} connections of ${operation}`);
    }
    this.#connections.set(key, open + 1);
    this.peakConnections.set(operation, Math.max(this.peakConnections.get(operation) ?? 0, open + 1));
    let closed = false;
    return () => {
      if (closed) return;
      closed = true;
      const left = (this.#connections.get(key) ?? 1) - 1;
      if (left > 0) this.#connections.set(key, left);
      else this.#connections.delete(key);
    };
  }
}

/** Lets so many units a second through: a caller waits for as long as it is told. */
export class Pacer {
  readonly #perSecond: number;
  readonly #burst: number;
  #used = 0;
  #since = performance.now();

  /** @param burst units that may pass at once */
  constructor(perSecond: number, burst = perSecond / 10) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Counts units and returns the milliseconds to wait before they may pass; 0 for at once. */
  delay(units: number): number {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return 0;
    const now = performance.now();
    const settled = ((now - this.#since) * this.#perSecond) / 1000;
    this.#since = now;
    this.#used = Math.max(0, this.#used - settled) + units;
    return Math.max(0, ((this.#used - this.#burst) / this.#perSecond) * 1000);
  }
}
