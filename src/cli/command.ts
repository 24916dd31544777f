import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { MkvGap, MkvReaderOptions, MkvWarning } from '../mkv/reader.js';

/** A wrong command line: exit code 2. */
export class UsageError extends Error {}

/** Options as `parseArgs` takes them. */
export type OptionsConfig = NonNullable<ParseArgsConfig['options']>;

/** One command of `kvs`. */
export interface Command {
  /** What follows its name, for the usage text. */
  readonly usage: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** Its options, where it has others than {@link READ_OPTIONS}. */
  readonly options?: OptionsConfig;
  /** Runs it with the words after its name. Input that is wrong is thrown. */
  run(words: string[]): Promise<void>;
}

/** Options that every command takes. */
export const READ_OPTIONS = {
  json: { type: 'boolean' },
  recover: { type: 'boolean' },
  strict: { type: 'boolean' },
  'verify-crc': { type: 'boolean' },
} as const satisfies OptionsConfig;

/** The same for the usage text. */
export const READ_USAGE = '[--json] [--recover] [--strict] [--verify-crc]';

/**
 * Takes a command's words apart.
 *
 * @param names what the positional arguments are called; a last one that ends in … may be several
 * @throws UsageError when an option is unknown or an argument is missing or too many
 */
export function parseWords<O extends OptionsConfig>(
  words: string[],
  options: O,
  names: readonly string[],
): ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>> {
  const parsed = (() => {
    try {
      return parseArgs({ args: words, options, allowPositionals: true, strict: true });
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  })();
  const { positionals } = parsed;
  if (positionals.length < names.length) throw new UsageError(`${names[positionals.length]} is missing`);
  const isOpen = names.at(-1)?.endsWith('…') === true;
  if (positionals.length > names.length && !isOpen)
    throw new UsageError(`one argument too many: ${positionals[names.length]}`);
  return parsed;
}

/** The first positional argument, else the stream, to name it in a message; `-` where the words make no sense. */
export function firstArgument(words: string[], options: OptionsConfig): string {
  const { positionals, values } = parseArgs({ args: words, options, allowPositionals: true, strict: false });
  const { stream } = values;
  return positionals[0] ?? (typeof stream === 'string' ? stream : '-');
}

/** What the options that every command takes mean for the reader; gaps and warnings are told on standard error. */
export function readerOptions(
  file: string,
  values: { recover?: boolean; strict?: boolean; 'verify-crc'?: boolean },
): MkvReaderOptions {
  const tell = (text: string) => process.stderr.write(`kvs: ${file}: ${text}\n`);
  return {
    recover: values.recover,
    strict: values.strict,
    verifyCrc: values['verify-crc'],
    onGap: (gap: MkvGap) => tell(`byte ${gap.offset}: skipped or damaged: ${gap.length} bytes: ${gap.reason}`),
    onWarning: (warning: MkvWarning) => tell(`warning: ${warning.message}`),
  };
}
