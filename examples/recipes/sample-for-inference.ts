import { type GetMediaConsumer, type ProcessMetrics, processFragments } from 'kvs-parser/client';
import { type PictureInterval, readPictures } from 'kvs-parser/decode';

/** A sampled picture as it goes to the service. */
export interface Sample {
  /** JPEG. */
  readonly image: Uint8Array;
  /** When the producer recorded it. */
  readonly recordedAt: Date | undefined;
  readonly fragmentNumber: string | undefined;
}

/** How a stream is sampled. */
export interface SamplingOptions {
  /** Default `'1s'`. Counted from the beginning of each fragment. */
  readonly every?: PictureInterval;
  /** How many fragments are dealt with at once. Default 3. */
  readonly concurrency?: number;
  /** In pixels. Default 640. */
  readonly width?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (metrics: ProcessMetrics) => void;
}

/**
 * Sends sampled pictures of a stream to an inference service, several fragments at once. The checkpoint moves behind a fragment when the service has taken
 * all of its samples, and never past one before it: after a crash, those that were at work come again.
 *
 * @param infer calls the service, for example InvokeEndpoint of SageMaker; what it throws makes the fragment be tried again
 */
export async function sampleForInference(
  consumer: GetMediaConsumer,
  infer: (sample: Sample, signal: AbortSignal) => Promise<void>,
  { every = '1s', concurrency = 3, width = 640, timeoutMs = 60_000, signal, onProgress }: SamplingOptions = {},
): Promise<ProcessMetrics> {
  return processFragments(
    consumer,
    async (fragment, { signal: ended }) => {
      for await (const picture of readPictures([fragment], { every, signal: ended })) {
        const image = await picture.encode('jpeg', { width });
        const { fragmentNumber } = fragment;
        await infer({ image, recordedAt: picture.producerTimestamp, fragmentNumber }, ended);
      }
    },
    { concurrency, timeoutMs, signal, onProgress },
  );
}
