import { concatBytes } from '../ebml/writer.js';
import type { CmafFragment, CmafMedia, CmafTrack } from '../mp4/cmaf-remuxer.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import { type DiscontinuityMode, JITTER, LONG_GAP } from './options.js';
import type { Presentation } from './presentation.js';
import type { FragmentIdentity, InitSegment, Part, Segment } from './segment.js';
import { type TrackWindow, trackName } from './track-window.js';

/** What is known of a track besides its window. */
interface TrackState {
  readonly window: TrackWindow;
  readonly track: CmafTrack;
  readonly init: InitSegment;
  /** Where its last segment ends, in microseconds. */
  end: number | undefined;
}

/** A segment in the making. */
interface Draft {
  readonly state: TrackState;
  readonly segment: Omit<Segment, 'duration' | 'size' | 'parts' | 'media'>;
  readonly parts: Part[];
  /** Where its presentation ends by what has come, in microseconds. */
  end: number;
}

/** Puts remuxed fragments, whole or chunk by chunk, into a presentation. */
export class Assembler {
  readonly #presentation: Presentation;
  readonly #discontinuityMode: DiscontinuityMode;
  /** How long parts are to be, in microseconds; `undefined` where there are none. */
  readonly #partTarget: number | undefined;
  /** What little a fragment ended with of a track, by the track's id: it is put before what comes next. */
  readonly #tails = new Map<number, CmafFragment & { readonly own: CmafMedia }>();
  #tracks: readonly CmafTrack[] = [];
  readonly #states = new Map<number, TrackState>();
  readonly #drafts = new Map<number, Draft>();
  #epoch = -1;
  #discontinuities = 0;
  #ordinal = -1;
  #isOpen = false;

  /** @param partTarget how long parts are to be, in microseconds, where playlists name the chunks of fragments as such */
  constructor(presentation: Presentation, discontinuityMode: DiscontinuityMode, partTarget: number | undefined) {
    this.#presentation = presentation;
    this.#discontinuityMode = discontinuityMode;
    this.#partTarget = partTarget;
  }

  /** How many fragments have begun. */
  get begun(): number {
    return this.#ordinal + 1;
  }

  /** Takes a fragment, or a chunk of one. */
  add(fragment: CmafFragment): void {
    const isNew = fragment.chunk === 0 || !this.#isOpen;
    if (isNew) this.close();
    const changes = this.#tracks !== fragment.tracks;
    // Parameter sets that change in the middle of a fragment begin another segment.
    if (changes) for (const draft of this.#drafts.values()) this.#finish(draft);
    const isBreak = isNew && this.#ordinal >= 0 && this.#isDiscontinuity(fragment);
    if (isBreak || changes) this.#flushTails();
    if (isNew) this.#ordinal++;
    if (changes || (isBreak && fragment.gap > LONG_GAP)) this.#beginEpoch(fragment);
    if (changes) this.#change(fragment);
    if (isBreak || (changes && this.#epoch > 0)) this.#discontinuities++;
    this.#isOpen = true;
    for (const media of fragment.media) {
      if (this.#isTail(media, fragment)) this.#tails.set(media.track.id, { ...fragment, own: media });
      else this.#addMedia(this.#withTail(media), fragment, isBreak || changes);
    }
    if (fragment.endsFragment) this.close();
    this.#presentation.changed();
  }

  /** Nothing more comes. */
  end(): void {
    this.close();
    this.#flushTails();
  }

  /** The fragment at hand has no more chunks. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const draft of this.#drafts.values()) this.#finish(draft);
    this.#presentation.completeFragment();
  }

  /** Sound ends some frames before or behind the pictures. Players pass over a part that is that short. */
  #isTail({ track, duration }: CmafMedia, { endsFragment, tracks }: CmafFragment): boolean {
    if (this.#partTarget === undefined || !endsFragment || track.kind === 'video' || tracks.length < 2) return false;
    return duration < this.#partTarget / 2 && this.#drafts.has(track.id);
  }

  #withTail(media: CmafMedia): CmafMedia {
    const { id } = media.track;
    const tail = this.#tails.get(id)?.own;
    if (tail === undefined) return media;
    this.#tails.delete(id);
    return {
      ...media,
      bytes: concatBytes([tail.bytes, media.bytes]),
      start: tail.start,
      duration: media.start + media.duration - tail.start,
      decodeStart: tail.decodeStart,
      samples: tail.samples + media.samples,
      independent: tail.independent,
    };
  }

  /** What is not continued is a segment of its own. */
  #flushTails(): void {
    for (const [id, tail] of this.#tails) {
      this.#tails.delete(id);
      this.#addMedia(tail.own, tail, false);
      const draft = this.#drafts.get(id);
      if (draft !== undefined) this.#finish(draft);
    }
  }

  #isDiscontinuity({ discontinuity, media }: CmafFragment): boolean {
    if (this.#discontinuityMode !== 'ON_DISCONTINUITY') return this.#discontinuityMode === 'ALWAYS';
    const jumps = media.flatMap(({ track, start }) => {
      const end = this.#states.get(track.id)?.end;
      return end === undefined ? [] : [Math.abs(start - end)];
    });
    return discontinuity || (jumps.length > 0 && jumps.every((jump) => jump > JITTER));
  }

  #beginEpoch({ media }: CmafFragment): void {
    this.#epoch++;
    const first = media.reduce((start, each) => Math.min(start, each.start), Number.POSITIVE_INFINITY);
    this.#presentation.epochs.set(this.#epoch, first);
  }

  #change({ tracks }: CmafFragment): void {
    this.#tracks = tracks;
    for (const track of tracks) {
      const before = this.#states.get(track.id);
      if (before?.track === track) continue;
      const window = this.#presentation.track(trackName(track), track);
      window.description = track;
      const init = { id: (before?.init.id ?? -1) + 1, media: track.init };
      this.#states.set(track.id, { window, track, init, end: before?.end });
    }
  }

