/** The kind of fault, for programs to test. */
export type EbmlErrorCode =
  /** The first byte of an id has no length marker, the id is longer than the document allows, or it is a reserved one. */
  | 'InvalidId'
  /** The size field has no length marker or is longer than the document allows. */
  | 'InvalidSize'
  /** An element of unknown size that is no master, so that nothing can tell where it ends. */
  | 'UnknownSizeNotAllowed'
  /** A data element larger than `maxElementSize`, or a size beyond 2^53 - 1. */
  | 'ElementTooLarge'
  /** More masters are open at once than `maxDepth`. */
  | 'TooDeep'
  /** An element where the format cannot have it; at the top level: the bytes are not an EBML document. */
  | 'UnexpectedElement'
  /** `strict`: an element reaches past the end of its parent. */
  | 'PastParentEnd'
  /** `strict`: an element that may occur once in its parent occurs again. */
  | 'TooManyOccurrences'
  /** `strict`: the EBML header asks for something that this reader does not know. */
  | 'UnsupportedDocument'
  /** `strict`: the stream ended inside an element. */
  | 'Truncated'
  /** `verifyCrc`: the bytes of a master do not fit its CRC-32 element. */
  | 'CrcMismatch'
  /** A value that its type does not allow: a number of more than 8 bytes, a float of 3, an integer beyond 2^53 - 1. */
  | 'InvalidValue'
  /** A warning only: frames show that what the TrackEntry says of its track is not so, or there is none for them. */
  | 'TrackMismatch'
  /** A Block whose header or lacing does not fit its size. */
  | 'InvalidBlock';

/**
 * The input breaks a rule of RFC 8794 (EBML) or of the format above it.
 *
 * `offset` counts bytes from the start of the stream to the byte at which the reader could tell, so it lies within the
 * damage or after it, never before.
 */
export class EbmlParseError extends Error {
  /** Always `EbmlParseError`. */
  override name = 'EbmlParseError';
  /** The kind of fault. */
  readonly code: EbmlErrorCode;
  /** Where the fault showed, in bytes from the start of the stream. */
  readonly offset: number;

  /**
   * @param code the kind of fault
   * @param offset where it showed, in bytes from the start of the stream
   * @param text what is wrong, with the element's path; the message adds the offset
   */
  constructor(code: EbmlErrorCode, offset: number, text: string) {
    super(`byte ${offset}: ${text}`);
    this.code = code;
    this.offset = offset;
  }
}
