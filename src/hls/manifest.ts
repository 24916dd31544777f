import { least, most } from '../mkv/extremes.js';
import { seconds, targetDuration } from './media-playlist.js';
import type { Playback } from './options.js';
import type { Presentation } from './presentation.js';
import type { Segment } from './segment.js';
import type { TrackWindow } from './track-window.js';

/** The namespace of what the service adds to a manifest. */
const KVS = 'urn:amazon:kinesis-video-streams';
/** In microseconds: tracks end together but for a frame or two; one that ends longer before the others tells nothing. */
const TOGETHER = 500_000;
/** In microseconds: browsers stop some 50 ms before the end of what they have. */
const STOP = 100_000;

/**
 * The MPD (ISO/IEC 23009-1): dynamic while more comes, static else. A Period for each stretch in which no track changes its configuration,
 * an AdaptationSet for each track. Times count microseconds.
 *
 * @param now milliseconds since 1970
 */
export function writeManifest(presentation: Presentation, playback: Playback, now: number): string {
  const tracks = [...presentation.tracks.values()];
  const isStatic = presentation.ended || playback.mode === 'ON_DEMAND';
  const listed = new Map(tracks.map((track) => [track, presentation.listed(track)]));
  const all = [...listed.values()].flat();
  const first = all.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const end = all.reduce((most, segment) => Math.max(most, endOf(segment)), 0);
  const target = tracks.reduce((most, track) => Math.max(most, targetDuration(track)), 1);
  // One that was live keeps its times when it ends: there are viewers in it. On demand it begins at 0.
  const isWhole = playback.mode === 'ON_DEMAND';
  const base = isWhole ? first : 0;
  const attributes: Record<string, string> = {
    xmlns: 'urn:mpeg:dash:schema:mpd:2011',
    'xmlns:kvs': KVS,
    profiles: 'urn:mpeg:dash:profile:isoff-live:2011',
    type: isStatic ? 'static' : 'dynamic',
    minBufferTime: `PT${target}S`,
    maxSegmentDuration: `PT${target}S`,
  };
  if (isStatic) {
    attributes['mediaPresentationDuration'] = `PT${seconds(Math.max(0, end - base))}S`;
  } else {
    attributes['availabilityStartTime'] = new Date(Math.floor(presentation.origin)).toISOString();
    attributes['publishTime'] = new Date(now).toISOString();
    attributes['minimumUpdatePeriod'] = `PT${Math.max(0.5, target / 2)}S`;
    const edge = Math.max(end, (now - presentation.origin) * 1000);
    attributes['timeShiftBufferDepth'] = `PT${seconds(Math.max(0, edge - reachOf(listed.values())))}S`;
    attributes['suggestedPresentationDelay'] = `PT${target * 2}S`;
  }
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<MPD${write(attributes)}>`];
  for (const epoch of [...new Set(all.map((segment) => segment.epoch))].sort((a, b) => a - b)) {
    writePeriod(lines, presentation, playback, { epoch, base, listed, isWhole });
  }
  if (!isStatic) {
    const now8601 = new Date(now).toISOString();
    lines.push(`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="${now8601}"/>`);
  }
  lines.push('</MPD>');
  return `${lines.join('\n')}\n`;
}

/**
 * Where the time that viewers can go back to begins: with the oldest segment, but behind a gap that is longer than all that is listed. Who
 * has watched until such a gap has nothing left, and is to go on at once with what comes behind it.
 */
function reachOf(tracks: Iterable<readonly Segment[]>): number {
  let from = Number.POSITIVE_INFINITY;
  for (const segments of tracks) {
    const listed = segments.reduce((sum, { duration }) => sum + duration, 0);
    let index = Math.max(0, segments.length - 1);
    while (index > 0 && segments[index]!.start - endOf(segments[index - 1]!) <= listed) index--;
    from = Math.min(from, segments[index]?.start ?? from);
  }
  return from;
}

function endOf({ start, duration }: Segment): number {
  return start + duration;
}

interface PeriodInput {
  readonly epoch: number;
  readonly base: number;
  readonly isWhole: boolean;
  readonly listed: ReadonlyMap<TrackWindow, readonly Segment[]>;
}

function writePeriod(lines: string[], presentation: Presentation, playback: Playback, input: PeriodInput): void {
  const { epoch, base, listed, isWhole } = input;
  const tracks = [...listed].map(([track, segments]) => ({
    track,
    segments: segments.filter((segment) => segment.epoch === epoch),
  }));
  const first = tracks.reduce(
    (least, { segments }) => Math.min(least, segments[0]?.start ?? least),
    Number.POSITIVE_INFINITY,
  );
  // A Period begins where it did when all of its segments were there.
  const start = isWhole ? first : Math.min(first, presentation.epochs.get(epoch) ?? first);
  const ends = tracks.flatMap(({ segments }) => segments.slice(-1)).map(endOf);
  const end = most(ends);
  const next = presentation.epochs.get(epoch + 1) ?? end;
  const lasts = isWhole ? end - start : Math.max(waitedAt(ends), (start + end) / 2) - start;
  lines.push(
    `<Period${write({
      id: `p${epoch}`,
      start: `PT${seconds(start - base)}S`,
      // Else it lasts until the next begins.
      ...(next - end > (isWhole ? 0 : TOGETHER) ? { duration: `PT${seconds(lasts)}S` } : {}),
    })}>`,
  );
  for (const { track, segments } of tracks) {
    if (segments.length > 0) writeAdaptationSet(lines, playback, track, segments, start);
  }
  lines.push('</Period>');
}

/**
 * Where viewers stop who wait behind the last segments of a Period. It is to end there: dash.js seeks to a Period's end that it has not
 * reached, and a browser that has nothing behind that time waits for ever; from an end that is reached it goes on to the next Period.
 */
function waitedAt(ends: readonly number[]): number {
  const end = most(ends);
  return least(ends.filter((each) => end - each < TOGETHER)) - STOP;
}

function writeAdaptationSet(
  lines: string[],
  playback: Playback,
  track: TrackWindow,
  segments: readonly Segment[],
  offset: number,
): void {
  const { name, description, peak } = track;
  const { kind, codec, width, height, timescale } = description;
  const [first] = segments;
  if (first === undefined) return;
  const query = escapeXml(playback.query);
  lines.push(
    `<AdaptationSet${write({ contentType: kind, mimeType: `${kind}/mp4`, segmentAlignment: 'true', startWithSAP: '1' })}>`,
    `<Representation${write({
      id: name,
      codecs: codec,
      bandwidth: String(Math.max(1, peak)),
      ...(width === undefined || height === undefined ? {} : { width: String(width), height: String(height) }),
      ...(kind === 'audio' ? { audioSamplingRate: String(timescale) } : {}),
    })}>`,
    `<SegmentTemplate timescale="1000000" presentationTimeOffset="${offset}" startNumber="${first.sequence}" ` +
      `initialization="${name}/init-${first.init.id}.mp4${query}" media="${name}/$Number$.m4s${query}">`,
    '<SegmentTimeline>',
  );
  writeTimeline(lines, playback, segments);
  lines.push('</SegmentTimeline>', '</SegmentTemplate>', '</Representation>', '</AdaptationSet>');
}

function writeTimeline(lines: string[], playback: Playback, segments: readonly Segment[]): void {
  const { showsTime, showsNumber, timeOf } = playback;
  const isShown = showsTime || showsNumber;
  let end: number | undefined;
  for (let index = 0; index < segments.length; ) {
    const segment = segments[index]!;
    const { start, duration } = segment;
    let repeats = 0;
    const follows = (next: Segment | undefined) =>
      next?.duration === duration && next.start === start + (repeats + 1) * duration;
    while (!isShown && follows(segments[index + repeats + 1])) repeats++;
    const time = segment[timeOf];
    const attributes: Record<string, string> = {
      ...(start === end ? {} : { t: String(start) }),
      d: String(duration),
      ...(repeats === 0 ? {} : { r: String(repeats) }),
      ...(showsTime && time !== undefined ? { 'kvs:ts': String(time) } : {}),
      ...(showsNumber && segment.fragmentNumber !== undefined ? { 'kvs:fn': segment.fragmentNumber } : {}),
    };
    lines.push(`<S${write(attributes)}/>`);
    end = start + (repeats + 1) * duration;
    index += repeats + 1;
  }
}

function write(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join('');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
