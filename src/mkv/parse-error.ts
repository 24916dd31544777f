import { type EbmlErrorCode, EbmlParseError } from '../ebml/errors.js';

/** The kind of fault of a Matroska stream, for programs to test. */
export type MkvErrorCode = EbmlErrorCode;

/**
 * The bytes are not a well-formed Matroska stream (RFC 8794, RFC 9559).
 *
 * `code` is the kind of fault, `offset` the byte at which it showed, counted from the start of the stream; the message has both in words,
 * with the masters that were open. After it the reader stays stopped.
 */
export class MkvParseError extends EbmlParseError {
  /** Always `MkvParseError`. */
  override name = 'MkvParseError';
}
