import type { CallLimiter } from './rate-limiter.js';
import type {
  GetDataEndpointCommand,
  GetDataEndpointCommandOutput,
  GetMediaCommand,
  GetMediaCommandOutput,
  GetMediaForFragmentListCommand,
  GetMediaForFragmentListCommandOutput,
  KinesisVideoArchivedMediaClientConfig,
  KinesisVideoClientConfig,
  KinesisVideoMediaClientConfig,
  ListFragmentsCommand,
  ListFragmentsCommandOutput,
} from './sdk-types.js';

/** Which stream: its name (`streamName`), or its Amazon Resource Name (`streamARN`). */
export type StreamIdentity =
  | { readonly streamName: string; readonly streamARN?: undefined }
  | { readonly streamARN: string; readonly streamName?: undefined };

/** What the AWS SDK's clients take besides a command. */
export interface SendOptions {
  /** Ends the call, and rejects its promise, when it is aborted. */
  readonly abortSignal?: AbortSignal;
}

/** The part of `KinesisVideoClient` that is used. */
export interface ControlClient {
  /** Asks for the endpoint of a stream's operation. */
  send(command: GetDataEndpointCommand, options?: SendOptions): Promise<GetDataEndpointCommandOutput>;
  /** Region and credentials are those of the clients that are made for the stream's endpoints. */
  readonly config?: {
    /** A region, or a function that gives one. */
    readonly region?: KinesisVideoClientConfig['region'];
    /** Credentials, or the provider that renews them. */
    readonly credentials?: KinesisVideoClientConfig['credentials'];
  };
  /** Closes the connections. A client that the caller has passed is not closed here. */
  destroy?(): void;
}

/** The part of `KinesisVideoMediaClient` that is used. */
export interface MediaClient {
  /** Opens a GetMedia connection. */
  send(command: GetMediaCommand, options?: SendOptions): Promise<GetMediaCommandOutput>;
  /** Closes the connections. Called when the client's endpoint has changed, and when nobody uses the client any more. */
  destroy?(): void;
}

/** The part of `KinesisVideoArchivedMediaClient` that is used. */
export interface ArchivedMediaClient {
  /** Lists a page of stored fragments. */
  send(command: ListFragmentsCommand, options?: SendOptions): Promise<ListFragmentsCommandOutput>;
  /** Asks for the media of up to 1,000 stored fragments. */
  send(command: GetMediaForFragmentListCommand, options?: SendOptions): Promise<GetMediaForFragmentListCommandOutput>;
  /** Closes the connections. Called when the client's endpoint has changed, and when nobody uses the client any more. */
  destroy?(): void;
}

/**
 * How to reach the service: through `client`, or through clients that are created from `clientConfig`. Without both, the AWS SDK finds
 * region and credentials itself (environment, files, instance role).
 */
export interface ServiceAccess {
  /** A `KinesisVideoClient` of yours. The library does not destroy it. */
  readonly client?: ControlClient | undefined;
  /**
   * The configuration of all clients that the library creates: region, credentials, requestHandler … `endpoint` is that of the control
   * plane; the endpoints of streams come from the service. `maxAttempts` is 1 by default: the consumers retry themselves, within the
   * service's rates.
   */
  readonly clientConfig?: KinesisVideoClientConfig | undefined;
  /** Limits calls of GetDataEndpoint. Share it between consumers of one stream. Default: 5 a second for this consumer alone. */
  readonly endpointRateLimiter?: CallLimiter | undefined;
}

/** How to reach GetMedia. */
export interface MediaAccess extends ServiceAccess {
  /** More configuration for the GetMedia clients, besides region, credentials and endpoint. */
  readonly mediaClientConfig?: KinesisVideoMediaClientConfig | undefined;
  /** Creates the client for an endpoint, instead of all of the above. The library destroys it when the endpoint has changed. */
  readonly createMediaClient?: ((endpoint: string) => MediaClient | Promise<MediaClient>) | undefined;
}

/** How to reach ListFragments and GetMediaForFragmentList. */
export interface ArchivedMediaAccess extends ServiceAccess {
  /** More configuration for these clients, besides region, credentials and endpoint. */
  readonly archivedMediaClientConfig?: KinesisVideoArchivedMediaClientConfig | undefined;
  /** Creates the client for an endpoint, instead of all of the above. The library destroys it when the endpoint has changed. */
  readonly createArchivedMediaClient?:
    | ((endpoint: string) => ArchivedMediaClient | Promise<ArchivedMediaClient>)
    | undefined;
}
