import { EbmlParseError } from '../ebml/errors.js';
import { type Command, firstArgument, READ_OPTIONS, UsageError } from './command.js';
import { fragments } from './fragments.js';
import { frames } from './frames.js';
import { inspect } from './inspect.js';
import { merge } from './merge.js';
import { ClosedOutputError } from './output.js';
import { record } from './record.js';
import { remux } from './remux.js';
import { serve } from './serve.js';

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['inspect', inspect],
  ['fragments', fragments],
  ['frames', frames],
  ['serve', serve],
  ['merge', merge],
  ['remux', remux],
  ['record', record],
]);

/**
 * Runs a command line of `kvs`.
 *
 * @returns the exit code: 0 done, 1 bad input or a failed read or write, 2 usage
 */
export async function runCli(args: readonly string[]): Promise<number> {
  const [name, ...words] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    (name === undefined ? process.stderr : process.stdout).write(usage());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) return fail(2, `no command '${name}'; 'kvs help' lists them`);
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(`kvs ${name} ${command.usage}\n  ${command.summary}\n`);
    return 0;
  }
  try {
    await command.run(words);
    return 0;
  } catch (error) {
    if (error instanceof ClosedOutputError) return 0;
    if (error instanceof UsageError) return fail(2, `${error.message}\nusage: kvs ${name} ${command.usage}`);
    const file = firstArgument(words, command.options ?? READ_OPTIONS);
    if (error instanceof EbmlParseError) return fail(1, `${file}: ${error.message}`);
    return fail(1, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function fail(code: number, text: string): number {
  process.stderr.write(`kvs: ${text}\n`);
  return code;
}

function usage(): string {
  const lines = [...COMMANDS].map(([name, { usage, summary }]) => `  kvs ${name} ${usage}\n      ${summary}`);
  return `kvs reads Amazon Kinesis Video Streams and other Matroska streams. FILE may be - for standard input.\n\n${lines.join('\n')}\n`;
}
