import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ServiceError } from './service-error.js';

/** Which callers the local endpoint accepts. */
export interface AccessOptions {
  /** The address that it listens on. Default: `127.0.0.1`, which only this machine reaches. */
  readonly host?: string | undefined;
  /**
   * Names by which it may be called, in the `Host` header, besides those of the loopback address (and, where `host` is another address, any
   * IP address).
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * Origins of web pages that may call it, for example `https://app.example`; `*` for any page. Default: only pages that come from the
   * loopback address themselves. A page of a file, or in a sandbox, has the origin `null`.
   */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** The loopback address, unless the options name another. */
export const LOOPBACK = '127.0.0.1';

/**
 * Keeps web pages away that have no business here. Every page that a browser on this machine shows can send requests to the loopback
 * address. Its `Origin` tells where the page comes from; and a page whose own name has been made to point here (DNS rebinding) is told by
 * the `Host` that it calls.
 */
export class AccessControl {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #addresses: boolean;

  constructor({ host = LOOPBACK, allowedHosts = [], allowedOrigins = [] }: AccessOptions) {
    this.#hosts = new Set([host, ...allowedHosts].map((name) => name.toLowerCase()));
    this.#origins = new Set(allowedOrigins);
    this.#addresses = !isLoopback(host);
  }

  /**
   * The origin of the page that has made a request and may have its answer; `undefined` where no page has made it.
   *
   * @throws ServiceError AccessDeniedException
   */
  check({ headers }: IncomingMessage): string | undefined {
    const { host = '', origin } = headers;
    if (!this.#allowsHost(hostnameOf(`http://${host}`))) {
      throw new ServiceError(
        'AccessDeniedException',
        `The endpoint is not called ${JSON.stringify(host)} (allowedHosts).`,
      );
    }
    if (origin !== undefined && !this.#allowsOrigin(origin)) {
      const text = `Pages of ${JSON.stringify(origin)} may not call this endpoint (allowedOrigins).`;
      throw new ServiceError('AccessDeniedException', text);
    }
    return origin;
  }

  #allowsHost(name: string | undefined): boolean {
    if (name === undefined) return false;
    return isLoopback(name) || this.#hosts.has(name) || (this.#addresses && isIP(name) !== 0);
  }

  #allowsOrigin(origin: string): boolean {
    if (this.#origins.has('*') || this.#origins.has(origin)) return true;
    const name = hostnameOf(origin);
    return name !== undefined && isLoopback(name);
  }
}

/** The host of a URL in lower case, an IPv6 address without its brackets. */
function hostnameOf(url: string): string | undefined {
  try {
    return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  } catch {
    return undefined;
  }
}

function isLoopback(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  );
}
