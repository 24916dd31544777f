import type { MkvDataElement, MkvElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { MaybePromise } from '../mkv/element-visitor.js';
import { Mkv, type MkvMasterType } from '../mkv/elements.js';
import type { ByteSink } from '../visitors/copy-visitor.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import { ClusterHead } from './cluster-head.js';
import { ClusterWriter } from './cluster-writer.js';
import { DocumentHeader, isLeftOut } from './document-header.js';
import { GatheredElement } from './gathered-element.js';
import {
  describeReason,
  type MergeCounters,
  type NewDocument,
  type NewDocumentReason,
  type OutputSegmentMergerOptions,
} from './merge-options.js';
import { PieceQueue } from './piece-queue.js';
import { SinkWriter } from './sink-writer.js';

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

/**
 * Writes the documents of consecutive fragments as one Matroska document, for as long as their EBML headers and Tracks are the same
 * and the Timestamps of their Clusters increase; where they do not, a new document begins in the output. Shown all elements of a
 * stream, it writes them to a sink:
 *
 * ```ts
 * const merger = new OutputSegmentMerger((bytes) => file.write(bytes));
 * await applyVisitor(response.body, merger);
 * ```
 *
 * A document's header is held until its first Cluster tells its time; Clusters are passed on element by element as they come, their
 * data not copied. Of a document that is merged, its Tags and Clusters are written. The output's Segment has an unknown size.
 *
 * When a stream ends within a Cluster, what was whole of it has been written, so that the output is cut off as well (see
 * {@link OutputSegmentMerger.truncated} and {@link OutputSegmentMerger.closeTruncated}); any other element that is not whole is not
 * written at all. What damage has taken out of a Cluster is filled with Void elements.
 */
export class OutputSegmentMerger extends MkvElementVisitor {
  readonly #options: OutputSegmentMergerOptions;
  readonly #mergeOn: readonly MkvMasterType[];
  readonly #queue = new PieceQueue();
  readonly #writer: SinkWriter;
  readonly #clusters: ClusterWriter;

  #documentsIn = 0;
  #documentsOut = 0;
  #clustersDropped = 0;
  #stopped: NewDocument | undefined;
  #truncated = false;

  /** The header that the document being written has. */
  #written: DocumentHeader | undefined;
  #lastTimestamp: bigint | undefined;
  /** The header of the document at hand. */
  #header: DocumentHeader | undefined;
  #fate = Fate.Lost;
  #gathered: GatheredElement | undefined;
  #head: ClusterHead | undefined;
  #skipped: MkvStartMasterElement | undefined;

  /**
   * @param sink is given the bytes in order; a promise is waited for before the next come, and once the sink has thrown or rejected,
   * every call throws its error and nothing more is written
   */
  constructor(sink: ByteSink, options: OutputSegmentMergerOptions = {}) {
    super();
    this.#options = options;
    this.#mergeOn = [...(options.mergeOn ?? [Mkv.EBML, Mkv.Tracks])];
    this.#writer = new SinkWriter(sink);
    this.#clusters = new ClusterWriter(this.#queue, options);
  }

  /** What has been done so far. */
  get counters(): MergeCounters {
    return {
      documentsIn: this.#documentsIn,
      documentsOut: this.#documentsOut,
      clusters: this.#clusters.clusters,
      frames: this.#clusters.frames,
      clustersDropped: this.#clustersDropped,
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

  /** Whether nothing more will be written: a document came that could not be merged (`stopAtFirstNonMatchingSegment`). */
  override isDone(): boolean {
    return this.#stopped !== undefined;
  }

  /** Takes the beginning of a master. Throws what the sink throws. */
  override visitStart(element: MkvStartMasterElement): MaybePromise {
    if (!this.#enter()) return undefined;
    if (this.#mergeOn.length === 0) this.#passStart(element);
    else if (this.#gathered !== undefined) this.#gather(this.#gathered, element);
    else if (this.#head !== undefined) this.#inHead(this.#head, element);
    else if (this.#clusters.open !== undefined) this.#clusters.pass(element);
    else if (this.#skipped === undefined) this.#begin(element);
    return this.#writer.write(this.#queue);
  }

  /** Takes a data element. Throws what the sink throws. */
  override visitData(element: MkvDataElement): MaybePromise {
    if (!this.#enter()) return undefined;
    if (this.#mergeOn.length === 0) this.#clusters.pass(element);
    else if (this.#gathered !== undefined) this.#gather(this.#gathered, element);
    else if (this.#head !== undefined) this.#inHead(this.#head, element);
    else if (this.#clusters.open !== undefined) this.#clusters.pass(element);
    else if (this.#skipped === undefined) this.#complete(new GatheredElement(element));
    return this.#writer.write(this.#queue);
  }

  /** Takes the end of a master. Throws what the sink throws. */
  override visitEnd(element: MkvEndMasterElement): MaybePromise {
    if (!this.#enter()) return undefined;
    this.#truncated = element.truncated;
    if (this.#mergeOn.length === 0) return undefined;
    const { start } = element;
    if (this.#gathered !== undefined) {
      if (start === this.#gathered.root) {
        const gathered = this.#gathered;
        this.#gathered = undefined;
        if (!element.truncated) this.#complete(gathered);
      }
    } else if (this.#head !== undefined) {
      if (start !== this.#head.start) this.#head.add(element);
      else if (element.truncated && this.#head.timestamp === undefined) this.#head = undefined;
      else {
        this.#flushHead(this.#head);
        this.#clusters.end(element);
      }
    } else if (this.#clusters.open !== undefined) {
      this.#clusters.end(element);
    } else if (start === this.#skipped) {
      this.#skipped = undefined;
    } else if (start.type === Mkv.Segment && this.#fate === Fate.Held && !element.truncated) {
      this.#decide(undefined);
    }
    return this.#writer.write(this.#queue);
  }

  /**
   * Fills what is missing of a Cluster that the end of the stream has cut off with Void elements, so that the output is a whole
   * document with fewer frames. To be called when no more elements come.
   */
  closeTruncated(): MaybePromise {
    if (!this.#enter()) return undefined;
    this.#clusters.fill();
    return this.#writer.write(this.#queue);
  }

  /** @returns `false` when nothing more is wanted */
  #enter(): boolean {
    this.#writer.check();
    this.#truncated = false;
    return this.#stopped === undefined;
  }

  #passStart(element: MkvStartMasterElement): void {
    const { type } = element;
    if (type === Mkv.EBML || (type === Mkv.Segment && this.#fate !== Fate.Held)) {
      this.#documentsIn++;
      this.#documentsOut++;
    }
    if (element.parent === undefined) this.#fate = type === Mkv.EBML ? Fate.Held : Fate.Own;
    this.#clusters.pass(element);
  }

  /** Takes the beginning of a master that is not within another one but a Segment. */
  #begin(element: MkvStartMasterElement): void {
    const { type } = element;
    if (type === Mkv.Segment) {
      if (this.#header === undefined || this.#header.hasSegment) this.#newHeader(element.offset);
      this.#header?.setSegment(element);
    } else if (type === Mkv.Cluster) {
      this.#head = new ClusterHead(element);
    } else {
      if (type === Mkv.EBML) this.#newHeader(element.offset);
      this.#gathered = new GatheredElement(element);
      this.#observe(element);
    }
  }

  #newHeader(offset: number): void {
    this.#documentsIn++;
    this.#header = new DocumentHeader(offset, this.#mergeOn);
    this.#fate = Fate.Held;
  }

  #gather(gathered: GatheredElement, element: MkvStartMasterElement | MkvDataElement): void {
    gathered.add(element);
    this.#observe(element);
  }

  #observe(element: MkvStartMasterElement | MkvDataElement): void {
    if (this.#fate === Fate.Held) this.#header?.observe(element);
  }

  /** Takes a whole element outside of the Clusters. */
  #complete(element: GatheredElement): void {
    switch (this.#fate) {
      case Fate.Held:
        this.#header?.hold(element);
        return;
      case Fate.Merged:
        if (isLeftOut(element.type, false)) return;
        break;
      case Fate.Lost:
        return;
    }
    this.#clusters.fill();
    this.#queue.add(this.#options.keepPositions === true ? element.bytes() : element.bytesWithoutPositions());
  }

  #inHead(head: ClusterHead, element: MkvElement): void {
    head.add(element);
    if (head.isComplete(this.#options.keepPositions === true)) this.#flushHead(head);
  }

  /** The Timestamp of a Cluster has come: decides where it belongs and writes what is held of it. */
  #flushHead(head: ClusterHead): void {
    this.#head = undefined;
    const { timestamp } = head;
    if (this.#fate === Fate.Held) this.#decide(timestamp);
    else if (timestamp !== undefined && this.#lastTimestamp !== undefined && timestamp < this.#lastTimestamp) {
      this.#goBack(head.start, { kind: 'timestamp', timestamp, previous: this.#lastTimestamp });
    }
    if (this.#stopped !== undefined) return;
    if (this.#written === undefined) {
      this.#clustersDropped++;
      this.#skipped = head.start;
      return;
    }
    if (timestamp !== undefined) this.#lastTimestamp = timestamp;
    this.#clusters.begin(head);
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
      const difference = written.difference(header);
      if (difference !== undefined) reason = { kind: 'element', ...difference };
      else if (timestamp !== undefined && previous !== undefined && timestamp <= previous) {
        reason = { kind: 'timestamp', timestamp, previous };
      }
      if (reason === undefined) {
        this.#fate = Fate.Merged;
        this.#clusters.fill();
        this.#queue.add(header.mergedBytes());
        header.forgetTags();
        return;
      }
    }
    if (!header.hasSegment) {
      this.#fate = Fate.Lost;
      this.#written = undefined;
      return;
    }
    this.#fate = Fate.Own;
    if (reason === undefined || this.#mayBeginNew(header.offset, reason)) this.#writeHeader(header);
  }

  /** A document goes back in time by itself: the rest of it becomes a document of its own, with the same header. */
  #goBack(cluster: MkvStartMasterElement, reason: NewDocumentReason): void {
    const header = this.#header;
    if (header?.hasSegment !== true) return;
    this.#fate = Fate.Own;
    if (this.#mayBeginNew(cluster.offset, reason)) this.#writeHeader(header);
  }

  #mayBeginNew(offset: number, reason: NewDocumentReason): boolean {
    const document: NewDocument = { offset, reason, message: describeReason(reason) };
    if (this.#options.stopAtFirstNonMatchingSegment === true) {
      this.#stopped = document;
      return false;
    }
    this.#options.onNewDocument?.(document);
    return true;
  }

  #writeHeader(header: DocumentHeader): void {
    const { ebml, segment, rest } = header.bytes(this.#options.keepPositions === true);
    this.#clusters.fill();
    this.#queue.add(ebml);
    this.#queue.add(segment);
    this.#clusters.beginSegment(header);
    this.#queue.add(rest);
    this.#written = header;
    this.#lastTimestamp = undefined;
    this.#documentsOut++;
    header.forgetTags();
  }
}
