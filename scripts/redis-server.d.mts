/** A redis-server of its own, on a free port, that keeps what it has over restarts. */
export class RedisServer {
  static start(): Promise<RedisServer>;
  readonly url: string;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  remove(): Promise<void>;
}
