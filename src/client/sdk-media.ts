import type { ControlClient, MediaAccess, MediaClient } from './access.js';
import { checkPeer, peerError } from './peer.js';
import { sharedConfig } from './sdk.js';

/** The package of GetMedia. */
export async function loadMedia() {
  try {
    return checkPeer(
      '@aws-sdk/client-kinesis-video-media',
      await import('@aws-sdk/client-kinesis-video-media'),
      'KinesisVideoMediaClient',
    );
  } catch (cause) {
    throw peerError('@aws-sdk/client-kinesis-video-media', cause);
  }
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
    ...sharedConfig(access, control, clockOffset),
    ...access.mediaClientConfig,
    endpoint,
  });
}
