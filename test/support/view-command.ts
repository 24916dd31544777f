import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A running `kvs view`. */
export interface ViewCommand {
  readonly child: ChildProcess;
  /** The address of its page. */
  readonly page: string;
  /** What it has said on standard error so far. */
  readonly said: { readonly stderr: string };
  /** Its exit code, when it has ended. */
  readonly ended: Promise<number | null>;
}

/**
 * Starts `kvs view` from the built package, and waits until it prints the address of its page.
 *
 * @param input what it gets on standard input
 * @throws Error with its exit code and what it said, if it ends before that
 */
export async function startView(words: readonly string[], input?: Uint8Array): Promise<ViewCommand> {
  const child = spawn(process.execPath, ['dist/cli/main.js', 'view', ...words, '--no-open', '--json'], {
    env: { ...process.env, AWS_ACCESS_KEY_ID: undefined, NODE_NO_WARNINGS: '1' },
  });
  const said = { stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const ended = once(child, 'close').then(([code]): number | null => code);
  child.stdin.on('error', () => {}).end(input);
  // There is no next line when it ends.
  const line = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  if (line.done === true) throw new Error(`kvs view has ended with code ${await ended}: ${said.stderr}`);
  const { page }: { page: string } = JSON.parse(String(line.value));
  return { child, page, said, ended };
}
