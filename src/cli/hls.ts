import type { PlaybackMode } from '../hls/options.js';
import type { PackagerOptions } from '../hls/packager.js';
import {
  command,
  FORCE_OPTION,
  numberOption,
  type OptionValues,
  READ_OPTIONS,
  readerOptions,
  SelfContainedError,
  UsageError,
} from './command.js';
import { type Input, openInput } from './input.js';
import { interruption } from './interrupt.js';
import type { PlaybackSource } from './playback-source.js';
import { playerPage } from './player-page.js';
import { SERVICE_OPTIONS, serviceOptions } from './service.js';
import { openSource } from './source.js';
import { tell } from './terminal.js';
import { TrackList } from './track-list.js';
import { missingTracks, TRACK_USAGE, trackFilter } from './track-option.js';

const OPTIONS = {
  ...READ_OPTIONS,
  mode: {
    type: 'string',
    choices: ['live', 'replay', 'on-demand'],
    help: 'live: the newest fragments; replay: from the beginning, in real time; on-demand: everything; default: on-demand for files and stored media, live for live streams',
  },
  'low-latency': {
    type: 'boolean',
    help: 'send fragments in parts, for a latency of about a second (live and replay)',
  },
  part: { type: 'string', value: 'MS', help: 'the duration of the parts with --low-latency; default: 200' },
  fragments: {
    type: 'string',
    value: 'N|all',
    help: 'how many fragments playlists list: the newest ones, or the oldest with on-demand; default: 5, or all with on-demand',
  },
  track: { type: 'string', multiple: true, value: TRACK_USAGE, help: 'only these tracks; can be repeated' },
  out: { type: 'string', value: 'DIR', help: 'write files for a web server instead of serving' },
  ...FORCE_OPTION,
  host: {
    type: 'string',
    value: 'ADDRESS',
    help: 'the address to listen on; default: 127.0.0.1, which only this machine can reach',
  },
  port: { type: 'string', value: 'N', help: 'the port to listen on; default: any free port' },
  'allow-origin': {
    type: 'string',
    multiple: true,
    value: 'ORIGIN',
    help: 'an origin whose web pages can play the stream, or * for all; default: pages served from this machine',
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'a host name that requests may use, besides the names of this machine',
  },
  ...SERVICE_OPTIONS,
} as const;

const MODES = { live: 'LIVE', replay: 'LIVE_REPLAY', 'on-demand': 'ON_DEMAND' } as const;

/** `kvs hls`: HLS and DASH of files or of a stream, with a page that plays it. */
export const hls = command({
  summary: 'serve a stream as HLS and DASH with a page that plays it, or write it as files',
  details:
    'Several files are played one after the other. The paths are /main.m3u8 (HLS), /manifest.mpd (DASH) and / (a page that plays the stream).',
  arguments: { '[FILE…]': 'Matroska files, - for standard input, or URLs; omit them with --stream' },
  options: OPTIONS,
  examples: [
    ['hls camera.mkv --port 8080', 'play the file at http://127.0.0.1:8080'],
    ['hls --stream door --low-latency', 'a live stream, with a latency of about a second'],
    ['hls camera.mkv --out www', 'write the playlists and segments to www'],
  ],
  async run({ values, positionals }) {
    const { stream, out } = values;
    const mode = modeOf(values);
    if (out !== undefined && mode !== 'ON_DEMAND') throw new UsageError('--out requires --mode on-demand');
    const serving = (['host', 'port', 'allow-origin', 'allow-host'] as const).find(
      (option) => values[option] !== undefined,
    );
    if (out !== undefined && serving !== undefined) throw new UsageError(`--${serving} cannot be used with --out`);
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
  if (part !== undefined) throw new UsageError('--part requires --low-latency');
  return undefined;
}

/** The stream, or all files one behind the other. */
async function openAll(files: readonly string[], values: Values): Promise<PlaybackSource> {
  const { input, progress } = await openSource(files.slice(0, 1), serviceOptions(values));
  const tracks = new TrackList();
  const nothing = (of: Input) =>
    of.foundNothing(tracks.explain(missingTracks(values.track) ?? 'it contains no media that can be played'));
  if (files.length < 2) {
    const bytes = tracks.watch(progress.watch(input));
    return {
      bytes,
      isLive: values.stream !== undefined,
      progress,
      isForeign: () => input.foreign !== undefined,
      nothing: () => nothing(input),
    };
  }
  let last = input;
  const read = async function* () {
    for (const [index, file] of files.entries()) {
      last = index === 0 ? input : openInput(file);
      try {
        yield* progress.watch(last);
        if (last.bytes === 0) throw nothing(last);
      } catch (error) {
        const explained = last.explain(error);
        throw explained instanceof Error && !interruption.aborted
          ? new SelfContainedError(`${file}: ${explained.message}`, { cause: error })
          : explained;
      }
    }
  };
  return {
    bytes: tracks.watch(read()),
    isLive: false,
    progress,
    isForeign: () => last.foreign !== undefined,
    nothing: () => nothing(last),
  };
}
