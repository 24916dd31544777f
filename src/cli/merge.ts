import { ChunkMerger } from '../merge/chunk-merger.js';
import type { MergeCounters } from '../merge/merge-options.js';
import { type Command, parseWords, READ_OPTIONS, READ_USAGE, readerOptions } from './command.js';
import { openInput } from './input.js';
import { writeOut } from './output.js';
import { type OutputFile, openOutput } from './output-file.js';
import { Progress } from './progress.js';

const OPTIONS = {
  ...READ_OPTIONS,
  'pack-clusters': { type: 'boolean' },
  'stop-at-first-non-matching': { type: 'boolean' },
  'keep-positions': { type: 'boolean' },
} as const;

/** `kvs merge`: many fragments, one document. */
export const merge: Command = {
  usage: `FILE OUT [--pack-clusters] [--stop-at-first-non-matching] [--keep-positions] ${READ_USAGE}`,
  summary: 'merges the documents of fragments into one; OUT may be - for standard output',
  async run(words) {
    const { values, positionals } = parseWords(words, OPTIONS, ['FILE', 'OUT']);
    const [file = '-', out = '-'] = positionals;
    const tell = (text: string) => process.stderr.write(`kvs: ${file}: ${text}\n`);
    const chunks = new ChunkMerger({
      ...readerOptions(file, values),
      packClusters: values['pack-clusters'],
      stopAtFirstNonMatchingSegment: values['stop-at-first-non-matching'],
      keepPositions: values['keep-positions'],
      onNewDocument: ({ offset, message }) => tell(`byte ${offset}: a new document begins: ${message}`),
      onDiscontinuity: ({ offset, message }) => tell(`byte ${offset}: a discontinuity: ${message}`),
    });
    const output = await openOutput(out);
    const progress = await Progress.through(file);
    try {
      await mergeAll(file, chunks, output, progress, values.recover === true);
      await output.finish();
    } catch (error) {
      await output.abandon();
      throw error;
    } finally {
      progress.end();
    }
    const { stopped, counters } = chunks.merger;
    if (stopped !== undefined) tell(`byte ${stopped.offset}: merging stops: ${stopped.message}`);
    const summary = values.json === true ? JSON.stringify(counters) : summaryText(counters);
    if (out === '-') process.stderr.write(`${summary}\n`);
    else await writeOut(`${summary}\n`);
  },
};

async function mergeAll(
  file: string,
  chunks: ChunkMerger,
  output: OutputFile,
  progress: Progress,
  recover: boolean,
): Promise<void> {
  const write = async (pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) await output.write(piece);
  };
  for await (const chunk of openInput(file)) {
    await write(chunks.push(chunk));
    progress.advance(chunk.length);
    if (chunks.merger.stopped !== undefined) return;
  }
  await write(chunks.end());
  const { truncated } = chunks;
  const { counters } = chunks.merger;
  if (!truncated) {
    if (counters.documentsOut === 0) throw new Error('there is no document in the input');
    return;
  }
  if (!recover) throw new Error('the input ends inside an element; with --recover, what is whole is kept');
  await write(chunks.closeTruncated());
}

function summaryText({ documentsIn, documentsOut, clusters, frames, clustersDropped, bytes }: MergeCounters): string {
  const dropped = clustersDropped === 0 ? '' : `, ${clustersDropped} Clusters without a header or Timestamp left out`;
  return `documents: ${documentsIn} read, ${documentsOut} written; Clusters: ${clusters}; frames: ${frames}; bytes: ${bytes}${dropped}`;
}
