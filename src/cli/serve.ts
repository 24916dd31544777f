import { extname } from 'node:path';
import type { FillOptions, LocalStream } from '../testing/local-stream.js';
import { command, numberOption, SelfContainedError, UsageError } from './command.js';
import { type Input, openInput } from './input.js';
import { interruption } from './interrupt.js';
import { cannotListen } from './listen.js';
import { explain, writeOut } from './terminal.js';
import { printable } from './text.js';

const OPTIONS = {
  json: { type: 'boolean', help: 'print the address and the streams as a JSON object' },
  stream: { type: 'string', value: 'NAME', help: 'serve all files as this one stream, one after the other' },
  realtime: { type: 'boolean', help: 'send the fragments in real time, as they were recorded' },
  loop: { type: 'boolean', help: 'with --realtime, start again at the end' },
  host: {
    type: 'string',
    value: 'ADDRESS',
    help: 'the address to listen on; default: 127.0.0.1, which only this machine can reach',
  },
  'allow-origin': {
    type: 'string',
    multiple: true,
    value: 'ORIGIN',
    help: 'an origin whose web pages can call the endpoint, or * for all; default: pages served from this machine',
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'a host name that requests may use, besides the names of this machine',
  },
  port: { type: 'string', value: 'N', help: 'the port to listen on; default: any free port' },
} as const;

/** In real time for ever, a stream must not grow for ever: two hours of fragments of a second. */
const RETENTION = 7200;

/** `kvs serve`: a Kinesis Video endpoint, with files as its streams, until it is interrupted. */
export const serve = command({
  summary: 'serve a local Kinesis Video endpoint with files as its streams, until Ctrl-C',
  details:
    'Each file becomes a stream named after it, without the extension. If two files have the same name, the name of the directory is put in front; if that is the same too, a number is added.',
  arguments: { 'FILE…': 'Matroska files, - for standard input, or URLs' },
  options: OPTIONS,
  examples: [
    ['serve camera.mkv', 'serve the stream camera, with all fragments available at once'],
    ['serve camera.mkv --realtime --loop --port 8080', 'simulate a live camera on a fixed port'],
    ['serve monday.mkv tuesday.mkv --stream door', 'serve two files as one stream'],
  ],
  async run({ values, positionals }) {
    const { realtime = false, loop = false, host } = values;
    const port = numberOption('port', values.port, 0, 65_535) ?? 0;
    if (loop && !realtime) throw new UsageError('--loop requires --realtime');
    const files = filesByStream(positionals, values.stream);
    // Other commands have no need of a server.
    const { startLocalKinesisVideo } = await import('../testing/local-kinesis-video.js');
    const server = await startLocalKinesisVideo({
      port,
      host,
      allowedOrigins: values['allow-origin'],
      allowedHosts: values['allow-host'],
      retention: RETENTION,
    }).catch((error: unknown) => {
      throw cannotListen(port, host ?? '127.0.0.1', error);
    });
    const stop = new AbortController();
    const signal = AbortSignal.any([interruption, stop.signal]);
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve());
    });
    try {
      const begun: Promise<void>[] = [];
      const fills = [...files].map(async ([name, paths]) => {
        const stream = server.createStream(name);
        let begin = () => {};
        begun.push(
          new Promise((resolve) => {
            begin = resolve;
          }),
        );
        const options: FillOptions = { realtime, loop: loop && paths.length === 1, signal };
        do {
          for (const path of paths) await fill(stream, path, options, begin);
        } while (loop && paths.length > 1 && !signal.aborted);
      });
      const filled = Promise.all(fills);
      filled.catch(() => stop.abort());
      // In real time this takes as long as the recording; what is no stream at all is told in place of an address.
      if (realtime) await Promise.race([filled, stopped, Promise.all(begun)]);
      else await filled;
      if (interruption.aborted) return;
      await announce(server.endpoint, [...files.keys()], values.json === true);
      await stopped;
      await filled;
    } catch (error) {
      // A stream that is being filled says that it was stopped; that is how serving ends.
      if (!interruption.aborted) throw error;
    } finally {
      stop.abort();
      await server.close();
    }
  },
});

/**
 * Puts a file into a stream. Its errors name it, since a command has several.
 *
 * @param begin is called when bytes have come that may be Matroska
 */
async function fill(stream: LocalStream, path: string, options: FillOptions, begin: () => void): Promise<void> {
  const newest = () => stream.fragments.at(-1)?.fragmentNumber;
  const before = newest();
  const input = openInput(path);
  try {
    await stream.fill(noticed(input, begin), options);
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    const explained = input.explain(error);
    throw new SelfContainedError(`${path}: ${explained instanceof Error ? explained.message : String(explained)}`, {
      cause: error,
    });
  }
  if (newest() === before && options.signal?.aborted !== true) {
    throw new SelfContainedError(`${path}: ${input.foundNothing('it contains no fragment').message}`);
  }
}

async function* noticed(input: Input, begin: () => void): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of input) {
    if (input.foreign === undefined) begin();
    yield chunk;
  }
}

async function announce(endpoint: string, streams: readonly string[], json: boolean): Promise<void> {
  if (json) {
    await writeOut(`${JSON.stringify({ endpoint, streams })}\n`);
    return;
  }
  const example = `aws kinesisvideo get-data-endpoint --endpoint-url ${endpoint} --api-name GET_MEDIA --stream-name ${streams[0]}`;
  await writeOut(`Kinesis Video at ${endpoint}\nstreams: ${streams.join(', ')}\n`);
  explain(`try: ${example}`, 'Press Ctrl-C to stop');
}

/** Which files go into which stream, in order. */
function filesByStream(paths: readonly string[], name: string | undefined): Map<string, string[]> {
  if (name !== undefined) return new Map([[checkedName(name), [...paths]]]);
  const streams = new Map<string, string[]>();
  for (const path of paths) {
    const isShared = paths.some((other) => other !== path && streamName(other, 1) === streamName(path, 1));
    const parts = isShared ? 2 : 1;
    let unique = streamName(path, parts);
    for (let count = 2; streams.has(unique); count++) unique = `${streamName(path, parts)}-${count}`;
    streams.set(unique, [path]);
  }
  return streams;
}

/** The name of a file and of so many folders that it lies in, less one. Stream names cannot have every character that file names have. */
function streamName(path: string, parts: number): string {
  if (path === '-') return 'stdin';
  const bare = path.slice(0, path.length - extname(path).length);
  const name = bare
    .split(/[\\/]+/)
    .filter((part) => part !== '' && part !== '.')
    .slice(-parts)
    .join('-');
  return name.replaceAll(/[^\w.-]/g, '_').slice(-256) || 'stream';
}

/** A stream name as the service takes it: 1 to 256 letters, digits, `_`, `.` and `-`. */
function checkedName(name: string): string {
  if (!/^[\w.-]{1,256}$/.test(name)) {
    throw new UsageError(`--stream ${printable(name)}: must be 1 to 256 letters, digits, _, . or -`);
  }
  return name;
}
