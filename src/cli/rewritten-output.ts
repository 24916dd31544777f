import type { OutputRewrite } from '../merge/merge-options.js';
import { FileSpool } from './file-spool.js';
import type { OutputFile } from './output-file.js';

/**
 * An output that some bytes are written to once more before it gets its bytes: they are kept in a spool until it is finished.
 *
 * @param rewrites is filled while the output is written; none of them overlap
 */
export async function rewritten(output: OutputFile, rewrites: readonly OutputRewrite[]): Promise<OutputFile> {
  const spool = await FileSpool.beside(output).catch(async (error: unknown) => {
    await output.abandon();
    throw error;
  });
  return {
    ...output,
    write: (bytes) => spool.write(bytes),
    finish: async () => {
      let at = 0;
      const rest = [...rewrites].sort((a, b) => a.position - b.position);
      let next = 0;
      for await (const bytes of spool.read()) {
        const end = at + bytes.length;
        for (; next < rest.length; next++) {
          const rewrite = rest[next]!;
          if (rewrite.position >= end) break;
          putOver(bytes, at, rewrite);
          // What goes on behind these bytes is for the next.
          if (rewrite.position + rewrite.bytes.length > end) break;
        }
        await output.write(bytes);
        at = end;
      }
      await output.finish();
      await spool.close();
    },
    abandon: async () => {
      await spool.close();
      await output.abandon();
    },
  };
}

/** Puts as much of a rewrite over bytes, the first of them at `at`, as lies in them. */
function putOver(bytes: Uint8Array, at: number, { position, bytes: over }: OutputRewrite): void {
  const from = Math.max(position, at);
  const to = Math.min(position + over.length, at + bytes.length);
  if (to > from) bytes.set(over.subarray(from - position, to - position), from - at);
}
