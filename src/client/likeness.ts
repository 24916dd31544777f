import type { Fragment } from '../fragments/fragment.js';
import { isFragmentNumber, keyOf } from './fragment-number.js';
import type { ReadFragment } from './fragment-reader.js';

/** How many descriptions are remembered. */
const MOST_KNOWN = 64;

/** How far the time of a Cluster may be from where the producer's timestamp has it, in microseconds: that is told in milliseconds. */
const OFFSET_TOLERANCE_US = 1000;

/** The longest fragment that the service takes, and some more for frames that overlap, in microseconds. */
const LONGEST_US = 25_000_000;

/** How much longer than the longest one before it a fragment may be: so many times, and so many microseconds. */
const LONGER_FACTOR = 2;
const LONGER_US = 2_000_000;

/** How many readings of one fragment that are all different are doubted. */
const MOST_READINGS = 6;

/**
 * What is done with a fragment. `alike`: it is like those before it, or has come the same again. `first`: there are none before it, and nothing
 * is odd about it. `again`: it is read again. `unsettled`: each reading has given something else.
 */
export interface Comparison {
  readonly verdict: 'alike' | 'first' | 'again' | 'unsettled';
  /** What is doubtful about it; empty where nothing is. */
  readonly reason: string;
}

/** What fragments are compared by. */
type Compared = Pick<ReadFragment, 'fragment' | 'description'>;

/** A fragment that was handed out and may have been wrong. */
export type SuspectFragment = Pick<Fragment, 'fragmentNumber' | 'serverTimestamp'>;

/** Something that does not change from document to document as a rule, and how far that has been so. */
class Rule {
  #kept = 0;
  #broken = 0;

  /** Whether what breaks it is doubtful: not in a stream that breaks it all the time. */
  get holds(): boolean {
    return this.#broken < 3 || this.#kept >= 8 * this.#broken;
  }

  note(isKept: boolean): void {
    if (isKept) this.#kept++;
    else this.#broken++;
  }
}

/**
 * Compares each fragment of a stream with those before it. Most bits of a header, of Info and of Tracks can be wrong without making the
 * document invalid: the frames then have other times, tracks or codecs. Documents of one producer say the same of them, and their Clusters'
 * times keep pace with the producer's timestamps. One that does not is read again, and believed when it comes the same again.
 */
export class Likeness {
  readonly #known = new Set<string>();
  readonly #descriptions = new Rule();
  readonly #offsets = new Rule();
  readonly #lengths = new Rule();
  readonly #listed = new Rule();
  #offset: number | undefined;
  #longest: number | undefined;
  #taken = 0;
  /** What has been doubted of each fragment that has not been taken. */
  readonly #doubted = new Map<string, Set<string>>();
  #first: (SuspectFragment & { readonly signature: string }) | undefined;

