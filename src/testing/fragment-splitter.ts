import { concatBytes, writeHeader } from '../ebml/writer.js';
import type { MkvDataElement, MkvElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';

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

/**
 * Splits Matroska documents into fragments, one per Cluster: each with the header of its document and the tags that follow its Cluster,
 * as the service does with what producers send. A fragment is given when the next one begins, or the end has been said. The service's own tags,
 * in a body of GetMedia or several merged into one document, are taken out; there, they tell which of the producer's tags are whose. Bytes
 * of the producer stay as they are.
 */
export class FragmentSplitter {
  readonly #reader = new StreamingMkvReader();
  readonly #events: SplitEvent[] = [];
  #nextEvent = 0;
  /** The document's header: for all of its Clusters. */
  #head: Uint8Array[] = [];
  /** Elements that stand before the next Cluster and are for it alone. */
  #between: Uint8Array[] = [];
  /** A fragment whose Cluster is whole, and its tail so far. */
  #pending: Omit<SplitFragment, 'tail'> | undefined;
  #tail: Uint8Array[] = [];
  /** The service has said its last of the pending fragment. */
  #hasTrailing = false;
  /** The child of the Segment, or the EBML header, that is being read. */
  #current: Uint8Array[] = [];
  #hasCluster = false;
  #timestampScale = 1_000_000;
  /** DefaultDuration in nanoseconds by TrackNumber. */
  #defaultDurations = new Map<number, number>();
  #trackNumber = 0;
  #timestamp = 0;
  /** Times of the Cluster's blocks in milliseconds from its Timestamp, by track. */
  #times = new Map<number, number[]>();
  #tagName = '';
  #service = new Map<string, string>();
  #isServiceTags = false;

  /** Takes bytes; throws MkvParseError when they are wrong. */
  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    this.#drain();
  }

  /** Says that no more come. A Cluster that is not whole is given up. */
  end(): void {
    this.#reader.end();
    this.#drain();
  }

  /** The next event, if there is one. */
  nextIfAvailable(): SplitEvent | undefined {
    const event = this.#events[this.#nextEvent];
    if (event !== undefined) this.#nextEvent++;
    if (this.#nextEvent === this.#events.length) {
      this.#events.length = 0;
      this.#nextEvent = 0;
    }
    return event;
  }

  #drain(): void {
    const reader = this.#reader;
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      this.#take(element);
    }
  }

  #take(element: MkvElement): void {
    const top = element.path[0] ?? (element.kind === 'data' ? undefined : element);
    if (top?.is(Mkv.Segment) === true) this.#takeInSegment(element);
    else if (top?.is(Mkv.EBML) === true) this.#takeHeader(element);
  }

  #takeHeader(element: MkvElement): void {
    if (element.kind === 'start' && element.is(Mkv.EBML)) this.#beginDocument();
    this.#keep(element);
    if (element.kind === 'end' && element.is(Mkv.EBML)) this.#head.push(...this.#current, SEGMENT);
  }

  #beginDocument(): void {
    this.#head = [];
    this.#between = [];
    this.#current = [];
    this.#hasCluster = false;
    this.#timestampScale = 1_000_000;
    this.#defaultDurations = new Map();
    this.#service = new Map();
  }

  #takeInSegment(element: MkvElement): void {
    if (element.is(Mkv.Segment)) {
      if (element.kind !== 'end') return;
      if (!this.#hasCluster && this.#service.has('FRAGMENT_NUMBER')) this.#hold([]);
      this.#give();
      return;
    }
    const outermost = element.path.length === 1;
    if (outermost && element.kind !== 'end') {
      this.#current = [];
      this.#isServiceTags = false;
      this.#times = new Map();
      if (element.is(Mkv.Cluster)) this.#beginCluster();
    }
    this.#keep(element);
    if (element.kind === 'data') this.#read(element);
    if (outermost && element.kind !== 'start') this.#endChild(element);
  }

  #keep(element: MkvElement): void {
    if (element.kind === 'end') return;
    this.#current.push(element.rawHeader);
    if (element.kind === 'data') this.#current.push(element.data);
  }

  #read(element: MkvDataElement): void {
    if (element.is(Mkv.TimestampScale)) this.#timestampScale = element.value;
    else if (element.is(Mkv.TrackNumber)) this.#trackNumber = element.value;
    else if (element.is(Mkv.DefaultDuration)) this.#defaultDurations.set(this.#trackNumber, element.value);
    else if (element.is(Mkv.Timestamp)) {
      this.#timestamp = this.#toMilliseconds(element.value);
      this.#events.push({ kind: 'begin', timestamp: this.#timestamp });
    } else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) {
      const { trackNumber, relativeTimestamp } = element.value;
      const times = this.#times.get(trackNumber) ?? [];
      times.push(this.#toMilliseconds(relativeTimestamp));
      this.#times.set(trackNumber, times);
    } else if (element.is(Mkv.TagName)) this.#tagName = element.value;
    else if (element.is(Mkv.TagString)) {
      const name = SERVICE_TAG.exec(this.#tagName)?.[1];
      if (name === undefined) return;
      this.#isServiceTags = true;
      if (name === 'MILLIS_BEHIND_NOW' || name === 'CONTINUATION_TOKEN') this.#hasTrailing = true;
      else this.#service.set(name.replace('_SIDE', ''), element.value);
    }
  }

  #toMilliseconds(ticks: number): number {
    return (ticks * this.#timestampScale) / 1_000_000;
  }

  /** A child of the Segment is whole. */
  #endChild(element: MkvElement): void {
    if (element.kind === 'end' && element.truncated) return;
    if (element.is(Mkv.Cluster)) this.#hold(this.#current);
    else if (element.is(Mkv.Tags) && this.#isServiceTags) return;
    else if (!this.#hasCluster) this.#head.push(...this.#current);
    else if (this.#hasTrailing || element.is(Mkv.Info) || element.is(Mkv.Tracks)) this.#between.push(...this.#current);
    else this.#tail.push(...this.#current);
  }

  #beginCluster(): void {
    if (this.#service.has('FRAGMENT_NUMBER') && !this.#hasTrailing) {
      // A merged document whose fragments have no tags of the service after them: what stands here belongs to the next.
      this.#between.unshift(...this.#tail);
      this.#tail = [];
    }
    this.#give();
  }

  /** The Cluster of a fragment is whole. */
  #hold(media: readonly Uint8Array[]): void {
    this.#pending = {
      head: concatBytes([...this.#head, ...this.#between]),
      media: concatBytes(media),
      timestamp: media.length === 0 ? 0 : this.#timestamp,
      timestampScale: this.#timestampScale,
      duration: media.length === 0 ? 0 : this.#duration(),
      service: this.#service,
    };
    this.#hasCluster = true;
    this.#hasTrailing = false;
    this.#between = [];
    this.#tail = [];
    this.#service = new Map();
  }

  /** The fragment at hand is complete, if there is one. */
  #give(): void {
    if (this.#pending === undefined) return;
    const fragment = { ...this.#pending, tail: concatBytes(this.#tail) };
    this.#pending = undefined;
    this.#tail = [];
    this.#events.push({ kind: 'fragment', fragment });
  }

  /** Of the first track, since the frames of others reach over the fragment's end. */
  #duration(): number {
    const track = Math.min(...this.#times.keys());
    const times = [...new Set(this.#times.get(track))].sort((a, b) => a - b);
    const first = times[0] ?? 0;
    const last = times.at(-1) ?? 0;
    const typical = times.length > 1 ? (last - first) / (times.length - 1) : 0;
    const defaultDuration = this.#defaultDurations.get(track);
    return Math.round(Math.max(0, last) + (defaultDuration === undefined ? typical : defaultDuration / 1e6));
  }
}
