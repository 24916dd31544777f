import type { DataRun } from '../ebml/byte-run.js';
import type { Bytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import {
  type MkvDataElement,
  type MkvElement,
  MkvEndMasterElement,
  type MkvStartMasterElement,
} from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { expectHoldable, MOST_HELD } from '../mkv/holding.js';
import { SERVICE_TAG_PREFIX, ServiceTagName } from '../visitors/fragment-metadata.js';
import { TagsReader } from '../visitors/tags-reader.js';
import { AwaitedTracks } from './awaited-tracks.js';
import { ClusterHead } from './cluster-head.js';
import { ClusterWriter } from './cluster-writer.js';
import { ComparedMasters } from './compared-masters.js';
import { DocumentHeader, type HeaderBytes, isLeftOut } from './document-header.js';
import { GatheredElement } from './gathered-element.js';
import { LeftOut } from './left-out.js';
import { MadeUpBytes } from './made-up-bytes.js';
import {
  describeReason,
  type MergeCounters,
  type NewDocument,
  type NewDocumentReason,
  type OutputSegmentMergerOptions,
  type TimestampReason,
} from './merge-options.js';
import type { PieceQueue } from './piece-queue.js';
import { isMisplaced } from './strict-form.js';
import { isRefusable, LOOKS_DAMAGED } from './unknown-element.js';

// The table is so large that looking a type up takes its time.
const { Cluster, EBML, Segment, Tags } = Mkv;

/** How much of Tags is kept to be written again, in bytes, roughly: a fragment of the service has a few kilobytes. */
const MOST_REPEATED = 256 * 1024;

const NO_HEADER = 'no header has come that it could belong to';

/** What becomes of the document at hand. */
enum Fate {
  /** Its header is held: no Cluster has told its time yet. */
  Held,
  /** It is a document of the output as well. */
  Own,
  /** It goes on in the document that is being written. */
  Merged,
  /** There is no header at all. */
  Lost,
}

/** The merging itself, from elements to bytes in a queue. What it does is told with {@link OutputSegmentMerger}. */
export class DocumentMerger {
  readonly #options: OutputSegmentMergerOptions;
  readonly #compared: ComparedMasters;
  /** Nothing is merged or changed. */
  readonly #passesAll: boolean;
  readonly #takesTags: boolean;
  readonly #tagsReader = new TagsReader(SERVICE_TAG_PREFIX);
  readonly #keepPositions: boolean;
  readonly #packs: boolean;
  readonly #queue: PieceQueue;
  readonly #madeUp = new MadeUpBytes();
  /** The headers that were gone over once more for what stands behind Clusters: no more bytes than may be made up. */
  readonly #goneOver = new MadeUpBytes();
  readonly #leftOut: LeftOut;
  readonly #clusters: ClusterWriter;

  #documentsIn = 0;
  #documentsOut = 0;
  #clustersDropped = 0;
  #stopped: NewDocument | undefined;
  #truncated = false;

  /** The header that the document being written has. */
  #written: DocumentHeader | undefined;
  #lastTimestamp: bigint | undefined;
  /** When the fragment at hand was recorded, in milliseconds since 1970. */
  #producerTime: number | undefined;
  /** The document written last had no Cluster. */
  #withoutCluster = false;
  /** The header of the document at hand. */
  #header: DocumentHeader | undefined;
  #fate = Fate.Lost;
  #gathered: GatheredElement | undefined;
  #head: ClusterHead | undefined;
  #skipped: MkvStartMasterElement | undefined;
  /** Tags behind a Cluster that may be those of the next fragment: where they go is decided with its Cluster. */
  #pendingTags: GatheredElement[] = [];
  #pendingWeight = 0;
  /** The Tags before the Clusters of the fragment at hand. */
  #fragmentTags: readonly GatheredElement[] = [];
  /** What has come of a document since its first Cluster, as long as its Tracks have not. */
  #waiting: AwaitedTracks | undefined;

  /** @param queue takes the bytes, views of the elements' data among them */
  constructor(queue: PieceQueue, options: OutputSegmentMergerOptions) {
    if (options.seekable !== undefined && options.keepPositions === true) {
      throw new TypeError('seekable and keepPositions do not go together');
    }
    this.#queue = queue;
    this.#options = options;
    this.#keepPositions = options.keepPositions === true;
    this.#compared = new ComparedMasters(options.mergeOn ?? [Mkv.EBML, Mkv.Tracks]);
    this.#passesAll = this.#compared.types.size === 0;
    this.#takesTags = !this.#passesAll && !this.#compared.areIn(Mkv.Tags);
    this.#packs = options.packClusters === true;
    this.#leftOut = new LeftOut(options.onLeftOut);
    this.#clusters = new ClusterWriter(queue, options, this.#madeUp, this.#leftOut, (timestamp, offset) => {
      this.#followTime(timestamp, offset);
      return this.#stopped === undefined;
    });
  }

  /** What has been done so far. */
  get counters(): MergeCounters {
    return {
      documentsIn: this.#documentsIn,
      documentsOut: this.#documentsOut,
      clusters: this.#clusters.clusters,
      frames: this.#clusters.frames,
      clustersDropped: this.#clustersDropped,
      elementsLeftOut: this.#leftOut.count,
      bytes: this.#queue.length,
    };
  }

  /** Why the merger has stopped (`stopAtFirstNonMatchingSegment`); `undefined` as long as it has not. */
  get stopped(): NewDocument | undefined {
    return this.#stopped;
  }

  /** Whether the last element that came was the end of a master of which bytes are missing: the stream ended there. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** Takes the beginning of a master. */
  start(element: MkvStartMasterElement): void {
    this.#truncated = false;
    if (this.#waiting !== undefined && this.#await(this.#waiting, element)) return;
    if (!this.#take(element)) this.#begin(element);
  }

  /**
   * Takes a whole Tags from where its data lies in `bytes`, with the header before; `false` when it has to be given element by element. Most
   * elements of a fragment with tags are within them.
   */
  takeTags(start: MkvStartMasterElement, bytes: Bytes, from: number, to: number): boolean {
    const among =
      this.#stopped ?? this.#clusters.open ?? this.#gathered ?? this.#head ?? this.#skipped ?? this.#waiting;
    if (!this.#takesTags || among !== undefined || from < start.headerSize) return false;
    const tags = this.#tagsReader.read(bytes, from, to);
    if (tags === undefined) return false;
    this.#truncated = false;
    this.#complete(new GatheredElement(start, tags, { bytes, start: from - start.headerSize, end: to }));
    return true;
  }

  /** Takes a data element. */
  data(element: MkvDataElement): void {
    this.#truncated = false;
    if (this.#waiting !== undefined && this.#await(this.#waiting, element)) return;
    const { type, headerSize, dataSize, run, start } = element;
    if (this.passData(type, headerSize, dataSize, run, start) || this.#take(element)) return;
    this.#complete(new GatheredElement(element));
  }

  /**
   * Takes a data element of an open Cluster from where it lies in `run`; `false` when that is not what it is, and it is to be given
   * to {@link DocumentMerger.data}. If `start` is not below `headerSize`, the header lies before the data. No master that is cut short
   * ends in a Cluster before an element of it.
   */
  passData(type: EbmlElementType, headerSize: number, dataSize: number, run: DataRun, start: number): boolean {
    return this.#clusters.passData(type, headerSize, dataSize, run, start);
  }

  /** Takes the end of the master that began with `start`; `offset` and `truncated` are those of its `MkvEndMasterElement`. */
  end(start: MkvStartMasterElement, offset: number, truncated: boolean): void {
    const waiting = this.#waiting;
    const isKept = waiting !== undefined && this.#await(waiting, new MkvEndMasterElement(start, offset, truncated));
    this.#truncated = truncated;
    if (isKept) return;
    if (this.#stopped !== undefined || this.#passesAll) return;
    if (this.#clusters.open !== undefined) {
      this.#clusters.end(start, offset, truncated);
    } else if (this.#gathered !== undefined) {
      if (start !== this.#gathered.root) return;
      const gathered = this.#gathered;
      this.#gathered = undefined;
      if (truncated) this.#leftOut.add(gathered.root, 'it is not whole');
      else this.#complete(gathered);
    } else if (this.#head !== undefined) {
      this.#endInHead(this.#head, start, offset, truncated);
    } else if (start === this.#skipped) {
      this.#skipped = undefined;
    } else if (start.type === Segment) {
      this.#writePendingTags();
      if (this.#fate === Fate.Held && !truncated) this.#decide(undefined);
    }
  }

  /** Ends a Cluster that is still open, and fills what the end of the stream has cut off of it. */
  closeTruncated(): void {
    // After an error, nothing has ended yet.
    if (this.#waiting !== undefined) this.#replay(this.#waiting);
    const open = this.#head?.start ?? this.#clusters.open;
    if (open !== undefined) this.end(open, open.offset, true);
    if (this.#stopped === undefined) this.#writePendingTags();
    this.#clusters.fill();
  }

  /** Writes what belongs at the end of the last document. */
  finish(): void {
    this.closeTruncated();
    this.#clusters.endSegment();
  }

  /** See {@link ClusterWriter.takeRewrites}. */
  takeRewrites(): (() => void) | undefined {
    return this.#clusters.takeRewrites();
  }

  /** Takes an element that is within another one, is left out or passed on; does nothing and returns `false` when it is none of these. */
  #take(element: MkvStartMasterElement | MkvDataElement): boolean {
    const gathered = this.#gathered;
    if (this.#stopped !== undefined || this.#skipped !== undefined) return true;
    if (this.#passesAll) {
      if (element.kind === 'start') this.#noteStart(element);
      this.#clusters.pass(element);
    } else if (this.#clusters.open !== undefined) {
      this.#clusters.pass(element);
    } else if (gathered !== undefined) {
      gathered.add(element);
      expectHoldable(gathered.weight, element);
    } else if (this.#head !== undefined) {
      this.#inHead(this.#head, element);
    } else {
      return false;
    }
    return true;
  }

  /** Counts documents where nothing is merged. */
  #noteStart(element: MkvStartMasterElement): void {
    const { type } = element;
    if (type === EBML || (type === Segment && this.#fate !== Fate.Held)) {
      this.#documentsIn++;
      this.#documentsOut++;
    }
    if (element.parent === undefined) this.#fate = type === EBML ? Fate.Held : Fate.Own;
  }

  /** Takes the beginning of a master that is not within another one but a Segment. */
  #begin(element: MkvStartMasterElement): void {
    const { type } = element;
    // The stream goes on behind the Cluster, and perhaps with nothing that is written.
    this.#clusters.fill();
    if (type === Segment) {
      if (this.#header === undefined || this.#header.hasSegment) this.#newHeader(element.offset);
      this.#header?.setSegment(element);
    } else if (type === Cluster) {
      if (this.#fate === Fate.Held && !this.#keepPositions && this.#header?.hasTracksBehind(element.offset) === true) {
        this.#waiting = new AwaitedTracks();
        this.#await(this.#waiting, element);
        return;
      }
      this.#head = new ClusterHead(element, this.#madeUp);
    } else {
      if (type === EBML) this.#newHeader(element.offset);
      this.#gathered = new GatheredElement(element);
      if (this.#fate === Fate.Held) this.#header?.observe(this.#gathered);
    }
  }

  /**
   * Keeps an element until the Tracks of its document have come, which are then written first.
   *
   * @returns `false` where the wait is over without it
   */
  #await(waiting: AwaitedTracks, element: MkvElement): boolean {
    const header = this.#header;
    const isNext =
      element.kind === 'start' ? element.type === EBML || element.type === Segment : element.type === Segment;
    if (header === undefined || isNext) {
      this.#replay(waiting);
      return false;
    }
    const tracks = waiting.take(element);
    if (tracks !== undefined) {
      header.observe(tracks);
      header.hold(tracks);
      this.#replay(waiting);
    } else if (waiting.weight > MOST_HELD) {
      // Where something is to be rewritten, Clusters may move, and the SeekHead would not be true.
      const { startAtZero, seekable } = this.#options;
      if (this.#packs || startAtZero === true || seekable !== undefined) expectHoldable(waiting.weight, element);
      header.keepSeekHead();
      this.#replay(waiting);
    }
    return true;
  }

  /** Takes what has been kept. */
  #replay(waiting: AwaitedTracks): void {
    this.#waiting = undefined;
    this.#header?.settleTracks();
    for (const element of waiting.elements) {
      if (element.kind === 'start') this.start(element);
      else if (element.kind === 'data') this.data(element);
      else this.end(element.start, element.offset, element.truncated);
    }
  }

  #newHeader(offset: number): void {
    this.#writePendingTags();
    this.#documentsIn++;
    this.#header = new DocumentHeader(offset, this.#compared, this.#options.seekable !== undefined);
    this.#producerTime = undefined;
    this.#fate = Fate.Held;
  }

  /** Takes a whole element outside of the Clusters. */
  #complete(element: GatheredElement): void {
    this.#clusters.fill();
    if (element.root.parent !== undefined && isMisplaced(element.type, Segment)) {
      this.#takeMisplaced(element);
      return;
    }
    if (element.root.kind === 'data' && isRefusable(element.root, Segment)) {
      this.#leftOut.add(element.root, LOOKS_DAMAGED);
      return;
    }
    if (this.#packs && element.type === Tags) this.#producerTime = element.producerTime ?? this.#producerTime;
    switch (this.#fate) {
      case Fate.Held:
        this.#header?.hold(element);
        expectHoldable(this.#header?.weight ?? 0, element.root);
        return;
      case Fate.Merged:
      case Fate.Own:
        if (this.#written !== undefined && this.#takeAnother(element, this.#written)) return;
        break;
      case Fate.Lost:
        this.#leftOut.add(element.root, NO_HEADER);
        return;
    }
    if (element.type === Tags && element.root.parent !== undefined && !element.isTrailer) {
      // Added up as they come: of many small ones the sum would be made again for each.
      this.#pendingWeight = (this.#pendingTags.length === 0 ? 0 : this.#pendingWeight) + element.weight;
      this.#pendingTags.push(element);
      // No fragment of the service has so many: they are written where they stand.
      if (this.#pendingWeight > MOST_REPEATED) this.#writePendingTags();
      return;
    }
    this.#writePendingTags();
    this.#clusters.follow([element]);
  }

  /**
   * An element comes behind the first Cluster that a document has once. Where the one that is being written has it, or has another
   * TimestampScale, and it differs in what matters, another document begins with it; where it does not differ, it is left out.
   *
   * @returns `false` where it is to be written as it is: it is no such element, or the only one
   */
  #takeAnother(element: GatheredElement, written: DocumentHeader): boolean {
    const { type } = element;
    if (!isLeftOut(type, false)) return false;
    const isKnown = written.repeats(type) || this.#fate === Fate.Merged;
    if (isKnown && written.says(element)) return true;
    const { offset } = element.root;
    const { length } = written;
    if (isKnown && !this.#goneOver.allows(length, offset)) {
      this.#leftOut.add(element.root, 'too many of its kind');
      return true;
    }
    const header = written.with(element);
    const isCompared = isKnown || type === Mkv.Info;
    const difference = isCompared ? written.difference(header, true) : undefined;
    if (difference === undefined) {
      this.#goneOver.add(length);
      if (isKnown) return true;
      // Documents that begin with the same header again have it too, and others are compared with it.
      header.settle();
      this.#header = header;
      this.#written = header;
      return false;
    }
    const bytes = header.bytes(this.#keepPositions);
    if (this.#beginAgain(header, bytes, offset, { kind: 'element', ...difference })) {
      this.#header = header;
      this.#leftOut.addFrom(element);
      header.settle();
    } else if (this.#stopped === undefined) {
      this.#goneOver.add(length);
      this.#leftOut.add(element.root, 'too many documents would begin');
    }
    return true;
  }

  /**
   * Begins another document in the middle of one, with the Tags of the fragment at hand.
   *
   * @returns whether it has begun; else too much would be made of few bytes, or nothing more is written
   */
  #beginAgain(header: DocumentHeader, bytes: HeaderBytes, offset: number, reason: NewDocumentReason): boolean {
    const length = bytes.ebml.length + bytes.segment.length + bytes.rest.length + weightOfAll(this.#fragmentTags);
    if (this.#options.stopAtFirstNonMatchingSegment !== true && !this.#madeUp.allows(length, offset)) {
      if (reason.kind === 'timestamp') this.#tellDiscontinuity(offset, reason);
      return false;
    }
    this.#fate = Fate.Own;
    if (!this.#mayBeginNew(offset, reason)) return false;
    this.#madeUp.add(length);
    const tags = [...new Set([...this.#fragmentTags, ...this.#pendingTags])];
    this.#pendingTags = [];
    this.#writeHeader(header, bytes);
    this.#clusters.follow(tags);
    return true;
  }

  /** Of what does not belong where it stands in a Segment, only Blocks are written. */
  #takeMisplaced(element: GatheredElement): void {
    const isWritten = this.#fate === Fate.Own || this.#fate === Fate.Merged;
    if (!isWritten || !this.#clusters.followBlock(element)) this.#leftOut.add(element.root);
  }

  #writePendingTags(): void {
    const tags = this.#pendingTags;
    if (tags.length === 0) return;
    this.#pendingTags = [];
    this.#clusters.follow(tags);
  }

  /** A Cluster begins: the Tags before it are those of its fragment. */
  #beginFragment(): void {
    const tags = this.#pendingTags;
    if (tags.length === 0) return;
    const isNext = tags.some((element) => element.hasTag(ServiceTagName.fragmentNumber));
    const all = isNext ? tags : [...this.#fragmentTags, ...tags];
    // No more than a fragment of the service may have.
    this.#fragmentTags = weightOfAll(all) <= MOST_REPEATED ? all : [];
  }

  #endInHead(head: ClusterHead, start: MkvStartMasterElement, offset: number, truncated: boolean): void {
    if (start !== head.start) {
      head.add(new MkvEndMasterElement(start, offset, truncated));
    } else if (truncated && head.timestamp === undefined) {
      this.#head = undefined;
      if (head.hasBlock) this.#clustersDropped++;
    } else {
      this.#flushHead(head);
      if (this.#clusters.open !== undefined) this.#clusters.end(start, offset, truncated);
      this.#skipped = undefined;
    }
  }

  #inHead(head: ClusterHead, element: MkvElement): void {
    head.add(element);
    if (head.isComplete(this.#keepPositions)) this.#flushHead(head);
    else expectHoldable(head.weight, element);
  }

  /** The Timestamp of a Cluster has come: decides where it belongs and writes what is held of it. */
  #flushHead(head: ClusterHead): void {
    this.#head = undefined;
    const { timestamp } = head;
    this.#beginFragment();
    if (this.#fate === Fate.Held) this.#decide(timestamp);
    else if (timestamp !== undefined) this.#followTime(timestamp, head.start.offset);
    if (this.#stopped !== undefined) return;
    if (this.#written === undefined) {
      this.#clustersDropped++;
      this.#skipped = head.start;
      return;
    }
    if (timestamp !== undefined) this.#lastTimestamp = timestamp;
    this.#withoutCluster = false;
    this.#writePendingTags();
    this.#clusters.begin(head, this.#producerTime);
  }

  /**
   * Decides the fate of the document at hand.
   *
   * @param timestamp of its first Cluster; `undefined` when it has none
   */
  #decide(timestamp: bigint | undefined): void {
    const header = this.#header;
    if (header === undefined) return;
    const written = this.#written;
    const previous = this.#lastTimestamp;
    let reason: NewDocumentReason | undefined;
    if (written !== undefined) {
      const difference = written.difference(header, timestamp !== undefined);
      if (difference !== undefined) reason = { kind: 'element', ...difference };
      else if (header.keepsSeekHead) reason = { kind: 'element', master: Mkv.Tracks, element: Mkv.Tracks };
      else if (timestamp !== undefined && previous !== undefined && timestamp <= previous) {
        const goesBack: TimestampReason = { kind: 'timestamp', timestamp, previous };
        if (this.#packs) this.#tellDiscontinuity(header.offset, goesBack);
        else reason = goesBack;
      }
      if (reason === undefined) {
        this.#fate = Fate.Merged;
        this.#fragmentTags = header.tags;
        this.#clusters.follow(header.merged(this.#withoutCluster));
        // Of the two, which are the same in what matters, one is enough to remember.
        this.#header = written;
        this.#withoutCluster = timestamp === undefined;
        return;
      }
    }
    if (!header.hasSegment) {
      this.#fate = Fate.Lost;
      this.#written = undefined;
      return;
    }
    this.#fate = Fate.Own;
    if (reason !== undefined && !this.#mayBeginNew(header.offset, reason)) return;
    for (const element of header.held) this.#leftOut.addFrom(element);
    this.#writeHeader(header, header.bytes(this.#keepPositions));
    this.#withoutCluster = timestamp === undefined;
    this.#fragmentTags = header.tags;
    header.settle();
  }

  /**
   * A Cluster goes on in the document that is being written. Where it goes back in time, the rest becomes a document of its own, with the same
   * header, unless Tracks are still to come.
   */
  #followTime(timestamp: bigint, offset: number): void {
    const previous = this.#lastTimestamp;
    this.#lastTimestamp = timestamp;
    if (previous === undefined || timestamp >= previous) return;
    const reason: TimestampReason = { kind: 'timestamp', timestamp, previous };
    const written = this.#written;
    // What would begin before Tracks that the SeekHead tells of would leave what is before it without them.
    if (this.#packs || written?.keepsSeekHead === true) this.#tellDiscontinuity(offset, reason);
    else if (written !== undefined) this.#beginAgain(written, written.again(this.#keepPositions), offset, reason);
    // The document that has begun may know no time before this.
    this.#lastTimestamp = timestamp;
  }

  /** Time goes back where that makes no new document. */
  #tellDiscontinuity(offset: number, reason: TimestampReason): void {
    const { timestamp, previous } = reason;
    this.#options.onDiscontinuity?.({ offset, timestamp, previous, message: describeReason(reason) });
  }

  #mayBeginNew(offset: number, reason: NewDocumentReason): boolean {
    const document: NewDocument = { offset, reason, message: describeReason(reason) };
    if (this.#options.stopAtFirstNonMatchingSegment === true) {
      this.#stopped = document;
      this.#clusters.fill();
      return false;
    }
    this.#options.onNewDocument?.(document);
    return true;
  }

  #writeHeader(header: DocumentHeader, { ebml, segment, rest, places }: HeaderBytes): void {
    this.#clusters.endSegment();
    this.#queue.add(ebml);
    this.#queue.add(segment);
    this.#clusters.beginSegment(header, places);
    this.#queue.add(rest);
    this.#written = header;
    this.#lastTimestamp = undefined;
    this.#documentsOut++;
  }
}

function weightOfAll(elements: readonly GatheredElement[]): number {
  return elements.reduce((sum, { weight }) => sum + weight, 0);
}
