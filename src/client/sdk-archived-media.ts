import type { ArchivedMediaAccess, ArchivedMediaClient, ControlClient } from './access.js';
import { ClientPool, type Lease, ownLease } from './client-pool.js';
import { checkPeer, peerError } from './peer.js';
import { makeClient, sharedConfig, sharesHandler } from './sdk.js';

const clients = new ClientPool<ArchivedMediaClient>();

/** The package of the archived media. */
export async function loadArchivedMedia() {
  try {
    return checkPeer(await import('@aws-sdk/client-kinesis-video-archived-media'), 'KinesisVideoArchivedMediaClient');
  } catch (cause) {
    throw peerError('@aws-sdk/client-kinesis-video-archived-media', cause);
  }
}

/**
 * A client for the archived media at an endpoint; consumers with the same configuration share it.
 *
 * @param clockOffset what is known of how far the clock here is behind, in milliseconds
 */
export async function openArchivedMedia(
  access: ArchivedMediaAccess,
  control: ControlClient,
  endpoint: string,
  clockOffset?: number,
): Promise<Lease<ArchivedMediaClient>> {
  const { createArchivedMediaClient, clientConfig, archivedMediaClientConfig } = access;
  if (createArchivedMediaClient !== undefined)
    return ownLease(await createArchivedMediaClient(endpoint), (client) => client.destroy?.());
  const { KinesisVideoArchivedMediaClient } = await loadArchivedMedia();
  const make = (handler: object) =>
    new KinesisVideoArchivedMediaClient({
      ...sharedConfig(access, control, clockOffset),
      ...handler,
      ...archivedMediaClientConfig,
      endpoint,
    });
  return clients.acquire(
    [control, endpoint, clientConfig, archivedMediaClientConfig],
    () => makeClient<ArchivedMediaClient>(make, clientConfig, archivedMediaClientConfig),
    (client) => {
      if (!sharesHandler([clientConfig, archivedMediaClientConfig])) client.destroy?.();
    },
  );
}
