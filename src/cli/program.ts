import { existsSync, readFileSync } from 'node:fs';
import { Argument, CommanderError, Option, Command as Program } from 'commander';
import { type Command, type OptionDescription, UsageError } from './command.js';
import { suggestion } from './suggestion.js';
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
  'Reads Amazon Kinesis Video Streams and other Matroska streams. FILE is a path, - for standard input, or a URL (http, https, file).';

const EXIT_CODES =
  'Exit codes: 0 success; 1 invalid input, or a read or write failed; 2 invalid command line; 128 plus the signal number after a signal (130 for Ctrl-C).';

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
    .version(version(), '-V, --version', 'print the version and exit')
    .helpOption('-h, --help', 'print this help and exit')
    .helpCommand('help [COMMAND]', 'print the help of a command')
    .addHelpText('after', `\n${EXIT_CODES}`);
  for (const [name, command] of commands) {
    addCommand(program, name, command, (values, positionals) => {
      invocation = { name, command, values, positionals };
    });
  }
  const name = words.find((word) => !word.startsWith('-'));
  // With --help, the parser would help with all commands.
  const asked = name === 'help' ? words[words.indexOf(name) + 1] : name;
  if (asked !== undefined && asked !== 'help' && !asked.startsWith('-') && !commands.has(asked) && wantsHelp(words)) {
    const message = `unknown command '${asked}'${suggestion(asked, [...commands.keys()])}`;
    return { kind: 'wrong', message, name: undefined };
  }
  try {
    program.parse(asHelpOption(words), { from: 'user' });
  } catch (error) {
    if (error instanceof UsageError) return { kind: 'wrong', message: error.message, name };
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text };
    if (error.code === 'commander.help') {
      explainText(text);
      return { kind: 'wrong', message: 'no command given', name: undefined };
    }
    return { kind: 'wrong', message: messageOf(error, words, commands), name };
  }
  if (invocation === undefined) throw new Error('no command was chosen');
  return { kind: 'run', invocation };
}

function wantsHelp(words: readonly string[]): boolean {
  return words[0] === 'help' || words.includes('--help') || words.includes('-h');
}

/** What is wrong, in the words of the parser of command lines or, where a newcomer needs more, in ours. */
function messageOf(
  { code, message }: CommanderError,
  words: readonly string[],
  commands: ReadonlyMap<string, Command>,
) {
  const text = message.replace(/^error: /, '');
  const [first = ''] = words;
  const name = words.find((word) => commands.has(word));
  if (code === 'commander.missingArgument') return text.replace(/^missing required argument '(.*)'$/, '$1 is missing');
  if (code === 'commander.optionMissingArgument')
    return text.replace(/^option '(--[\w-]+).*$/, '$1: the value is missing');
  if (code === 'commander.unknownCommand' && existsSync(first)) {
    return `unknown command '${first}'; the command comes first, as in 'kvs ${name ?? 'inspect'} ${first}'`;
  }
  if (first === '-v') return `${text} (Did you mean --version?)`;
  if (code === 'commander.unknownOption' && first.startsWith('-') && name !== undefined) {
    return `unknown option '${first}'; options follow the command, as in 'kvs ${name} ${first}'`;
  }
  return text;
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
    .helpOption('-h, --help', 'print this help and exit')
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
    if (choices !== undefined) made.choices([...choices]).argParser((word) => chosen(bare, word, choices));
    sub.addArgument(made);
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
    // Of a shell's variable that is not set.
    const empty = sub.args.indexOf('');
    if (empty >= 0) throw new UsageError(`argument ${empty + 1} is empty`);
    for (const [key, value] of values) if (value === '') throw new UsageError(`--${key}: the value is empty`);
    run(Object.fromEntries(values.filter(([, value]) => value !== undefined)), sub.args);
  });
}

/** The word, which is one of the choices. */
function chosen(what: string, word: string, choices: readonly string[]): string {
  if (choices.includes(word)) return word;
  const all = choices.length === 1 ? choices[0] : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  throw new UsageError(`${what} ${word}: must be ${all}${suggestion(word, choices)}`);
}

function optionOf(name: string, description: OptionDescription): Option {
  const { type, help, choices, multiple } = description;
  const option = new Option(type === 'boolean' ? `--${name}` : `--${name} <${placeholder(description)}>`, help);
  if (choices !== undefined) option.choices([...choices]).argParser((word) => chosen(`--${name}`, word, choices));
  if (multiple === true) {
    option.argParser((value, before: string[] | undefined) => [...(before ?? []), value]);
  }
  return option;
}

function placeholder({ value, choices }: OptionDescription): string {
  return value ?? choices?.join('|') ?? 'VALUE';
}

/** What follows a command's name, in short: `FILE OUT [options]`. */
export function shortUsageOf({ arguments: positionals, options }: Command): string {
  return [...argumentsOf(positionals), ...(Object.keys(options).length === 0 ? [] : ['[options]'])].join(' ');
}

/** What follows a command's name: `FILE OUT [--force] [--track N]`. */
function usageOf({ arguments: positionals, options }: Command): string {
  const words = Object.entries(options).map(([name, description]) => {
    return description.type === 'boolean' ? `[--${name}]` : `[--${name} ${placeholder(description)}]`;
  });
  return [...argumentsOf(positionals), ...words].join(' ');
}

/** A terminal need not have the character for several. */
function argumentsOf(positionals: Command['arguments']): string[] {
  return Object.keys(positionals).map((name) => name.replace('…', '...'));
}
