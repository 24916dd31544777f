import type { AwsCredentialIdentity } from '@smithy/types';
import { afterEach } from 'vitest';
import { type Clock, systemClock } from '../../../src/client/clock.js';
import { GetMediaConsumer, type GetMediaConsumerSettings } from '../../../src/client/get-media-consumer.js';
import { concatBytes } from '../../../src/ebml/writer.js';
import type { Fragment } from '../../../src/fragments/fragment.js';
import {
  type LocalKinesisVideo,
  type LocalKinesisVideoOptions,
  startLocalKinesisVideo,
} from '../../../src/testing/local-kinesis-video.js';
import { identify, type StoredFragment, type StoredStreamOptions, storedStream } from './stored-stream.js';

const started: LocalKinesisVideo[] = [];

afterEach(async () => {
  for (const server of started.splice(0)) await server.close();
});

/** A local endpoint with one stream, `camera`, and what is in it. It is closed after the test. */
export async function startWith(
  stream: StoredStreamOptions | readonly StoredFragment[],
  options: LocalKinesisVideoOptions = {},
): Promise<{ server: LocalKinesisVideo; fragments: readonly StoredFragment[] }> {
  const fragments = 'count' in stream ? storedStream(stream) : stream;
  const source = concatBytes(fragments.map(({ bytes }) => bytes));
  const server = await startLocalKinesisVideo({
    idleTimeoutMs: 100,
    streams: { camera: { source, keepMetadata: true } },
    ...options,
    // Tests have not the time that the service takes for a thousand fragments.
    limits: options.limits === false ? false : { mediaFragmentsPerSecond: Number.POSITIVE_INFINITY, ...options.limits },
  });
  started.push(server);
  return { server, fragments };
}

/** Configuration for the SDK's clients whose credentials are other ones each time they are asked for. */
export function sdkConfig(server: LocalKinesisVideo) {
  let issued = 0;
  return {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: async (): Promise<AwsCredentialIdentity> => ({
      accessKeyId: `AKID${++issued}`,
      secretAccessKey: 'secret',
    }),
  };
}

/** A consumer of `camera` through the SDK, from the oldest fragment on. */
export function consume(server: LocalKinesisVideo, settings: GetMediaConsumerSettings = {}): GetMediaConsumer {
  return new GetMediaConsumer({
    streamName: 'camera',
    clientConfig: sdkConfig(server),
    start: { type: 'EARLIEST' },
    maxDelayMs: 1000,
    maxIdleDelayMs: 200,
    ...settings,
  });
}

/** What comes, until there are so many. */
export async function take(consumer: AsyncIterable<Fragment>, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const fragment of consumer) if (taken.push(identify(fragment)) === count) break;
  return taken;
}

/** The error that the iteration ends with. */
export async function failure(consumer: AsyncIterable<Fragment>): Promise<unknown> {
  try {
    for await (const _ of consumer);
  } catch (error) {
    return error;
  }
  throw new Error('the iteration ended without an error');
}

export const identities = (fragments: readonly StoredFragment[]) => fragments.map(({ identity }) => identity);

/** Time that passes faster, for an endpoint whose limits are so many times the service's. */
export function fasterClock(times: number): Clock {
  return {
    now: () => systemClock.now() * times,
    schedule: (callback, ms) => systemClock.schedule(callback, ms / times),
  };
}
