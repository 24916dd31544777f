import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { SelfContainedError } from './command.js';
import { isInterruption } from './interrupt.js';
import { hasCode, reasonOf } from './system-error.js';
import { ClosedOutputError } from './terminal.js';

/** An error of an output, which names it. */
class OutputError extends SelfContainedError {}

/**
 * The error of an output that exists.
 *
 * @param replaced what `--force` replaces
 */
export function isThere(path: string, replaced = 'it'): Error {
  return new OutputError(`${path} already exists; use --force to replace ${replaced}`);
}

/** The error of an output that must not be written. */
export function refused(message: string): Error {
  return new OutputError(message);
}

/** The error of an output that cannot be written. An error that says so already stays as it is. */
export function cannotWrite(path: string, error: unknown): unknown {
  if (isInterruption(error) || error instanceof ClosedOutputError || error instanceof OutputError) return error;
  const folder = dirname(path);
  const isMissing = hasCode(error, 'ENOENT') && !existsSync(folder);
  const reason = isMissing ? `the directory ${folder} does not exist (ENOENT)` : reasonOf(error);
  return new OutputError(`cannot write ${path}: ${reason}`, { cause: error });
}
