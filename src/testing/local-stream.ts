import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteStream } from '../mkv/byte-stream.js';
import { pullThrough } from '../mkv/pull.js';
import { FragmentSplitter, type SplitFragment } from './fragment-splitter.js';
import type { Moment } from './get-media-writer.js';
import { retimeFragment } from './retime.js';

/** A fragment that a local stream stores. Times are milliseconds since 1970. */
export interface StoredFragment {
  /** A decimal string; numbers increase in the order of storing. */
  readonly fragmentNumber: string;
  /** When the producer began to record it. */
  readonly producerTimestamp: number;
  /** When the service received it. */
  readonly serverTimestamp: number;
  /** How long its frames last, in milliseconds. */
  readonly duration: number;
  /** The producer's EBML header and Segment up to the Cluster, without the service's tags. */
  readonly head: Uint8Array;
  /** The producer's Cluster; no bytes when the fragment has none. */
  readonly media: Uint8Array;
  /** The producer's elements after the Cluster. */
  readonly tail: Uint8Array;
}

/** Options for filling a stream. */
export interface FillOptions {
  /** Store each fragment at its time, as a camera would send it. Default: all at once. */
  readonly realtime?: boolean | undefined;
  /** With `realtime`: seconds of media in one second. Default 1. GetMedia may then send that many times more fragments a second. */
  readonly speed?: number | undefined;
  /** Repeat the source, with times that continue: `true` for ever (with `realtime`), or the number of times in all. Default: once. */
  readonly loop?: boolean | number | undefined;
  /** When the producer began to record. Default: with `realtime`, now; otherwise, so that the recording ends now. */
  readonly startTimestamp?: Moment | undefined;
  /** Keep the fragment numbers and timestamps that a GetMedia body contains. Default: create new ones. */
  readonly keepMetadata?: boolean | undefined;
  /** Stops filling. Stored fragments remain. */
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a fragment when it is stored. */
export interface AppendOptions {
  /** When the producer began to record it, in milliseconds since 1970. */
  readonly producerTimestamp: number;
  /** When the service receives it, in milliseconds since 1970. */
  readonly serverTimestamp: number;
  /** A decimal string. Default: the next number. */
  readonly fragmentNumber?: string | undefined;
}

const FIRST_NUMBER = 91343852333181432392682062607743920146270339185n;
const NUMBER_STEP = 4_951_760_157n;
/** Bytes that a stored fragment takes besides its own. */
const OVERHEAD = 1000;
/** Between the recording of a fragment and its arrival, where nothing real says it. */
const LATENCY = 100;
const FORMAT = { highWaterMark: 1 << 20 };
/** The most bytes of a fragment of a source: as many as the consumers take. */
const FRAGMENT_BYTES = 256 * 1024 * 1024;

/** A stream of the local endpoint: the fragments that it stores, oldest first. */
export class LocalStream {
  /** The stream's name in the API. */
  readonly name: string;
  /** The stream's Amazon Resource Name. */
  readonly arn: string;
  /** Milliseconds since 1970. */
  readonly creationTime: number;
  /** For how many hours the stream is to keep its fragments; with 0 nothing stored can be played back. Nothing is forgotten for it. */
  retentionHours = 24;
  /** Of its settings; another one for each change. */
  version = 1;
  readonly #retention: number;
  #fragments: StoredFragment[] = [];
  #bytes = 0;
  #lastNumber: bigint = FIRST_NUMBER - NUMBER_STEP;
  #speed = 1;
  #deleted = false;
  readonly #waiting = new Set<() => void>();
  readonly #closing = new AbortController();

  /** @param retention how many fragments are stored at most; older ones are forgotten */
  constructor(name: string, retention = Number.POSITIVE_INFINITY) {
    this.name = name;
    this.creationTime = Date.now();
    this.arn = `arn:aws:kinesisvideo:us-east-1:000000000000:stream/${name}/${this.creationTime}`;
    this.#retention = retention;
  }

  /** The fragments that are stored, oldest first. */
  get fragments(): readonly StoredFragment[] {
    return this.#fragments;
  }

