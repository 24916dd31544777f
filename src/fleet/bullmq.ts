import { checkPeer, peerError } from '../client/peer.js';

/** What is used of it. */
type Parts = Pick<typeof import('bullmq'), 'Queue' | 'Worker' | 'FlowProducer' | 'WaitingError'>;

/** The package of the queue. */
export async function loadBullMQ(): Promise<Parts> {
  try {
    return checkPeer<Parts>('bullmq', await import('bullmq'), 'Queue');
  } catch (cause) {
    throw peerError('bullmq', cause, 'kvs-parser/fleet');
  }
}
