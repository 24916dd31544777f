import { ChunkMerger } from '../merge/chunk-merger.js';
import type { MergeCounters } from '../merge/merge-options.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions } from './command.js';
import { type Input, openInput } from './input.js';
import { type OutputFile, openOutput, reportMade } from './output-file.js';
import { Progress } from './progress.js';
import { tell } from './terminal.js';

const OPTIONS = {
  ...READ_OPTIONS,
  ...FORCE_OPTION,
  'pack-clusters': { type: 'boolean', help: 'close the gaps in time between fragments, and begin at 0' },
  'stop-at-first-non-matching': {
    type: 'boolean',
    help: 'stop at a fragment that cannot go into the same document, instead of beginning another',
  },
  'keep-positions': { type: 'boolean', help: "keep the producer's SeekHead, Cues and Duration" },
} as const;

/** `kvs merge`: many fragments, one document. */
export const merge = command({
  summary: 'merge the documents of fragments into one',
  arguments: {
    FILE: 'a Matroska file, - for standard input, or a URL',
    OUT: 'the file to write, - for standard output',
  },
  options: OPTIONS,
  examples: [
    ['merge fragments.mkv camera.mkv', 'one document that any player plays'],
    ['merge - - --pack-clusters < fragments.mkv | mpv -', 'play a sparse recording without its gaps'],
  ],
  async run({ values, positionals }) {
    const [file = '-', out = '-'] = positionals;
    const chunks = new ChunkMerger({
      ...readerOptions(file, values),
      packClusters: values['pack-clusters'],
      stopAtFirstNonMatchingSegment: values['stop-at-first-non-matching'],
      keepPositions: values['keep-positions'],
      onNewDocument: ({ offset, message }) => tell(`${file}: byte ${offset}: a new document begins: ${message}`),
      onDiscontinuity: ({ offset, message }) => tell(`${file}: byte ${offset}: a discontinuity: ${message}`),
    });
    const input = openInput(file);
    const output = await openOutput(out, { input: file, force: values.force });
    const progress = await Progress.through(file);
    try {
      await mergeAll(input, chunks, output, progress, values.recover === true);
      await output.finish();
    } catch (error) {
      await output.abandon();
      throw input.explain(error);
    } finally {
      progress.end();
    }
    const { stopped, counters } = chunks.merger;
    if (stopped !== undefined) tell(`${file}: byte ${stopped.offset}: merging stops: ${stopped.message}`);
    await reportMade(output, values.json === true ? JSON.stringify(counters) : summaryText(counters));
  },
});

async function mergeAll(
  input: Input,
  chunks: ChunkMerger,
  output: OutputFile,
  progress: Progress,
  recover: boolean,
): Promise<void> {
  const write = async (pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) await output.write(piece);
  };
  for await (const chunk of input) {
    await write(chunks.push(chunk));
    progress.advance(chunk.length);
    if (chunks.merger.stopped !== undefined) return;
  }
  await write(chunks.end());
  const { truncated } = chunks;
  const { counters } = chunks.merger;
  if (!truncated) {
    if (counters.documentsOut === 0) throw input.foundNothing('there is no document in it');
    return;
  }
  if (!recover) throw new Error('the input ends inside an element; with --recover, what is whole is kept');
  await write(chunks.closeTruncated());
}

function summaryText({ documentsIn, documentsOut, clusters, frames, clustersDropped, bytes }: MergeCounters): string {
  const dropped = clustersDropped === 0 ? '' : `, ${clustersDropped} Clusters without a header or Timestamp left out`;
  return `documents: ${documentsIn} read, ${documentsOut} written; Clusters: ${clusters}; frames: ${frames}; bytes: ${bytes}${dropped}`;
}
