import { EbmlParseError } from '../ebml/errors.js';
import { shortText } from '../ebml/text.js';
import type { StreamError } from '../visitors/fragment-metadata.js';
import { type FailureKind, kindOfFailure, kindOfStreamError } from './failure-kind.js';
import { PeerError } from './peer.js';

/** The operations of the service that are called here, by their names in the API. */
export type ServiceOperation =
  /** The endpoint of a stream, for one of the operations below. */
  | 'GetDataEndpoint'
  /** Media as it arrives, or from a position on. */
  | 'GetMedia'
  /** Which fragments are stored. */
  | 'ListFragments'
  /** The media of stored fragments. */
  | 'GetMediaForFragmentList'
  /** Images of stored media. */
  | 'GetImages'
  /** An MP4 of stored media. */
  | 'GetClip'
  /** The URL of an HLS session. */
  | 'GetHLSStreamingSessionURL'
  /** The URL of a DASH session. */
  | 'GetDASHStreamingSessionURL';

/**
 * A call of the service has failed, or the media that it sent is invalid. The message has the service's name for the error and the request
 * id, which AWS support asks for.
 */
export class KinesisVideoError extends Error {
  /** Always `KinesisVideoError`. */
  override name = 'KinesisVideoError';
  /** The operation that was called. */
  readonly operation: ServiceOperation;
  /** The service's name for it, for example `ResourceNotFoundException`; where it was not the service, a word for what happened. */
  readonly code: string;
  /** What is done about it. */
  readonly kind: FailureKind;
  /** The id of the request, where the service gave one. */
  readonly requestId: string | undefined;
  /** The HTTP status, where there was an answer. */
  readonly statusCode: number | undefined;

  /** @internal */
  constructor(operation: ServiceOperation, failure: FailureDetails) {
    const { code, kind, text, requestId, statusCode, cause } = failure;
    const notes = [
      ...(requestId === undefined ? [] : [`request id ${requestId}`]),
      ...(statusCode === undefined ? [] : [`HTTP ${statusCode}`]),
    ];
    super(`${operation}: ${shortText(code)}: ${text}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`, { cause });
    this.operation = operation;
    this.code = code;
    this.kind = kind;
    this.requestId = requestId;
    this.statusCode = statusCode;
  }
}

/** @internal */
export interface FailureDetails {
  readonly code: string;
  readonly kind: FailureKind;
  readonly text: string;
  readonly requestId?: string | undefined;
  readonly statusCode?: number | undefined;
  readonly cause?: unknown;
}

/** Classes that say nothing of what has happened. */
const PLAIN_ERRORS: ReadonlySet<string> = new Set(['Error', 'TypeError', 'AggregateError']);

/** How far causes are followed. */
const MAX_CAUSES = 5;

/** What came is no Matroska at all: something between here and the service has answered in its place. */
export class NotMediaError extends Error {
  override name = 'NotMediaError';
}

/** What was thrown by a call, or while its body was read, as a {@link KinesisVideoError}. */
export function toKinesisVideoError(operation: ServiceOperation, thrown: unknown): KinesisVideoError {
  if (thrown instanceof KinesisVideoError) return thrown;
  const text = textOf(thrown);
  // What is not installed, or fails to load, stays so; media may come whole the next time.
  if (thrown instanceof PeerError || thrown instanceof EbmlParseError) {
    const kind = thrown instanceof PeerError ? 'final' : 'media';
    return new KinesisVideoError(operation, { code: thrown.code, kind, text, cause: thrown });
  }
  if (thrown instanceof NotMediaError) {
    return new KinesisVideoError(operation, { code: 'NotMatroska', kind: 'service', text, cause: thrown });
  }
  const { name, codes, requestId, statusCode, clockCorrected } = fieldsOf(thrown);
  const kind = kindOfFailure({ name, codes, statusCode, text, clockCorrected });
  // A connection that could not be made has a class of the language for its name; the system's word says more.
  const code = name === undefined || PLAIN_ERRORS.has(name) ? (codes[0] ?? name ?? 'Error') : name;
  return new KinesisVideoError(operation, { code, kind, text, requestId, statusCode, cause: thrown });
}

/**
 * An error that the service reports within the stream.
 *
 * @param kind default: by its id
 */
export function fromStreamError(
  error: StreamError,
  requestId: string | undefined,
  kind: FailureKind = kindOfStreamError(error.id),
): KinesisVideoError {
  const { operation, code, id, message } = error;
  return new KinesisVideoError(operation, {
    code: code === '' ? `error ${id ?? 'without a name'}` : code,
    kind,
    text: `${shortText(message ?? 'reported within the stream')}${id === undefined ? '' : ` [${id}]`}`,
    requestId,
    cause: error,
  });
}

interface ErrorFields {
  readonly name: string | undefined;
  readonly codes: readonly string[];
  readonly requestId: string | undefined;
  readonly statusCode: number | undefined;
  readonly clockCorrected: boolean;
}

/** What the SDK and the platform put on their errors; nothing is trusted to be there. */
function fieldsOf(thrown: unknown): ErrorFields {
  const metadata = fieldOf(thrown, '$metadata');
  const statusCode = fieldOf(metadata, 'httpStatusCode');
  return {
    name: text(fieldOf(thrown, 'name')),
    codes: codesOf(thrown),
    requestId: text(fieldOf(metadata, 'requestId')),
    statusCode: typeof statusCode === 'number' ? statusCode : undefined,
    clockCorrected: fieldOf(metadata, 'clockSkewCorrected') === true,
  };
}

/** The platform's codes: browsers and undici put the system's error behind one of theirs. */
function codesOf(thrown: unknown): string[] {
  const codes: string[] = [];
  let error = thrown;
  for (let depth = 0; depth < MAX_CAUSES && error !== undefined; depth++) {
    const code = text(fieldOf(error, 'code'));
    if (code !== undefined) codes.push(code);
    const errors = fieldOf(error, 'errors');
    error = fieldOf(error, 'cause') ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return codes;
}

function fieldOf(object: unknown, field: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, field) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'SyntaxError') return `the answer is not JSON, so it is not of the service: ${thrown.message}`;
  // The service writes some of its errors with `Message`, which the SDK leaves beside an empty `message`.
  const message = thrown.message === '' || thrown.message === 'UnknownError' ? fieldOf(thrown, 'Message') : undefined;
  return text(message) ?? (thrown.message === '' ? 'without a message' : thrown.message);
}
