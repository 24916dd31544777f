import type { EbmlElementType } from '../ebml/element-type.js';
import { pathOf } from '../ebml/path.js';
import type { MkvDataElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { ticksToMicroseconds } from '../mkv/ticks.js';

const DEFAULT_TIMESTAMP_SCALE = 1_000_000;
/** No Timestamp is negative. */
const NONE = -1;

/** The Cluster that a frame lies in. */
export class ClusterTime {
  /** The Cluster's Timestamp, in ticks of `timestampScale`. */
  readonly ticks: number;
  /** TimestampScale: nanoseconds in a tick. */
  readonly timestampScale: number;

  /** @internal */
  constructor(ticks: number, timestampScale: number) {
    this.ticks = ticks;
    this.timestampScale = timestampScale;
  }

  /** The Cluster's Timestamp, in microseconds. */
  get timestamp(): number {
    return ticksToMicroseconds(this.ticks, this.timestampScale);
  }
}

/** What the times of Blocks are counted from: shown the elements of a stream, it knows the Cluster's Timestamp and the TimestampScale. */
export class ClusterClock {
  /** TimestampScale: nanoseconds in a tick. */
  scale = DEFAULT_TIMESTAMP_SCALE;
  /** The open Cluster's Timestamp, in ticks; below zero as long as it has not come. */
  timestamp = NONE;
  #cluster: ClusterTime | undefined;

  /** The open Cluster's, one object for all that is in it. */
  get cluster(): ClusterTime {
    this.#cluster ??= new ClusterTime(this.timestamp, this.scale);
    return this.#cluster;
  }

  /** A master begins. */
  start(type: EbmlElementType): void {
    this.#cluster = undefined;
    if (type === Mkv.Cluster) this.timestamp = NONE;
    else if (type === Mkv.Segment) this.scale = DEFAULT_TIMESTAMP_SCALE;
  }

  /** Takes a data element; `false` when it tells no time. Throws what reading its value throws. */
  take(element: MkvDataElement): boolean {
    // A scale of 0 is against the standard and would put all frames at one time.
    if (element.is(Mkv.Timestamp)) this.timestamp = element.value;
    else if (element.is(Mkv.TimestampScale)) this.scale = element.value || DEFAULT_TIMESTAMP_SCALE;
    else return false;
    this.#cluster = undefined;
    return true;
  }

  /**
   * Expects that the time of a Block can be told.
   *
   * @throws MkvParseError `UnexpectedElement` when no Timestamp stands before it in its Cluster
   */
  expectTime(block: MkvDataElement): void {
    if (this.timestamp !== NONE) return;
    const text = `${pathOf(block)}: no Timestamp before it`;
    throw new MkvParseError('UnexpectedElement', block.offset, text);
  }
}
