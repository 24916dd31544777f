/** Why an optional package cannot be used, for programs to test. */
export type PeerErrorCode =
  /** The package is not installed. */
  | 'PeerMissing'
  /** The package is there and does not load, or it is not the package that it should be; `cause` says why. */
  | 'PeerBroken';

/** An optional package that a call needs is not installed, or does not load. The message says which of the two. */
export class PeerError extends Error {
  /** Always `PeerError`. */
  override readonly name = 'PeerError';
  /** Which of the two. */
  readonly code: PeerErrorCode;
  /** The package, by its name on npm. */
  readonly packageName: string;

  /** @internal */
  constructor(code: PeerErrorCode, packageName: string, message: string, options: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.packageName = packageName;
  }
}

/**
 * Why a package could not be loaded: that it is not installed only where that is so.
 *
 * @param name of the package
 * @param cause what its `import()` was rejected with
 * @param room what needs it
 */
export function peerError(name: string, cause: unknown, room = 'kvs-parser/client'): PeerError {
  if (isMissing(name, cause)) {
    const text = `${room} needs the package ${name}: install it beside kvs-parser`;
    return new PeerError('PeerMissing', name, text, { cause });
  }
  return new PeerError('PeerBroken', name, `the package ${name} does not load: ${reasonOf(cause)}`, { cause });
}

/**
 * What was imported, if it is the package. An installation that broke off leaves empty files; some bundlers put an empty module in the place
 * of a package that they do not find. Nothing tells the two apart.
 *
 * @param member something that the package exports
 * @throws Error that says what is missing
 */
export function checkPeer<T extends object>(module: T, member: keyof T & string): T {
  if (typeof module[member] === 'function') return module;
  throw new Error(`it has no ${member}: it is not installed, incomplete, or another version`);
}

/** What runtimes and bundlers say of a name that leads nowhere. One of a package's own dependencies is missing in the same words. */
const NOT_FOUND = /(cannot find|could(n't| not) (find|resolve)|failed to resolve|unable to resolve|not prefixed)/i;

function isMissing(name: string, cause: unknown): boolean {
  const text = reasonOf(cause);
  return NOT_FOUND.test(text) && text.split(/['"`]/).includes(name);
}

function reasonOf(cause: unknown): string {
  const message: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'message') : cause;
  return typeof message === 'string' && message !== '' ? message : String(cause);
}
