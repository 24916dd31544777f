import type { TrackTimes } from './header-facts.js';

const VIDEO = 1;

/** Tracks that are remembered although the document does not describe them. No stream that means well has as many. */
const MOST_UNDESCRIBED = 256;

/** How long a frame lasts of which nothing tells it, in nanoseconds. */
const ASSUMED_DURATION = 40_000_000;

/** The longest fragment that the service takes, in milliseconds. */
const LONGEST_FRAGMENT = 20_000;

/** No distance leads beyond this, in ticks: readers take times for numbers that are exact up to 2^53. */
const LATEST = 2 ** 52;

/** What the Blocks of one track tell in the Cluster at hand; times are in ticks of TimestampScale after the Cluster's Timestamp. */
interface TrackClock {
  /** Its place among the tracks. */
  readonly order: number;
  readonly type: number | undefined;
  /** Ticks of one frame, by DefaultDuration. */
  readonly frameDuration: number | undefined;
  /** Ticks from Block to Block, as last seen: for a track without DefaultDuration. */
  blockDuration: number | undefined;
  blocks: number;
  first: number;
  last: number;
  /** The end of the last Block that says itself how long it lasts. */
  knownEnd: number;
  /** The beginning of the last Block that does not. */
  lastOpen: number;
}

/** A Cluster that has been placed. */
interface PlacedCluster {
  readonly original: bigint;
  readonly packed: bigint;
  readonly producerTime: number | undefined;
}

/** Where the Blocks of a track end. */
interface TrackEnd {
  readonly clock: TrackClock;
  readonly end: number;
  /** Whether its last Block says so itself. */
  readonly known: boolean;
}

/** Gives Clusters new Timestamps, so that each begins where the frames of the one before end and the first is at 0. */
export class ClusterPacker {
  /** In a nanosecond. */
  readonly #ticks: number;
  readonly #clocks = new Map<number, TrackClock>();
  readonly #mostClocks: number;
  /** All tracks beyond those that are remembered. */
  readonly #others: TrackClock;
  /** Those with Blocks in the Cluster at hand. */
  #active: TrackClock[] = [];
  #previous: PlacedCluster | undefined;
  /** From one Cluster to the next, the last time that there was anything to tell it by; in ticks. */
  #step: number | undefined;

  /**
   * @param timestampScale nanoseconds of a tick
   * @param tracks of the document
   */
  constructor(timestampScale: number, tracks: readonly TrackTimes[]) {
    this.#ticks = timestampScale > 0 ? 1 / timestampScale : 0;
    for (const { number, type, defaultDuration } of tracks) {
      if (number !== undefined) this.#clocks.set(number, this.#newClock(type, defaultDuration));
    }
    this.#mostClocks = this.#clocks.size + MOST_UNDESCRIBED;
    this.#others = { ...this.#newClock(undefined, undefined), order: Number.POSITIVE_INFINITY };
  }

