import { type Signal, signal } from '@preact/signals';
import { Inspection, type WorkerLike } from '../inspection.js';
import type { ServedSources, ViewSource } from '../protocol.js';
import type { StreamModel } from '../stream-model.js';
import { ShownModel } from './model.js';
import { fitting, showing, type TimeView } from './time-scale.js';

/** What all panes look at: a time, and what is there. */
export interface Cursor {
  /** On the time axis, in milliseconds. */
  readonly time: number | undefined;
  /** Number of the frame. */
  readonly frame: number | undefined;
  /** Number of the fragment. */
  readonly fragment: number | undefined;
  /** The byte that is pointed at. */
  readonly offset: number | undefined;
}

const NOWHERE: Cursor = { time: undefined, frame: undefined, fragment: undefined, offset: undefined };

/** The panes beside the picture. */
export type PaneName = 'fragments' | 'frames' | 'tags' | 'tracks' | 'findings' | 'elements' | 'connection';

/** One stream that is looked at: what is known of it, and what the panes show. */
export class Session {
  static #count = 0;
  /** Tells sessions apart, also of files of the same name. */
  readonly id = Session.#count++;
  readonly source: ViewSource;
  readonly inspection: Inspection;
  readonly model: ShownModel;
  readonly cursor: Signal<Cursor> = signal(NOWHERE);
  /** What the time axis shows; `undefined` while it shows all of it. */
  readonly view: Signal<TimeView | undefined> = signal(undefined);
  readonly pane: Signal<PaneName> = signal('fragments');
  /** TrackNumber that the player keeps to; `undefined`: of the main track. */
  readonly track: Signal<number | undefined> = signal(undefined);
  /** TrackNumber that the table of frames keeps to; `undefined`: all tracks. */
  readonly framesTrack: Signal<number | undefined> = signal(undefined);
  /** Whether the view goes on with a live stream. */
  readonly follows: Signal<boolean> = signal(true);

  constructor(source: ViewSource, worker: WorkerLike) {
    this.source = source;
    this.inspection = new Inspection(worker, () => this.model.changed());
    this.model = new ShownModel(this.inspection.model);
    this.inspection.open(source).catch((error: unknown) => this.fail(messageOf(error)));
  }

  /** What is known of the stream, as of the version that is shown. */
  get data(): StreamModel {
    void this.model.version.value;
    return this.inspection.model;
  }

  ask: Inspection['ask'] = (name, params, options) => this.inspection.ask(name, params, options);

  /** Shows a pane. */
  show(pane: PaneName): void {
    this.pane.value = pane;
  }

  /** Says that nothing more comes. */
  fail(error: string): void {
    this.inspection.model.state = { ...this.inspection.model.state, phase: 'failed', error };
    this.model.changed();
  }

  /** All of the time that there is. */
  get whole(): TimeView | undefined {
    return this.model.derive('whole', () => {
      let from = Number.POSITIVE_INFINITY;
      let to = Number.NEGATIVE_INFINITY;
      for (const { time, duration } of this.data.fragments) {
        if (time === undefined) continue;
        from = Math.min(from, time);
        to = Math.max(to, time + (duration ?? 0) / 1000);
      }
      const { time: times } = this.data.frames;
      for (let i = 0; i < times.length; i++) {
        const time = times[i]!;
        if (time < from) from = time;
        if (time > to) to = time;
      }
      return from <= to ? { from, to } : undefined;
    });
  }

  /** What the time axis shows. */
  get shownView(): TimeView {
    return this.view.value ?? fitting(this.whole ?? { from: 0, to: 1000 });
  }

  /** Puts the cursor on a frame. */
  toFrame(frame: number): void {
    const row = this.data.frames.row(frame);
    if (row === undefined) return;
    const track = this.model.trackOf(frame);
    if (track?.type === 'video') this.track.value = track.number;
    this.#move({ frame, time: row.time, fragment: row.fragment, offset: row.block });
  }

  /** Puts the cursor on a fragment: on its first frame of the main track, if it has one. */
  toFragment(index: number): void {
    const fragment = this.data.fragment(index);
    if (fragment === undefined) return;
    const number = this.playedTrack;
    let frame = fragment.frames > 0 ? fragment.firstFrame : undefined;
    for (let i = 0; i < Math.min(fragment.frames, 1000); i++) {
      if (this.model.trackOf(fragment.firstFrame + i)?.number !== number) continue;
      frame = fragment.firstFrame + i;
      break;
    }
    const time = frame === undefined ? fragment.time : this.model.timeOf(frame);
    this.#move({ frame, time, fragment: index, offset: fragment.offset });
  }

