import { sameBytes } from '../ebml/bytes.js';
import type { CmafTrack } from '../mp4/cmaf-remuxer.js';
import { Mp4RemuxError } from '../mp4/remux-error.js';
import { type ArchivedFragment, type FragmentArchive, timeOf } from './archive.js';
import { ArchiveMedia } from './archive-media.js';
import { inPlayingOrder, newerThan, reached } from './archive-order.js';
import { ArchiveTimeline } from './archive-timeline.js';
import { type PlaybackHandler, playbackHandler } from './handler.js';
import {
  type FragmentSelectorType,
  LONG_GAP,
  limitsOf,
  type Playback,
  resolvePlayback,
  resolveServing,
} from './options.js';
import { type PackagerOptions, TIMELINE_START } from './packager.js';
import { Presentation } from './presentation.js';
import type { InitSegment } from './segment.js';
import { trackName } from './track-window.js';

/** Options of an {@link ArchivePackager}. */
export interface ArchivePackagerOptions extends Omit<PackagerOptions, 'partDuration' | 'onWarning' | 'onGap'> {
  /** Whether a change of CodecPrivate ends DASH, as with the service; else a Period begins. Default `false`. */
  readonly strictDash?: boolean | undefined;
}

/** The most changes of CodecPrivate that a presentation has. */
const MOST_CHANGES = 500;

/**
 * Serves stored fragments as HLS and DASH without reading them first. Playlists are made from the list; the media of a fragment is
 * downloaded and remuxed when a viewer requests it.
 *
 * ```ts
 * const packager = new ArchivePackager(archive, { playbackMode: 'ON_DEMAND', maxFragmentResults: 5000 });
 * ```
 *
 * What tracks there are, the first fragment tells, and each one whose `configuration` differs from that of the one before.
 */
export class ArchivePackager {
  /** As that of a `Packager`. */
  readonly handler: PlaybackHandler;
  readonly #archive: FragmentArchive;
  readonly #media: ArchiveMedia;
  readonly #playback: Playback;
  readonly #type: FragmentSelectorType;
  readonly #presentation: Presentation;
  readonly #timeline: ArchiveTimeline;
  readonly #strictDash: boolean;
  #refreshing: Promise<void> | undefined;
  #began: number | undefined;
  #last: Entry | undefined;
  #count = 0;
  #configuration: string | undefined;
  #tracks: readonly CmafTrack[] = [];
  readonly #inits = new Map<string, { readonly track: CmafTrack; readonly init: InitSegment }>();
  #epoch = -1;
  /** How often CodecPrivate has changed, -1 before there is any. */
  #changes = -1;
  #discontinuities = 0;

  /** @throws RangeError when an option is out of its range */
  constructor(archive: FragmentArchive, options: ArchivePackagerOptions = {}) {
    const { query, fragmentSelectorType = 'PRODUCER_TIMESTAMP' } = options;
    this.#archive = archive;
    this.#media = new ArchiveMedia(archive, { ...options, startAtZero: undefined });
    this.#playback = { ...resolvePlayback(options, undefined, query), blocks: false };
    this.#type = fragmentSelectorType;
    this.#strictDash = options.strictDash === true;
    this.#presentation = new Presentation(limitsOf(this.#playback));
    this.#timeline = new ArchiveTimeline(this.#type, this.#playback.discontinuityMode, TIMELINE_START);
    this.handler = playbackHandler({
      presentation: this.#presentation,
      playback: this.#playback,
      ...resolveServing(options),
      startTimeoutMs: 0,
      prepare: () => this.refresh(),
      noManifest: () =>
        this.#strictDash && this.#changes > 0 ? 'the CodecPrivate changes, which DASH cannot play' : undefined,
    });
  }

