import type { Viewer } from './presentation.js';

/** A request, whatever it came in as. */
export interface Asked extends Viewer {
  readonly method: string;
  /** The address: absolute, or from the path on. */
  readonly url: string;
  /** The value of a header, whose name is in lower case; `null` where there is none. */
  header(name: string): string | null;
}

/** A `Request` of the Fetch API as {@link Asked}. */
export function askedBy(request: Request): Asked {
  return {
    method: request.method,
    url: request.url,
    get isGone() {
      return request.signal.aborted;
    },
    whenGone(listener) {
      const { signal } = request;
      signal.addEventListener('abort', listener);
      return () => signal.removeEventListener('abort', listener);
    },
    header: (name) => request.headers.get(name),
  };
}

/** What stands behind the `?` of an address. Declared here, as where there is no DOM library there is no type `URLSearchParams`. */
export interface Query {
  /** The first value of that name, decoded; `null` where there is none. */
  get(name: string): string | null;
}

/** An address that has come apart. */
export interface Address {
  readonly path: string;
  readonly query: Query;
}

/** What no address of ours has more of: other paths are left to the platform's parser. */
const PLAIN = /^(\/[\w./-]*)(?:\?([^#]*))?$/;
const NO_QUERY: Query = new URLSearchParams();

/** Takes an address apart as `URL` does; `undefined` where it is none. */
export function readAddress(url: string): Address | undefined {
  const [, path, query] = PLAIN.exec(url) ?? [];
  // `.` and `..` are steps, not names.
  if (path !== undefined && !path.includes('/.')) {
    return { path, query: query === undefined ? NO_QUERY : new URLSearchParams(query) };
  }
  try {
    const { pathname, searchParams } = new URL(url.startsWith('/') ? `http://localhost${url}` : url);
    return { path: pathname, query: searchParams };
  } catch {
    return undefined;
  }
}
