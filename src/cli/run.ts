import { audio } from './audio.js';
import { check } from './check.js';
import { type Command, SelfContainedError, UsageError } from './command.js';
import { completion } from './completion.js';
import { fleet } from './fleet.js';
import { fragments } from './fragments.js';
import { frames } from './frames.js';
import { withHint } from './hint.js';
import { hls } from './hls.js';
import { images } from './images.js';
import { inspect } from './inspect.js';
import { interruptedExitCode, isInterruption, listenToSignals } from './interrupt.js';
import { merge } from './merge.js';
import { parseLine, shortUsageOf } from './program.js';
import { record } from './record.js';
import { remux } from './remux.js';
import { serve } from './serve.js';
import { split } from './split.js';
import { ClosedOutputError, clearStatus, explain, tell, writeOut } from './terminal.js';
import { view } from './view.js';

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['inspect', inspect],
  ['fragments', fragments],
  ['frames', frames],
  ['check', check],
  ['images', images],
  ['audio', audio],
  ['hls', hls],
  ['view', view],
  ['serve', serve],
  ['merge', merge],
  ['split', split],
  ['remux', remux],
  ['record', record],
  ['fleet', fleet],
  ['completion', completion(() => COMMANDS)],
]);

/**
 * Runs a command line of `kvs`.
 *
 * @returns the exit code: 0 done, 1 bad input or a failed read or write, 2 usage, 128 and the signal's number when it was told to stop
 */
export async function runCli(words: readonly string[]): Promise<number> {
  listenToSignals();
  // What is named in a message of an error: the input, else the stream.
  let subject: string | undefined;
  let name: string | undefined;
  try {
    const line = parseLine(COMMANDS, words);
    if (line.kind === 'wrong') return wrongUsage(line.message, line.name);
    if (line.kind === 'text') {
      await writeOut(line.text);
      return 0;
    }
    const { command, values, positionals } = line.invocation;
    name = line.invocation.name;
    const { stream } = values;
    const [argument = ''] = Object.keys(command.arguments);
    subject = typeof stream === 'string' ? stream : /^\[?FILE/.test(argument) ? positionals[0] : undefined;
    await command.run({ values, positionals });
    return interruptedExitCode() ?? 0;
  } catch (error) {
    clearStatus();
    if (error instanceof ClosedOutputError) return 0;
    if (error instanceof UsageError) return wrongUsage(error.message, name);
    if (isInterruption(error)) {
      tell('interrupted');
      return interruptedExitCode() ?? 1;
    }
    const text = error instanceof Error ? error.message : String(error);
    tell(withHint(subject === undefined || error instanceof SelfContainedError ? text : `${subject}: ${text}`));
    return interruptedExitCode() ?? 1;
  }
}

function wrongUsage(message: string, name: string | undefined): number {
  tell(message);
  const command = name === undefined ? undefined : COMMANDS.get(name);
  if (command === undefined) explain("'kvs help' lists the commands");
  else explain(`usage: kvs ${name} ${shortUsageOf(command)}`, `'kvs ${name} --help' explains the options`);
  return 2;
}