  /** How many seconds of media a second of time is, by how it is filled. */
  get speed(): number {
    return this.#speed;
  }

  /** Whether the stream has been deleted. */
  get deleted(): boolean {
    return this.#deleted;
  }

  /** The number that the next fragment gets; each call gives another one. */
  reserveNumber(): string {
    this.#lastNumber += NUMBER_STEP;
    return String(this.#lastNumber);
  }

  /**
   * Stores a fragment as the newest.
   *
   * @throws RangeError when its number is not larger than those of all others
   */
  append(
    fragment: Pick<SplitFragment, 'head' | 'media' | 'tail' | 'duration'>,
    options: AppendOptions,
  ): StoredFragment {
    const number = options.fragmentNumber ?? this.reserveNumber();
    const newest = this.#fragments.at(-1);
    if (newest !== undefined && BigInt(number) <= BigInt(newest.fragmentNumber)) {
      throw new RangeError(`fragment ${number} after ${newest.fragmentNumber}`);
    }
    if (BigInt(number) > this.#lastNumber) this.#lastNumber = BigInt(number);
    const { head, media, tail, duration } = fragment;
    const { producerTimestamp, serverTimestamp } = options;
    const stored = { fragmentNumber: number, producerTimestamp, serverTimestamp, duration, head, media, tail };
    this.#bytes += sizeOf(stored, newest);
    this.#fragments.push(stored);
    const excess = this.#fragments.length - this.#retention;
    // Not at every fragment, since each time copies the list.
    if (excess >= Math.max(16, this.#retention / 2)) this.#drop(excess);
    this.#wake();
    return stored;
  }

  /** Forgets the oldest fragments, until the others are of no more than so many bytes. */
  forget(bytes: number): void {
    if (this.#bytes <= bytes) return;
    let left = this.#bytes;
    let count = 0;
    // Half as much again goes, since each time copies the list.
    for (const [index, fragment] of this.#fragments.entries()) {
      if (left <= bytes / 2 || index === this.#fragments.length - 1) break;
      left -= sizeOf(fragment, this.#fragments[index - 1]);
      count++;
    }
    this.#drop(count);
  }

  #drop(count: number): void {
    this.#fragments = this.#fragments.slice(count);
    this.#bytes = this.#fragments.reduce(
      (sum, fragment, index) => sum + sizeOf(fragment, this.#fragments[index - 1]),
      0,
    );
  }

  /**
   * Fills the stream from a Matroska file or byte stream: a body of GetMedia, or what a producer sends. Each Cluster becomes a fragment.
   *
   * @param source the path of a file, or bytes
   * @throws MkvParseError when the bytes are wrong; what reading the source throws; RangeError for a loop that would never end
   */
  async fill(source: string | ByteStream, options: FillOptions = {}): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    const bytes = typeof source === 'string' ? createReadStream(source, FORMAT) : source;
    try {
      const fragments = splitSource(bytes, signal);
      if (options.realtime === true) await this.#fillInTime(fragments, options, signal);
      else await this.#fillAtOnce(fragments, options);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #fillAtOnce(source: AsyncIterable<SplitFragment>, options: FillOptions): Promise<void> {
    const fragments: SplitFragment[] = [];
    for await (const fragment of source) fragments.push(fragment);
    const rounds = roundsOf(options);
    if (rounds === Number.POSITIVE_INFINITY) throw new RangeError('a loop without end needs realtime');
    const timeline = new Timeline(fragments);
    const start = Number(options.startTimestamp ?? Date.now() - rounds * timeline.duration - LATENCY);
    for (let round = 0; round < rounds; round++) {
      for (const fragment of fragments) {
        const producerTimestamp = start + timeline.offset(fragment, round);
        const times = { producerTimestamp, serverTimestamp: producerTimestamp + LATENCY };
        this.append(timeline.inRound(fragment, round), options.keepMetadata === true ? keep(fragment, times) : times);
      }
    }
  }

  async #fillInTime(source: AsyncIterable<SplitFragment>, options: FillOptions, signal: AbortSignal): Promise<void> {
    const rounds = roundsOf(options);
    const now = Date.now();
    const start = Number(options.startTimestamp ?? now);
    const began = performance.now();
    const { speed = 1 } = options;
    this.#speed = Math.max(this.#speed, speed);
    const store = async (fragment: SplitFragment, timeline: Timeline, round: number) => {
      const offset = timeline.offset(fragment, round);
      // A fragment is there when its last frame has been recorded.
      const wait = began + (offset + fragment.duration) / speed - performance.now();
      if (wait > 0) await sleep(wait, undefined, { signal });
      signal.throwIfAborted();
      // The service's clock tells when a fragment began to arrive.
      const times = { producerTimestamp: start + offset, serverTimestamp: Math.round(now + offset / speed) };
      this.append(timeline.inRound(fragment, round), options.keepMetadata === true ? keep(fragment, times) : times);
    };
    const fragments: SplitFragment[] = [];
    for await (const fragment of source) {
      fragments.push(fragment);
      await store(fragment, new Timeline(fragments), 0);
      if (rounds === 1) fragments.length = 1;
    }
    const timeline = new Timeline(fragments);
    for (let round = 1; round < rounds && fragments.length > 0; round++) {
      for (const fragment of fragments) await store(fragment, timeline, round);
    }
  }

  /** The place of the first fragment with a larger number. */
  indexAfter(number: bigint): number {
    let low = 0;
    let high = this.#fragments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (BigInt(this.#fragments[middle]?.fragmentNumber ?? 0) > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Waits until something is stored, the stream is deleted or the signal is aborted. */
  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of this.#waiting) done();
  }

  /** Ends filling and tells all who wait. */
  delete(): void {
    this.#deleted = true;
    this.#closing.abort();
    this.#wake();
  }
}

/** What a fragment takes in memory besides what it shares with the one before: bytes, and what stands around them. */
function sizeOf({ head, media, tail }: StoredFragment, before: StoredFragment | undefined): number {
  return (head === before?.head ? 0 : head.length) + media.length + tail.length + OVERHEAD;
}

/** Where fragments of a source lie in time, also when it begins again. */
class Timeline {
  readonly #first: number;
  /** Of the whole source in milliseconds. */
  readonly duration: number;

  constructor(fragments: readonly SplitFragment[]) {
    this.#first = fragments[0]?.timestamp ?? 0;
    const last = fragments.at(-1);
    this.duration = last === undefined ? 0 : Math.max(last.timestamp + last.duration - this.#first, 1);
  }

  offset(fragment: SplitFragment, round: number): number {
    return round * this.duration + Math.max(0, fragment.timestamp - this.#first);
  }

  inRound(fragment: SplitFragment, round: number): SplitFragment {
    return round === 0 ? fragment : retimeFragment(fragment, round * this.duration);
  }
}

function roundsOf({ loop = false }: FillOptions): number {
  if (typeof loop === 'number') return loop;
  return loop ? Number.POSITIVE_INFINITY : 1;
}

async function* splitSource(source: ByteStream, signal: AbortSignal): AsyncIterable<SplitFragment> {
  for await (const event of pullThrough(source, new FragmentSplitter(FRAGMENT_BYTES), signal)) {
    if (event.kind === 'fragment') yield event.fragment;
  }
}

/** What the source says of the fragment itself, where it does. */
function keep(fragment: SplitFragment, times: AppendOptions): AppendOptions {
  const { service } = fragment;
  const milliseconds = (name: string) => {
    const seconds = service.get(name);
    return seconds === undefined ? undefined : Math.round(Number(seconds) * 1000);
  };
  return {
    fragmentNumber: service.get('FRAGMENT_NUMBER'),
    producerTimestamp: milliseconds('PRODUCER_TIMESTAMP') ?? times.producerTimestamp,
    serverTimestamp: milliseconds('SERVER_TIMESTAMP') ?? times.serverTimestamp,
  };
}
