/** The kind of fault, for programs to test. */
export type DecodeErrorCode =
  /** There is no decoder in this runtime: a package has to be installed, or `codecs` to be given. */
  | 'NoDecoder'
  /** There is nothing that scales or encodes pictures in this runtime. */
  | 'NoImageLibrary'
  /** There is nothing that changes sampling frequencies in this runtime. */
  | 'NoResampler'
  /** The decoder that there is does not take this codec. */
  | 'UnsupportedCodec'
  /** The stream has no track that was asked for. */
  | 'NoTrack'
  /** The media is stored in a way that cannot be decoded, or the decoder failed at it. */
  | 'MediaError';

/** Decoding is not possible. What concerns a group of pictures or a stretch of time alone is a {@link MediaProblem} instead. */
export class DecodeError extends Error {
  /** Always `DecodeError`. */
  override readonly name = 'DecodeError';
  /** The kind of fault. */
  readonly code: DecodeErrorCode;

  /** @param options `cause`: what the decoder or the library threw */
  constructor(code: DecodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A part of the stream that gives no pictures or no sound, as GetImages reports it. */
export interface MediaProblem {
  /** `NO_MEDIA`: nothing was recorded then. `MEDIA_ERROR`: what was recorded cannot be decoded. */
  readonly code: 'NO_MEDIA' | 'MEDIA_ERROR';
  /** Where it begins, in microseconds of the stream. */
  readonly from: number;
  /** Where it ends, in microseconds of the stream. */
  readonly to: number;
  /** What is wrong. */
  readonly message: string;
  /** What the decoder threw. */
  readonly cause?: unknown;
}
