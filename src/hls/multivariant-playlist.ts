import { most } from '../mkv/extremes.js';
import { HOLD_BACK, targetDuration } from './media-playlist.js';
import type { Playback } from './options.js';
import type { Presentation } from './presentation.js';
import type { TrackWindow } from './track-window.js';

/** In seconds: at a segment's very beginning, what is rounded decides which segment it is. */
const INTO_SEGMENT = 0.37;

/** The multivariant playlist (RFC 8216 section 4.3.4): a variant for each video track, with all sound; or the sound alone. */
export function writeMultivariantPlaylist(
  { tracks }: Presentation,
  { query, mode, discontinuityMode, partTarget }: Playback,
): string {
  const all = [...tracks.values()];
  const video = all.filter(({ description }) => description.kind === 'video');
  const audio = all.filter(({ description }) => description.kind === 'audio');
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${mode === 'ON_DEMAND' ? 7 : 9}`];
  // Where the players begin anyway. hls.js computes it for sound and pictures at different times, unless it is told.
  if (mode !== 'ON_DEMAND' && discontinuityMode === 'ALWAYS' && partTarget === undefined) {
    lines.push(`#EXT-X-START:TIME-OFFSET=-${most(all.map(targetDuration)) * HOLD_BACK + INTO_SEGMENT}`);
  }
  if (video.length === 0) {
    for (const track of audio) lines.push(streamInf([track], {}), `${track.name}/media.m3u8${query}`);
    return `${lines.join('\n')}\n`;
  }
  for (const [index, { name }] of audio.entries()) {
    const first = index === 0 ? 'YES' : 'NO';
    lines.push(
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="${name}",DEFAULT=${first},AUTOSELECT=YES,URI="${name}/media.m3u8${query}"`,
    );
  }
  for (const track of video) {
    // Sound is played one track at a time: the codecs of all, the rate of the largest.
    const group = audio.length === 0 ? {} : { AUDIO: '"audio"' };
    lines.push(streamInf([track, ...audio], group), `${track.name}/media.m3u8${query}`);
  }
  return `${lines.join('\n')}\n`;
}

function streamInf(tracks: readonly TrackWindow[], others: Readonly<Record<string, string>>): string {
  const [main, ...sound] = tracks;
  const rate = (of: (track: TrackWindow) => number) =>
    (main === undefined ? 0 : of(main)) + sound.reduce((most, track) => Math.max(most, of(track)), 0);
  const codecs = [...new Set(tracks.map(({ description }) => description.codec))];
  const { width, height } = main?.description ?? {};
  const attributes = {
    BANDWIDTH: Math.max(
      1,
      rate(({ peak }) => peak),
    ),
    'AVERAGE-BANDWIDTH': Math.max(
      1,
      rate(({ average }) => average),
    ),
    CODECS: `"${codecs.join(',')}"`,
    ...(width === undefined || height === undefined ? {} : { RESOLUTION: `${width}x${height}` }),
    ...others,
  };
  return `#EXT-X-STREAM-INF:${Object.entries(attributes)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')}`;
}
