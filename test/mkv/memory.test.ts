import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { smallDocument } from '../support/small-document.js';
import { describeNeeding } from '../support/tools.js';

const MIB = 2 ** 20;
const LENGTH = 2048 * MIB;
const WARM_UP = 512 * MIB;
const ALLOWED = 64 * MIB;

/** A part of the stream, repeated for all of it. */
const PART =
  CAPTURES.missing === undefined
    ? captureBytes('output_get_media.mkv')
    : smallDocument({ clusters: 1, blocks: 300, frameSize: 8000 });

const DIST = new URL('../../dist/', import.meta.url);

/** Reads standard input with the built reader and prints how many data bytes it found. */
const READER = `
import { StreamingMkvReader } from ${JSON.stringify(new URL('index.js', DIST).href)};
const reader = new StreamingMkvReader();
let dataBytes = 0;
const drain = () => {
  for (let element; (element = reader.nextIfAvailable()); ) if (element.kind === 'data') dataBytes += element.data.length;
};
for await (const chunk of process.stdin) {
  reader.push(chunk);
  drain();
}
reader.end();
drain();
console.log(dataBytes);
`;

/** The most memory that a process has had resident so far, in bytes. */
function peakMemory(child: ChildProcess): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  if (kib === undefined) throw new Error('no VmHWM');
  return Number(kib) * 1024;
}

/** Pipes the stream to a program and sees how its memory grows after the warm-up. */
async function feed(args: readonly string[], output: number | 'pipe') {
  const child = spawn(process.execPath, args, { stdio: ['pipe', output, 'inherit'] });
  const { stdin } = child;
  if (stdin === null) throw new Error('no standard input');
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const exited = once(child, 'close');
  let warm = 0;
  let sent = 0;
  for (; sent < LENGTH; sent += PART.length) {
    if (warm === 0 && sent >= WARM_UP) warm = peakMemory(child);
    if (!stdin.write(PART)) await once(stdin, 'drain');
  }
  const growth = peakMemory(child) - warm;
  stdin.end();
  const [code] = await exited;
  return { code, sent, said, warm, growth };
}

const PROC = { missing: existsSync('/proc/self/status') ? undefined : 'no /proc to read the memory of a process from' };

describeNeeding('a stream of 2 GiB', [PROC], () => {
  it('goes through StreamingMkvReader in bounded memory', async () => {
    const { code, sent, said, warm, growth } = await feed(['--input-type=module', '--eval', READER], 'pipe');
    expect(code).toBe(0);
    expect(sent).toBeGreaterThanOrEqual(LENGTH);
    // Nearly all of it is data.
    expect(Number(said)).toBeGreaterThan(sent * 0.98);
    expect(warm).toBeGreaterThan(MIB);
    expect(growth).toBeLessThan(ALLOWED);
  });

  it.each([
    ['kvs inspect -', []],
    ['kvs inspect - --json', ['--json']],
  ])('goes through %s in bounded memory', async (_, options) => {
    const cli = fileURLToPath(new URL('cli/main.js', DIST));
    const { code, warm, growth } = await feed([cli, 'inspect', '-', ...options], openSync('/dev/null', 'w'));
    expect(code).toBe(0);
    expect(warm).toBeGreaterThan(MIB);
    expect(growth).toBeLessThan(ALLOWED);
  });
});