  /**
   * The only fragment so far, when the one behind it is not like it: which of the two is wrong is not known. It is given once.
   */
  takeSuspect(): SuspectFragment | undefined {
    if (this.#taken !== 1 || this.#doubted.size === 0) return undefined;
    this.#taken++;
    return this.#first;
  }

  /** Whether the first fragment comes again as it was taken. */
  isAsTaken(read: Compared): boolean {
    return this.#first?.signature === signatureOf(read);
  }

  /**
   * Compares a fragment with those that were taken.
   *
   * @param key tells it from others that are read at the same time
   * @param durationMs how long it is, where that is known
   */
  compare(read: Compared, key = '', durationMs?: number): Comparison {
    const reason = this.#doubtOf(read, durationMs);
    if (reason === undefined) return { verdict: this.#taken === 0 ? 'first' : 'alike', reason: '' };
    const signature = signatureOf(read);
    const doubted = this.#doubted.get(key);
    if (doubted?.has(signature) === true) return { verdict: 'alike', reason };
    if (doubted !== undefined && doubted.size >= MOST_READINGS) return { verdict: 'unsettled', reason };
    this.doubt(read, key);
    return { verdict: 'again', reason };
  }

  /** A fragment is read again. */
  doubt(read: Compared, key: string): void {
    const doubted = this.#doubted.get(key) ?? new Set();
    this.#doubted.set(key, doubted.add(signatureOf(read)));
  }

  /** A fragment is handed out. */
  take(read: Compared, key = '', durationMs?: number): void {
    this.#doubted.delete(key);
    if (this.#taken++ === 0) {
      const { fragmentNumber, serverTimestamp } = read.fragment;
      this.#first = { fragmentNumber, serverTimestamp, signature: signatureOf(read) };
    }
    const description = descriptionOf(read);
    if (this.#known.size > 0) this.#descriptions.note(this.#known.has(description));
    this.#known.delete(description);
    this.#known.add(description);
    for (const oldest of this.#known) {
      if (this.#known.size <= MOST_KNOWN) break;
      this.#known.delete(oldest);
    }
    const offset = offsetOf(read.fragment);
    if (offset !== undefined) {
      if (this.#offset !== undefined) this.#offsets.note(isNear(offset, this.#offset));
      this.#offset = offset;
    }
    const length = lengthOf(read.fragment);
    this.#listed.note(fits(length, durationMs));
    if (this.#longest !== undefined) this.#lengths.note(length <= longest(this.#longest));
    this.#longest = Math.max(this.#longest ?? 0, length);
  }

  /** Whether two fragments are alike. */
  static areAlike(a: Compared, b: Compared): boolean {
    const [first, second] = [offsetOf(a.fragment), offsetOf(b.fragment)];
    const isInPace = first === undefined || second === undefined || isNear(first, second);
    return isInPace && descriptionOf(a) === descriptionOf(b);
  }

  #doubtOf({ fragment, description }: Compared, durationMs: number | undefined): string | undefined {
    const name = `fragment ${fragment.fragmentNumber ?? 'without a number'}`;
    const length = lengthOf(fragment);
    if (this.#listed.holds && !fits(length, durationMs)) {
      return `the frames of ${name} are ${length / 1000} ms apart, and it lasts ${durationMs} ms`;
    }
    if (this.#taken === 0) {
      if (length > LONGEST_US) return `the frames of ${name} are ${length / 1000} ms apart`;
      if (!isByToken(fragment)) return `${name} has a token of another one`;
      return description.oddity === undefined ? undefined : `${name}: ${description.oddity}`;
    }
    if (this.#descriptions.holds && !this.#known.has(descriptionOf({ fragment, description }))) {
      return `${name} is described otherwise than those before it`;
    }
    const offset = offsetOf(fragment);
    if (this.#offsets.holds && offset !== undefined && this.#offset !== undefined && !isNear(offset, this.#offset)) {
      return `the time of ${name} does not fit its timestamp, as those before it do`;
    }
    if (this.#lengths.holds && this.#longest !== undefined && length > longest(this.#longest)) {
      return `the frames of ${name} are ${length / 1000} ms apart, more than those before it`;
    }
    return undefined;
  }
}

/** What the document says, whether the service's times are there, and whether its frames are of the tracks that are described. */
function descriptionOf({ fragment, description }: Compared): string {
  const { serverTimestamp, producerTimestamp, frames, tracks } = fragment;
  const numbers = new Set(tracks.map(({ number }) => number));
  const strange = new Set<number>();
  for (const { track } of frames) if (!numbers.has(track.number)) strange.add(track.number);
  const times = `${serverTimestamp === undefined} ${producerTimestamp === undefined}`;
  return `${description.key} ${times} ${[...strange].join()} ${frames[0]?.keyframe ?? true}`;
}

function signatureOf(read: Compared): string {
  return `${read.fragment.fragmentNumber} ${descriptionOf(read)} ${offsetOf(read.fragment)} ${lengthOf(read.fragment)}`;
}

/** Whether the fragment's number is the one in its token, where that is a number. */
function isByToken({ fragmentNumber, continuationToken }: Fragment): boolean {
  if (!isFragmentNumber(fragmentNumber) || !isFragmentNumber(continuationToken)) return true;
  return keyOf(fragmentNumber) === keyOf(continuationToken);
}

/** How far the Cluster's time is from the producer's, in microseconds. */
function offsetOf({ clusterTimestamp, producerTimestamp }: Fragment): number | undefined {
  if (clusterTimestamp === undefined || producerTimestamp === undefined) return undefined;
  return clusterTimestamp - producerTimestamp.getTime() * 1000;
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= OFFSET_TOLERANCE_US;
}

/** From the first to the last of its frames' times, in microseconds. */
function lengthOf({ frames }: Fragment): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { timestamp } of frames) {
    first = Math.min(first, timestamp);
    last = Math.max(last, timestamp);
  }
  return Math.max(0, last - first);
}

/** Whether frames are within the length that ListFragments has told. */
function fits(length: number, durationMs: number | undefined): boolean {
  return durationMs === undefined || durationMs <= 0 || length <= durationMs * 1500 + 500_000;
}

function longest(known: number): number {
  return known * LONGER_FACTOR + LONGER_US;
}
