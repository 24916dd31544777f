/** The kind of a failure. It decides what the consumer does. */
export type FailureKind =
  /** Too many calls or connections: tried again after a while. */
  | 'throttled'
  /** The endpoint is not the stream's (any more): another is asked for. */
  | 'endpoint'
  /** The clock here is wrong; the SDK's client has learned by how much from the answer: the same client tries again. */
  | 'clock'
  /** The credentials have expired: they are renewed. */
  | 'expired'
  /** The credentials were refused: they are renewed once, since expired ones may be refused like that too. */
  | 'credentials'
  /** The connection failed, was cut in the middle of a fragment, or nothing came for too long: tried again. */
  | 'connection'
  /** The service failed inside, or something else answered in its place: tried again. */
  | 'service'
  /** What came is not whole: read again; skipped when it stays so. */
  | 'media'
  /** The service does not know the fragment to continue from. */
  | 'position'
  /** Nothing that is known: final before anything has gone well, tried again after. */
  | 'unknown'
  /** No use to try again. */
  | 'final';

/** What a failure says of itself. */
export interface FailureFacts {
  /** The name of the error: the service's name for it, or a class of the platform. */
  readonly name: string | undefined;
  /** The platform's codes, of the error and of what caused it. */
  readonly codes: readonly string[];
  /** The HTTP status, where there was an answer. */
  readonly statusCode: number | undefined;
  /** The message. */
  readonly text: string;
  /** The SDK has corrected its clock by the answer. */
  readonly clockCorrected: boolean;
}

const THROTTLED = [
  'ClientLimitExceededException',
  'ConnectionLimitExceededException',
  // What the AWS SDK takes for throttling (smithy, service-error-classification).
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
];
const SERVICE = ['InternalFailure', 'InternalServerError', 'InternalError', 'InternalException', 'ServiceUnavailable'];
/** What a wrong clock is answered with, as well as wrong credentials. */
const CLOCK = [
  'AuthFailure',
  'InvalidSignatureException',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
];
const EXPIRED = ['ExpiredTokenException', 'ExpiredToken', 'RequestExpired'];
const CREDENTIALS = [
  'NotAuthorizedException',
  'AccessDeniedException',
  'AccessDenied',
  'AuthFailure',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'MissingAuthenticationToken',
];
const FINAL = [
  'ResourceNotFoundException',
  'InvalidArgumentException',
  'ValidationException',
  'NoDataRetentionException',
  'UnsupportedStreamMediaTypeException',
];

/** Kinds of the errors that the service names, for all its operations, by the name without `Exception` at its end. */
const KINDS: ReadonlyMap<string, FailureKind> = new Map(
  (
    [
      ['throttled', THROTTLED],
      ['service', SERVICE],
      ['endpoint', ['InvalidEndpointException']],
      ['clock', ['RequestInTheFuture', 'RequestTimeTooSkewed']],
      ['expired', EXPIRED],
      ['credentials', CREDENTIALS],
      ['final', FINAL],
    ] as const
  ).flatMap(([kind, names]) => names.map((name) => [plain(name), kind] as const)),
);
const CLOCK_NAMES: ReadonlySet<string> = new Set(CLOCK.map(plain));

/**
 * Ids of GetMedia's errors in the stream. Of those that are not here nobody knows whether they pass; they are tried again with back-off.
 * Those of keys and permissions only people mend.
 */
const STREAM_ERRORS: ReadonlyMap<number, FailureKind> = new Map([
  [3002, 'service'],
  [4000, 'position'],
  [4500, 'final'],
  [4501, 'final'],
  [4502, 'final'],
  [4503, 'service'],
  [4504, 'final'],
  [4505, 'final'],
  [4506, 'final'],
  [5000, 'service'],
]);

/** OpenSSL's words for a certificate that is not the other side's, and Node's for a name that it does not hold. */
const CERTIFICATE_CODES =
  /^(ERR_TLS_CERT_\w+|CERT_\w+|CRL_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_\w+|ERROR_IN_(CERT|CRL)_\w+|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|SUBJECT_ISSUER_MISMATCH|AKID_(SKID|ISSUER_SERIAL)_MISMATCH)$/;
/** Codes of the platform that say that a connection failed: of the system, of DNS, of Node's HTTP parser, of undici, of Node itself. */
const NETWORK_CODES =
  /^(E(?!RR_)[A-Z0-9_]+|HPE_\w+|UND_ERR_\w+|NGHTTP2_\w+|ERR_(STREAM|HTTP|HTTP2|SSL|TLS|SOCKET|NETWORK|CONNECTION|INTERNET|QUIC|PROXY|NAME)\w*)$/;
const NETWORK_NAMES: ReadonlySet<string> = new Set([
  'TimeoutError',
  'NetworkError',
  'AbortError',
  'RequestTimeout',
  'RequestTimeoutException',
  'FetchError',
]);
const NETWORK_TEXT = /fetch|network|load failed|socket|aborted|terminated|premature/i;

/** The kind of a failure that was thrown. */
export function kindOfFailure({ name, codes, statusCode, text, clockCorrected }: FailureFacts): FailureKind {
  const service = name === undefined ? '' : plain(name);
  if (clockCorrected && CLOCK_NAMES.has(service)) return 'clock';
  const known = KINDS.get(service);
  if (known !== undefined) return known;
  // The other side is not who it has to be, or the trust in it is not set up here: people mend that.
  if (codes.some((code) => CERTIFICATE_CODES.test(code))) return 'final';
  const refused = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  // An answer that is no JSON was cut, or is of something between here and the service.
  if (name === 'SyntaxError') return refused ? 'unknown' : 'service';
  if (statusCode === 429) return 'throttled';
  if (statusCode === 401 || statusCode === 403) return 'credentials';
  if (statusCode === 408) return 'service';
  if (refused) return 'final';
  if (statusCode !== undefined && statusCode >= 300) return 'service';
  if (codes.some((code) => NETWORK_CODES.test(code))) return 'connection';
  if (name !== undefined && NETWORK_NAMES.has(name)) return 'connection';
  return NETWORK_TEXT.test(text) ? 'connection' : 'unknown';
}

/** The kind of an error that GetMedia reports within the stream. */
export function kindOfStreamError(id: number | undefined): FailureKind {
  return (id === undefined ? undefined : STREAM_ERRORS.get(id)) ?? 'unknown';
}

/** A service's name for an error without what some protocols put around it: `com.amazonaws#NameException:http://…`. */
function plain(name: string): string {
  return name
    .replace(/[:,].*$/s, '')
    .replace(/^.*#/s, '')
    .replace(/Exception$/, '');
}
