import { writeHeader } from '../ebml/writer.js';
import type { MkvDataElement, MkvElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import { GrowingBytes } from './growing-bytes.js';

/** A fragment as a producer sent it, without what the service says of it. */
export interface SplitFragment {
  /** EBML header, the beginning of a Segment of unknown size, and the producer's elements up to the Cluster. */
  readonly head: Uint8Array;
  /** The Cluster; no bytes when the fragment has none. */
  readonly media: Uint8Array;
  /** The producer's elements after the Cluster: tags of the fragment, and what ends a file. */
  readonly tail: Uint8Array;
  /** The Cluster's Timestamp in milliseconds; 0 without a Cluster. */
  readonly timestamp: number;
  /** Nanoseconds per unit of the Cluster's times. */
  readonly timestampScale: number;
  /** How long its frames last, in milliseconds, as far as their times tell. */
  readonly duration: number;
  /** What a source that came from the service says of the fragment. */
  readonly service: ServiceMetadata;
}

/** The service's tags as they stand in a source, by their names without the prefix: FRAGMENT_NUMBER … */
export type ServiceMetadata = ReadonlyMap<string, string>;

/** What happens while a source is split. */
export type SplitEvent =
  | { readonly kind: 'begin'; readonly timestamp: number }
  | { readonly kind: 'fragment'; readonly fragment: SplitFragment };

const SERVICE_TAG =
  /^AWS_KINESISVIDEO_(FRAGMENT_NUMBER|(?:SERVER|PRODUCER)(?:_SIDE)?_TIMESTAMP|MILLIS_BEHIND_NOW|CONTINUATION_TOKEN)$/;
const SEGMENT = writeHeader(Mkv.Segment, undefined, { sizeLength: 8 });
const DEFAULT_TIMESTAMP_SCALE = 1_000_000;
/** How much of a chunk is looked at before fragments that are whole are taken out. */
const STEP = 1 << 20;

/**
 * Splits Matroska documents into fragments, one per Cluster: each with the header of its document and the tags that follow its Cluster,
 * as the service does with what producers send. A fragment is given when the next one begins, or the end has been said. The service's own tags,
 * in a body of GetMedia or several merged into one document, are taken out; there, they tell which of the producer's tags are whose. Bytes
 * of the producer stay as they are.
 *
 * What it holds is bytes, whatever elements they are: those of one fragment, with the header of its document.
 */
export class FragmentSplitter {
  readonly #maxFragmentBytes: number;
  readonly #reader: StreamingMkvReader;
  readonly #events: SplitEvent[] = [];
  #nextEvent = 0;
  #failure: unknown;
  /** The stream from the child of the Segment, or the EBML header, that is being read. */
  readonly #input = new GrowingBytes();
  #start = 0;
  /** Where the last element ended. */
  #position = 0;
  /** The document's header: for all of its Clusters. */
  readonly #head = new GrowingBytes();
  /** All of it, once a fragment has been made with it: fragments share it. */
  #sharedHead: Uint8Array | undefined;
  /** Elements that stand before the next Cluster and are for it alone. */
  readonly #between = new GrowingBytes();
  /** A fragment whose Cluster is whole, and its tail so far. */
  #pending: Omit<SplitFragment, 'tail'> | undefined;
  readonly #tail = new GrowingBytes();
  /** The service has said its last of the pending fragment. */
  #hasTrailing = false;
  #hasCluster = false;
  #hasTimestamp = false;
  #timestampScale = DEFAULT_TIMESTAMP_SCALE;
  #trackNumber = 0;
  /** DefaultDuration in nanoseconds, of the first tracks. */
  #defaultDurations = new Map<number, number>();
  #timestamp = 0;
  /** The lowest TrackNumber of the Cluster's Blocks, and their times in ticks from its Timestamp: 65,536 different ones at most. */
  #firstTrack: number | undefined;
  #times = new Set<number>();
  #tagName = '';
  #service = new Map<string, string>();
  #isServiceTags = false;

  /** @param maxFragmentBytes the most bytes of a fragment with the header of its document; more are an error `ElementTooLarge` */
  constructor(maxFragmentBytes = Number.POSITIVE_INFINITY) {
    this.#maxFragmentBytes = maxFragmentBytes;
    this.#reader = new StreamingMkvReader(
      maxFragmentBytes === Number.POSITIVE_INFINITY ? {} : { maxElementSize: maxFragmentBytes },
    );
  }

  /** Takes bytes. What is wrong with them is thrown behind the fragments before, by {@link FragmentSplitter.nextIfAvailable}. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.#failure === undefined; at += STEP) {
      const step = chunk.subarray(at, at + STEP);
      this.#read(() => {
        this.#input.append(step);
        this.#reader.push(step);
      });
    }
  }

  /** Says that no more come. A Cluster that is not whole is given up. */
  end(): void {
    if (this.#failure === undefined) this.#read(() => this.#reader.end());
  }

  /**
   * The next event, if there is one.
   *
   * @throws MkvParseError when the bytes behind the events so far are wrong
   */
  nextIfAvailable(): SplitEvent | undefined {
    const event = this.#events[this.#nextEvent];
    if (event === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
    this.#nextEvent++;
    if (this.#nextEvent === this.#events.length) {
      this.#events.length = 0;
      this.#nextEvent = 0;
    }
    return event;
  }

  #read(take: () => void): void {
    const reader = this.#reader;
    try {
      take();
      for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
        this.#take(element);
      }
      this.#checkSize();
    } catch (error) {
      this.#failure = error;
      // Its Cluster has come whole.
      this.#give();
      this.#input.clear();
    }
  }

  #checkSize(): void {
    const most = this.#maxFragmentBytes;
    // What the reader has not taken apart yet is one element, which it holds to the same size.
    const current = this.#position - this.#start;
    const behind = (this.#pending?.media.length ?? 0) + this.#tail.length;
    if (this.#head.length + this.#between.length + Math.max(current, behind) <= most) return;
    throw new MkvParseError('ElementTooLarge', this.#position, `more than ${most} bytes without the end of a fragment`);
  }

  #take(element: MkvElement): void {
    this.#position = endOf(element);
    const top = element.path[0] ?? (element.kind === 'data' ? undefined : element);
    if (top?.is(Mkv.Segment) === true) this.#takeInSegment(element);
    else if (top?.is(Mkv.EBML) === true) this.#takeHeader(element);
    else this.#begin(this.#position);
  }

  #takeHeader(element: MkvElement): void {
    if (!element.is(Mkv.EBML)) return;
    if (element.kind === 'start') {
      this.#beginDocument();
      this.#begin(element.offset);
    } else {
      this.#head.append(this.#input.view(this.#start, this.#position));
      this.#head.append(SEGMENT);
      this.#begin(this.#position);
    }
  }

  #beginDocument(): void {
    this.#head.clear();
    this.#sharedHead = undefined;
    this.#between.clear();
    this.#hasCluster = false;
    this.#timestampScale = DEFAULT_TIMESTAMP_SCALE;
    this.#defaultDurations = new Map();
    this.#service = new Map();
  }

  /** What is kept of the stream begins here. */
  #begin(offset: number): void {
    this.#start = offset;
    this.#input.forget(offset);
  }

  #takeInSegment(element: MkvElement): void {
    if (element.is(Mkv.Segment)) {
      this.#begin(this.#position);
      if (element.kind !== 'end') return;
      if (!this.#hasCluster && this.#service.has('FRAGMENT_NUMBER')) this.#hold(new Uint8Array(0));
      this.#give();
      return;
    }
    const outermost = element.path.length === 1;
    if (outermost && element.kind !== 'end') {
      this.#begin(element.offset);
      this.#isServiceTags = false;
      if (element.is(Mkv.Cluster)) this.#beginCluster();
    }
    if (element.kind === 'data') this.#readValue(element);
    if (outermost && element.kind !== 'start') {
      this.#endChild(element);
      this.#checkSize();
      this.#begin(this.#position);
    }
  }

  #readValue(element: MkvDataElement): void {
    if (element.is(Mkv.TimestampScale)) this.#timestampScale = element.value || DEFAULT_TIMESTAMP_SCALE;
    else if (element.is(Mkv.TrackNumber)) this.#trackNumber = element.value;
    else if (element.is(Mkv.DefaultDuration)) this.#noteDefaultDuration(element.value);
    else if (element.is(Mkv.Timestamp)) this.#noteTimestamp(element.value);
    else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) {
      const { trackNumber, relativeTimestamp } = element.value;
      this.#noteBlock(trackNumber, relativeTimestamp);
    } else if (element.is(Mkv.TagName)) this.#tagName = element.value;
    else if (element.is(Mkv.TagString)) this.#noteTag(element.value);
  }

  #noteDefaultDuration(nanoseconds: number): void {
    // The service takes three tracks; the lowest number counts.
    if (this.#defaultDurations.size < 256) this.#defaultDurations.set(this.#trackNumber, nanoseconds);
  }

  #noteTimestamp(ticks: number): void {
    if (this.#hasTimestamp) return;
    this.#hasTimestamp = true;
    this.#timestamp = this.#toMilliseconds(ticks);
    this.#events.push({ kind: 'begin', timestamp: this.#timestamp });
  }

  #noteBlock(trackNumber: number, ticks: number): void {
    if (this.#firstTrack === undefined || trackNumber < this.#firstTrack) {
      this.#firstTrack = trackNumber;
      this.#times.clear();
    }
    if (trackNumber === this.#firstTrack) this.#times.add(ticks);
  }

  #noteTag(value: string): void {
    const name = SERVICE_TAG.exec(this.#tagName)?.[1];
    if (name === undefined) return;
    this.#isServiceTags = true;
    if (name === 'MILLIS_BEHIND_NOW' || name === 'CONTINUATION_TOKEN') this.#hasTrailing = true;
    else this.#service.set(name.replace('_SIDE', ''), value);
  }

  #toMilliseconds(ticks: number): number {
    return (ticks * this.#timestampScale) / 1_000_000;
  }

  /** A child of the Segment is whole. */
  #endChild(element: MkvElement): void {
    if (element.kind === 'end' && element.truncated) return;
    const bytes = this.#input.view(this.#start, this.#position);
    if (element.is(Mkv.Cluster)) this.#endCluster(bytes);
    else if (element.is(Mkv.Tags) && this.#isServiceTags) return;
    else if (!this.#hasCluster) {
      this.#head.append(bytes);
      this.#sharedHead = undefined;
    } else if (this.#hasTrailing || element.is(Mkv.Info) || element.is(Mkv.Tracks)) this.#between.append(bytes);
    else this.#tail.append(bytes);
  }

  #beginCluster(): void {
    this.#hasTimestamp = false;
    this.#firstTrack = undefined;
    this.#times.clear();
    if (this.#service.has('FRAGMENT_NUMBER') && !this.#hasTrailing) {
      // A merged document whose fragments have no tags of the service after them: what stands here belongs to the next.
      const own = this.#between.copy();
      this.#between.clear();
      this.#between.append(this.#tail.copy());
      this.#between.append(own);
      this.#tail.clear();
    }
    this.#give();
  }

  #endCluster(bytes: Uint8Array): void {
    this.#noteTimestamp(0);
    this.#hold(bytes.slice());
  }

  /** The Cluster of a fragment is whole; or it has none. */
  #hold(media: Uint8Array): void {
    this.#sharedHead ??= this.#head.copy();
    let head = this.#sharedHead;
    if (this.#between.length > 0) {
      head = new Uint8Array(this.#sharedHead.length + this.#between.length);
      head.set(this.#sharedHead);
      head.set(this.#between.copy(), this.#sharedHead.length);
    }
    this.#pending = {
      head,
      media,
      timestamp: media.length === 0 ? 0 : this.#timestamp,
      timestampScale: this.#timestampScale,
      duration: media.length === 0 ? 0 : this.#duration(),
      service: this.#service,
    };
    this.#hasCluster = true;
    this.#hasTrailing = false;
    this.#between.clear();
    this.#tail.clear();
    this.#service = new Map();
  }

  /** The fragment at hand is complete, if there is one. */
  #give(): void {
    if (this.#pending === undefined) return;
    const fragment = { ...this.#pending, tail: this.#tail.copy() };
    this.#pending = undefined;
    this.#tail.clear();
    this.#events.push({ kind: 'fragment', fragment });
  }

  /** Of the first track, since the frames of others reach over the fragment's end. */
  #duration(): number {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const ticks of this.#times) {
      first = Math.min(first, ticks);
      last = Math.max(last, ticks);
    }
    const count = this.#times.size;
    const defaultDuration = this.#defaultDurations.get(this.#firstTrack ?? 0);
    const typical = count > 1 ? this.#toMilliseconds(last - first) / (count - 1) : 0;
    const frame = defaultDuration === undefined ? typical : defaultDuration / 1e6;
    return Math.round(this.#toMilliseconds(Math.max(0, last)) + frame);
  }
}

/** Where the bytes of an element end, or of a beginning its header. */
function endOf(element: MkvElement): number {
  const { offset, headerSize } = element;
  return offset + headerSize + (element.kind === 'data' ? element.dataSize : 0);
}
