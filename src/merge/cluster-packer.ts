import type { TrackTimes } from './header-facts.js';

const VIDEO = 1;

/** What the Blocks of one track tell in the Cluster at hand; times are in ticks of TimestampScale after the Cluster's Timestamp. */
interface TrackClock {
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

/** Gives Clusters new Timestamps, so that each begins where the frames of the one before end and the first is at 0. */
export class ClusterPacker {
  readonly #ticks: number;
  readonly #clocks = new Map<number, TrackClock>();
  #previous: { readonly original: bigint; readonly packed: bigint } | undefined;

  /**
   * @param timestampScale nanoseconds of a tick
   * @param tracks of the document
   */
  constructor(timestampScale: number, tracks: readonly TrackTimes[]) {
    this.#ticks = timestampScale > 0 ? 1 / timestampScale : 0;
    for (const { number, type, defaultDuration } of tracks) {
      if (number !== undefined) this.#clocks.set(number, this.#newClock(type, defaultDuration));
    }
  }

  /**
   * The new Timestamp of a Cluster that begins. Where it goes on from the one before without a gap, their distance stays: the producer
   * knows it better than it can be told from rounded times.
   */
  place(timestamp: bigint): bigint {
    const previous = this.#previous;
    const packed =
      previous === undefined ? 0n : previous.packed + BigInt(this.#distance(Number(timestamp - previous.original)));
    this.#previous = { original: timestamp, packed };
    for (const clock of this.#clocks.values()) clear(clock);
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
    let clock = this.#clocks.get(track);
    if (clock === undefined) {
      clock = this.#newClock(undefined, undefined);
      this.#clocks.set(track, clock);
    }
    clock.blocks++;
    clock.first = Math.min(clock.first, timestamp);
    clock.last = Math.max(clock.last, timestamp);
    const lasts = duration ?? (clock.frameDuration === undefined ? undefined : clock.frameDuration * frames);
    if (lasts === undefined) clock.lastOpen = Math.max(clock.lastOpen, timestamp);
    else clock.knownEnd = Math.max(clock.knownEnd, timestamp + lasts);
  }

  /** From the Timestamp of the Cluster before to that of the one that begins, in whole ticks. */
  #distance(original: number): number {
    let end = Number.NEGATIVE_INFINITY;
    let leader: { readonly clock: TrackClock; readonly end: number; readonly known: boolean } | undefined;
    let blocks = 0;
    for (const clock of this.#clocks.values()) {
      blocks += clock.blocks;
      if (clock.blocks > 1) clock.blockDuration = (clock.last - clock.first) / (clock.blocks - 1);
      if (clock.blocks === 0) continue;
      const open = clock.blockDuration === undefined ? Number.NEGATIVE_INFINITY : clock.lastOpen + clock.blockDuration;
      const trackEnd = Math.max(clock.knownEnd, open);
      end = Math.max(end, trackEnd, clock.lastOpen);
      if (trackEnd > clock.first && (leader === undefined || (clock.type === VIDEO && leader.clock.type !== VIDEO))) {
        leader = { clock, end: trackEnd, known: clock.knownEnd >= open };
      }
    }
    if (blocks === 0) return 0;
    if (leader === undefined) {
      // Nothing tells how long the frames last, so nothing tells how much of the distance is a gap.
      return Math.max(1, original);
    }
    const tolerance = leader.known ? 1 : Math.max(1, (leader.clock.blockDuration ?? 0) / 2);
    if (original > 0 && Math.abs(original - leader.end) <= tolerance) return original;
    return Math.max(1, Math.round(end));
  }

  #newClock(type: number | undefined, defaultDuration: number | undefined): TrackClock {
    const frameDuration = defaultDuration === undefined ? undefined : defaultDuration * this.#ticks;
    const clock: TrackClock = {
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

function clear(clock: TrackClock): void {
  clock.blocks = 0;
  clock.first = Number.POSITIVE_INFINITY;
  clock.last = Number.NEGATIVE_INFINITY;
  clock.knownEnd = Number.NEGATIVE_INFINITY;
  clock.lastOpen = Number.NEGATIVE_INFINITY;
}
