import type { ControlClient, MediaAccess, MediaClient } from './access.js';
import { ClientPool, type Lease, ownLease } from './client-pool.js';
import { checkPeer, peerError } from './peer.js';
import { makeClient, sharedConfig, sharesHandler } from './sdk.js';

const clients = new ClientPool<MediaClient>();

/** The package of GetMedia. */
export async function loadMedia() {
  try {
    return checkPeer(await import('@aws-sdk/client-kinesis-video-media'), 'KinesisVideoMediaClient');
  } catch (cause) {
    throw peerError('@aws-sdk/client-kinesis-video-media', cause);
  }
}

/**
 * A client for GetMedia at an endpoint; consumers with the same configuration share it.
 *
 * @param clockOffset what is known of how far the clock here is behind, in milliseconds
 */
export async function openMedia(
  access: MediaAccess,
  control: ControlClient,
  endpoint: string,
  clockOffset?: number,
): Promise<Lease<MediaClient>> {
  const { createMediaClient, clientConfig, mediaClientConfig } = access;
  if (createMediaClient !== undefined)
    return ownLease(await createMediaClient(endpoint), (client) => client.destroy?.());
  const { KinesisVideoMediaClient } = await loadMedia();
  const make = (handler: object) =>
    new KinesisVideoMediaClient({
      ...sharedConfig(access, control, clockOffset),
      ...handler,
      ...mediaClientConfig,
      endpoint,
    });
  return clients.acquire(
    [control, endpoint, clientConfig, mediaClientConfig],
    () => makeClient<MediaClient>(make, clientConfig, mediaClientConfig),
    (client) => {
      if (!sharesHandler([clientConfig, mediaClientConfig])) client.destroy?.();
    },
  );
}
