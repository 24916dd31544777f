import { EbmlParseError } from '../ebml/errors.js';
import type { StreamError } from '../visitors/fragment-metadata.js';

/** The operations of the service that the consumers call. */
export type ServiceOperation = 'GetDataEndpoint' | 'GetMedia' | 'ListFragments' | 'GetMediaForFragmentList';

/** What kind of failure it was, and with that what is done about it. */
export type FailureKind =
  /** Too many calls or connections: tried again after a while. */
  | 'throttled'
  /** The endpoint is not the stream's (any more): another is asked for. */
  | 'endpoint'
  /** The credentials have expired: they are renewed. */
  | 'expired'
  /** The credentials were refused: they are renewed once, since expired ones may be refused like that too. */
  | 'credentials'
  /** The connection failed, was cut in the middle of a fragment, or nothing came for too long: tried again. */
  | 'connection'
  /** The service failed inside: tried again. */
  | 'service'
  /** What came is not whole: read again; passed over when it stays so. */
  | 'media'
  /** The service does not know the fragment to go on from. */
  | 'position'
  /** Nothing that is known: final before anything of the kind has gone well, tried again after. */
  | 'unknown'
  /** No use to try again. */
  | 'final';

/**
 * A call of the service failed, or what it sent did. The message has the service's name for the error and the request id, by which the
 * service's support finds the call.
 */
export class KinesisVideoError extends Error {
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
    super(`${operation}: ${code}: ${text}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`, { cause });
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

/** Kinds of the errors that the service names, for all its operations. */
const KINDS: Readonly<Record<string, FailureKind>> = {
  ClientLimitExceededException: 'throttled',
  ConnectionLimitExceededException: 'throttled',
  ThrottlingException: 'throttled',
  Throttling: 'throttled',
  TooManyRequestsException: 'throttled',
  LimitExceededException: 'throttled',
  RequestLimitExceeded: 'throttled',
  SlowDown: 'throttled',
  InternalFailure: 'service',
  InternalServerError: 'service',
  ServiceUnavailable: 'service',
  InvalidEndpointException: 'endpoint',
  NotAuthorizedException: 'credentials',
  AccessDeniedException: 'credentials',
  ExpiredTokenException: 'expired',
  ExpiredToken: 'expired',
  RequestExpired: 'expired',
  UnrecognizedClientException: 'credentials',
  InvalidClientTokenId: 'credentials',
  InvalidSignatureException: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  IncompleteSignature: 'credentials',
  MissingAuthenticationToken: 'credentials',
  MissingAuthenticationTokenException: 'credentials',
  ResourceNotFoundException: 'final',
  InvalidArgumentException: 'final',
  ValidationException: 'final',
  NoDataRetentionException: 'final',
  UnsupportedStreamMediaTypeException: 'final',
};

/** GetMedia's error ids that pass. The others below 5000 speak of keys and permissions that only people mend. */
const STREAM_ERROR_KINDS: Readonly<Record<number, FailureKind>> = {
  3002: 'service',
  4000: 'position',
  4503: 'service',
};

/** Errors of the platform that say that a connection failed. */
const NETWORK_CODES = /^(E[A-Z]+|UND_ERR_\w+|ERR_(STREAM|HTTP|SSL|TLS|SOCKET)\w*)$/;
const NETWORK_NAMES = new Set(['TimeoutError', 'NetworkError', 'AbortError', 'RequestTimeout', 'FetchError']);
const NETWORK_TEXT = /fetch|network|load failed|socket|aborted|terminated|premature/i;

/** What was thrown by a call, or while its body was read, as a {@link KinesisVideoError}. */
export function toKinesisVideoError(operation: ServiceOperation, thrown: unknown): KinesisVideoError {
  if (thrown instanceof KinesisVideoError) return thrown;
  const text = textOf(thrown);
  if (thrown instanceof EbmlParseError) {
    return new KinesisVideoError(operation, { code: thrown.code, kind: 'media', text, cause: thrown });
  }
  const { name, code: systemCode, requestId, statusCode } = fieldsOf(thrown);
  const kind = kindOf(name, systemCode, statusCode, text);
  // A connection that could not be made has a plain Error for its name; the system's word says more.
  const code = name === undefined || name === 'Error' ? (systemCode ?? name ?? 'Error') : name;
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
  kind: FailureKind = kindOfStreamError(error),
): KinesisVideoError {
  const { operation, code, id, message } = error;
  return new KinesisVideoError(operation, {
    code: code === '' ? `error ${id ?? 'without a name'}` : code,
    kind,
    text: `${message ?? 'reported within the stream'}${id === undefined ? '' : ` [${id}]`}`,
    requestId,
    cause: error,
  });
}

function kindOfStreamError({ id }: StreamError): FailureKind {
  if (id === undefined) return 'service';
  return STREAM_ERROR_KINDS[id] ?? (id >= 5000 ? 'service' : 'final');
}

function kindOf(
  name: string | undefined,
  code: string | undefined,
  statusCode: number | undefined,
  text: string,
): FailureKind {
  const known = name === undefined ? undefined : KINDS[name];
  if (known !== undefined) return known;
  if (statusCode !== undefined && statusCode !== 200) {
    if (statusCode === 429) return 'throttled';
    if (statusCode === 401 || statusCode === 403) return 'credentials';
    if (statusCode >= 500 || statusCode === 408) return 'service';
    if (statusCode >= 400) return 'final';
  }
  // A body that is no JSON: an answer that was cut, or one of something between here and the service.
  if (name === 'SyntaxError') return 'service';
  if (code !== undefined && NETWORK_CODES.test(code)) return 'connection';
  if (name !== undefined && NETWORK_NAMES.has(name)) return 'connection';
  return NETWORK_TEXT.test(text) ? 'connection' : 'unknown';
}

interface ErrorFields {
  readonly name: string | undefined;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly statusCode: number | undefined;
}

/** What the SDK and the platform put on their errors; nothing is trusted to be there. */
function fieldsOf(thrown: unknown): ErrorFields {
  const metadata = fieldOf(thrown, '$metadata');
  const statusCode = fieldOf(metadata, 'httpStatusCode');
  return {
    name: text(fieldOf(thrown, 'name')),
    code: text(fieldOf(thrown, 'code')),
    requestId: text(fieldOf(metadata, 'requestId')),
    statusCode: typeof statusCode === 'number' ? statusCode : undefined,
  };
}

function fieldOf(object: unknown, field: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, field) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // The service writes some of its errors with `Message`, which the SDK leaves beside an empty `message`.
  const message = thrown.message === '' || thrown.message === 'UnknownError' ? fieldOf(thrown, 'Message') : undefined;
  return text(message) ?? (thrown.message === '' ? 'without a message' : thrown.message);
}
