import type { PlaybackMode } from '../hls/options.js';
import type { PackagerOptions } from '../hls/packager.js';
import {
  command,
  FORCE_OPTION,
  numberOption,
  type OptionValues,
  READ_OPTIONS,
  readerOptions,
  UsageError,
} from './command.js';
import { openInput } from './input.js';
import { playerPage } from './player-page.js';
import { SERVICE_OPTIONS, serviceOptions } from './service.js';
import { openSource } from './source.js';
import { tell } from './terminal.js';
import { TRACK_USAGE, trackFilter } from './track-option.js';

const OPTIONS = {
  ...READ_OPTIONS,
  mode: {
    type: 'string',
    choices: ['live', 'replay', 'on-demand'],
    help: 'live: what is newest, as it comes; replay: from the beginning, in the time that it lasts; on-demand: all of it. Default: on-demand for files and what is stored, else live',
  },
  'low-latency': {
    type: 'boolean',
    help: 'send fragments in parts, so that viewers are a second behind (live and replay)',
  },
  part: { type: 'string', value: 'MS', help: 'how long parts are, with --low-latency; default: 200' },
  fragments: {
    type: 'string',
    value: 'N|all',
    help: 'how many fragments playlists list: the newest, on demand the oldest; default: 5, on demand all',
  },
  track: { type: 'string', multiple: true, value: TRACK_USAGE, help: 'these tracks only; may be given several times' },
  out: { type: 'string', value: 'DIR', help: 'write files for a web server, in place of serving' },
  ...FORCE_OPTION,
  host: {
    type: 'string',
    value: 'ADDRESS',
    help: 'the address to listen at; default: 127.0.0.1, which only this machine reaches',
  },
  port: { type: 'string', value: 'N', help: 'the port; default: a free one' },
  'allow-origin': {
    type: 'string',
    multiple: true,
    value: 'ORIGIN',
    help: 'an origin of web pages that may play it, * for all; default: those that come from this machine',
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'a name by which it may be called, besides those of this machine',
  },
  ...SERVICE_OPTIONS,
} as const;

const MODES = { live: 'LIVE', replay: 'LIVE_REPLAY', 'on-demand': 'ON_DEMAND' } as const;

/** `kvs hls`: HLS and DASH of files or of a stream, with a page that plays it. */
export const hls = command({
  summary: 'serve a stream as HLS and DASH, with a page that plays it, or write it as files',
  details:
    'Several FILEs are played one behind the other. The addresses are main.m3u8 (HLS) and manifest.mpd (DASH); / is a page that plays them.',
  arguments: { '[FILE…]': 'Matroska files, - for standard input, or URLs; not with --stream' },
  options: OPTIONS,
  examples: [
    ['hls camera.mkv --port 8080', 'all of it, to play and seek in at http://127.0.0.1:8080'],
    ['hls --stream door --low-latency', 'a live stream, about a second behind'],
    ['hls camera.mkv --out www', 'the same as files'],
  ],
  async run({ values, positionals }) {
    const { stream, out } = values;
    const mode = modeOf(values);
    if (out !== undefined && mode !== 'ON_DEMAND')
      throw new UsageError('--out takes all of a stream: --mode on-demand');
    const port = numberOption('port', values.port, 0, 65_535) ?? 0;
    const options: PackagerOptions = {
      ...readerOptions(stream ?? positionals[0] ?? '-', values),
      playbackMode: mode,
      maxFragmentResults: fragmentsOf(values.fragments, mode),
      displayFragmentTimestamp: 'ALWAYS',
      partDuration: partOf(values),
      allowOrigin: false,
      tracks: trackFilter(values.track),
      onTrackLeftOut: ({ message }) => tell(`${stream ?? positionals[0]}: left out: ${message}`),
      ...(values.recover === true ? { onInvalidFragment: ({ message }) => tell(`left out: ${message}`) } : {}),
    };
    const source = await openAll(positionals, values);
    const title = stream ?? positionals.join(' ');
    const page = await playerPage(title, values['low-latency'] === true);
    // Other commands have no need of the packager.
    const { Packager: Made } = await import('../hls/packager.js');
    const packager = new Made(options);
    if (out !== undefined) {
      const { writePlayback } = await import('./hls-files.js');
      await writePlayback(packager, source, page, { out, force: values.force, json: values.json });
      return;
    }
    const { servePlayback } = await import('./hls-server.js');
    await servePlayback(packager, source, page, {
      port,
      host: values.host,
      allowedOrigins: values['allow-origin'],
      allowedHosts: values['allow-host'],
      json: values.json,
    });
  },
});

type Values = OptionValues<typeof OPTIONS>;

function modeOf({ mode, stream, from }: Values): PlaybackMode {
  if (mode === 'live' || mode === 'replay' || mode === 'on-demand') return MODES[mode];
  return stream !== undefined && from === undefined ? 'LIVE' : 'ON_DEMAND';
}

function fragmentsOf(text: string | undefined, mode: PlaybackMode): number | 'all' | undefined {
  if (text === 'all' || (text === undefined && mode === 'ON_DEMAND')) return 'all';
  return numberOption('fragments', text, 1, 1e6);
}

function partOf(values: Values): number | undefined {
  const part = numberOption('part', values.part, 1, 20_000);
  if (values['low-latency'] === true) return part ?? 200;
  if (part !== undefined) throw new UsageError('--part goes with --low-latency');
  return undefined;
}

/** The bytes of the stream, or of all files, one behind the other. */
async function openAll(files: readonly string[], values: Values): Promise<AsyncIterable<Uint8Array>> {
  if (values.stream !== undefined || files.length < 2) return (await openSource(files, serviceOptions(values))).input;
  await openSource(files.slice(0, 1), serviceOptions(values));
  return (async function* () {
    for (const file of files) {
      const input = openInput(file);
      try {
        yield* input;
      } catch (error) {
        throw input.explain(error);
      }
    }
  })();
}
