import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FleetHandler, FleetWorker, type FollowedStream, StreamFleet, type WorkerEvent } from '../fleet/index.js';
import { command, type OptionValues, SelfContainedError, UsageError } from './command.js';
import { interrupted, interruptible } from './interrupt.js';
import { clientConfigOf, startOf } from './service.js';
import { tell, writeOut } from './terminal.js';

const OPTIONS = {
  redis: { type: 'string', value: 'URL', help: 'where Redis or Valkey is; default: redis://127.0.0.1:6379' },
  prefix: { type: 'string', value: 'TEXT', help: 'what all keys in Redis begin with; default: bull' },
  handler: { type: 'string', value: 'FILE', help: 'worker: the module whose default export deals with each fragment' },
  'max-streams': { type: 'string', value: 'N', help: 'worker: how many streams to follow at most; default: 50' },
  'max-parts': { type: 'string', value: 'N', help: 'worker: how many parts of stored stretches at once; default: 1' },
  lock: {
    type: 'string',
    value: 'SECONDS',
    help: 'worker: for how long a stream stays with a worker that gives no sign of life; the same for all; default: 30',
  },
  name: { type: 'string', value: 'NAME', help: 'worker: what it is called; default: host name and process id' },
  start: { type: 'string', value: 'SELECTOR', help: 'follow: where to begin without a checkpoint, as in kvs record' },
  json: { type: 'boolean', help: 'status: print a JSON object for each stream' },
  endpoint: { type: 'string', value: 'URL', help: 'where the service is, such as a local endpoint' },
  region: { type: 'string', value: 'REGION', help: 'the AWS region; default: what the AWS SDK finds' },
} as const;

/** `kvs fleet`: streams on many machines. */
export const fleet = command({
  summary: 'follow many streams with workers on many machines, through BullMQ',
  details:
    'worker takes streams and calls the handler for their fragments, until Ctrl-C or SIGTERM: its streams pass to other workers then. ' +
    'follow and unfollow say which streams that is. status lists them, each with its worker, delay and checkpoint. ' +
    'The handler is a function (fragment, context), as FleetWorker of kvs-parser/fleet takes it.',
  arguments: { ACTION: 'what to do', '[NAME…]': 'follow, unfollow: the streams' },
  argumentChoices: { ACTION: ['worker', 'follow', 'unfollow', 'status'] },
  options: OPTIONS,
  examples: [
    ['fleet worker --redis redis://queue:6379 --handler detect.mjs --max-streams 100', 'follow up to 100 streams here'],
    ['fleet follow door yard --redis redis://queue:6379', 'have two streams followed'],
    ['fleet status --redis redis://queue:6379', 'who follows what, and how far behind'],
  ],
  async run({ values, positionals }) {
    const [action, ...names] = positionals;
    const { redis = 'redis://127.0.0.1:6379', prefix, start } = values;
    if (!/^rediss?:\/\//.test(redis)) throw new UsageError(`--redis ${redis}: it is no URL of redis or rediss`);
    const connection = { redis, prefix };
    if (action === 'worker') {
      if (names.length > 0) throw new UsageError('a worker takes no names: kvs fleet follow says what is followed');
      return await work(connection, values);
    }
    if ((action === 'follow' || action === 'unfollow') && names.length === 0) {
      throw new UsageError('the name of a stream is missing');
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
    tell(`${worker.name}: waits for streams`);
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
  throw new SelfContainedError(`--handler ${file}: its default export is no function`);
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
    return `${nameOf(one)}: ${worker ?? 'waits for a worker'}${behind}, ${at}${seen}`;
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
  throw new UsageError(`--${option} is an integer of ${least} or more, not ${text}`);
}
