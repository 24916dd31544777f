import type { Bytes } from '../ebml/bytes.js';
import { putUint } from '../ebml/vint.js';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../ebml/writer.js';
import { Mkv, type MkvMasterType } from '../mkv/elements.js';
import type { TrackTimes } from './header-facts.js';
import type { OutputRewrite } from './merge-options.js';
import { voidElement } from './void-element.js';

const VIDEO = 1;

/** An id and a size of 8 bytes. */
const SEGMENT_HEADER_SIZE = 12;

/** A Seek element as it is written: its id, position and headers. */
const SEEK_SIZE = 21;
/** Room for a SeekHead that tells of Info, Tracks and Cues. */
export const SEEK_HEAD_ROOM = 5 + 3 * SEEK_SIZE;
/** Room for a Duration. */
export const DURATION_ROOM = 11;

/** How many Clusters are found in the Cues at the most: of more, every other one, every fourth one and so on. */
const MOST_CUES = 32_768;

/** Where things stand in a document, in bytes from the first of its Segment's data. */
export interface HeaderPlaces {
  readonly info: number | undefined;
  readonly tracks: number | undefined;
  /** Where there is room for a Duration. */
  readonly duration: number | undefined;
}

interface Cue {
  readonly time: number;
  readonly track: number;
  readonly position: number;
}

/** What tells how long the last frame of a track lasts that does not say so. */
interface TrackPace {
  /** The last Block, and which Cluster it is in. */
  last: number;
  cluster: number;
  /** From one Block to the next, as last seen within a Cluster: between Clusters there may be a gap. */
  step: number;
}

/** Gathers where in a document a player can begin, and how long it is. Times are in ticks of TimestampScale. */
export class SeekIndex {
  readonly #segmentStart: number;
  readonly #places: HeaderPlaces;
  readonly #ticks: number;
  /** The track whose key frames are found: the first of video, else the first. */
  readonly #cueTrack: number | undefined;
  readonly #tracks: ReadonlyMap<number, TrackTimes>;
  readonly #paces = new Map<number, TrackPace>();
  #cues: Cue[] = [];
  #every = 1;
  #found = 0;
  #clusterPosition = 0;
  #clusterTime = 0;
  #isCued = false;
  #hasUnknownSizes = false;
  #first: number | undefined;
  #end = 0;

  /**
   * @param segmentStart where in the output the Segment's data begins
   * @param timestampScale nanoseconds of a tick
   */
  constructor(segmentStart: number, places: HeaderPlaces, timestampScale: number, tracks: readonly TrackTimes[]) {
    this.#segmentStart = segmentStart;
    this.#places = places;
    this.#ticks = timestampScale > 0 ? 1 / timestampScale : 0;
    this.#tracks = new Map(tracks.flatMap((track) => (track.number === undefined ? [] : [[track.number, track]])));
    this.#cueTrack = (tracks.find(({ type }) => type === VIDEO) ?? tracks[0])?.number;
  }

  /**
   * A Cluster begins at `position` of the Segment's data.
   *
   * @param sizeKnown whether it says how long it is
   */
  cluster(position: number, timestamp: bigint | undefined, sizeKnown: boolean): void {
    this.#hasUnknownSizes ||= !sizeKnown;
    this.#clusterPosition = position;
    this.#isCued = timestamp === undefined;
    if (timestamp !== undefined) this.#clusterTime = Number(timestamp);
  }

  /** Takes note of a Block. */
  block(track: number, timestamp: number, frames: number, keyframe: boolean, duration: number | undefined): void {
    const time = this.#clusterTime + timestamp;
    this.#first = Math.min(this.#first ?? time, time);
    this.#end = Math.max(this.#end, time + this.#lasts(track, time, frames, duration));
    if (this.#isCued || !keyframe || (this.#cueTrack !== undefined && track !== this.#cueTrack)) return;
    // Neither can be written: a time before 0, and one that numbers do not hold exactly.
    if (time < 0 || !Number.isSafeInteger(time)) return;
    this.#isCued = true;
    if (this.#found++ % this.#every !== 0) return;
    this.#cues.push({ time, track, position: this.#clusterPosition });
    if (this.#cues.length < MOST_CUES) return;
    this.#cues = this.#cues.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  #lasts(track: number, time: number, frames: number, duration: number | undefined): number {
    const described = this.#tracks.get(track);
    const defaultDuration = described?.defaultDuration;
    if (duration !== undefined) return duration;
    if (defaultDuration !== undefined) return defaultDuration * this.#ticks * frames;
    if (described === undefined) return 0;
    const cluster = this.#clusterPosition;
    const pace = this.#paces.get(track) ?? { last: time, cluster, step: 0 };
    if (time > pace.last && pace.cluster === cluster) pace.step = time - pace.last;
    pace.last = time;
    pace.cluster = cluster;
    this.#paces.set(track, pace);
    return pace.step;
  }

  /** The Cues, to be written at the end of the document; of no bytes where nothing is to be found. */
  cues(): Bytes {
    if (this.#cues.length === 0) return new Uint8Array(0);
    const points = this.#cues.map(({ time, track, position }) =>
      writeMaster(Mkv.CuePoint, [
        writeElement(Mkv.CueTime, time),
        writeMaster(Mkv.CueTrackPositions, [
          writeElement(Mkv.CueTrack, track),
          writeElement(Mkv.CueClusterPosition, position),
        ]),
      ]),
    );
    return writeMaster(Mkv.Cues, points);
  }

  /**
   * What is known at the end of the document, and has to be written where it begins.
   *
   * @param cues where in the Segment's data the Cues are
   * @param length of the Segment's data
   */
  rewrites(cues: number | undefined, length: number): OutputRewrite[] {
    const { info, tracks, duration } = this.#places;
    const seeks = [
      ...seek(Mkv.Info, info),
      ...seek(Mkv.Tracks, tracks),
      ...seek(Mkv.Cues, this.#cues.length > 0 ? cues : undefined),
    ];
    const rewrites: OutputRewrite[] = [];
    // In a Segment that has a size, ffmpeg wants to see none that is unknown.
    if (!this.#hasUnknownSizes) {
      const header = writeHeader(Mkv.Segment, length, { sizeLength: SEGMENT_HEADER_SIZE - 4 });
      rewrites.push({ position: this.#segmentStart - SEGMENT_HEADER_SIZE, bytes: header });
    }
    if (seeks.length > 0) {
      const seekHead = writeMaster(Mkv.SeekHead, seeks, { sizeLength: 1 });
      const rest = SEEK_HEAD_ROOM - seekHead.length;
      const bytes = concatBytes(rest > 0 ? [seekHead, voidElement(rest)] : [seekHead]);
      rewrites.push({ position: this.#segmentStart, bytes });
    }
    const ticks = this.#end - (this.#first ?? 0);
    if (duration !== undefined && ticks > 0) {
      rewrites.push({ position: this.#segmentStart + duration, bytes: writeElement(Mkv.Duration, ticks) });
    }
    return rewrites;
  }
}

function seek(type: MkvMasterType, position: number | undefined): Bytes[] {
  if (position === undefined) return [];
  const id = new Uint8Array(4);
  putUint(id, 0, type.id, 4);
  const place = new Uint8Array(8);
  putUint(place, 0, position, 8);
  return [
    writeMaster(Mkv.Seek, [
      writeElement(Mkv.SeekID, id),
      concatBytes([writeHeader(Mkv.SeekPosition, place.length, { sizeLength: 1 }), place]),
    ]),
  ];
}
