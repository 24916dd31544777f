import type { GapEvent, ReconnectEvent } from '../client/events.js';
import type { FragmentDocument } from '../client/iteration.js';
import { type Command, parseWords, UsageError } from './command.js';
import { writeOut } from './output.js';
import { openOutput } from './output-file.js';
import { RecordingProgress } from './recording-progress.js';
import { isMp4, type RecordingSummary, writeMkv, writeMp4 } from './recording-writer.js';

const OPTIONS = {
  json: { type: 'boolean' },
  stream: { type: 'string' },
  out: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  live: { type: 'boolean' },
  duration: { type: 'string' },
  endpoint: { type: 'string' },
  region: { type: 'string' },
} as const;

/** `kvs record`: a stream of the service into a file, live or from its archive. */
export const record: Command = {
  usage:
    '--stream NAME --out FILE.mkv|FILE.mp4 [--from TIME --to TIME | --live [--duration SECONDS]] [--endpoint URL] [--region REGION] [--json]',
  summary: 'records a stream: what it stores of a stretch of time (ISO 8601, by the producer), or live until Ctrl-C',
  options: OPTIONS,
  async run(words) {
    const { values } = parseWords(words, OPTIONS, []);
    const { stream, out, json = false } = values;
    if (stream === undefined) throw new UsageError('--stream is missing');
    if (out === undefined) throw new UsageError('--out is missing');
    const clear = process.stderr.isTTY === true ? '\x1b[K' : '';
    const tell = (text: string) => process.stderr.write(`${clear}kvs: ${stream}: ${text}\n`);
    const range = rangeOf(values);
    const durationMs = durationOf(values);
    const stop = new AbortController();
    const output = await openOutput(out, range === undefined ? () => stop.abort() : undefined);
    const progress = new RecordingProgress(stream);
    const timer = durationMs === undefined ? undefined : setTimeout(() => stop.abort(), durationMs);
    try {
      const clientConfig = clientConfigOf(values);
      const documents =
        range === undefined
          ? await live(stream, clientConfig, stop.signal, tell)
          : await stored(stream, clientConfig, range, progress, tell);
      const source = watch(until(documents, stop.signal), progress);
      const made = isMp4(out) ? await writeMp4(source, output, tell) : await writeMkv(source, output, tell);
      if (progress.fragments === 0) throw new Error('there is no fragment to record');
      await output.finish();
      progress.end();
      const { fragments, failed, frames } = progress;
      await writeOut(summaryLine({ fragments, failed, frames, ...made }, json));
    } catch (error) {
      await output.abandon();
      throw error;
    } finally {
      clearTimeout(timer);
      progress.end();
    }
  },
};

interface TimeRange {
  readonly type: 'PRODUCER_TIMESTAMP';
  readonly from: Date;
  readonly to: Date;
}

interface TimeOptions {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly live?: boolean | undefined;
  readonly duration?: string | undefined;
}

/** The stretch of time to record; `undefined` for live. */
function rangeOf({ from, to, live: isLive = false, duration }: TimeOptions): TimeRange | undefined {
  if (from === undefined && to === undefined) {
    if (!isLive) throw new UsageError('say what to record: --from and --to, or --live');
    return undefined;
  }
  if (isLive || duration !== undefined) throw new UsageError('--from and --to do not go with --live and --duration');
  if (from === undefined) throw new UsageError('--from is missing');
  const range = {
    type: 'PRODUCER_TIMESTAMP',
    from: timeOf(from),
    to: to === undefined ? new Date() : timeOf(to),
  } as const;
  if (range.from > range.to) throw new UsageError('--from is after --to');
  return range;
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new UsageError(`${text} is no time; write it like 2026-01-31T12:00:00Z`);
  return time;
}

function durationOf({ duration }: TimeOptions): number | undefined {
  if (duration === undefined) return undefined;
  const seconds = Number(duration);
  if (!(seconds > 0 && seconds < 1e6)) throw new UsageError(`${duration} is no number of seconds`);
  return seconds * 1000;
}

/**
 * Region and credentials come from where the AWS SDK looks for them. An endpoint on this machine is no service that would check them, so
 * there they need not be set up.
 */
function clientConfigOf({ endpoint, region }: { endpoint?: string; region?: string }) {
  const isLocal = endpoint !== undefined && /^http:\/\/(127\.|localhost[:/]|\[::1\])/.test(`${endpoint}/`);
  const { AWS_ACCESS_KEY_ID: key, AWS_PROFILE: profile, AWS_REGION: usual } = process.env;
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? (isLocal && usual === undefined ? { region: 'us-east-1' } : {}) : { region }),
    ...(isLocal && key === undefined && profile === undefined
      ? { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
      : {}),
  };
}

type Documents = AsyncIterable<FragmentDocument>;
type ClientConfig = ReturnType<typeof clientConfigOf>;

// Other commands have no need of the consumers.
async function live(
  streamName: string,
  clientConfig: ClientConfig,
  signal: AbortSignal,
  tell: (text: string) => void,
): Promise<Documents> {
  const { GetMediaConsumer } = await import('../client/get-media-consumer.js');
  const onReconnect = ({ error, delayMs }: ReconnectEvent) => {
    if (error !== undefined) tell(`${error.message}; again in ${Math.round(delayMs)} ms`);
  };
  const onGap = ({ afterFragmentNumber, reason }: GapEvent) => {
    tell(`fragments are missing behind ${afterFragmentNumber}: ${reason}`);
  };
  return new GetMediaConsumer({ streamName, clientConfig, signal, onReconnect, onGap }).documents();
}

async function stored(
  streamName: string,
  clientConfig: ClientConfig,
  range: TimeRange,
  progress: RecordingProgress,
  tell: (text: string) => void,
): Promise<Documents> {
  const { FragmentListConsumer } = await import('../client/fragment-list-consumer.js');
  return new FragmentListConsumer({
    streamName,
    clientConfig,
    range,
    onProgress: ({ total }) => {
      progress.total = total;
    },
    onRetry: ({ error, delayMs }) => tell(`${error.message}; again in ${Math.round(delayMs)} ms`),
    onFailure: ({ fragmentNumber, error }) => {
      progress.failed++;
      tell(`fragment ${fragmentNumber} is missing: ${error.message}`);
    },
  }).documents();
}

/** The documents until the signal is aborted: then they end, with what has come. */
async function* until(documents: Documents, signal: AbortSignal): AsyncGenerator<FragmentDocument, void> {
  try {
    yield* documents;
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
}

/** The bytes of the documents, with what has come shown. */
async function* watch(documents: Documents, progress: RecordingProgress): AsyncGenerator<Uint8Array, void> {
  for await (const { fragment, bytes } of documents) {
    yield* bytes;
    progress.advance(fragment, bytes);
  }
}

interface Summary extends RecordingSummary {
  readonly fragments: number;
  readonly failed: number;
  readonly frames: number;
}

function summaryLine(summary: Summary, json: boolean): string {
  if (json) return `${JSON.stringify(summary)}\n`;
  const { fragments, failed, frames, bytes, documents } = summary;
  const missing = failed === 0 ? '' : `, ${failed} missing`;
  const parts = documents === 1 ? '' : `; ${documents} documents`;
  return `fragments: ${fragments}${missing}; frames: ${frames}; bytes: ${bytes}${parts}\n`;
}
