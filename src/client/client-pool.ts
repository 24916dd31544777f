/** A client of the SDK, for one of its users. */
export interface Lease<C> {
  readonly client: C;
  /** Whether it is not given to others any more: it has been found to be of no use. */
  readonly retired: boolean;
  /**
   * Keeps it for a call, also when it is released while that lasts: a client that is destroyed makes connections for calls that are still
   * waiting to be sent, and nobody ends those.
   *
   * @returns ends that; what is held last disposes of it
   */
  hold(): () => void;
  /** It is not used any more, but for the calls that hold it. */
  release(): void;
  /** It is of no use: whoever asks from now on gets another one. */
  retire(): void;
}

/** A client that one user alone has. */
export function ownLease<C>(client: C, dispose: (client: C) => void): Lease<C> {
  let users = 1;
  const drop = () => {
    if (--users === 0) dispose(client);
  };
  const hold = () => {
    users++;
    return once(drop);
  };
  return { client, retired: false, hold, release: once(drop), retire() {} };
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}

interface Entry<C> {
  readonly settings: readonly unknown[];
  readonly client: C;
  users: number;
  retired: boolean;
}

/** Gives one client to all who ask with the same settings, until the last of them has released it. */
export class ClientPool<C> {
  #entries: Entry<C>[] = [];

  /**
   * The client for these settings.
   *
   * @param settings what it is made of; objects and arrays count by what is in them, functions and instances of classes by what they are
   * @param make makes it where there is none
   * @param dispose is called when nobody uses it any more
   */
  acquire(settings: readonly unknown[], make: () => C, dispose: (client: C) => void): Lease<C> {
    let entry = this.#entries.find((one) => isSame(one.settings, settings));
    if (entry === undefined) {
      entry = { settings, client: make(), users: 0, retired: false };
      this.#entries.push(entry);
    }
    entry.users++;
    return this.#lease(entry, dispose);
  }

  #lease(entry: Entry<C>, dispose: (client: C) => void): Lease<C> {
    const remove = () => {
      this.#entries = this.#entries.filter((one) => one !== entry);
    };
    const drop = () => {
      if (--entry.users > 0) return;
      remove();
      dispose(entry.client);
    };
    return {
      client: entry.client,
      get retired() {
        return entry.retired;
      },
      hold() {
        entry.users++;
        return once(drop);
      },
      release: once(drop),
      retire() {
        entry.retired = true;
        remove();
      },
    };
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSame(Reflect.get(a, key), Reflect.get(b, key)));
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
