import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { applyVisitor, type ByteStream, OutputSegmentMerger } from 'kvs-parser';

/** How a program has ended. */
export interface PipeResult {
  /** Whether it was given all of the stream; else it had enough before. */
  readonly complete: boolean;
}

/** How many characters of what a program says are kept for an error's message. */
const MOST_TEXT = 2_000;

/**
 * Pipes a stream into a program's standard input as one Matroska document: most programs read only the first of many.
 *
 * ```ts
 * await pipeToProcess(consumer.bytes(), 'ffmpeg', ['-i', '-', '-c', 'copy', 'out.mp4']);
 * await pipeToProcess(consumer.bytes(), 'gst-launch-1.0', 'fdsrc fd=0 ! matroskademux ! decodebin ! autovideosink'.split(' '));
 * ```
 *
 * Nothing is read ahead of the program but what pipes hold. A program that ends by itself (EPIPE) ends the reading.
 *
 * @throws Error with what the program said, when it fails; what the stream throws, and the signal's reason: the program is ended then
 */
export async function pipeToProcess(
  stream: ByteStream,
  command: string,
  args: readonly string[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<PipeResult> {
  const child = spawn(command, args, { stdio: ['pipe', 'inherit', 'pipe'] });
  const { stdin, stderr } = child;
  const exit = once(child, 'close');
  exit.catch(() => {}); // there is no such program: thrown below
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MOST_TEXT);
  });

  const closed = new AbortController();
  for (const event of ['error', 'close']) stdin.on(event, () => closed.abort()); // EPIPE is an error
  // A promise holds the stream back.
  const merger = new OutputSegmentMerger((bytes) =>
    stdin.write(bytes) ? undefined : once(stdin, 'drain', { signal: closed.signal }),
  );
  const stop = AbortSignal.any(signal === undefined ? [closed.signal] : [closed.signal, signal]);
  let complete = false;
  try {
    await applyVisitor(stream, merger, { signal: stop });
    complete = true;
    stdin.end();
  } catch (error) {
    // Without an end of its input, a program does not take for whole what it has got.
    if (!closed.signal.aborted) {
      child.kill();
      await exit;
      throw error;
    }
  }
  await exit;
  const { exitCode, signalCode } = child;
  if (exitCode !== 0) throw new Error(`${command} has ended with ${exitCode ?? signalCode}: ${said.trim()}`);
  return { complete };
}
