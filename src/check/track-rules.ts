import { codecOf } from '../mkv/codec/track-codec.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { CheckedFragment } from './checked-fragment.js';
import { quote, type Report } from './finding.js';

/** Codecs whose decoder has to know CodecPrivate before the first frame, and which the service refuses without it. */
const CONFIGURED: readonly (string | undefined)[] = ['h264', 'h265', 'aac', 'acm'];

/** Codecs that the service plays in one way or another. */
const PLAYED = /^(avc[13]|hvc1|hev1|mp4a\.40)\.|^[au]law$/;

/** Holds what a fragment says of its tracks against what their frames are. */
export function checkTracks(fragment: CheckedFragment, report: Report): void {
  for (const { metadata, frames } of fragment.tracks.values()) {
    const place = fragment.at(fragment.offset, metadata.number);
    if (frames === 0) continue;
    if (metadata.elements.length === 0) {
      report('UnknownTrack', place, `frames of a track ${metadata.number} that Tracks does not describe`);
      continue;
    }
    const { storage } = metadata.contentEncoding;
    if (storage !== 'plain')
      report('FrameStorage', place, `the frames are stored ${storage}: the service plays them as they are`);
    const isMissing = metadata.codecPrivate === undefined || metadata.codecPrivate.length === 0;
    if (isMissing && CONFIGURED.includes(codecOf(metadata.codecId))) {
      report('CodecPrivate', place, `CodecPrivate is missing for ${quote(metadata.codecId)}`);
    } else if (metadata.label.nal?.lengthSize === 0) {
      report('CodecPrivate', place, 'CodecPrivate is in Annex B: the service wants AVCC or HVCC');
    }
    for (const { rule, message } of metadata.disagreements) {
      if (rule !== 'CodecPrivate' || !isMissing) report(rule, place, message);
    }
    const { codecString } = metadata;
    const isUnread = codecString === undefined && CONFIGURED.includes(codecOf(metadata.codecId));
    if (isMedia(metadata) && !isUnread && !PLAYED.test(codecString ?? '')) {
      const name = codecString === undefined ? '' : ` (${codecString})`;
      report('UnsupportedCodec', place, `the service does not play ${quote(metadata.codecId)}${name}`);
    }
  }
}

function isMedia({ type }: TrackMetadata): boolean {
  return type === 'video' || type === 'audio';
}

/** What is remembered of a track from fragment to fragment. */
interface Presence {
  /** Of the first fragment that declares it. */
  readonly offset: number;
  declared: number;
  silent: number;
}

/** So many tracks are followed through a stream: it could make up any number. */
const MOST_TRACKS = 256;

/** Follows which tracks a stream declares from fragment to fragment, and which of them have frames. */
export class TrackRoll {
  readonly #tracks = new Map<number, Presence>();
  #set: string | undefined;

  /** The next fragment. */
  add(fragment: CheckedFragment, report: Report): void {
    if (fragment.frames === 0) return;
    const declared = [...fragment.tracks.values()]
      .filter(({ metadata }) => isMedia(metadata))
      .sort((a, b) => a.metadata.number - b.metadata.number);
    for (const { metadata, frames } of declared) {
      const { number } = metadata;
      let presence = this.#tracks.get(number);
      if (presence === undefined) {
        if (this.#tracks.size >= MOST_TRACKS) continue;
        presence = { offset: fragment.offset, declared: 0, silent: 0 };
        this.#tracks.set(number, presence);
      }
      presence.declared++;
      if (frames === 0) presence.silent++;
    }
    const set = declared
      .slice(0, MOST_TRACKS)
      .map(({ metadata }) => `${metadata.number} ${metadata.type} ${quote(metadata.codecId)}`)
      .join(', ');
    if (this.#set !== undefined && this.#set !== set) {
      report('TracksChanged', fragment.place, `the tracks are ${set} now, and were ${this.#set}`);
    }
    this.#set = set;
  }

  /** The stream ends. */
  finish(report: Report): void {
    for (const [track, { offset, declared, silent }] of this.#tracks) {
      if (silent === 0) continue;
      const where = silent === declared ? 'any fragment' : `${silent} of ${declared} fragments`;
      report('TrackWithoutFrames', { track, offset }, `the track is declared and has no frames in ${where}`);
    }
  }
}
