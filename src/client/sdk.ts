import type {
  ArchivedMediaAccess,
  ArchivedMediaClient,
  ControlClient,
  MediaAccess,
  MediaClient,
  ServiceAccess,
} from './access.js';

/** A control client, and what is known of how it was made. */
export interface Control {
  readonly client: ControlClient;
  /** It was made here and nothing else uses its connections: it may be destroyed. */
  readonly disposable: boolean;
}

/** Loads one of the optional peer packages; says which one when it is not installed. */
async function load<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new Error(`kvs-parser/client needs the package ${name}: install it beside kvs-parser`, { cause });
  }
}

const CONTROL = '@aws-sdk/client-kinesis-video';
const MEDIA = '@aws-sdk/client-kinesis-video-media';
const ARCHIVED_MEDIA = '@aws-sdk/client-kinesis-video-archived-media';

/** The package of the control plane. */
export const loadControl = () => load(CONTROL, () => import('@aws-sdk/client-kinesis-video'));
/** The package of GetMedia. */
export const loadMedia = () => load(MEDIA, () => import('@aws-sdk/client-kinesis-video-media'));
/** The package of the archived media. */
export const loadArchivedMedia = () =>
  load(ARCHIVED_MEDIA, () => import('@aws-sdk/client-kinesis-video-archived-media'));

/** The client that was injected, or a new one. */
export async function openControl(access: ServiceAccess): Promise<Control> {
  const { client, clientConfig } = access;
  if (client !== undefined) return { client, disposable: false };
  const { KinesisVideoClient } = await loadControl();
  const control = new KinesisVideoClient({ maxAttempts: 1, ...clientConfig });
  return { client: control, disposable: !sharesHandler(clientConfig) };
}

/**
 * A client for GetMedia at an endpoint.
 *
 * @param clockOffset what is known of how far the clock here is behind, in milliseconds
 */
export async function openMedia(
  access: MediaAccess,
  control: ControlClient,
  endpoint: string,
  clockOffset?: number,
): Promise<MediaClient> {
  if (access.createMediaClient !== undefined) return access.createMediaClient(endpoint);
  const { KinesisVideoMediaClient } = await loadMedia();
  return new KinesisVideoMediaClient({
    ...shared(access, control, clockOffset),
    ...access.mediaClientConfig,
    endpoint,
  });
}

/**
 * A client for the archived media at an endpoint.
 *
 * @param clockOffset what is known of how far the clock here is behind, in milliseconds
 */
export async function openArchivedMedia(
  access: ArchivedMediaAccess,
  control: ControlClient,
  endpoint: string,
  clockOffset?: number,
): Promise<ArchivedMediaClient> {
  if (access.createArchivedMediaClient !== undefined) return access.createArchivedMediaClient(endpoint);
  const { KinesisVideoArchivedMediaClient } = await loadArchivedMedia();
  return new KinesisVideoArchivedMediaClient({
    ...shared(access, control, clockOffset),
    ...access.archivedMediaClientConfig,
    endpoint,
  });
}

/** Asks the provider of the credentials for new ones, though it may think that those it gave are still good. */
export async function renewCredentials(control: ControlClient): Promise<void> {
  const credentials: unknown = control.config?.credentials;
  if (typeof credentials === 'function') await credentials({ forceRefresh: true });
}

/** How far a client of the SDK has learned its clock to be behind, in milliseconds; `undefined` where it has learned nothing. */
export function clockOffsetOf(client: object | undefined): number | undefined {
  const config: unknown = client === undefined ? undefined : Reflect.get(client, 'config');
  if (typeof config !== 'object' || config === null) return undefined;
  const offset: unknown = Reflect.get(config, 'systemClockOffset');
  return typeof offset === 'number' && offset !== 0 ? offset : undefined;
}

/** What all clients have in common: the caller's configuration, and region and credentials as the control client resolved them. */
function shared(access: ServiceAccess, control: ControlClient, clockOffset: number | undefined) {
  const { region, credentials } = control.config ?? {};
  return {
    maxAttempts: 1,
    ...access.clientConfig,
    ...(clockOffset === undefined ? {} : { systemClockOffset: clockOffset }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** Whether a request handler was given: it may serve others, and a client that is destroyed closes its handler. */
export function sharesHandler(...configs: readonly ({ readonly requestHandler?: unknown } | undefined)[]): boolean {
  return configs.some((config) => config?.requestHandler !== undefined);
}
