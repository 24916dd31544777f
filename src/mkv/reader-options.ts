import type { EbmlElementType } from '../ebml/element-type.js';
import type { EbmlGap, EbmlWarning } from '../ebml/handler.js';

/** Bytes that were skipped, or that did not fit their CRC-32. */
export type MkvGap = EbmlGap;

/** A deviation that the standard forbids but practice tolerates. */
export type MkvWarning = EbmlWarning;

/** Options of `StreamingMkvReader`. */
export interface MkvReaderOptions {
  /** The elements to give: exactly these, beginnings, ends and data. Others are skipped without being buffered. Default: all. */
  readonly elements?: Iterable<EbmlElementType> | undefined;
  /** The largest data element to accept, in bytes; a larger one is an error. Default 64 MiB: a fragment has at most 50 MB. */
  readonly maxElementSize?: number | undefined;
  /** How many masters may be open at once, default 64. */
  readonly maxDepth?: number | undefined;
  /** Copy each chunk when it is pushed: for a caller that uses its buffer again. Otherwise the reader refers to it. */
  readonly copyChunks?: boolean | undefined;
  /** Refuse what the standard forbids and practice tolerates, and a stream that ends inside an element. */
  readonly strict?: boolean | undefined;
  /**
   * At damaged bytes, continue where the sizes that are known say, or else at the next element that others follow, and report what was
   * skipped through `onGap`. What an element holds whose size holds is never taken for elements. An element whose data look like the
   * beginning of an EBML header or Cluster is given when what follows it has arrived; so is one of unknown id, and a Void.
   */
  readonly recover?: boolean | undefined;
  /**
   * Take an element of unknown id that stands right in a Segment for damage: where a stream is known to have no extensions there, it is
   * something else that has got into it. Default false.
   */
  readonly refuseUnknown?: boolean | undefined;
  /** Check every CRC-32 element against the bytes of its parent. A mismatch is an error; with `recover`, a gap. */
  readonly verifyCrc?: boolean | undefined;
  /** Receives every gap, once, in order (with `recover`). The bytes of a gap whose CRC-32 was wrong have been given all the same. */
  readonly onGap?: ((gap: MkvGap) => void) | undefined;
  /** Receives what is tolerated. */
  readonly onWarning?: ((warning: MkvWarning) => void) | undefined;
}
