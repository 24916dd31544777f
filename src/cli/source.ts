import { UsageError } from './command.js';
import { Input, openInput } from './input.js';
import { Progress } from './progress.js';
import { type Documents, openStream, SERVICE_OPTIONS, type ServiceValues, streamRequest } from './service.js';

/** The arguments of a command that reads a FILE, or with {@link SERVICE_OPTIONS} a stream of the service. */
export const SOURCE_ARGUMENTS = {
  '[FILE]': 'a Matroska file, - for standard input, or a URL; omit it with --stream',
} as const;

/** What a command reads. */
export interface Source {
  /** What to call it in messages. */
  readonly name: string;
  readonly input: Input;
  readonly progress: Progress;
}

/**
 * Opens what a command is to read: its FILE, or the stream of the service that its options name.
 *
 * @throws UsageError when there is neither, or both, or the options make no sense
 */
export async function openSource(positionals: readonly string[], values: ServiceValues): Promise<Source> {
  const [file] = positionals;
  const { stream } = values;
  if (stream !== undefined) {
    if (file !== undefined) throw new UsageError('FILE and --stream cannot be used together');
    const input = new Input(bytesOf(openStream(streamRequest(stream, values))), true);
    return { name: stream, input, progress: await Progress.through(stream, true) };
  }
  if (file === undefined) throw new UsageError('FILE is missing');
  const option = unusedOption(values);
  if (option !== undefined) throw new UsageError(`--${option} requires --stream`);
  return { name: file, input: openInput(file), progress: await Progress.through(file) };
}

function unusedOption(values: ServiceValues): string | undefined {
  return Object.keys(SERVICE_OPTIONS).find((name) => name in values);
}

async function* bytesOf(documents: Documents): AsyncGenerator<Uint8Array, void> {
  for await (const { bytes } of documents) yield* bytes;
}
