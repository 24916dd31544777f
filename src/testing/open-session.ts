import type { ArchivedFragment, FragmentArchive } from '../hls/archive.js';
import type { DiscontinuityMode, PlaybackMode } from '../hls/options.js';
import { type FragmentSelection, readSelection, requireRetention, selected } from './fragment-selection.js';
import { integer, invalid, type JsonInput, named, oneOf } from './json-input.js';
import type { LocalStream, StoredFragment } from './local-stream.js';
import { requirePlayable } from './playable-tracks.js';
import { type PlaybackProtocol, SESSION_PARAMETER, SESSION_PATHS } from './playback-sessions.js';
import type { Service } from './service.js';
import { ServiceError } from './service-error.js';
import { configurationOf, documentOf } from './stored-document.js';

const MODES = ['LIVE', 'LIVE_REPLAY', 'ON_DEMAND'] as const;
const SHOWN = ['ALWAYS', 'NEVER'] as const;
const DISCONTINUITIES = ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY'] as const;

/** GetHLSStreamingSessionURL. */
export async function openHlsSession(service: Service, input: JsonInput, host: string): Promise<object> {
  const mode = oneOf(input, 'PlaybackMode', MODES, 'LIVE');
  const selection = readSelection(
    input['HLSFragmentSelector'],
    'HLSFragmentSelector',
    mode === 'LIVE' ? 'none' : 'range',
  );
  if (oneOf(input, 'ContainerFormat', ['FRAGMENTED_MP4', 'MPEG_TS'], 'FRAGMENTED_MP4') === 'MPEG_TS') {
    throw invalid('The local endpoint does not make MPEG_TS: ContainerFormat must be FRAGMENTED_MP4.');
  }
  const usual = selection.type === 'SERVER_TIMESTAMP' ? 'ALWAYS' : 'NEVER';
  const HLSStreamingSessionURL = await openSession(service, input, host, {
    protocol: 'HLS',
    mode,
    selection,
    discontinuityMode: oneOf(input, 'DiscontinuityMode', DISCONTINUITIES, usual),
    most: integer(input, 'MaxMediaPlaylistFragmentResults', 1, 5000),
  });
  return { HLSStreamingSessionURL };
}

/** GetDASHStreamingSessionURL. */
export async function openDashSession(service: Service, input: JsonInput, host: string): Promise<object> {
  const mode = oneOf(input, 'PlaybackMode', MODES, 'LIVE');
  const selector = input['DASHFragmentSelector'];
  const DASHStreamingSessionURL = await openSession(service, input, host, {
    protocol: 'DASH',
    mode,
    selection: readSelection(selector, 'DASHFragmentSelector', mode === 'LIVE' ? 'none' : 'range'),
    discontinuityMode: 'NEVER',
    most: integer(input, 'MaxManifestFragmentResults', 1, 5000),
  });
  return { DASHStreamingSessionURL };
}

interface SessionInput {
  readonly protocol: PlaybackProtocol;
  readonly mode: PlaybackMode;
  readonly selection: FragmentSelection;
  readonly discontinuityMode: DiscontinuityMode;
  readonly most: number | undefined;
}

async function openSession(service: Service, input: JsonInput, host: string, session: SessionInput): Promise<string> {
  const { protocol, mode, selection, discontinuityMode, most } = session;
  const expires = integer(input, 'Expires', 300, 43_200) ?? 300;
  const displayFragmentTimestamp = oneOf(input, 'DisplayFragmentTimestamp', SHOWN, 'NEVER');
  const displayFragmentNumber = oneOf(input, 'DisplayFragmentNumber', SHOWN, 'NEVER');
  const stream = named(service, input);
  requireRetention(stream);
  const [first] = selected(stream, selection);
  if (first === undefined) {
    throw new ServiceError('ResourceNotFoundException', 'There are no fragments that could be played.');
  }
  await requirePlayable(documentOf(first), protocol);
  const { sessions } = service;
  // What makes MP4 is large, and most tests have no use for it.
  const { ArchivePackager } = await import('../hls/archive-packager.js');
  const token = sessions.newToken();
  const packager = new ArchivePackager(archiveOf(stream, selection), {
    playbackMode: mode,
    fragmentSelectorType: selection.type,
    discontinuityMode,
    maxFragmentResults: most,
    displayFragmentTimestamp,
    displayFragmentNumber,
    basePath: SESSION_PATHS[protocol],
    query: { [SESSION_PARAMETER]: token },
    strictDash: true,
    allowOrigin: false,
  });
  sessions.add(token, { protocol, handler: packager.handler, stream, expires: Date.now() + expires * 1000 });
  const file = protocol === 'HLS' ? 'main.m3u8' : 'manifest.mpd';
  return `http://${host}${SESSION_PATHS[protocol]}/${file}?${SESSION_PARAMETER}=${token}`;
}

/** What a stream stores as an archive; of a live session, what it stores by the time that it is asked. */
function archiveOf(stream: LocalStream, selection: FragmentSelection): FragmentArchive {
  const entries = new WeakMap<StoredFragment, ArchivedFragment>();
  const stored = new WeakMap<ArchivedFragment, StoredFragment>();
  return {
    list: () =>
      selected(stream, selection).map((fragment) => {
        let entry = entries.get(fragment);
        if (entry === undefined) {
          entry = {
            fragmentNumber: fragment.fragmentNumber,
            producerTimestamp: new Date(fragment.producerTimestamp),
            serverTimestamp: new Date(fragment.serverTimestamp),
            fragmentLengthInMilliseconds: fragment.duration,
            fragmentSizeInBytes: fragment.media.length,
            configuration: configurationOf(fragment),
          };
          entries.set(fragment, entry);
          stored.set(entry, fragment);
        }
        return entry;
      }),
    read(entry) {
      const fragment = stored.get(entry);
      if (fragment === undefined) throw new Error(`fragment ${entry.fragmentNumber} is not stored`);
      return documentOf(fragment);
    },
  };
}
