/** What is wrong with a track's or a frame's bytes, in the words of Kinesis Video's own errors. */
export type CodecErrorCode =
  /** CodecPrivate is not what its CodecID says it is. */
  | 'InvalidCodecPrivateData'
  /** A frame's NAL units do not add up to its length. */
  | 'InvalidMediaFrame';

/** The bytes of a CodecPrivate or of a frame break the format that the track's CodecID names. */
export class CodecDataError extends Error {
  /** Always `CodecDataError`. */
  override name = 'CodecDataError';
  /** The kind of fault. */
  readonly code: CodecErrorCode;

  /**
   * @param text what is wrong
   * @param code default: `InvalidCodecPrivateData`
   */
  constructor(text: string, code: CodecErrorCode = 'InvalidCodecPrivateData') {
    super(text);
    this.code = code;
  }
}
