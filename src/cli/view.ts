import { command, numberOption, UsageError } from './command.js';
import { SERVICE_OPTIONS, serviceOptions, streamRequest } from './service.js';

const OPTIONS = {
  json: { type: 'boolean', help: 'print the address as a JSON object' },
  host: {
    type: 'string',
    value: 'ADDRESS',
    help: 'the address to listen on; default: 127.0.0.1, which only this machine can reach',
  },
  port: { type: 'string', value: 'N', help: 'the port to listen on; default: any free port' },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'a host name that requests may use, besides the names of this machine',
  },
  'no-open': {
    type: 'boolean',
    help: 'do not open a browser; by default, one is opened if standard output is a terminal',
  },
  ...SERVICE_OPTIONS,
} as const;

/** `kvs view`: a page that shows what is in a file or a stream. */
export const view = command({
  summary: 'show the contents of a stream on a web page: fragments, elements, frames, pictures, checks',
  details:
    'This process serves the page. The address contains a secret: anyone who has the address and can reach this machine can see the stream. The page sends nothing to other hosts, and AWS credentials stay in this process. Standard input and URLs are read to their end first.',
  arguments: { '[FILE…]': 'Matroska files, - for standard input, or URLs; omit them with --stream' },
  options: OPTIONS,
  examples: [
    ['view camera.mkv', 'show a file'],
    ['view --stream door', 'show a live stream'],
    ['view --stream door --endpoint http://127.0.0.1:8080', 'show a live stream of a local endpoint'],
  ],
  async run({ values, positionals }) {
    const port = numberOption('port', values.port, 0, 65_535) ?? 0;
    const { stream } = values;
    const service = serviceOptions(values);
    const [option] = Object.keys(service);
    if (stream === undefined && positionals.length === 0) throw new UsageError('FILE is missing');
    if (stream === undefined && option !== undefined) throw new UsageError(`--${option} requires --stream`);
    if (stream !== undefined && positionals.length > 0) {
      throw new UsageError('FILE and --stream cannot be used together');
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
