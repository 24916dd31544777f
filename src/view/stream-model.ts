import { FrameTable } from './frame-table.js';
import type {
  CheckSummary,
  ConnectionEvent,
  DamageRecord,
  FindingRecord,
  FragmentRecord,
  ModelUpdate,
  ReadState,
  TrackRecord,
} from './protocol.js';

const NOTHING_READ: ReadState = {
  phase: 'reading',
  bytesRead: 0,
  size: undefined,
  error: undefined,
  limits: [],
  clock: 'presentation',
};

/** So many events of a connection are kept. */
const MOST_EVENTS = 200;
/** So many findings of a live stream are kept. */
const MOST_FINDINGS = 20_000;

/** What is known of a stream by now: the page's side of the {@link ModelUpdate}s. Its arrays grow in place. */
export class StreamModel {
  /** Counts the changes. */
  version = 0;
  state: ReadState = NOTHING_READ;
  /** By `id`. */
  readonly tracks: TrackRecord[] = [];
  /** Fragment N is at `N - firstFragment`. */
  readonly fragments: FragmentRecord[] = [];
  /** Number of the first fragment that is kept. */
  firstFragment = 0;
  readonly frames = new FrameTable();
  readonly findings: FindingRecord[] = [];
  readonly damage: DamageRecord[] = [];
  summary: CheckSummary | undefined;
  /** The latest things that happened to the connection of a live stream. */
  readonly events: ConnectionEvent[] = [];
  /** How far the newest fragment of a live stream is behind, in milliseconds. */
  delay: number | undefined;
  /** Bytes before this offset are no longer held. */
  firstOffset = 0;

  /** A fragment by its number; `undefined` where it is not kept. */
  fragment(index: number): FragmentRecord | undefined {
    return this.fragments[index - this.firstFragment];
  }

  /** Takes what the worker tells. */
  update(updates: readonly ModelUpdate[]): void {
    for (const update of updates) this.#take(update);
    this.version++;
  }

  #take(update: ModelUpdate): void {
    switch (update.type) {
      case 'state':
        this.state = update.state;
        break;
      case 'tracks':
        for (const track of update.tracks) this.tracks[track.id] = track;
        break;
      case 'fragments':
        for (const fragment of update.fragments) {
          if (fragment.index >= this.firstFragment) this.fragments[fragment.index - this.firstFragment] = fragment;
        }
        break;
      case 'frames':
        this.frames.append(update.frames);
        break;
      case 'moved':
        this.frames.shift(update.first, update.end, update.millis);
        break;
      case 'findings':
        for (const finding of update.findings) this.findings.push(finding);
        if (this.state.phase === 'live' && this.findings.length > MOST_FINDINGS) {
          this.findings.splice(0, this.findings.length - MOST_FINDINGS);
        }
        break;
      case 'damage':
        for (const damage of update.damage) this.damage.push(damage);
        break;
      case 'summary':
        this.summary = update.summary;
        break;
      case 'connection':
        this.events.push(update.event);
        if (this.events.length > MOST_EVENTS) this.events.shift();
        break;
      case 'delay':
        this.delay = update.millis;
        break;
      case 'dropped':
        this.#drop(update.firstFragment, update.firstFrame, update.offset);
        break;
    }
  }

  #drop(firstFragment: number, firstFrame: number, offset: number): void {
    this.fragments.splice(0, firstFragment - this.firstFragment);
    this.firstFragment = firstFragment;
    this.frames.dropBefore(firstFrame);
    this.firstOffset = offset;
    const gone = this.damage.findIndex((damage) => damage.offset >= offset);
    this.damage.splice(0, gone < 0 ? this.damage.length : gone);
  }
}
