/** The errors of the service, by the names that the AWS SDK knows, with their HTTP status. */
const STATUS = {
  AccessDeniedException: 403,
  AccountStreamLimitExceededException: 400,
  ClientLimitExceededException: 400,
  ConnectionLimitExceededException: 400,
  ExpiredTokenException: 403,
  InternalFailure: 500,
  InvalidArgumentException: 400,
  InvalidCodecPrivateDataException: 400,
  InvalidEndpointException: 400,
  InvalidMediaFrameException: 400,
  MissingCodecPrivateDataException: 400,
  NoDataRetentionException: 400,
  NotAuthorizedException: 401,
  ResourceInUseException: 400,
  ResourceNotFoundException: 404,
  ServiceUnavailable: 503,
  UnsupportedStreamMediaTypeException: 400,
  VersionMismatchException: 400,
} as const;

/**
 * The name of an error of the service.
 *
 * @useDeclaredType
 */
export type ServiceErrorType = keyof typeof STATUS;

/** An error that the endpoint answers with: HTTP status, `x-amzn-ErrorType`, and a message. */
export class ServiceError extends Error {
  /** Always `ServiceError`. */
  override name = 'ServiceError';
  /** The error's name in the API. */
  readonly type: ServiceErrorType;

  /**
   * @param type the error's name in the API, which decides the HTTP status
   * @param message what the response says
   */
  constructor(type: ServiceErrorType, message: string) {
    super(message);
    this.type = type;
  }

  /** The HTTP status that it comes with. */
  get status(): number {
    return STATUS[this.type];
  }
}