  #addMedia(media: CmafMedia, fragment: CmafFragment, isBreak: boolean): void {
    const state = this.#states.get(media.track.id);
    if (state === undefined) return;
    const { start, duration, decodeStart, decodeEnd, independent, bytes } = media;
    let draft = this.#drafts.get(media.track.id);
    if (draft === undefined) {
      // What follows at once begins where the one before ends, also where the source's times are rounded.
      const follows = !isBreak && state.end !== undefined && Math.abs(start - state.end) <= 2 * JITTER;
      const segment = {
        sequence: state.window.nextSequence,
        ordinal: this.#ordinal,
        epoch: this.#epoch,
        discontinuities: this.#discontinuities,
        init: state.init,
        start: follows && state.end !== undefined ? state.end : start,
        independent,
        ...identityOf(fragment.fragment, start - fragment.offset),
      };
      draft = { state, segment, parts: [], end: start };
      this.#drafts.set(media.track.id, draft);
    }
    draft.end = Math.max(draft.end, start + duration);
    draft.parts.push({ bytes, duration: Math.max(1, decodeEnd - decodeStart), independent });
    if (!fragment.endsFragment && this.#partTarget !== undefined) this.#show(draft);
  }

  #show({ state, segment, parts }: Draft): void {
    const duration = sum(parts.map((part) => part.duration));
    const size = sum(parts.map(({ bytes }) => bytes.length));
    state.window.grow({ ...segment, duration, size, parts: [...parts], media: EMPTY });
    this.#arrived(segment.start + duration);
  }

  #finish(draft: Draft): void {
    const { state, segment, parts, end } = draft;
    this.#drafts.delete(state.track.id);
    // One array for all, of which the parts are views from now on.
    const media = parts.length === 1 ? parts[0]!.bytes : concatBytes(parts.map(({ bytes }) => bytes));
    const before = sum(parts.slice(0, -1).map(({ duration }) => duration));
    const last = Math.max(1000, end - segment.start - before);
    const duration = before + last;
    let at = 0;
    const views = parts.map((part, index): Part => {
      const bytes = media.subarray(at, at + part.bytes.length);
      at += bytes.length;
      return { ...part, bytes, duration: index === parts.length - 1 ? last : part.duration };
    });
    if (this.#partTarget !== undefined) {
      for (const part of views) state.window.longestPart = Math.max(state.window.longestPart, part.duration);
    }
    state.window.add({
      ...segment,
      duration,
      size: media.length,
      parts: this.#partTarget !== undefined ? views : [],
      media,
    });
    state.end = segment.start + duration;
    this.#arrived(state.end);
  }

  /** Notes that what is presented up to here is there. */
  #arrived(end: number): void {
    this.#presentation.origin = Math.min(this.#presentation.origin, Date.now() - end / 1000);
  }
}

const EMPTY = new Uint8Array(0);

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** @param time of the source, in microseconds */
function identityOf(metadata: FragmentMetadata | undefined, time: number): FragmentIdentity {
  const { fragmentNumber, producerTimestamp, serverTimestamp, clusterTimestamp } = metadata ?? {};
  const behind = clusterTimestamp === undefined ? 0 : Math.round((time - clusterTimestamp) / 1000);
  const at = (date: Date | undefined) => (date === undefined ? undefined : date.getTime() + behind);
  return { fragmentNumber, producerTimestamp: at(producerTimestamp), serverTimestamp: at(serverTimestamp) };
}
