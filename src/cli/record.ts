import { rm } from 'node:fs/promises';
import { command, FORCE_OPTION, UsageError } from './command.js';
import { throwIfInterrupted } from './interrupt.js';
import { type OutputFile, openOutput, openStage, reportMade } from './output-file.js';
import { RecordingProgress } from './recording-progress.js';
import { isMp4, type RecordingSummary, writeMkv, writeMp4 } from './recording-writer.js';
import { openStream, SERVICE_OPTIONS, type StreamRequest, streamRequest } from './service.js';
import { ClosedOutputError, tell } from './terminal.js';
import { count } from './text.js';

const OPTIONS = {
  json: { type: 'boolean', help: 'print the summary as a JSON object' },
  out: {
    type: 'string',
    value: 'FILE.mkv|FILE.mp4',
    help: 'the file to write, or - for Matroska on standard output',
  },
  ...FORCE_OPTION,
  ...SERVICE_OPTIONS,
} as const;

/** `kvs record`: a stream of the service into a file, live or from its archive. */
export const record = command({
  summary: 'record a stream of the service: stored media of a time range, or live until Ctrl-C',
  details:
    'If recording fails, for example because the stream is deleted, access is revoked or the disk is full, the complete fragments are ' +
    'kept as FILE.incomplete.mkv. Ctrl-C and --duration end a recording normally. ' +
    'An MP4 is made after the recording ends, from a Matroska file next to it.',
  arguments: {},
  options: OPTIONS,
  examples: [
    ['record --stream door --out door.mkv --live', 'record until Ctrl-C'],
    [
      'record --stream door --out door.mkv --start earliest --duration 600',
      'ten minutes, starting at the oldest fragment',
    ],
    [
      'record --stream door --out door.mp4 --from 2026-01-31T12:00:00Z --to 2026-01-31T12:10:00Z',
      'stored media, as MP4',
    ],
  ],
  async run({ values }) {
    const { stream, out, json = false, force } = values;
    if (stream === undefined) throw new UsageError('--stream is missing');
    if (out === undefined) throw new UsageError('--out is missing');
    const request = streamRequest(stream, values);
    if (request.range === undefined && values.live !== true && values.start === undefined) {
      throw new UsageError('specify what to record: --from and --to, or --live');
    }
    const output = await openOutput(out, { force });
    try {
      const summary = isMp4(out) ? await recordMp4(request, output, out) : await recordMkv(request, output);
      await reportMade(output, summaryText(summary, json));
    } catch (error) {
      await output.abandon();
      throw error;
    }
  },
});

interface Summary extends RecordingSummary {
  readonly fragments: number;
  readonly failed: number;
  readonly frames: number;
}

/** Records to a Matroska file. */
async function recordMkv(request: StreamRequest, output: OutputFile): Promise<Summary> {
  const summary = await writeRecording(request, output);
  try {
    await output.finish();
  } catch (error) {
    throw await kept(error, output, summary.bytes, summary.fragments);
  }
  return summary;
}

/** Writes a recording as Matroska. What is whole is kept under a name that says so when that fails. */
async function writeRecording(request: StreamRequest, output: OutputFile): Promise<Summary> {
  const { streamName } = request;
  const progress = new RecordingProgress(streamName);
  const documents = openStream(request, {
    onTotal: (total) => {
      progress.total = total;
    },
    onMissing: () => progress.failed++,
    // Each fragment is written before the next one is asked for.
    reuseBuffers: true,
  });
  const {
    bytes,
    documents: documentCount,
    failure,
  } = await writeMkv(
    documents,
    output,
    (text) => tell(`${streamName}: ${text}`),
    (fragment, pieces) => progress.advance(fragment, pieces),
  );
  progress.end();
  const { fragments, failed, frames } = progress;
  if (failure !== undefined) throw await kept(failure.error, output, bytes, fragments);
  if (fragments === 0) {
    throwIfInterrupted();
    throw new Error('there are no fragments to record');
  }
  return { fragments, failed, frames, bytes, documents: documentCount };
}

/** The error, with what has become of the fragments that were recorded before it. */
async function kept(error: unknown, output: OutputFile, bytes: number, fragments: number): Promise<unknown> {
  if (error instanceof ClosedOutputError) return error;
  const why = error instanceof Error ? error.message : String(error);
  try {
    const name = await output.keep(bytes);
    if (name === undefined) return error;
    return new Error(
      `${why}; ${count(fragments, 'fragment')} recorded before that ${fragments === 1 ? 'is' : 'are'} kept in ${name}`,
    );
  } catch (failure) {
    const text = failure instanceof Error ? failure.message : String(failure);
    return new Error(`${why}; the fragments recorded before that could not be kept: ${text}`);
  }
}

/**
 * Records to a Matroska file, and makes an MP4 of it when that is over: an MP4 is worth nothing until its end is written, for which a
 * full disk has no room.
 */
async function recordMp4(request: StreamRequest, output: OutputFile, out: string): Promise<Summary> {
  const stage = await openStage(output, `${out.replace(/\.[^.]*$/, '')}.mkv`);
  let summary: Summary;
  let name: string | undefined;
  try {
    summary = await writeRecording(request, stage);
    name = await stage.keep(summary.bytes);
  } finally {
    await stage.abandon();
  }
  if (name === undefined) throw new Error('there is nothing to make an MP4 from');
  try {
    const made = await writeMp4(name, output, (text) => tell(`${request.streamName}: ${text}`));
    await output.finish();
    await rm(name, { force: true });
    return { ...summary, ...made };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${why}; the recording is kept in ${name}`, { cause: error });
  }
}

function summaryText(summary: Summary, json: boolean): string {
  if (json) return JSON.stringify(summary);
  const { fragments, failed, frames, bytes, documents } = summary;
  const missing = failed === 0 ? '' : `, ${failed} missing`;
  const parts = documents === 1 ? '' : `; ${documents} documents`;
  return `fragments: ${fragments}${missing}; frames: ${frames}; bytes: ${bytes}${parts}`;
}
