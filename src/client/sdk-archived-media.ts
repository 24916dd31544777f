import type { ArchivedMediaAccess, ArchivedMediaClient, ControlClient } from './access.js';
import { checkPeer, peerError } from './peer.js';
import { sharedConfig } from './sdk.js';

/** The package of the archived media. */
export async function loadArchivedMedia() {
  try {
    return checkPeer(
      '@aws-sdk/client-kinesis-video-archived-media',
      await import('@aws-sdk/client-kinesis-video-archived-media'),
      'KinesisVideoArchivedMediaClient',
    );
  } catch (cause) {
    throw peerError('@aws-sdk/client-kinesis-video-archived-media', cause);
  }
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
    ...sharedConfig(access, control, clockOffset),
    ...access.archivedMediaClientConfig,
    endpoint,
  });
}