  /**
   * Adds what is to be listed now. The handler does so before each answer.
   *
   * @throws Mp4RemuxError when a fragment that tells the tracks cannot be remuxed, or the tracks change; whatever the archive throws
   */
  refresh(): Promise<void> {
    if (this.#presentation.ended) return Promise.resolve();
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { mode, fragments } = this.#playback;
    const sorted = inPlayingOrder(await this.#archive.list(), this.#type);
    this.#began ??= performance.now();
    const isWhole = mode === 'ON_DEMAND';
    const list = mode === 'LIVE_REPLAY' ? sorted.slice(0, reached(sorted, performance.now() - this.#began)) : sorted;
    const most = mode === 'LIVE' ? fragments : Number.POSITIVE_INFINITY;
    const added = newerThan(isWhole ? list.slice(0, fragments) : list, this.#last?.fragment, this.#type, most);
    for (const [index, fragment] of added.entries()) await this.#add(fragment, added[index + 1]);
    if (isWhole || (mode === 'LIVE_REPLAY' && list.length === sorted.length && sorted.length > 0))
      this.#presentation.end();
    else if (added.length > 0) this.#presentation.changed();
  }

  async #add(fragment: ArchivedFragment, next: ArchivedFragment | undefined): Promise<void> {
    const place = this.#timeline.place(fragment);
    const isFirst = this.#last === undefined;
    if (isFirst || fragment.configuration !== this.#configuration) {
      const { tracks } = await this.#media.get(fragment, place.cluster, next);
      this.#change(tracks, place.start);
      this.#configuration = fragment.configuration;
    } else {
      if (place.discontinuity) this.#discontinuities++;
      if (place.gap > LONG_GAP) this.#beginEpoch(place.start);
    }
    const ordinal = this.#count++;
    // The fragment behind is told by the time that the media is asked for.
    const entry: Entry = { fragment };
    if (this.#last !== undefined) this.#last.next = fragment;
    this.#last = entry;
    for (const track of this.#tracks) {
      const name = trackName(track);
      const known = this.#inits.get(name);
      if (known === undefined) continue;
      const window = this.#presentation.track(name, track);
      const media = async () => {
        const { segments } = await this.#media.get(fragment, place.cluster, entry.next);
        const bytes = segments.get(name);
        if (bytes === undefined) throw new Error(`fragment ${fragment.fragmentNumber} has nothing of ${name}`);
        return bytes;
      };
      window.add({
        sequence: window.nextSequence,
        ordinal,
        epoch: this.#epoch,
        discontinuities: this.#discontinuities,
        init: known.init,
        start: place.start,
        duration: place.duration,
        size: track.kind === 'video' || this.#tracks.length === 1 ? fragment.fragmentSizeInBytes : 0,
        independent: true,
        parts: [],
        media,
        fragmentNumber: fragment.fragmentNumber,
        producerTimestamp: timeOf(fragment, 'PRODUCER_TIMESTAMP'),
        serverTimestamp: timeOf(fragment, 'SERVER_TIMESTAMP'),
      });
    }
    this.#presentation.completeFragment();
    this.#presentation.origin = Math.min(this.#presentation.origin, Date.now() - (place.start + place.duration) / 1000);
  }

  #beginEpoch(start: number): void {
    this.#epoch++;
    this.#presentation.epochs.set(this.#epoch, start);
  }

  #change(tracks: readonly CmafTrack[], start: number): void {
    if (tracks.length === 0) throw new Mp4RemuxError('NoFrames', 'there are no frames of video or audio', {});
    const isFirst = this.#changes < 0;
    const kindsOf = (of: readonly CmafTrack[]) =>
      of.map((track) => `${trackName(track)} ${track.codec.split('.')[0]}`).join();
    if (!isFirst && kindsOf(tracks) !== kindsOf(this.#tracks)) {
      throw new Mp4RemuxError('UnsupportedStreamMediaType', 'the tracks or their codecs change in the middle', {});
    }
    if (this.#changes >= MOST_CHANGES) {
      throw new Mp4RemuxError('UnsupportedStreamMediaType', `CodecPrivate changes more than ${MOST_CHANGES} times`, {});
    }
    this.#tracks = tracks;
    this.#changes++;
    if (!isFirst) this.#discontinuities++;
    this.#beginEpoch(start);
    for (const track of tracks) {
      const name = trackName(track);
      const window = this.#presentation.track(name, track);
      window.description = track;
      const before = this.#inits.get(name);
      const isSame = before !== undefined && sameBytes(before.track.init, track.init);
      const init = isSame ? before.init : { id: (before?.init.id ?? -1) + 1, media: track.init };
      this.#inits.set(name, { track, init });
    }
  }
}

/** A fragment that is listed, and the one behind it, once there is one. */
interface Entry {
  readonly fragment: ArchivedFragment;
  next?: ArchivedFragment;
}
