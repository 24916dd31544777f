import { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import { KinesisVideoArchivedMediaClient } from '@aws-sdk/client-kinesis-video-archived-media';
import { GetMediaCommand, KinesisVideoMediaClient, type StartSelector } from '@aws-sdk/client-kinesis-video-media';
import { afterEach } from 'vitest';
import { Mkv } from '../../src/mkv/elements.js';
import { readElements } from '../../src/mkv/streams.js';
import {
  type LocalKinesisVideo,
  type LocalKinesisVideoOptions,
  startLocalKinesisVideo,
} from '../../src/testing/local-kinesis-video.js';

export const RECORDING = 'examples/recording/camera.mkv';

const started: LocalKinesisVideo[] = [];

afterEach(async () => {
  for (const server of started.splice(0)) await server.close();
});

/** A local endpoint that is closed after the test. Reads end quickly unless the options say otherwise. */
export async function start(options: LocalKinesisVideoOptions = {}): Promise<LocalKinesisVideo> {
  const server = await startLocalKinesisVideo({ idleTimeoutMs: 50, ...options });
  started.push(server);
  return server;
}

/** The SDK's clients as a program makes them; they do not retry, so that a test sees each answer. */
export function clients(endpoint: string, accessKeyId = 'AKIDEXAMPLE') {
  const config = {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  return {
    control: new KinesisVideoClient(config),
    media: new KinesisVideoMediaClient(config),
    archived: new KinesisVideoArchivedMediaClient(config),
  };
}

/** Calls GetMedia and gives its body. */
export async function getMedia(
  endpoint: string,
  selector: StartSelector = { StartSelectorType: 'EARLIEST' },
  stream = 'camera',
  accessKeyId = 'AKIDEXAMPLE',
): Promise<AsyncIterable<Uint8Array>> {
  const { media } = clients(endpoint, accessKeyId);
  const output = await media.send(new GetMediaCommand({ StreamName: stream, StartSelector: selector }));
  return bodyOf(output.Payload);
}

/** The body of an SDK response as what it is in Node. */
export function bodyOf(payload: unknown): AsyncIterable<Uint8Array> {
  if (typeof payload === 'object' && payload !== null && Symbol.asyncIterator in payload) {
    return payload as AsyncIterable<Uint8Array>;
  }
  throw new TypeError('the payload is no stream of bytes');
}

/** A fragment as it was received. */
export interface ReceivedFragment {
  readonly tags: Map<string, string>;
  readonly producerTags: [string, string][];
  readonly frames: Uint8Array[];
  readonly clusterTimestamps: number[];
}

/** Reads a body and takes it apart. */
export async function readBody(body: AsyncIterable<Uint8Array>): Promise<ReceivedFragment[]> {
  const fragments: ReceivedFragment[] = [];
  let name = '';
  for await (const element of readElements(body, { verifyCrc: true, strict: true })) {
    if (element.kind === 'start' && element.is(Mkv.Segment)) {
      fragments.push({ tags: new Map(), producerTags: [], frames: [], clusterTimestamps: [] });
    }
    const fragment = fragments.at(-1);
    if (fragment === undefined || element.kind !== 'data') continue;
    if (element.is(Mkv.TagName)) name = element.value;
    else if (element.is(Mkv.TagString)) {
      const service = /^AWS_KINESISVIDEO_(?!IMAGE|NOTIFICATION)(.*)/.exec(name)?.[1];
      if (service === undefined) fragment.producerTags.push([name, element.value]);
      else fragment.tags.set(service, element.value);
    } else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) fragment.frames.push(...element.value.frames);
    else if (element.is(Mkv.Timestamp)) fragment.clusterTimestamps.push(element.value);
  }
  return fragments;
}

/** The fragment numbers of a body. */
export const numbersOf = (fragments: readonly ReceivedFragment[]) =>
  fragments.map(({ tags }) => tags.get('FRAGMENT_NUMBER'));
