import { seconds, targetDuration } from './media-playlist.js';
import type { Playback } from './options.js';
import type { Presentation } from './presentation.js';
import type { Segment } from './segment.js';
import type { TrackWindow } from './track-window.js';

/** The namespace of what the service adds to a manifest. */
const KVS = 'urn:amazon:kinesis-video-streams';

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
  const end = all.reduce((most, { start, duration }) => Math.max(most, start + duration), 0);
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
    attributes['timeShiftBufferDepth'] = `PT${seconds(Math.max(0, end - first))}S`;
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
  const end = tracks
    .flatMap(({ segments }) => segments)
    .reduce((most, each) => Math.max(most, each.start + each.duration), 0);
  const next = presentation.epochs.get(epoch + 1);
  lines.push(
    `<Period${write({
      id: `p${epoch}`,
      start: `PT${seconds(start - base)}S`,
      // Else it lasts until the next begins.
      ...(next !== undefined && next > end ? { duration: `PT${seconds(end - start)}S` } : {}),
    })}>`,
  );
  for (const { track, segments } of tracks) {
    if (segments.length > 0) writeAdaptationSet(lines, playback, track, segments, start);
  }
  lines.push('</Period>');
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
