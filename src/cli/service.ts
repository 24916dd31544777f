import type { DuplicateChoice } from '../client/duplicates.js';
import type { GapEvent, ReconnectEvent } from '../client/events.js';
import type { FragmentRetryEvent } from '../client/fragment-list-options.js';
import type { FragmentDocument } from '../client/iteration.js';
import type { FragmentRange } from '../client/list-fragments.js';
import type { StartPosition } from '../client/position.js';
import { type OptionDescriptions, type OptionValues, UsageError } from './command.js';
import { withHint } from './hint.js';
import { interruption } from './interrupt.js';
import { suggestion } from './suggestion.js';
import { tell } from './terminal.js';
import { timeOption } from './time-option.js';

/** The options of commands that read a stream of the service. */
export const SERVICE_OPTIONS = {
  stream: { type: 'string', value: 'NAME', help: 'read this stream of the service instead of a file' },
  from: {
    type: 'string',
    value: 'TIME',
    help: 'read stored media from this time on (ISO 8601, such as 2026-01-31T12:00:00Z)',
  },
  to: { type: 'string', value: 'TIME', help: 'read stored media up to this time; default: now' },
  timestamps: {
    type: 'string',
    choices: ['producer', 'server'],
    help: 'the clock that --from and --to refer to; default: producer',
  },
  duplicates: {
    type: 'string',
    choices: ['keep', 'first', 'last'],
    help: 'if several stored fragments have the same producer time: keep all, or only the first or the last that was ingested; default: keep',
  },
  live: { type: 'boolean', help: 'read the live stream until Ctrl-C' },
  start: {
    type: 'string',
    value: 'SELECTOR',
    words: ['now', 'earliest'],
    help:
      'where to start reading the live stream: now, earliest, fragment:NUMBER (after that fragment), producer:TIME, server:TIME, ' +
      'or token:CONTINUATION_TOKEN; default: now',
  },
  duration: { type: 'string', value: 'SECONDS', help: 'stop reading the live stream after this many seconds' },
  'give-up-after': {
    type: 'string',
    value: 'SECONDS',
    help: 'stop if nothing has succeeded for this many seconds; default: retry forever',
  },
  endpoint: { type: 'string', value: 'URL', help: 'the endpoint of the service, such as that of kvs serve' },
  region: { type: 'string', value: 'REGION', help: 'the AWS Region; default: from the configuration of the AWS SDK' },
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
    if (timestamps !== undefined) throw new UsageError('--timestamps requires --from');
    if (duplicates !== undefined) throw new UsageError('--duplicates requires --from');
    const durationMs = millisecondsOf('duration', duration);
    return { ...request, range: undefined, start: startOf(start ?? 'now'), durationMs };
  }
  if (live || duration !== undefined || start !== undefined) {
    throw new UsageError('--from and --to cannot be used with --live, --start or --duration');
  }
  if (from === undefined) throw new UsageError('--from is missing');
  const range = {
    type: timestamps === 'server' ? 'SERVER_TIMESTAMP' : 'PRODUCER_TIMESTAMP',
    from: timeOption('--from', from),
    to: to === undefined ? new Date() : timeOption('--to', to),
  } as const;
  if (range.from > range.to)
    throw new UsageError(to === undefined ? '--from is in the future' : '--from is after --to');
  return { ...request, range, start: { type: 'NOW' }, durationMs: undefined };
}

/** One of the option's choices. */
function duplicatesOf(choice: string | undefined): DuplicateChoice | undefined {
  return choice === 'keep' || choice === 'first' || choice === 'last' ? choice : undefined;
}

const STARTS = ['now', 'earliest', 'fragment', 'producer', 'server', 'token'];

/** Where to begin. */
export function startOf(text: string): StartPosition {
  const [, kind = text, value = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case 'now':
      return { type: 'NOW' };
    case 'earliest':
      return { type: 'EARLIEST' };
    case 'fragment':
      if (!/^\d{1,128}$/.test(value)) throw new UsageError(`--start ${text}: a fragment number consists of digits`);
      return { type: 'FRAGMENT_NUMBER', afterFragmentNumber: value };
    case 'producer':
      return { type: 'PRODUCER_TIMESTAMP', timestamp: timeOption('--start', value) };
    case 'server':
      return { type: 'SERVER_TIMESTAMP', timestamp: timeOption('--start', value) };
    case 'token':
      if (value === '') throw new UsageError(`--start ${text}: the token is missing`);
      return { type: 'CONTINUATION_TOKEN', continuationToken: value };
    default:
      throw new UsageError(
        `--start ${text}: must be now, earliest, fragment:NUMBER, producer:TIME, server:TIME or token:TOKEN${suggestion(kind, STARTS)}`,
      );
  }
}

function millisecondsOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d*\.?\d+$/.test(text) ? Number(text) : 0;
  if (!(seconds > 0 && seconds < 1e6)) {
    throw new UsageError(`--${option} ${text}: must be a number of seconds greater than 0 and less than 1000000`);
  }
  return seconds * 1000;
}

/**
 * How the service is reached. Region and credentials come from where the AWS SDK looks for them. An endpoint on this machine does not
 * check them, so they need not be set up for it.
 */
export function clientConfigOf({
  endpoint,
  region,
}: {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}) {
  if (endpoint !== undefined && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    throw new UsageError(`--endpoint ${endpoint}: must be an http or https URL`);
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
    if (error !== undefined) tell(`${streamName}: ${withHint(error.message)}; retrying in ${Math.round(delayMs)} ms`);
  };
  const onGap = ({ afterFragmentNumber, reason }: GapEvent) => {
    const where = afterFragmentNumber === undefined ? 'at the beginning' : `after ${afterFragmentNumber}`;
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
      (({ error, delayMs }) =>
        tell(`${streamName}: ${withHint(error.message)}; retrying in ${Math.round(delayMs)} ms`)),
    onFailure: ({ fragmentNumber, error }) => {
      listener.onMissing?.();
      if (connection !== undefined) connection.onFailure(fragmentNumber, error);
      else tell(`${streamName}: fragment ${fragmentNumber} is missing: ${error.message}`);
    },
  }).documents();
}
