import type { EbmlElementType } from '../ebml/element-type.js';
import { nameOf } from '../ebml/path.js';
import type { MkvMasterType } from '../mkv/elements.js';

/** Options of {@link OutputSegmentMerger}. */
export interface OutputSegmentMergerOptions {
  /** Stop before the first document that cannot be merged, instead of beginning a new one. */
  readonly stopAtFirstNonMatchingSegment?: boolean | undefined;
  /**
   * Rewrite the Clusters' Timestamps: the first of a document is 0, and each begins where the frames of the one before end, so that the
   * gaps between sparse fragments close. How long the last frame of a track lasts is taken from BlockDuration or DefaultDuration, else from
   * the distance of its Blocks. Where nothing tells it, Clusters stay as far apart as they were.
   *
   * Time that goes back then makes no new document: what was recorded after a restart is laid behind what was before, and
   * {@link OutputSegmentMergerOptions.onDiscontinuity} is called. Fragments of one frame, where nothing else tells how long they last, are
   * laid as far apart as the service's producer timestamps are, up to 20 seconds, else as those before, else 40 milliseconds.
   */
  readonly packClusters?: boolean | undefined;
  /**
   * Count the Timestamps of the Clusters from the first of their document, which becomes 0; their distances stay. `packClusters` does so
   * anyway.
   */
  readonly startAtZero?: boolean | undefined;
  /**
   * The masters that must be the same for documents to be merged: the elements in them, in order, CRC-32 and Void aside. Default
   * `Mkv.EBML` and `Mkv.Tracks`. With an empty list nothing is merged or changed: the output is what is accepted of the input, byte for
   * byte; a data element that is cut off at its end is not.
   */
  readonly mergeOn?: Iterable<MkvMasterType> | undefined;
  /**
   * Leave SeekHead, Cues, Duration, Position and PrevSize as the producer wrote them, though they are wrong in what is written. By
   * default SeekHead, Cues and Duration become Void elements of the same size, so that every other byte stands where it would have
   * stood, and Position and PrevSize get the values that are right. Cues that a document would have a second time become a Void element in
   * any case.
   */
  readonly keepPositions?: boolean | undefined;
  /**
   * Let players seek in what is written: each document has a Duration, and Cues at its end, which a SeekHead at its beginning refers to. As
   * they are known only at the end of a document, some bytes before have to be written once more: this is called with them when they have
   * been given to the sink, or with the bytes that `segmentMergerStream` gives. A document with a Cluster of unknown size keeps a Segment
   * of unknown size. For outputs that can be rewritten, or are held; `mergeSeekable` holds them itself. The end of the last document has to
   * be said with `finish()` of the merger. It does not go together with `keepPositions`, and has no effect where nothing is merged.
   */
  readonly seekable?: ((rewrite: OutputRewrite) => void) | undefined;
  /** Called each time a new document begins in the output, except for the first. */
  readonly onNewDocument?: ((document: NewDocument) => void) | undefined;
  /**
   * Called where the input goes back in time and that makes no new document: with `packClusters`; where a document goes back so often that
   * the headers of the new ones would be much more than all that has come; and in a document whose Tracks stand so far behind its Clusters
   * that they were not waited for, as long as they have not come.
   */
  readonly onDiscontinuity?: ((discontinuity: Discontinuity) => void) | undefined;
  /**
   * Is told of what is left out because a strict reader would refuse it and nothing puts it right: elements that may not stand where they do
   * (a Tag or TrackEntry right in a Segment), are there more often than they may be, are not whole, or belong to no document. What a document
   * that is merged repeats, and positions, are not counted.
   */
  readonly onLeftOut?: ((element: LeftOutElement) => void) | undefined;
}

/** What {@link OutputSegmentMergerOptions.onLeftOut} is told. */
export interface LeftOutElement {
  /** Of its first byte, from the start of the stream. */
  readonly offset: number;
  /** The element; if it is a master, all that is in it is left out as well. */
  readonly type: EbmlElementType;
  /** Which element, and why, in words. */
  readonly message: string;
}

/** Bytes that replace bytes which have been written before. */
export interface OutputRewrite {
  /** Of the first one, from the first byte that was written. */
  readonly position: number;
  /** The new bytes: as many as they replace. */
  readonly bytes: Uint8Array;
}

/** A place where the input goes back in time and the output continues in the same document. */
export interface Discontinuity {
  /** Where the document begins in the input, or the Cluster or Block of one that goes back in time by itself. */
  readonly offset: number;
  /** The Timestamp of the Cluster, in units of TimestampScale. */
  readonly timestamp: bigint;
  /** That of the Cluster before, in units of TimestampScale. */
  readonly previous: bigint;
  /** The same in words. */
  readonly message: string;
}

/** Why documents were not merged into one. */
export type NewDocumentReason =
  /** A master that is compared, or the TimestampScale, is not the same. */
  | {
      readonly kind: 'element';
      /** The master. */
      readonly master: EbmlElementType;
      /** The first element in it that differs, or that only one of the two has. */
      readonly element: EbmlElementType;
    }
  | TimestampReason;

/** The Timestamp of a Cluster is not after that of the last one written. */
export interface TimestampReason {
  /** Distinguishes this reason from the others of {@link NewDocumentReason}. */
  readonly kind: 'timestamp';
  /** In units of TimestampScale. */
  readonly timestamp: bigint;
  /** In units of TimestampScale. */
  readonly previous: bigint;
}

/** The argument of {@link OutputSegmentMergerOptions.onNewDocument}. */
export interface NewDocument {
  /** Where the input began that could not be merged: the document, or the Cluster or Block of one that goes back in time by itself. */
  readonly offset: number;
  /** Why. */
  readonly reason: NewDocumentReason;
  /** The same in words. */
  readonly message: string;
}

/** Counters of a merger. */
export interface MergeCounters {
  /** Documents that have begun in the input. */
  readonly documentsIn: number;
  /** Documents that have begun in the output. */
  readonly documentsOut: number;
  /** Clusters written. */
  readonly clusters: number;
  /** Frames written. */
  readonly frames: number;
  /**
   * Clusters left out: no header had come that they could belong to, after damage at the beginning of a stream, or they are cut short and
   * what is left has frames but no Timestamp, so that nobody knows their time.
   */
  readonly clustersDropped: number;
  /** Other elements left out, as {@link OutputSegmentMergerOptions.onLeftOut} is told of them. */
  readonly elementsLeftOut: number;
  /** Bytes written. */
  readonly bytes: number;
}

/** Puts a reason into words. */
export function describeReason(reason: NewDocumentReason): string {
  if (reason.kind === 'timestamp') return `the Timestamp ${reason.timestamp} comes after ${reason.previous}`;
  const { master, element } = reason;
  return `${nameOf(element)} in ${master.name} is not the same`;
}
