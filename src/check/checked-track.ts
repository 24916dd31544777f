import { CodecDataError } from '../mkv/codec/codec-error.js';
import { isTight } from '../mkv/codec/nal-format.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import { type FindingPlace, type Report, seconds } from './finding.js';

/** So many times of a track are remembered to find one that comes again: more than any stream of pictures is put out of order. */
const REMEMBERED = 256;

/** How far, in microseconds, an audio frame may be from where the one before it ends: twice the rounding to milliseconds. */
const JITTER = 2_000;
/** A distance beyond this, in microseconds, is a gap or an overlap, no jitter. */
const BREAK = 50_000;

/** The frames that a fragment has of a track. */
export class CheckedTrack {
  /** What is known of it by its last frame. */
  metadata: TrackMetadata;
  /** How many there are. */
  frames = 0;
  /** The earliest time, in microseconds. */
  start = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;
  /** Where the last of them ends that says how long it is. */
  #end = Number.NEGATIVE_INFINITY;
  #previous: Frame | undefined;
  /** The last times; a `Set` keeps their order. */
  readonly #times = new Set<number>();
  /** How many different times there are. */
  #distinct = 0;
  /** Of the first frame, where that is no key frame of video. */
  #beginning: FindingPlace | undefined;
  #repeated = 0;
  #repeatedTime: number | undefined;
  #repeatedPlace: FindingPlace | undefined;
  #flagsPlace: FindingPlace | undefined;
  #paddingPlace: FindingPlace | undefined;
  #jitter = 0;
  #jitterPlace: FindingPlace | undefined;

  constructor(metadata: TrackMetadata) {
    this.metadata = metadata;
  }

  /** Where the track ends, in microseconds; where no frame says how long it is, from the average of the others. */
  get end(): number | undefined {
    if (this.#end > this.#latest) return this.#end;
    const { start } = this;
    const steps = this.#distinct - 1;
    return steps < 1 ? undefined : this.#latest + (this.#latest - start) / steps;
  }

  /** Takes the next frame. */
  add(frame: Frame, place: FindingPlace, report: Report): void {
    const { timestamp, duration } = frame;
    this.metadata = frame.track;
    if (frame.track.type === 'video') this.#checkPicture(frame, place);
    this.frames++;
    this.#checkTime(frame, place, report);
    this.start = Math.min(this.start, timestamp);
    this.#latest = Math.max(this.#latest, timestamp);
    if (duration !== undefined) this.#end = Math.max(this.#end, timestamp + duration);
    this.#previous = frame;
  }

  #checkTime(frame: Frame, place: FindingPlace, report: Report): void {
    const { timestamp, track } = frame;
    const previous = this.#previous;
    if (!this.#isNew(timestamp)) {
      this.#repeated++;
      this.#repeatedPlace ??= place;
      this.#repeatedTime ??= timestamp;
    } else if (track.type === 'audio' && previous !== undefined && timestamp < previous.timestamp) {
      report('TimestampOrder', place, `a frame at ${seconds(timestamp)} behind one at ${seconds(previous.timestamp)}`);
    }
    if (track.type !== 'audio' || previous?.duration === undefined) return;
    const distance = Math.abs(timestamp - previous.timestamp - previous.duration);
    if (distance < JITTER || distance > BREAK || distance <= this.#jitter) return;
    this.#jitter = distance;
    this.#jitterPlace ??= place;
  }

  #checkPicture(frame: Frame, place: FindingPlace): void {
    const { keyframe, keyframeFlag, track } = frame;
    if (keyframe !== keyframeFlag) this.#flagsPlace ??= place;
    if (this.frames === 0 && !keyframe) this.#beginning = place;
    const { nal } = track.format;
    if (nal === undefined || this.#paddingPlace !== undefined || frame.storage !== 'plain') return;
    if (hasPadding(frame.data, nal.lengthSize)) this.#paddingPlace = place;
  }

  /** Whether no frame of that time is remembered. */
  #isNew(timestamp: number): boolean {
    const times = this.#times;
    if (times.has(timestamp)) return false;
    this.#distinct++;
    times.add(timestamp);
    const [oldest] = times;
    if (times.size > REMEMBERED && oldest !== undefined) times.delete(oldest);
    return true;
  }

  /** Where the first frame lies, if that is video and no key frame. */
  get cutBeginning(): FindingPlace | undefined {
    return this.#beginning;
  }

  /** The fragment ends. */
  finish(report: Report): void {
    const rules = this.metadata.disagreements.map(({ rule }) => rule);
    // A picture that is spread over several Blocks has one time in all of them.
    if (this.#repeatedPlace !== undefined && !rules.includes('AccessUnits')) {
      const more = this.#repeated === 1 ? '' : `, and ${this.#repeated - 1} more that come again`;
      report('TimestampRepeated', this.#repeatedPlace, `a second frame at ${seconds(this.#repeatedTime ?? 0)}${more}`);
    }
    if (this.#flagsPlace !== undefined && !rules.includes('KeyframeFlags')) {
      report('KeyframeFlags', this.#flagsPlace, 'frames are flagged as key frames that are none, or the reverse');
    }
    if (this.#paddingPlace !== undefined) {
      report('NalPadding', this.#paddingPlace, 'there are bytes before the first NAL unit or behind the last one');
    }
    if (this.#jitterPlace === undefined) return;
    const text = `frames begin up to ${seconds(this.#jitter)} off from where the ones before them end`;
    report('TimestampJitter', this.#jitterPlace, text);
  }
}

/** The longest start code. */
const START_CODE = 4;

/** Whether there are bytes that are of no NAL unit, of its length or of its start code. */
function hasPadding(data: Uint8Array, lengthSize: number): boolean {
  if (lengthSize === 0) return data.subarray(0, START_CODE).every((byte) => byte === 0) && data.length > START_CODE;
  try {
    return !isTight(data, lengthSize);
  } catch (error) {
    if (error instanceof CodecDataError) return false;
    throw error;
  }
}
