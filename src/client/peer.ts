/** A package that a consumer needs is not installed, or does not load. */
export class PeerError extends Error {
  override name = 'PeerError';
}

/**
 * Why a package could not be loaded, for people: that it is not installed only where that is so.
 *
 * @param name of the package
 * @param cause what its `import()` was rejected with
 * @param room what needs it
 */
export function peerError(name: string, cause: unknown, room = 'kvs-parser/client'): PeerError {
  const text = isMissing(name, cause)
    ? `${room} needs the package ${name}: install it beside kvs-parser`
    : `the package ${name} does not load: ${reasonOf(cause)}`;
  return new PeerError(text, { cause });
}

/**
 * What was imported, if it is the package. Some bundlers put an empty module in the place of one that they do not find.
 *
 * @param member something that the package exports
 * @throws Error of the words that {@link peerError} takes for a package that is not installed
 */
export function checkPeer<T extends object>(name: string, module: T, member: keyof T): T {
  if (typeof module[member] === 'function') return module;
  throw new Error(`cannot find package '${name}'`);
}

/** What runtimes and bundlers say of a name that leads nowhere. One of a package's own dependencies is missing in the same words. */
const NOT_FOUND = /(cannot find|could(n't| not) (find|resolve)|failed to resolve|unable to resolve|not prefixed)/i;

function isMissing(name: string, cause: unknown): boolean {
  const text = reasonOf(cause);
  return NOT_FOUND.test(text) && ["'", '"', '`'].some((quote) => text.includes(quote + name + quote));
}

function reasonOf(cause: unknown): string {
  const message: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'message') : cause;
  return typeof message === 'string' && message !== '' ? message : String(cause);
}
