/** Words that say more here than those of the system. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EISDIR: 'it is a directory',
};

/** What an error says. An error of the system is said in words, with its code at the end and without the call that failed. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error) || typeof error.code !== 'string') return error.message;
  // Such as: ENOSPC: no space left on device, write; listen EADDRINUSE: address already in use 127.0.0.1:80
  const [, code, text] = /^(?:[a-z]+ )?([A-Z][A-Z\d]+): (.*?)(?:, \w+(?: '.*)?)?$/s.exec(error.message) ?? [];
  return code === undefined || code !== error.code ? error.message : `${REASONS[code] ?? text} (${code})`;
}

/** Whether it is an error of the system with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
