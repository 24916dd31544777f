import { ChunkMerger } from '../merge/chunk-merger.js';
import type { MergeCounters, OutputRewrite } from '../merge/merge-options.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions, UsageError } from './command.js';
import { DocumentFolder, documentsOutput } from './document-folder.js';
import { openInput } from './input.js';
import { type OutputFile, type OutputOptions, openOutput, reportMade } from './output-file.js';
import { Progress } from './progress.js';
import { rewritten } from './rewritten-output.js';
import { ServiceErrors } from './service-errors.js';
import { tell } from './terminal.js';

const OPTIONS = {
  ...READ_OPTIONS,
  ...FORCE_OPTION,
  'pack-clusters': { type: 'boolean', help: 'close the gaps between fragments, and start at 0' },
  'start-at-zero': { type: 'boolean', help: 'start at 0, and keep the gaps' },
  'stop-at-first-non-matching': {
    type: 'boolean',
    help: 'stop at the first fragment that does not fit into the same document, instead of starting another',
  },
  'keep-positions': { type: 'boolean', help: "keep the producer's SeekHead, Cues and Duration" },
  seekable: {
    type: 'boolean',
    help: 'write Duration, Cues and SeekHead, so that players can seek; temporarily needs twice the disk space',
  },
  documents: {
    type: 'string',
    value: 'DIR',
    help: 'write each document to its own file in this directory: 000001.mkv and so on',
  },
} as const;

/** `kvs merge`: many fragments, one document. */
export const merge = command({
  summary: 'merge the documents of fragments into one document',
  arguments: {
    FILE: 'a Matroska file, - for standard input, or a URL',
    '[OUT]': 'the file to write, or - for standard output; optional with --documents',
  },
  options: OPTIONS,
  examples: [
    ['merge fragments.mkv camera.mkv', 'one document that any player can play'],
    ['merge fragments.mkv --documents parts', 'start another file if tracks change or time goes back'],
    ['merge - - --pack-clusters < fragments.mkv | mpv -', 'play a sparse recording without its gaps'],
  ],
  async run({ values, positionals }) {
    const [file = '-', out] = positionals;
    const { documents, force } = values;
    if (out === undefined && documents === undefined) throw new UsageError('OUT is missing');
    if (values.seekable === true && values['keep-positions'] === true) {
      throw new UsageError('--seekable and --keep-positions cannot be used together');
    }
    const rewrites: OutputRewrite[] = [];
    const chunks = new ChunkMerger({
      ...readerOptions(file, values),
      packClusters: values['pack-clusters'],
      startAtZero: values['start-at-zero'],
      stopAtFirstNonMatchingSegment: values['stop-at-first-non-matching'],
      keepPositions: values['keep-positions'],
      seekable: values.seekable === true ? (rewrite) => void rewrites.push(rewrite) : undefined,
      onNewDocument: ({ offset, message }) => tell(`${file}: byte ${offset}: a new document starts: ${message}`),
      onLeftOut: ({ offset, message }) => tell(`${file}: byte ${offset}: ${message}`),
      onDiscontinuity: ({ offset, message }) => tell(`${file}: byte ${offset}: discontinuity: ${message}`),
    });
    const input = openInput(file);
    const target = await openOutputs(out, documents, { input: file, force });
    const output = values.seekable === true ? await rewritten(target, rewrites) : target;
    const errors = new ServiceErrors(file);
    const progress = await Progress.through(file);
    try {
      const bytes = progress.watch(errors.watch(input));
      if (!(await mergeAll(bytes, chunks, output, values.recover === true))) {
        throw input.foundNothing('it contains no document');
      }
      errors.expectNone(values.recover);
      await output.finish();
    } catch (error) {
      await output.abandon();
      throw input.explain(error);
    } finally {
      progress.end();
    }
    const { stopped, counters } = chunks.merger;
    if (stopped !== undefined) tell(`${file}: byte ${stopped.offset}: stopped merging: ${stopped.message}`);
    await reportMade(output, values.json === true ? JSON.stringify(counters) : summaryText(counters));
  },
});

/** Returns whether there was a document. */
async function mergeAll(
  input: AsyncIterable<Uint8Array>,
  chunks: ChunkMerger,
  output: OutputFile,
  recover: boolean,
): Promise<boolean> {
  const write = async (pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) await output.write(piece);
  };
  for await (const chunk of input) {
    await write(chunks.push(chunk));
    if (chunks.merger.stopped === undefined) continue;
    await write(chunks.finish());
    return true;
  }
  await write(chunks.end());
  if (chunks.truncated) {
    if (!recover) throw new Error('the input ends inside an element; use --recover to keep what is complete');
    await write(chunks.closeTruncated());
  }
  await write(chunks.finish());
  return chunks.merger.counters.documentsOut > 0;
}

/** The output, or a folder for its documents, or both. */
async function openOutputs(
  out: string | undefined,
  documents: string | undefined,
  options: OutputOptions,
): Promise<OutputFile> {
  const output = out === undefined ? undefined : await openOutput(out, options);
  if (documents === undefined && output !== undefined) return output;
  try {
    const folder = documentsOutput(await DocumentFolder.open(documents ?? '.', options));
    return output === undefined ? folder : both(output, folder);
  } catch (error) {
    await output?.abandon();
    throw error;
  }
}

/** Two outputs that get the same. */
function both(first: OutputFile, second: OutputFile): OutputFile {
  return {
    ...first,
    write: async (bytes) => {
      await first.write(bytes);
      await second.write(bytes);
    },
    finish: async () => {
      await second.finish();
      await first.finish();
    },
    abandon: async () => {
      await first.abandon();
      await second.abandon();
    },
  };
}

function summaryText(counters: MergeCounters): string {
  const { documentsIn, documentsOut, clusters, frames, clustersDropped, elementsLeftOut, bytes } = counters;
  const leftOut = elementsLeftOut === 0 ? '' : `, other elements left out: ${elementsLeftOut}`;
  const dropped = clustersDropped === 0 ? '' : `, Clusters left out (no header or Timestamp): ${clustersDropped}`;
  return `documents: ${documentsIn} read, ${documentsOut} written; Clusters: ${clusters}; frames: ${frames}; bytes: ${bytes}${dropped}${leftOut}`;
}