  /**
   * The new Timestamp of a Cluster that begins. Where it goes on from the one before without a gap, their distance stays: the producer
   * knows it better than it can be told from rounded times.
   *
   * @param producerTime when the fragment was recorded, in milliseconds since 1970: tells how long the one before was if its frames do not
   */
  place(timestamp: bigint, producerTime?: number): bigint {
    const previous = this.#previous;
    const packed = previous === undefined ? 0n : this.#behind(previous, timestamp, producerTime);
    this.#previous = { original: timestamp, packed, producerTime };
    for (const clock of this.#active) clear(clock);
    this.#active = [];
    return packed;
  }

  /**
   * Takes note of a Block.
   *
   * @param timestamp relative to the Cluster
   * @param frames in the Block
   * @param duration BlockDuration
   */
  block(track: number, timestamp: number, frames: number, duration: number | undefined): void {
    const clock = this.#clockOf(track);
    if (clock.blocks++ === 0) this.#active.push(clock);
    clock.first = Math.min(clock.first, timestamp);
    clock.last = Math.max(clock.last, timestamp);
    const lasts = duration ?? (clock.frameDuration === undefined ? undefined : clock.frameDuration * frames);
    if (lasts === undefined) clock.lastOpen = Math.max(clock.lastOpen, timestamp);
    else clock.knownEnd = Math.max(clock.knownEnd, timestamp + lasts);
  }

  #clockOf(track: number): TrackClock {
    let clock = this.#clocks.get(track);
    if (clock === undefined) {
      if (this.#clocks.size >= this.#mostClocks) return this.#others;
      clock = this.#newClock(undefined, undefined);
      this.#clocks.set(track, clock);
    }
    return clock;
  }

  #behind(previous: PlacedCluster, timestamp: bigint, producerTime: number | undefined): bigint {
    const recorded = (producerTime ?? Number.NaN) - (previous.producerTime ?? Number.NaN);
    const distance = this.#distance(Number(timestamp - previous.original), recorded);
    const packed = previous.packed + BigInt(distance);
    if (packed <= LATEST) return packed;
    this.#step = undefined;
    return previous.packed + BigInt(this.#assumed());
  }

  /**
   * From the Timestamp of the Cluster before to that of the one that begins, in whole ticks.
   *
   * @param original as it was
   * @param recorded between the recording of the two fragments, in milliseconds; no number where that is not known
   */
  #distance(original: number, recorded: number): number {
    let end = Number.NEGATIVE_INFINITY;
    let leader: TrackEnd | undefined;
    for (const clock of this.#active) {
      if (clock.blocks > 1 && clock !== this.#others)
        clock.blockDuration = (clock.last - clock.first) / (clock.blocks - 1);
      const open = clock.blockDuration === undefined ? Number.NEGATIVE_INFINITY : clock.lastOpen + clock.blockDuration;
      const trackEnd = Math.max(clock.knownEnd, open);
      end = Math.max(end, trackEnd, clock.lastOpen);
      if (trackEnd > clock.first && (leader === undefined || leads(clock, leader.clock))) {
        leader = { clock, end: trackEnd, known: clock.knownEnd >= open };
      }
    }
    if (this.#active.length === 0) return 0;
    if (leader === undefined) {
      // Nothing tells how long the frames last, so nothing tells how much of the distance is a gap.
      if (original > 0) this.#step = original;
      else if (recorded > 0 && recorded <= LONGEST_FRAGMENT) this.#step = Math.round(recorded * 1e6 * this.#ticks);
      return this.#assumed();
    }
    const tolerance = leader.known ? 1 : Math.max(1, (leader.clock.blockDuration ?? 0) / 2);
    const goesOn = original > 0 && Math.abs(original - leader.end) <= tolerance;
    this.#step = goesOn ? original : Math.max(1, Math.round(end));
    return this.#step;
  }

  #assumed(): number {
    return Math.max(1, this.#step ?? Math.round(ASSUMED_DURATION * this.#ticks));
  }

  #newClock(type: number | undefined, defaultDuration: number | undefined): TrackClock {
    const frameDuration = defaultDuration === undefined ? undefined : defaultDuration * this.#ticks;
    const clock: TrackClock = {
      order: this.#clocks.size,
      type,
      frameDuration,
      blockDuration: undefined,
      blocks: 0,
      first: 0,
      last: 0,
      knownEnd: 0,
      lastOpen: 0,
    };
    clear(clock);
    return clock;
  }
}

/** Whether of two tracks it is this one that tells when a Cluster ends: the video, else the first. */
function leads(clock: TrackClock, other: TrackClock): boolean {
  if ((clock.type === VIDEO) !== (other.type === VIDEO)) return clock.type === VIDEO;
  return clock.order < other.order;
}

function clear(clock: TrackClock): void {
  clock.blocks = 0;
  clock.first = Number.POSITIVE_INFINITY;
  clock.last = Number.NEGATIVE_INFINITY;
  clock.knownEnd = Number.NEGATIVE_INFINITY;
  clock.lastOpen = Number.NEGATIVE_INFINITY;
}
