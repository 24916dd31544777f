import type { Fragment } from '../fragments/fragment.js';
import type { Frame } from '../visitors/frame.js';
import type { DocumentSize } from './document-measure.js';
import type { ListedFragment } from './list-fragments.js';

/**
 * What ListFragments has said of a fragment says of what has come under its number: all of it, too little, that it is another fragment, or
 * nothing that would be sure.
 */
export type Completeness = 'whole' | 'short' | 'other' | 'unknown';

/** How far the times of one fragment may be apart where they are told twice, in milliseconds. */
const TIME_TOLERANCE_MS = 100;

/** By how many fragments that are all too small it is seen that the sizes that are told count something else. */
const ENOUGH = 3;

/**
 * Compares what has come of each fragment with the size and the length that ListFragments told.
 *
 * A body may end, or leave bytes out, where nothing in the bytes shows it: between two Blocks of a Cluster of unknown size, between two
 * Clusters, before the Tags behind them. The size shows it. What exactly the service counts in it is not documented: it is learned from the
 * fragments whose size is that of all their bytes, or of those without the service's own Tags. Where it is neither, a fragment that seems too
 * small is asked for again, and is believed when that is so of all fragments.
 */
export class CompletenessCheck {
  #countsAll = false;
  #countsProducers = false;
  readonly #small = new Set<string>();
  /** How much came last of fragments that nothing is sure of. */
  readonly #seen = new Map<string, number>();

  /**
   * What is known of a fragment that has come.
   *
   * @param closed whether another one came behind it, so that its body has not just ended in it
   */
  check(listed: ListedFragment, fragment: Fragment, read: DocumentSize, closed: boolean): Completeness {
    // A wrong bit makes the number of one fragment that of another. Two times are not wrong by chance.
    if (isOther(listed, fragment)) return 'other';
    const { fragmentNumber, size, durationMs } = listed;
    const length = judgeLength(fragment.frames, durationMs);
    if (size === undefined || size <= 0) return length === 'short' ? 'short' : 'unknown';
    if (size === read.bytes) this.#countsAll = true;
    else if (size === read.producerBytes) this.#countsProducers = true;
    else if (size > read.bytes) return this.#judgeSmall(fragmentNumber, read, length);
    else if (size > read.producerBytes) return this.#judgeBetween(fragmentNumber, read, length, closed);
    else return this.#judgeShort(fragmentNumber, read, length, closed);
    return 'whole';
  }

  /** Less has come than was told, whatever is counted. */
  #judgeSmall(number: string, read: DocumentSize, length: Completeness): Completeness {
    if (this.#countsAll || this.#countsProducers || (!read.sizedCluster && length !== 'whole')) return 'short';
    this.#small.add(number);
    return this.#small.size < ENOUGH ? 'short' : 'unknown';
  }

  /** Less has come than was told if the service's own Tags do not count, more if they do. */
  #judgeBetween(number: string, read: DocumentSize, length: Completeness, closed: boolean): Completeness {
    if (this.#countsProducers && !this.#countsAll) return 'short';
    if (length === 'short' && !read.sizedCluster) return this.#judgeShort(number, read, length, closed);
    return this.#countsAll || this.#comesAgain(number, read) ? 'unknown' : 'short';
  }

  /** Enough bytes have come, and perhaps too few frames: frames are not always as far apart as they last. */
  #judgeShort(number: string, read: DocumentSize, length: Completeness, closed: boolean): Completeness {
    if (read.sizedCluster || length !== 'short') return 'unknown';
    return this.#comesAgain(number, read) && closed ? 'unknown' : 'short';
  }

  #comesAgain(number: string, { bytes }: DocumentSize): boolean {
    if (this.#seen.get(number) === bytes) return true;
    this.#seen.set(number, bytes);
    return false;
  }
}

function isOther(listed: ListedFragment, { serverTimestamp, producerTimestamp }: Fragment): boolean {
  return differ(listed.serverTimestamp, serverTimestamp) && differ(listed.producerTimestamp, producerTimestamp);
}

function differ(told: Date | undefined, read: Date | undefined): boolean {
  return told !== undefined && read !== undefined && Math.abs(Number(told) - Number(read)) > TIME_TOLERANCE_MS;
}

/** Whether frames reach as far as a fragment does; where they are too few to tell, nothing. */
function judgeLength(frames: readonly Frame[], durationMs: number | undefined): Completeness {
  if (durationMs === undefined || durationMs <= 0) return 'unknown';
  const tracks = new Map<number, number[]>();
  for (const { track, timestamp } of frames) {
    const times = tracks.get(track.number);
    if (times === undefined) tracks.set(track.number, [timestamp]);
    else times.push(timestamp);
  }
  let judged: Completeness = 'unknown';
  for (const times of tracks.values()) {
    times.sort((a, b) => a - b);
    let gap = 0;
    for (let i = 1; i < times.length; i++) gap = Math.max(gap, (times[i] ?? 0) - (times[i - 1] ?? 0));
    if (gap === 0) continue;
    // The last frame lasts as long as the others, and what is called the length may reach to the next fragment.
    const reach = (times.at(-1) ?? 0) - (times[0] ?? 0) + 2 * gap;
    if (reach >= durationMs * 1000) return 'whole';
    judged = 'short';
  }
  return judged;
}
