import type { ClusterTime } from '../visitors/cluster-clock.js';
import type { Frame } from '../visitors/frame.js';

/** In microseconds: a track that goes back by more than this has begun again. */
const BACK = 100_000;

/** A stretch of the stream in which times go on. */
interface Epoch {
  /** The stream's time at its beginning. */
  readonly from: number;
  /** What that is on the line of the output; `undefined` until it is known where the sound before it ends. */
  base: number | undefined;
}

interface TrackTimes {
  epoch: number;
  /** Of the last frame. */
  timestamp: number;
  end: number;
  cluster: ClusterTime;
}

/**
 * Follows the times of the tracks of a stream, and notices where they begin again: what follows is laid behind what was before. Times of
 * the output are in microseconds from its first frame.
 */
export class AudioEpochs {
  readonly #farthest: number;
  readonly #tracks = new Map<number, TrackTimes>();
  readonly #epochs: Epoch[] = [];

  /** @param farthest how far, in microseconds, times may leap ahead and still go on */
  constructor(farthest: number) {
    this.#farthest = farthest;
  }

  /** Takes the next frame, in stream order: the number of its epoch, and whether that begins with it. The first one does not count. */
  enter(frame: Frame): { readonly epoch: number; readonly isNew: boolean } {
    const { timestamp, cluster, track } = frame;
    const times = this.#tracks.get(track.number);
    const current = this.#epochs.length - 1;
    const isFirst = current < 0;
    const isNew = times !== undefined && times.epoch === current && this.#restarts(frame, times);
    if (isFirst) this.#epochs.push({ from: timestamp, base: 0 });
    else if (isNew) this.#epochs.push({ from: timestamp, base: undefined });
    const epoch = this.#epochs.length - 1;
    this.#tracks.set(track.number, { epoch, timestamp, end: timestamp + (frame.duration ?? 0), cluster });
    return { epoch, isNew };
  }

  /** Whether the time of the output at which an epoch begins is known. */
  isPlaced(epoch: number): boolean {
    return this.#epochs[epoch]?.base !== undefined;
  }

  /** Says at which time of the output an epoch begins. */
  place(epoch: number, time: number): void {
    const found = this.#epochs[epoch];
    if (found !== undefined) found.base ??= time;
  }

  /** The time of the output that a time of an epoch is. */
  toOutput(epoch: number, timestamp: number): number {
    const { from = 0, base = 0 } = this.#epochs[epoch] ?? {};
    return base + (timestamp - from);
  }

  /** The stream's time that a time of the output is. */
  toStream(epoch: number, time: number): number {
    const { from = 0, base = 0 } = this.#epochs[epoch] ?? {};
    return from + (time - base);
  }

  #restarts({ timestamp, cluster }: Frame, before: TrackTimes): boolean {
    if (timestamp < before.end - BACK || timestamp > before.end + this.#farthest) return true;
    // Fragments of one short frame each whose times all begin at 0.
    const isOther = cluster !== before.cluster && cluster.timestamp <= before.cluster.timestamp;
    return isOther && timestamp <= before.timestamp && timestamp < before.end;
  }
}
