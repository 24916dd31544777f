import type { TrackMetadata } from '../mkv/track.js';
import type { TrackRecord } from './protocol.js';
import { shortened } from './shortened.js';
import { describeTrack } from './track-description.js';

/** So many records are made: a stream could describe any number of tracks. */
const MOST_RECORDS = 4096;
/** How many bytes of descriptions are kept. */
const MOST_BYTES = 16 * 1024 * 1024;

/** So many bytes of a description are compared. */
const LONGEST_COMPARED = 4096;

/** The tracks of a stream, each as often as its decoder needs another configuration. */
export class TrackList {
  readonly #records: TrackRecord[] = [];
  /** The track that each record is of. */
  readonly #tracks: TrackMetadata[] = [];
  readonly #ids = new WeakMap<TrackMetadata, number>();
  readonly #byContent = new Map<string, number>();
  readonly #changed = new Set<number>();
  #bytes = 0;
  /** Whether there were more. */
  isFull = false;

  /** The record's number of a track; that of another one of the same number where there is no more room. */
  idOf(track: TrackMetadata, fragment: number): number {
    const known = this.#ids.get(track);
    if (known !== undefined) return known;
    const id = this.#add(track, fragment);
    this.#ids.set(track, id);
    return id;
  }

  /** The track of a record. */
  track(id: number): TrackMetadata | undefined {
    return this.#tracks[id];
  }

  /** Looks at a record's track again: frames may have shown more of it. */
  refresh(track: TrackMetadata): void {
    const id = this.#ids.get(track);
    const record = id === undefined ? undefined : this.#records[id];
    if (id === undefined || record === undefined || this.#tracks[id] !== track) return;
    if (record.disagreements.length === track.disagreements.length && record.codecString === track.codecString) return;
    this.#records[id] = makeRecord(id, track, record.firstFragment);
    this.#changed.add(id);
  }

  /** The records that are new or have changed since this was asked for before. */
  takeChanged(): TrackRecord[] {
    const changed = [...this.#changed].flatMap((id) => this.#records[id] ?? []);
    this.#changed.clear();
    return changed;
  }

  #add(track: TrackMetadata, fragment: number): number {
    const id = this.#records.length;
    const record = makeRecord(id, track, fragment);
    // Documents describe their tracks again and again.
    const content = contentOf(record);
    const same = this.#byContent.get(content);
    if (same !== undefined) return same;
    if (id >= MOST_RECORDS || this.#bytes + content.length > MOST_BYTES) {
      this.isFull = true;
      return Math.max(0, this.#tracks.map(({ number }) => number).lastIndexOf(track.number));
    }
    this.#bytes += content.length;
    this.#records.push(record);
    this.#tracks.push(track);
    this.#byContent.set(content, id);
    this.#changed.add(id);
    return id;
  }
}

function makeRecord(id: number, track: TrackMetadata, firstFragment: number): TrackRecord {
  const { number, type, name, language, codecId, codecName, codecString, codecPrivate, defaultDuration } = track;
  return {
    id,
    number,
    uid: track.uid.toString(),
    type,
    name: shortened(name),
    language: shortened(language),
    codecId: shortened(codecId),
    codecName: shortened(codecName),
    codecString,
    codecPrivate: codecPrivate && new Uint8Array(codecPrivate),
    defaultDuration,
    video: track.video,
    audio: track.audio,
    storage: track.contentEncoding.storage,
    description: describeTrack(track),
    disagreements: [...track.disagreements],
    firstFragment,
  };
}

/** Text that is the same for records that say the same. */
function contentOf({ id, firstFragment, disagreements, ...content }: TrackRecord): string {
  return JSON.stringify(content, (_, value) => (value instanceof Uint8Array ? hex(value) : value));
}

function hex(bytes: Uint8Array): string {
  return bytes.subarray(0, LONGEST_COMPARED).reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '');
}
