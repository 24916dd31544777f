import type { DuplicateChoice } from '../client/duplicates.js';
import type { GapEvent, ReconnectEvent } from '../client/events.js';
import type { FragmentRetryEvent } from '../client/fragment-list-options.js';
import type { FragmentDocument } from '../client/iteration.js';
import type { FragmentRange } from '../client/list-fragments.js';
import type { StartPosition } from '../client/position.js';
import { type OptionDescriptions, type OptionValues, UsageError } from './command.js';
import { interruption } from './interrupt.js';
import { tell } from './terminal.js';

/** The options of commands that read a stream of the service. */
export const SERVICE_OPTIONS = {
  stream: { type: 'string', value: 'NAME', help: 'the stream of the service to read' },
  from: {
    type: 'string',
    value: 'TIME',
    help: 'read what the service stores from this time on (ISO 8601, like 2026-01-31T12:00:00Z)',
  },
  to: { type: 'string', value: 'TIME', help: 'read what it stores up to this time; default: now' },
  timestamps: {
    type: 'string',
    choices: ['producer', 'server'],
    help: 'whose clock --from and --to are of; default: producer',
  },
  duplicates: {
    type: 'string',
    choices: ['keep', 'first', 'last'],
    help: 'of stored fragments of one producer time: keep all (default), or read the first or the last that was ingested',
  },
  live: { type: 'boolean', help: 'read the stream as it comes, until Ctrl-C' },
  start: {
    type: 'string',
    value: 'SELECTOR',
    help:
      'where to begin to read as it comes: now (default), earliest, fragment:NUMBER (behind it), producer:TIME, server:TIME, ' +
      'or token:CONTINUATION_TOKEN',
  },
  duration: { type: 'string', value: 'SECONDS', help: 'stop reading as it comes after so many seconds' },
  'give-up-after': {
    type: 'string',
    value: 'SECONDS',
    help: 'end when nothing has gone well for so many seconds; default: try for ever',
  },
  endpoint: { type: 'string', value: 'URL', help: 'where the service is, such as a local endpoint' },
  region: { type: 'string', value: 'REGION', help: 'the AWS region; default: what the AWS SDK finds' },
} as const satisfies OptionDescriptions;

/** What those options were given. */
export type ServiceValues = OptionValues<typeof SERVICE_OPTIONS>;

/** Those of a command's options that say what of a stream is read. */
export function serviceOptions(values: Readonly<Record<string, unknown>>): ServiceValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => name in SERVICE_OPTIONS));
}

/** Which part of a stream is wanted. */
export interface StreamRequest {
  readonly streamName: string;
  readonly clientConfig: ReturnType<typeof clientConfigOf>;
  /** What is stored of a stretch of time; `undefined` for what comes. */
  readonly range: FragmentRange | undefined;
  readonly start: StartPosition;
  readonly durationMs: number | undefined;
  readonly duplicates: DuplicateChoice | undefined;
  readonly giveUpAfterMs: number | undefined;
}

/** Fragments with their bytes. */
export type Documents = AsyncIterable<FragmentDocument>;

/** Is told how many fragments there are to read, and of those that cannot be had. */
export interface StreamListener {
  onTotal?(total: number): void;
  onMissing?(): void;
  /** Is told of what happens to the connection, in place of the user. */
  readonly connection?:
    | {
        onReconnect(event: ReconnectEvent): void;
        onRetry(event: FragmentRetryEvent): void;
        onGap(event: GapEvent): void;
        /** A fragment cannot be had. */
        onFailure(fragmentNumber: string, error: Error): void;
      }
    | undefined;
  /** Ends the reading, with what has come. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the bytes of a fragment are wanted only until the next one is asked for. */
  readonly reuseBuffers?: boolean | undefined;
}

/**
 * What the options ask for.
 *
 * @throws UsageError when they contradict each other or make no sense
 */
export function streamRequest(streamName: string, values: ServiceValues): StreamRequest {
  const { from, to, timestamps, live = false, start, duration, duplicates } = values;
  const giveUpAfterMs = millisecondsOf('give-up-after', values['give-up-after']);
  const request = {
    streamName,
    clientConfig: clientConfigOf(values),
    duplicates: duplicatesOf(duplicates),
    giveUpAfterMs,
  };
  if (from === undefined && to === undefined) {
    if (timestamps !== undefined) throw new UsageError('--timestamps goes with --from and --to');
    if (duplicates !== undefined) throw new UsageError('--duplicates goes with --from and --to');
    const durationMs = millisecondsOf('duration', duration);
    return { ...request, range: undefined, start: startOf(start ?? 'now'), durationMs };
  }
  if (live || duration !== undefined || start !== undefined) {
    throw new UsageError('--from and --to do not go with --live, --start and --duration');
  }
  if (from === undefined) throw new UsageError('--from is missing');
  const range = {
    type: timestamps === 'server' ? 'SERVER_TIMESTAMP' : 'PRODUCER_TIMESTAMP',
    from: timeOf(from),
    to: to === undefined ? new Date() : timeOf(to),
  } as const;
  if (range.from > range.to) throw new UsageError('--from is after --to');
  return { ...request, range, start: { type: 'NOW' }, durationMs: undefined };
}

