import { command, numberOption, UsageError } from './command.js';
import { SERVICE_OPTIONS, serviceOptions, streamRequest } from './service.js';

const OPTIONS = {
  json: { type: 'boolean', help: 'print the address as a JSON object' },
  host: {
    type: 'string',
    value: 'ADDRESS',
    help: 'the address to listen at; default: 127.0.0.1, which only this machine reaches',
  },
  port: { type: 'string', value: 'N', help: 'the port; default: a free one' },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'a name by which it may be called, besides those of this machine',
  },
  'no-open': { type: 'boolean', help: 'print the address only; else, on a terminal, a browser is opened' },
  ...SERVICE_OPTIONS,
} as const;

/** `kvs view`: a page that shows what is in a file or a stream. */
export const view = command({
  summary: 'show what is in a stream on a page: fragments, elements, frames, pictures, checks',
  details:
    'The page comes from this process, at an address that has a secret in it: who has the address can see the stream. The page sends nothing anywhere; the credentials of the service stay here. Standard input and URLs are read to their end first.',
  arguments: { '[FILE…]': 'Matroska files, - for standard input, or URLs; not with --stream' },
  options: OPTIONS,
  examples: [
    ['view camera.mkv', 'a page with all of it'],
    ['view --stream door', 'a live stream, as it comes'],
    ['view --stream door --endpoint http://127.0.0.1:8080', 'the same from a local endpoint'],
  ],
  async run({ values, positionals }) {
    const port = numberOption('port', values.port, 0, 65_535) ?? 0;
    const { stream } = values;
    const service = serviceOptions(values);
    const [option] = Object.keys(service);
    if (stream === undefined && positionals.length === 0) throw new UsageError('FILE is missing');
    if (stream === undefined && option !== undefined) throw new UsageError(`--${option} goes with --stream`);
    if (stream !== undefined && positionals.length > 0) {
      throw new UsageError('FILE and --stream do not go together');
    }
    const request = stream === undefined ? undefined : streamRequest(stream, service);
    // Other commands have no need of a server.
    const { serveView } = await import('./view-server.js');
    await serveView(positionals, request, {
      port,
      host: values.host,
      allowedHosts: values['allow-host'],
      json: values.json === true,
      opens: values['no-open'] !== true,
    });
  },
});
