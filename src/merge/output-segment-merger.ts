import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { MaybePromise } from '../mkv/element-visitor.js';
import type { ByteSink } from '../visitors/copy-visitor.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import { DocumentMerger } from './document-merger.js';
import type { MergeCounters, NewDocument, OutputSegmentMergerOptions } from './merge-options.js';
import { PieceQueue } from './piece-queue.js';
import { SinkWriter } from './sink-writer.js';

/**
 * Writes the documents of consecutive fragments as one Matroska document, for as long as their EBML headers and Tracks are the same and the
 * Timestamps of their Clusters increase; where they do not, a new document begins in the output. Shown all elements of a stream, it writes
 * them to a sink:
 *
 * ```ts
 * const merger = new OutputSegmentMerger((bytes) => file.write(bytes));
 * await applyVisitor(response.body, merger);
 * ```
 *
 * A document's header is held until the time of its first Cluster is known; Clusters are passed on element by element as they arrive (a
 * BlockGroup when it is whole), their data not copied. Of a document that is merged, its Tags and Clusters are written. The output's
 * Segment has an unknown size.
 *
 * What a reader accepts with a warning is written in the form that RFC 8794 and RFC 9559 want, so that a reader with `strict` accepts the
 * output, with the same frames: unknown sizes and sizes that are too small become right ones, an EBML header that is missing or says what
 * is not supported a plain one, what may occur once is put into one, a Block in no Cluster gets one, what must not stand where it does is
 * left out, in a Cluster replaced by a Void element. Where a Segment describes its tracks again, behind Clusters and otherwise, a new
 * document begins. A CRC-32 of a Cluster in which that changes something does not fit any more.
 *
 * When a stream ends within a Cluster, what was whole of it has been written, so that the output is cut off as well (see
 * {@link OutputSegmentMerger.truncated} and {@link OutputSegmentMerger.closeTruncated}); any other element that is not whole is not written at
 * all. What damage has taken out of a Cluster is filled with a Void element; its CRC-32 then shows the damage. No more is filled up in all
 * than as many bytes as have come, and 1 MiB: a Cluster that says it is larger is written with an unknown size.
 */
export class OutputSegmentMerger extends MkvElementVisitor {
  readonly #queue = new PieceQueue();
  readonly #merger: DocumentMerger;
  readonly #writer: SinkWriter;
  #isCutOff = false;

  /**
   * @param sink is given the bytes in order; a promise is waited for before the next come, and once the sink has thrown or rejected,
   * every call throws its error and nothing more is written
   */
  constructor(sink: ByteSink, options: OutputSegmentMergerOptions = {}) {
    super();
    this.#merger = new DocumentMerger(this.#queue, options);
    this.#writer = new SinkWriter(sink);
  }

  /** What has been done so far. */
  get counters(): MergeCounters {
    return this.#merger.counters;
  }

  /** Why the merger has stopped (`stopAtFirstNonMatchingSegment`); `undefined` as long as it has not. */
  get stopped(): NewDocument | undefined {
    return this.#merger.stopped;
  }

  /**
   * Whether the stream ended inside an element: the last one that came was the end of a master of which bytes are missing, or
   * {@link OutputSegmentMerger.visitStreamEnd} was told so, as `applyVisitor` does. What is cut off at the top level, the beginning of an EBML
   * header, Segment or Void, is never shown.
   */
  get truncated(): boolean {
    return this.#merger.truncated || this.#isCutOff;
  }

  /** Whether nothing more will be written: a document came that could not be merged (`stopAtFirstNonMatchingSegment`). */
  override isDone(): boolean {
    return this.#merger.stopped !== undefined;
  }

  /**
   * Takes the beginning of a master. Throws what the sink throws, and `MkvParseError` `ElementTooLarge` when more than 64 MiB would have
   * to be held before they can be written: an endless header, Tags or BlockGroup.
   */
  override visitStart(element: MkvStartMasterElement): MaybePromise {
    this.#writer.check();
    this.#merger.start(element);
    return this.#write();
  }

  /** Takes a data element. Throws as {@link OutputSegmentMerger.visitStart}. */
  override visitData(element: MkvDataElement): MaybePromise {
    this.#writer.check();
    this.#merger.data(element);
    return this.#write();
  }

  /** Takes the end of a master. Throws as {@link OutputSegmentMerger.visitStart}. */
  override visitEnd(element: MkvEndMasterElement): MaybePromise {
    this.#writer.check();
    this.#merger.end(element.start, element.offset, element.truncated);
    return this.#write();
  }

  /**
   * Says that no more elements come.
   *
   * @param truncated whether the stream ended inside an element: `truncated` of the reader
   */
  override visitStreamEnd(truncated: boolean): void {
    this.#isCutOff = truncated;
  }

  /**
   * Fills what is missing of a Cluster that the end of the stream, or an error of the reader, has cut off with Void elements, so that the
   * output is a whole document with fewer frames. To be called when no more elements come. Throws what the sink throws.
   */
  closeTruncated(): MaybePromise {
    this.#writer.check();
    this.#merger.closeTruncated();
    return this.#write();
  }

  /**
   * Says that no more elements come, and writes what belongs at the end of the last document: with `seekable`, its Cues. What is missing of
   * a Cluster that is cut off is filled as with {@link OutputSegmentMerger.closeTruncated}. Throws what the sink throws.
   */
  finish(): MaybePromise {
    this.#writer.check();
    this.#merger.finish();
    return this.#write();
  }

  #write(): MaybePromise {
    // Those that come while the sink is waited for are of bytes that it does not have by then.
    const tellRewrites = this.#merger.takeRewrites();
    const written = this.#writer.write(this.#queue);
    if (tellRewrites === undefined) return written;
    if (written === undefined) {
      tellRewrites();
      return undefined;
    }
    const told = Promise.resolve(written).then(tellRewrites);
    // The next call throws what the sink has thrown, for those who do not wait.
    told.catch(() => {});
    return told;
  }
}