/** One of the option's choices. */
function duplicatesOf(choice: string | undefined): DuplicateChoice | undefined {
  return choice === 'keep' || choice === 'first' || choice === 'last' ? choice : undefined;
}

/** Where to begin. */
export function startOf(text: string): StartPosition {
  const [, kind = text, value = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case 'now':
      return { type: 'NOW' };
    case 'earliest':
      return { type: 'EARLIEST' };
    case 'fragment':
      if (!/^\d{1,128}$/.test(value)) throw new UsageError(`--start ${text}: a fragment number has digits only`);
      return { type: 'FRAGMENT_NUMBER', afterFragmentNumber: value };
    case 'producer':
      return { type: 'PRODUCER_TIMESTAMP', timestamp: timeOf(value) };
    case 'server':
      return { type: 'SERVER_TIMESTAMP', timestamp: timeOf(value) };
    case 'token':
      if (value === '') throw new UsageError(`--start ${text}: the token is missing`);
      return { type: 'CONTINUATION_TOKEN', continuationToken: value };
    default:
      throw new UsageError(
        `--start ${text}: it is now, earliest, fragment:NUMBER, producer:TIME, server:TIME or token:TOKEN`,
      );
  }
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new UsageError(`${text} is no time; write it like 2026-01-31T12:00:00Z`);
  return time;
}

function millisecondsOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < 1e6)) throw new UsageError(`--${option} ${text}: it is no number of seconds`);
  return seconds * 1000;
}

/**
 * Region and credentials come from where the AWS SDK looks for them. An endpoint on this machine is no service that would check them, so
 * there they need not be set up.
 */
/** How the service is reached. */
export function clientConfigOf({
  endpoint,
  region,
}: {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}) {
  if (endpoint !== undefined && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    throw new UsageError(`--endpoint ${endpoint}: it is no URL of http or https`);
  }
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

/**
 * The fragments of a stream of the service. They end, with what has come, after the time that was asked for and when the process is
 * told to stop.
 */
export async function* openStream(request: StreamRequest, listener: StreamListener = {}): Documents {
  const stop = new AbortController();
  const { durationMs } = request;
  const timer = durationMs === undefined ? undefined : setTimeout(() => stop.abort(), durationMs);
  const signals = [interruption, stop.signal, ...(listener.signal === undefined ? [] : [listener.signal])];
  const signal = AbortSignal.any(signals);
  try {
    yield* request.range === undefined
      ? await live(request, listener, signal)
      : await stored(request, request.range, listener, signal);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    clearTimeout(timer);
  }
}

// Other commands have no need of the consumers.
async function live(
  request: StreamRequest,
  { connection, reuseBuffers }: StreamListener,
  signal: AbortSignal,
): Promise<Documents> {
  const { streamName, clientConfig, start, giveUpAfterMs } = request;
  const { GetMediaConsumer } = await import('../client/get-media-consumer.js');
  const onReconnect = ({ error, delayMs }: ReconnectEvent) => {
    if (error !== undefined) tell(`${streamName}: ${error.message}; again in ${Math.round(delayMs)} ms`);
  };
  const onGap = ({ afterFragmentNumber, reason }: GapEvent) => {
    const where = afterFragmentNumber === undefined ? 'at the beginning' : `behind ${afterFragmentNumber}`;
    tell(`${streamName}: fragments are missing ${where}: ${reason}`);
  };
  const settings = { streamName, clientConfig, start, giveUpAfterMs, reuseBuffers, signal };
  return new GetMediaConsumer({ ...settings, onReconnect, onGap, ...connection }).documents();
}

async function stored(
  { streamName, clientConfig, duplicates, giveUpAfterMs }: StreamRequest,
  range: FragmentRange,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<Documents> {
  const { connection } = listener;
  const { FragmentListConsumer } = await import('../client/fragment-list-consumer.js');
  return new FragmentListConsumer({
    streamName,
    clientConfig,
    range,
    duplicates,
    giveUpAfterMs,
    signal,
    onProgress: ({ total }) => listener.onTotal?.(total),
    onRetry:
      connection?.onRetry ??
      (({ error, delayMs }) => tell(`${streamName}: ${error.message}; again in ${Math.round(delayMs)} ms`)),
    onFailure: ({ fragmentNumber, error }) => {
      listener.onMissing?.();
      if (connection !== undefined) connection.onFailure(fragmentNumber, error);
      else tell(`${streamName}: fragment ${fragmentNumber} is missing: ${error.message}`);
    },
  }).documents();
}
