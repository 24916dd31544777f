import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FleetHandler, FleetWorker, type FollowedStream, StreamFleet, type WorkerEvent } from '../fleet/index.js';
import { command, type OptionValues, SelfContainedError, UsageError } from './command.js';
import { interrupted, interruptible } from './interrupt.js';
import { clientConfigOf, startOf } from './service.js';
import { tell, writeOut } from './terminal.js';

const OPTIONS = {
  redis: { type: 'string', value: 'URL', help: 'the URL of Redis or Valkey; default: redis://127.0.0.1:6379' },
  prefix: { type: 'string', value: 'TEXT', help: 'the prefix of all keys in Redis; default: bull' },
  handler: { type: 'string', value: 'FILE', help: 'worker: the module whose default export handles each fragment' },
  'max-streams': { type: 'string', value: 'N', help: 'worker: the maximum number of streams to follow; default: 50' },
  'max-parts': {
    type: 'string',
    value: 'N',
    help: 'worker: the maximum number of parts of stored media to process at once; default: 1',
  },
  lock: {
    type: 'string',
    value: 'SECONDS',
    help: 'worker: how long a stream stays assigned to a worker that no longer responds; must be the same for all workers; default: 30',
  },
  name: { type: 'string', value: 'NAME', help: 'worker: its name; default: host name and process ID' },
  start: {
    type: 'string',
    value: 'SELECTOR',
    words: ['now', 'earliest'],
    help: 'follow: where to start if there is no checkpoint, as in kvs record',
  },
  json: { type: 'boolean', help: 'status: print one JSON object per stream' },
  endpoint: { type: 'string', value: 'URL', help: 'the endpoint of the service, such as that of kvs serve' },
  region: { type: 'string', value: 'REGION', help: 'the AWS Region; default: from the configuration of the AWS SDK' },
} as const;

/** `kvs fleet`: streams on many machines. */
export const fleet = command({
  summary: 'follow many streams with workers on many machines, through BullMQ',
  details:
    'worker follows streams and calls the handler for their fragments, until Ctrl-C or SIGTERM; other workers then take over its streams. ' +
    'follow and unfollow choose the streams. status lists them, each with its worker, delay and checkpoint. ' +
    'The handler is a function (fragment, context), as for FleetWorker of kvs-parser/fleet.',
  arguments: { ACTION: 'what to do', '[NAME…]': 'follow, unfollow: the names of the streams' },
  argumentChoices: { ACTION: ['worker', 'follow', 'unfollow', 'status'] },
  options: OPTIONS,
  examples: [
    [
      'fleet worker --redis redis://queue:6379 --handler detect.mjs --max-streams 100',
      'follow up to 100 streams on this machine',
    ],
    ['fleet follow door yard --redis redis://queue:6379', 'have the workers follow two streams'],
    ['fleet status --redis redis://queue:6379', 'list the streams, their workers and delays'],
  ],
  async run({ values, positionals }) {
    const [action, ...names] = positionals;
    const { redis = 'redis://127.0.0.1:6379', prefix, start } = values;
    if (!/^rediss?:\/\//.test(redis))
      throw new UsageError(`--redis ${redis}: must be a URL that starts with redis:// or rediss://`);
    const connection = { redis, prefix };
    if (action === 'worker') {
      if (names.length > 0) throw new UsageError('a worker takes no stream names; use kvs fleet follow');
      return await work(connection, values);
    }
    if ((action === 'follow' || action === 'unfollow') && names.length === 0) {
      throw new UsageError('NAME is missing');
    }
    const streams = new StreamFleet(connection);
    try {
      if (action === 'status') {
        const lines = await interruptible(statusLines(streams, values.json === true));
        for (const line of lines) await writeOut(`${line}\n`);
      }
      const options = start === undefined ? {} : { start: startOf(start) };
      for (const name of names) {
        if (action === 'follow') await interruptible(streams.follow(name, options));
        if (action === 'unfollow') await interruptible(streams.unfollow(name));
      }
    } finally {
      await streams.close();
    }
  },
});

type Values = OptionValues<typeof OPTIONS>;

async function work(
  connection: { readonly redis: string; readonly prefix: string | undefined },
  values: Values,
): Promise<void> {
  const { handler, name, lock, endpoint, region } = values;
  if (handler === undefined) throw new UsageError('--handler is missing');
  const worker = new FleetWorker({
    ...connection,
    handler: await loadHandler(handler),
    consumer: { clientConfig: clientConfigOf({ endpoint, region }) },
    maxStreams: countOf('max-streams', values['max-streams']),
    maxParts: countOf('max-parts', values['max-parts']),
    lockMs: lock === undefined ? undefined : countOf('lock', lock, 1) * 1000,
    name,
    // The command ends by itself when it is told to.
    drainAtSigterm: false,
    onEvent: tellEvent,
  });
  try {
    await interruptible(worker.start());
    tell(`${worker.name}: waiting for streams`);
    await interrupted();
  } finally {
    await worker.close();
  }
}

async function loadHandler(file: string): Promise<FleetHandler> {
  let module: { readonly default?: unknown; readonly handler?: unknown };
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SelfContainedError(`--handler ${file}: ${reason}`);
  }
  const handler = module.default ?? module.handler;
  if (isHandler(handler)) return handler;
  throw new SelfContainedError(`--handler ${file}: its default export is not a function`);
}

function isHandler(value: unknown): value is FleetHandler {
  return typeof value === 'function';
}

function tellEvent(event: WorkerEvent): void {
  const reason = 'reason' in event ? `: ${event.reason}` : '';
  tell(`${'stream' in event ? `${event.stream}: ` : ''}${event.type}${reason}`);
}

async function statusLines(streams: StreamFleet, asJson: boolean): Promise<string[]> {
  const listed = await streams.list();
  listed.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return listed.map((one) => {
    if (asJson) return JSON.stringify(one);
    const { worker, millisBehindNow, checkpoint, seenAt } = one;
    const behind = millisBehindNow === undefined ? '' : `, ${millisBehindNow} ms behind`;
    const at = checkpoint === undefined ? 'no checkpoint' : `fragment ${checkpoint.fragmentNumber}`;
    const seen = seenAt === undefined ? '' : `, seen ${seenAt.toISOString()}`;
    return `${nameOf(one)}: ${worker ?? 'waiting for a worker'}${behind}, ${at}${seen}`;
  });
}

function nameOf({ stream }: FollowedStream): string {
  return stream.streamName ?? stream.streamARN ?? '';
}

function countOf(option: string, text: string, least?: number): number;
function countOf(option: string, text: string | undefined, least?: number): number | undefined;
function countOf(option: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= least) return count;
  throw new UsageError(`--${option} ${text}: must be an integer from ${least} on`);
}
