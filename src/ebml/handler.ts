import type { DataRun } from './byte-run.js';
import type { Bytes } from './bytes.js';
import type { DataLook } from './element-sight.js';
import type { EbmlElementType, EbmlSchema } from './element-type.js';
import type { EbmlErrorCode, EbmlParseError } from './errors.js';
import type { SyncMark } from './sync-scanner.js';

/** Bytes of the stream that were skipped, or did not fit their CRC-32. */
export interface EbmlGap {
  /** The first byte, counted from the start of the stream. */
  readonly offset: number;
  /** How many bytes. */
  readonly length: number;
  /** What was wrong there. */
  readonly reason: string;
}

/** A deviation that the standard forbids but practice tolerates. */
export interface EbmlWarning {
  /** What it would be as an error. */
  readonly code: EbmlErrorCode;
  /** Where it showed, in bytes from the start of the stream. */
  readonly offset: number;
  /** What it is. */
  readonly message: string;
}

/** Receives the elements from {@link EbmlParser}, in the order of the bytes. `M` is what the handler stores for an open master. */
export interface EbmlHandler<M> {
  /**
   * A master begins. What is returned stands for it in the calls about its children and its end.
   *
   * @param offset of the first byte of the element's id, from the start of the stream
   * @param headerSize length of id and size, in bytes
   * @param dataSize length of the data in bytes, `undefined` when unknown
   * @param parent the innermost open master; `undefined` at the top level
   * @param asked whether the element is one of `elements`; a master that is not is told of because its children may be
   */
  masterStart(
    type: EbmlElementType,
    offset: number,
    headerSize: number,
    dataSize: number | undefined,
    parent: M | undefined,
    asked: boolean,
  ): M;
  /**
   * A master that was asked for lies whole in one chunk, its data in `bytes` from `start` to `end`: whoever can read it at once, and would
   * find nothing wrong with it, takes it and returns `true`. Otherwise it is told of like others. It is not offered where something is
   * looked for in it, like CRC-32s. `offset`, `headerSize` and `parent` are what {@link EbmlHandler.masterStart} would be given; if `start`
   * is not below `headerSize`, the header lies right before the data.
   */
  takeMaster?(
    type: EbmlElementType,
    bytes: Bytes,
    start: number,
    end: number,
    offset: number,
    headerSize: number,
    parent: M | undefined,
  ): boolean;
  /**
   * A master that was asked for ends.
   *
   * @param offset the stream offset at which it ends
   * @param truncated whether bytes of it are missing
   */
  masterEnd(master: M, offset: number, truncated: boolean): void;
  /**
   * A data element, whole. Its data lies in `run` at `start`, `dataSize` bytes long: in a pushed chunk, in a buffer of its own when it
   * spans chunks, or, where it is large binary data, in parts of several chunks. Nothing writes to them afterwards unless the owner of a
   * chunk does. If `start` is not below `headerSize`, the element's header lies right before its data.
   */
  data(
    type: EbmlElementType,
    offset: number,
    headerSize: number,
    dataSize: number,
    run: DataRun,
    start: number,
    parent: M | undefined,
  ): void;
}

/** Options of {@link EbmlParser}. */
export interface EbmlParserOptions {
  /** The elements of the format; others are read as binary data. */
  readonly schema: EbmlSchema;
  /** The elements to report. Others are skipped without being buffered. Default: all. */
  readonly elements?: Iterable<EbmlElementType> | undefined;
  /** The largest data element to accept, in bytes. Default 64 MiB. */
  readonly maxElementSize?: number | undefined;
  /** How many masters may be open at once. Default 64. */
  readonly maxDepth?: number | undefined;
  /** Copy each chunk when it is pushed, for a caller that uses its buffer again. */
  readonly copyChunks?: boolean | undefined;
  /** Refuse what is otherwise a warning, and a stream that ends inside an element. */
  readonly strict?: boolean | undefined;
  /** Read on after damage at the next of these marks. */
  readonly recoverAt?: readonly SyncMark[] | undefined;
  /**
   * Elements that one of unknown id must not have swallowed: it is an error when it ends where no element can follow, or elements in it
   * continue past its end. Default: none is looked for.
   */
  readonly landmarks?: readonly SyncMark[] | undefined;
  /** Tells what binary data look like, for the elements with the shortest ids (with `recoverAt`). */
  readonly dataLook?: DataLook | undefined;
  /** Masters in which an element of unknown id is damage. Default: none; extensions of a format may be anywhere. */
  readonly closedMasters?: readonly EbmlElementType[] | undefined;
  /** Check CRC-32 elements. */
  readonly verifyCrc?: boolean | undefined;
  /** The DocTypes that the schema is for; others are a warning. */
  readonly docTypes?: readonly string[] | undefined;
  /** Receives damage that was skipped (with `recoverAt`). */
  readonly onGap?: ((gap: EbmlGap) => void) | undefined;
  /** Receives what the standard forbids and this parser tolerates. */
  readonly onWarning?: ((warning: EbmlWarning) => void) | undefined;
  /** Makes the error to throw; for formats with an error class of their own. */
  readonly createError?: ((code: EbmlErrorCode, offset: number, text: string) => EbmlParseError) | undefined;
}
