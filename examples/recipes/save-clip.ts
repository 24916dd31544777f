import { open, rename, rm } from 'node:fs/promises';
import { FragmentListConsumer, type FragmentListConsumerSettings } from 'kvs-parser/client';
import { type RemuxResult, remuxToMp4 } from 'kvs-parser/mp4';

/** Which stream, and which of its recordings, by the producer's clock. */
export interface ClipRequest extends FragmentListConsumerSettings {
  readonly streamName: string;
  readonly from: Date;
  readonly to: Date;
}

/**
 * Writes what a stream has stored between two times as one MP4 file, of any length. The file gets its name when it is whole: a clip that fails or
 * is aborted leaves nothing.
 *
 * @throws Mp4RemuxError when there is nothing that MP4 takes, KinesisVideoError when the service refuses, the reason of `signal`
 */
export async function saveClip({ from, to, ...settings }: ClipRequest, path: string): Promise<RemuxResult> {
  const { signal } = settings;
  const range = { type: 'PRODUCER_TIMESTAMP', from, to } as const;
  const consumer = new FragmentListConsumer({ duplicates: 'first', ...settings, range });
  const unfinished = `${path}.part`;
  const file = await open(unfinished, 'w');
  try {
    // With `moov` at the end the media is not held in memory, however long the clip is.
    const result = await remuxToMp4(consumer.bytes(), (bytes) => file.appendFile(bytes), { moov: 'last', signal });
    await file.close();
    await rename(unfinished, path);
    return result;
  } catch (error) {
    await file.close();
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Writes the last hour of a stream, as {@link saveClip} does. */
export async function saveLastHour(request: Omit<ClipRequest, 'from' | 'to'>, path: string): Promise<RemuxResult> {
  const to = new Date();
  return saveClip({ ...request, from: new Date(to.getTime() - 3_600_000), to }, path);
}
