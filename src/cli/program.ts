import { readFileSync } from 'node:fs';
import { Argument, CommanderError, Option, Command as Program } from 'commander';
import type { Command, OptionDescription } from './command.js';
import { explainText } from './terminal.js';

/** Which command a line asks for, and with what. */
export interface Invocation {
  readonly name: string;
  readonly command: Command;
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/** What a command line comes to: a command to run, a text to print, or what is wrong with it. */
export type ParsedLine =
  | { readonly kind: 'run'; readonly invocation: Invocation }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'wrong'; readonly message: string; readonly name: string | undefined };

const DESCRIPTION =
  'Reads Amazon Kinesis Video Streams and other Matroska streams. FILE may be - for standard input, or the URL of a file (http, https).';

const EXIT_CODES =
  'Exit codes: 0 done, 1 bad input or a failed read or write, 2 a wrong command line, 128 and the number of a signal (130 for Ctrl-C).';

/** The version of the package. */
export function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String(text);
}

/** Takes a command line apart. Prints nothing. */
export function parseLine(commands: ReadonlyMap<string, Command>, words: readonly string[]): ParsedLine {
  let text = '';
  let invocation: Invocation | undefined;
  const program = new Program('kvs')
    .exitOverride()
    .configureOutput({
      writeOut: (part) => {
        text += part;
      },
      writeErr: (part) => {
        text += part;
      },
      outputError: () => {},
    })
    .description(DESCRIPTION)
    .usage('COMMAND [options]')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this, or the help of a command')
    .addHelpText('after', `\n${EXIT_CODES}`);
  for (const [name, command] of commands) {
    addCommand(program, name, command, (values, positionals) => {
      invocation = { name, command, values, positionals };
    });
  }
  const name = words.find((word) => commands.has(word));
  try {
    program.parse(asHelpOption(words), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text };
    if (error.code === 'commander.help') {
      explainText(text);
      return { kind: 'wrong', message: 'a command is missing', name: undefined };
    }
    return { kind: 'wrong', message: error.message.replace(/^error: /, ''), name };
  }
  if (invocation === undefined) throw new Error('no command was chosen');
  return { kind: 'run', invocation };
}

/** `help merge` as `merge --help`, which also says what is wrong with a name that no command has. */
function asHelpOption([first, second, ...others]: readonly string[]): string[] {
  if (first !== 'help' || second === undefined || second.startsWith('-')) {
    return [first, second, ...others].filter((word) => word !== undefined);
  }
  return [second, '--help', ...others];
}

function addCommand(
  program: Program,
  name: string,
  command: Command,
  run: (values: Record<string, unknown>, positionals: string[]) => void,
): void {
  const { summary, details, options, examples } = command;
  const sub = program
    .command(name)
    .summary(summary)
    .description(
      `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.${details === undefined ? '' : `\n\n${details}`}`,
    )
    .helpOption('-h, --help', 'print this')
    .usage(usageOf(command))
    .addHelpText(
      'after',
      `\nExamples:\n${examples.map(([words, what]) => `  kvs ${words}\n      ${what}`).join('\n')}`,
    );
  for (const [argument, help] of Object.entries(command.arguments)) {
    const optional = argument.startsWith('[');
    const bare = argument.replaceAll(/[[\]…]/g, '') + (argument.includes('…') ? '...' : '');
    const made = new Argument(optional ? `[${bare}]` : `<${bare}>`, help);
    const choices = command.argumentChoices?.[argument];
    sub.addArgument(choices === undefined ? made : made.choices([...choices]));
  }
  const made = Object.entries(options).map(([key, description]) => [key, optionOf(key, description)] as const);
  for (const [, option] of made) sub.addOption(option);
  sub.action(() => {
    const given = sub.opts<Record<string, unknown>>();
    const values = made.map(([key, option]) => {
      const value = given[option.attributeName()];
      // The value of --no-something is that of something: true unless it is given.
      return [key, option.negate ? value === false || undefined : value] as const;
    });
    run(Object.fromEntries(values.filter(([, value]) => value !== undefined)), sub.args);
  });
}

function optionOf(name: string, description: OptionDescription): Option {
  const { type, help, choices, multiple } = description;
  const option = new Option(type === 'boolean' ? `--${name}` : `--${name} <${placeholder(description)}>`, help);
  if (choices !== undefined) option.choices([...choices]);
  if (multiple === true) {
    option.argParser((value, before: string[] | undefined) => [...(before ?? []), value]);
  }
  return option;
}

function placeholder({ value, choices }: OptionDescription): string {
  return value ?? choices?.join('|') ?? 'VALUE';
}

/** What stands behind a command's name: `FILE OUT [--force] [--track N]`. */
export function usageOf({ arguments: positionals, options }: Command): string {
  const words = Object.entries(options).map(([name, description]) => {
    return description.type === 'boolean' ? `[--${name}]` : `[--${name} ${placeholder(description)}]`;
  });
  return [...Object.keys(positionals), ...words].join(' ');
}
