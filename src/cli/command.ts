import { inflateSync } from 'node:zlib';
import type { MkvGap, MkvReaderOptions, MkvWarning } from '../mkv/reader.js';
import type { Inflate } from '../visitors/inflate.js';
import { tell } from './terminal.js';
import { count } from './text.js';

/** A wrong command line: exit code 2. */
export class UsageError extends Error {}

/** An error whose message says itself what it is about: no input is named before it. */
export class SelfContainedError extends Error {}

/** One option of a command. */
export interface OptionDescription {
  readonly type: 'boolean' | 'string';
  /** What it does, in a sentence. */
  readonly help: string;
  /** What stands for its value in the help: `DIR`. Default: the choices, or `VALUE`. */
  readonly value?: string;
  /** The values that it may have. */
  readonly choices?: readonly string[];
  /** Values that a shell offers besides others that it may have. */
  readonly words?: readonly string[];
  /** It may be given several times; its value is an array. */
  readonly multiple?: boolean;
}

/** The options of a command by name, without the dashes. */
export type OptionDescriptions = Readonly<Record<string, OptionDescription>>;

type ValueOf<O extends OptionDescription> = O extends { type: 'boolean' }
  ? boolean
  : O extends { multiple: true }
    ? string[]
    : string;

/** What the options of a command line were given; those that were not are missing. */
export type OptionValues<O extends OptionDescriptions> = { readonly [K in keyof O]?: ValueOf<O[K]> };

/** A command line that has been taken apart. */
export interface ParsedWords<O extends OptionDescriptions> {
  readonly values: OptionValues<O>;
  /** The words that are no options; as many as the command's arguments say. */
  readonly positionals: readonly string[];
}

/** What a command is. */
export interface CommandDescription<O extends OptionDescriptions> {
  /** What it does, in a line. */
  readonly summary: string;
  /** What else there is to know, for the help. */
  readonly details?: string;
  /** Its arguments: the name, `[NAME]` for one that may be missing, `NAME…` for several; and what each is. */
  readonly arguments: Readonly<Record<string, string>>;
  /** The words that an argument may be, where it is one of a few. */
  readonly argumentChoices?: Readonly<Record<string, readonly string[]>>;
  readonly options: O;
  /** Command lines, without `kvs`, each with what it does. At least one. */
  readonly examples: readonly (readonly [words: string, what: string])[];
  /** Runs it. Input that is wrong is thrown. */
  run(words: ParsedWords<O>): Promise<void>;
}

/** One command of `kvs`. */
export interface Command extends Omit<CommandDescription<OptionDescriptions>, 'run'> {
  /** Runs it with values that have the types that its options say. */
  run(words: {
    readonly values: Readonly<Record<string, unknown>>;
    readonly positionals: readonly string[];
  }): Promise<void>;
}

/** Makes a command whose `run` is given its options with their types. */
export function command<O extends OptionDescriptions>(description: CommandDescription<O>): Command {
  return {
    ...description,
    run: ({ values, positionals }) => description.run({ values: values as OptionValues<O>, positionals }),
  };
}

/** Options that every command takes which reads a stream. */
export const READ_OPTIONS = {
  json: { type: 'boolean', help: 'print one JSON object per line' },
  recover: { type: 'boolean', help: 'skip damaged parts and report what was lost, instead of stopping with an error' },
  strict: { type: 'boolean', help: 'also reject what the standard forbids but most readers tolerate' },
  'verify-crc': { type: 'boolean', help: 'verify every CRC-32 checksum' },
} as const satisfies OptionDescriptions;

/** The option of every command that writes a file. */
export const FORCE_OPTION = {
  force: { type: 'boolean', help: 'replace an output that already exists' },
} as const satisfies OptionDescriptions;

/** What the options that every command takes mean for the reader; frames are inflated, gaps and warnings are told on standard error. */
export function readerOptions(
  file: string,
  values: OptionValues<Pick<typeof READ_OPTIONS, 'recover' | 'strict' | 'verify-crc'>>,
): MkvReaderOptions & { readonly inflate: Inflate } {
  return {
    inflate: (data, maxSize) => inflateSync(data, { maxOutputLength: maxSize }),
    recover: values.recover,
    strict: values.strict,
    verifyCrc: values['verify-crc'],
    onGap: (gap: MkvGap) =>
      tell(`${file}: byte ${gap.offset}: ${count(gap.length, 'byte')} skipped or damaged: ${gap.reason}`),
    onWarning: (warning: MkvWarning) => tell(`${file}: warning: ${warning.message}`),
  };
}

/**
 * The number that an option was given.
 *
 * @throws UsageError when it is none, or not in the range
 */
export function numberOption(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,7}$/.test(text) ? Number(text) : -1;
  if (value < least || value > most)
    throw new UsageError(`--${option} ${text}: must be a number from ${least} to ${most}`);
  return value;
}
