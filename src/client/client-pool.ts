/** A client of the SDK, for one of its users. */
export interface Lease<C> {
  readonly client: C;
  /** Whether it is not given to others any more: it has been found to be of no use. */
  readonly retired: boolean;
  /** It is not used any more. */
  release(): void;
  /** It is of no use: whoever asks from now on gets another one. */
  retire(): void;
}

/** A client that one user alone has. */
export function ownLease<C>(client: C, dispose: (client: C) => void): Lease<C> {
  return { client, retired: false, release: () => dispose(client), retire() {} };
}

interface Entry<C> {
  readonly settings: readonly unknown[];
  readonly client: C;
  users: number;
  retired: boolean;
}

/** Gives one client to all who ask with the same settings, for as long as any of them uses it. */
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
    let released = false;
    const remove = () => {
      this.#entries = this.#entries.filter((one) => one !== entry);
    };
    return {
      client: entry.client,
      get retired() {
        return entry.retired;
      },
      release() {
        if (released) return;
        released = true;
        if (--entry.users > 0) return;
        remove();
        dispose(entry.client);
      },
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