  /** Puts the cursor at a time: on the frame that is shown then. */
  toTime(time: number): void {
    const frame = this.model.frameAt(time, this.playedTrack);
    if (frame !== undefined) this.toFrame(frame);
  }

  /** Puts the cursor on a byte: the frame of the Block there, and the fragment around it. */
  toOffset(offset: number): void {
    const fragment = this.model.fragmentAtOffset(offset);
    const found = this.model.frameAtOffset(offset);
    const isIn = found !== undefined && this.data.frames.row(found)?.fragment === fragment?.index;
    const frame = isIn ? found : undefined;
    const time = frame === undefined ? fragment?.time : this.model.timeOf(frame);
    this.#move({ frame, time, fragment: fragment?.index, offset });
  }

  /** TrackNumber of what the player shows. */
  get playedTrack(): number | undefined {
    return this.track.value ?? this.model.mainTrack?.number;
  }

  /** Puts the cursor on the frame that is so many behind the one at hand, in the order of presentation. */
  step(by: number): void {
    const number = this.playedTrack;
    if (number === undefined) return;
    const frames = this.model.framesOf(number);
    const { frame } = this.cursor.value;
    const at = frame === undefined ? -1 : frames.indexOf(frame);
    const next = frames[Math.min(Math.max(at < 0 ? 0 : at + by, 0), frames.length - 1)];
    if (next !== undefined) this.toFrame(next);
  }

  /** Puts the cursor on the next key frame of the track, or the one before. */
  stepKey(by: 1 | -1): void {
    const number = this.playedTrack;
    if (number === undefined) return;
    const frames = this.model.framesOf(number);
    const { frame } = this.cursor.value;
    let at = frame === undefined ? -1 : frames.indexOf(frame);
    do at += by;
    while (at >= 0 && at < frames.length && !this.model.isKey(frames[at]!));
    const next = frames[at];
    if (next !== undefined) this.toFrame(next);
  }

  /** Puts the cursor on the next fragment, or the one before. */
  stepFragment(by: 1 | -1): void {
    const { fragment } = this.cursor.value;
    const first = this.data.firstFragment;
    this.toFragment(fragment === undefined ? first : fragment + by);
  }

  /** Goes on with a live stream, or stands still. */
  follow(isWanted: boolean): void {
    this.follows.value = isWanted;
    if (isWanted) {
      this.view.value = undefined;
      this.followNewest();
    }
  }

  /** Puts the cursor on the newest whole fragment of a live stream, while that is followed; in a file, on the first frame. */
  followNewest(): void {
    const { fragments, state, frames } = this.inspection.model;
    if (state.phase !== 'live') {
      if (this.cursor.peek() === NOWHERE && frames.count > 0) this.toFragment(this.data.firstFragment);
      return;
    }
    const newest = fragments.filter(({ open, frames: count }) => !open && count > 0).at(-1);
    if (!this.follows.peek() || newest === undefined || newest.index === this.cursor.peek().fragment) return;
    this.toFragment(newest.index);
    this.follows.value = true;
  }

  #move(cursor: Cursor): void {
    this.cursor.value = cursor;
    if (this.view.value !== undefined && cursor.time !== undefined) {
      this.view.value = showing(this.view.value, cursor.time);
    }
    if (this.data.state.phase === 'live') this.follows.value = false;
  }

  /** Ends reading. */
  close(): void {
    this.inspection.close();
  }
}

/** The stream that is looked at. */
export const session: Signal<Session | undefined> = signal(undefined);

/** What the server of `kvs view` has. */
export const served: Signal<ServedSources | undefined> = signal(undefined);

/** Looks at another stream. */
export function openSource(source: ViewSource): void {
  session.peek()?.close();
  const worker = new Worker(new URL('worker.js', document.baseURI), { type: 'module' });
  const opened = new Session(source, worker);
  worker.addEventListener('error', ({ message }) => {
    opened.fail(message === '' ? 'the reader cannot be started: a browser runs it from a server only' : message);
  });
  session.value = opened;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
