import type { Playback } from './options.js';
import type { Presentation } from './presentation.js';
import type { Segment } from './segment.js';
import type { TrackWindow } from './track-window.js';

/** How many target durations from the end on parts are listed, and how many of them a delta update leaves out what is before (RFC 8216bis). */
const PARTS_WITHIN = 3;
const SKIP_BEFORE = 6;
/** How many target durations from the end of a live playlist players begin. */
export const HOLD_BACK = 3;
/** In microseconds: three parts are the least that a viewer must be behind; this much more is what networks and cameras are late. */
const MARGIN = 200_000;

/** Microseconds as the seconds of a playlist. */
export function seconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6).replace(/\.?0+$/, '');
}

/** EXT-X-TARGETDURATION of a track: no segment is longer, to the nearest second. */
export function targetDuration({ longest, open }: TrackWindow): number {
  return Math.max(1, Math.round(Math.max(longest, open?.duration ?? 0) / 1e6));
}

/** PART-TARGET of a track, in microseconds: no part is longer. Audio is cut where its frames end. */
export function partTarget({ longestPart, description }: TrackWindow, wanted: number): number {
  return Math.max(longestPart, description.kind === 'audio' ? Math.round(wanted * 1.1) : wanted);
}

/** Which of its forms a media playlist has. */
export interface PlaylistShape {
  /** Whether older segments may be left out (a delta update). */
  readonly skip: boolean;
  /** Of how many fragments since the first it tells: all, or fewer than there are. */
  readonly fragments: number;
}

/** The media playlist of a track (RFC 8216 section 4, RFC 8216bis section 4.4). */
export function writeMediaPlaylist(
  presentation: Presentation,
  track: TrackWindow,
  playback: Playback,
  { skip, fragments }: PlaylistShape,
): string {
  const { ended } = presentation;
  const { mode, query, blocks } = playback;
  const segments = presentation.listed(track, fragments);
  const open = ended ? undefined : track.open;
  const wantedPart = ended ? undefined : playback.partTarget;
  const target = targetDuration(track);
  const isWhole = mode === 'ON_DEMAND';
  const first = segments[0] ?? open;
  const skipped = skip && blocks && !ended ? skippable(segments, open, target) : 0;
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${isWhole ? 7 : 9}`, `#EXT-X-TARGETDURATION:${target}`];
  if (isWhole) lines.push('#EXT-X-PLAYLIST-TYPE:VOD');
  if (blocks && !ended)
    lines.push(serverControl(target, wantedPart === undefined ? undefined : partTarget(track, wantedPart)));
  if (wantedPart !== undefined) lines.push(`#EXT-X-PART-INF:PART-TARGET=${seconds(partTarget(track, wantedPart))}`);
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${first?.sequence ?? track.nextSequence}`);
  if (!isWhole) lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${first?.discontinuities ?? 0}`);
  if (segments.every(({ independent }) => independent)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  if (skipped > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`);
  const partsFrom = (open === undefined ? endOf(segments) : open.start + open.duration) - PARTS_WITHIN * target * 1e6;
  let before: Segment | undefined = segments[skipped - 1];
  for (const segment of segments.slice(skipped)) {
    writeHead(lines, segment, before, playback);
    if (wantedPart !== undefined && segment.start + segment.duration > partsFrom) writeParts(lines, segment, query);
    lines.push(`#EXTINF:${seconds(segment.duration)},`, `${segment.sequence}.m4s${query}`);
    before = segment;
  }
  if (wantedPart !== undefined) {
    if (open !== undefined) {
      writeHead(lines, open, before, playback);
      writeParts(lines, open, query);
    }
    const next = open === undefined ? `${track.nextSequence}.0` : `${open.sequence}.${open.parts.length}`;
    lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${next}.m4s${query}"`);
  }
  if (blocks && !ended)
    for (const other of presentation.tracks.values())
      if (other !== track) lines.push(report(other, query, wantedPart !== undefined));
  if (ended || isWhole) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

function endOf(segments: readonly Segment[]): number {
  const last = segments.at(-1);
  return last === undefined ? 0 : last.start + last.duration;
}

/** How many segments lie before the skip boundary: a delta update says how many, and a viewer has them from the update before. */
function skippable(segments: readonly Segment[], open: Segment | undefined, target: number): number {
  const end = open === undefined ? endOf(segments) : open.start + open.duration;
  const boundary = end - SKIP_BEFORE * target * 1e6;
  return segments.findIndex(({ start, duration }) => start + duration > boundary);
}

function serverControl(target: number, part: number | undefined): string {
  const attributes = [
    'CAN-BLOCK-RELOAD=YES',
    `CAN-SKIP-UNTIL=${SKIP_BEFORE * target}`,
    `HOLD-BACK=${HOLD_BACK * target}`,
  ];
  if (part !== undefined) attributes.push(`PART-HOLD-BACK=${seconds(HOLD_BACK * part + MARGIN)}`);
  return `#EXT-X-SERVER-CONTROL:${attributes.join(',')}`;
}

/** What stands before a segment: where it does not continue the one before, its initialization segment, its time. */
function writeHead(lines: string[], segment: Segment, before: Segment | undefined, playback: Playback): void {
  const { discontinuities, init } = segment;
  for (let count = before?.discontinuities ?? discontinuities; count < discontinuities; count++) {
    lines.push('#EXT-X-DISCONTINUITY');
  }
  if (before?.init.id !== init.id) lines.push(`#EXT-X-MAP:URI="init-${init.id}.mp4${playback.query}"`);
  const time = segment[playback.timeOf];
  if (playback.showsTime && time !== undefined && isDate(time)) {
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(time).toISOString()}`);
  }
}

function isDate(time: number): boolean {
  return Math.abs(time) <= 8.64e15;
}

function writeParts(lines: string[], { sequence, parts }: Segment, query: string): void {
  for (const [index, { duration, independent }] of parts.entries()) {
    const uri = `URI="${sequence}.${index}.m4s${query}"`;
    lines.push(`#EXT-X-PART:DURATION=${seconds(duration)},${uri}${independent ? ',INDEPENDENT=YES' : ''}`);
  }
}

/** EXT-X-RENDITION-REPORT: how far another track's playlist is. */
function report({ name, open, segments }: TrackWindow, query: string, inParts: boolean): string {
  const last = open ?? segments.at(-1);
  const part = inParts && last !== undefined && last.parts.length > 0 ? `,LAST-PART=${last.parts.length - 1}` : '';
  const sequence = (inParts ? last : segments.at(-1))?.sequence ?? 0;
  return `#EXT-X-RENDITION-REPORT:URI="../${name}/media.m3u8${query}",LAST-MSN=${sequence}${part}`;
}
