import { basename, extname } from 'node:path';
import type { FillOptions } from '../testing/local-stream.js';
import { type Command, parseWords, UsageError } from './command.js';
import { openInput } from './input.js';
import { writeOut } from './output.js';

const OPTIONS = {
  json: { type: 'boolean' },
  stream: { type: 'string' },
  realtime: { type: 'boolean' },
  loop: { type: 'boolean' },
  port: { type: 'string' },
} as const;

/** In real time for ever, a stream must not grow for ever: two hours of fragments of a second. */
const RETENTION = 7200;

/** `kvs serve`: a Kinesis Video endpoint on the loopback address, with files as its streams, until it is interrupted. */
export const serve: Command = {
  usage: 'FILE… [--stream NAME] [--realtime] [--loop] [--port N] [--json]',
  summary: 'a local Kinesis Video endpoint; each FILE is a stream, or all together are the stream NAME',
  async run(words) {
    const { values, positionals } = parseWords(words, OPTIONS, ['FILE…']);
    const { realtime = false, loop = false } = values;
    const port = Number(values.port ?? 0);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError(`${values.port} is no port`);
    if (loop && !realtime) throw new UsageError('--loop needs --realtime');
    // Other commands have no need of a server.
    const { startLocalKinesisVideo } = await import('../testing/local-kinesis-video.js');
    const server = await startLocalKinesisVideo({ port, retention: RETENTION });
    const stop = new AbortController();
    const interrupt = () => stop.abort();
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    const interrupted = new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
    try {
      const files = filesByStream(positionals, values.stream);
      const fills = [...files].map(async ([name, paths]) => {
        const stream = server.createStream(name);
        const options: FillOptions = { realtime, loop: loop && paths.length === 1, signal: stop.signal };
        do {
          for (const path of paths) await stream.fill(path === '-' ? openInput(path) : path, options);
        } while (loop && paths.length > 1 && !stop.signal.aborted);
      });
      const filled = Promise.all(fills);
      filled.catch(() => stop.abort());
      if (!realtime) await filled;
      await announce(server.endpoint, [...files.keys()], values.json === true);
      await interrupted;
      await filled;
    } finally {
      stop.abort();
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      await server.close();
    }
  },
};

async function announce(endpoint: string, streams: readonly string[], json: boolean): Promise<void> {
  if (json) {
    await writeOut(`${JSON.stringify({ endpoint, streams })}\n`);
    return;
  }
  const example = `aws kinesisvideo get-data-endpoint --endpoint-url ${endpoint} --api-name GET_MEDIA --stream-name ${streams[0]}`;
  await writeOut(`Kinesis Video at ${endpoint}\nstreams: ${streams.join(', ')}\n`);
  process.stderr.write(`try: ${example}\nCtrl-C ends it\n`);
}

/** Which files go into which stream, in order. Stream names cannot have every character that file names have. */
function filesByStream(paths: readonly string[], name: string | undefined): Map<string, string[]> {
  const streams = new Map<string, string[]>();
  for (const path of paths) {
    const stream = name ?? (path === '-' ? 'stdin' : basename(path, extname(path)).replaceAll(/[^\w.-]/g, '_'));
    streams.set(stream, [...(streams.get(stream) ?? []), path]);
  }
  return streams;
}
