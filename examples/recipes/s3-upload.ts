import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ByteStream } from 'kvs-parser';
import type { FragmentDocument } from 'kvs-parser/client';
import { remuxToMp4 } from 'kvs-parser/mp4';

/** Where objects are put. */
export interface S3Target {
  readonly client: S3Client;
  readonly bucket: string;
  readonly signal?: AbortSignal;
}

/**
 * Puts each fragment of a consumer into S3 as an object of its own, named by the time of its recording and its number. A fragment counts as
 * dealt with when S3 has it: with a checkpoint store, a crash loses nothing, and what comes again gets the same name.
 *
 * @returns how many objects were put, when the consumer ends
 */
export async function uploadFragments(
  consumer: { documents(): AsyncIterable<FragmentDocument> },
  prefix: string,
  { client, bucket, signal }: S3Target,
): Promise<number> {
  let count = 0;
  for await (const { fragment, bytes } of consumer.documents()) {
    const { fragmentNumber, producerTimestamp } = fragment;
    const day = producerTimestamp?.toISOString().slice(0, 10) ?? 'unknown';
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: `${prefix}/${day}/${producerTimestamp?.getTime() ?? 0}-${fragmentNumber ?? count}.mkv`,
      Body: Buffer.concat(bytes),
      ContentType: 'video/x-matroska',
    });
    await client.send(command, signal === undefined ? {} : { abortSignal: signal });
    count++;
  }
  return count;
}

/**
 * Uploads a stream of any length as one MP4, in parts, while it is read. Its index comes last, and describes all tracks and configurations
 * that the stream has had. Where it fails or is aborted, nothing is left in the bucket.
 *
 * @throws whatever the stream or S3 throw, the signal's reason
 */
export async function uploadMp4(stream: ByteStream, key: string, { client, bucket, signal }: S3Target): Promise<void> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const upload = new Upload({
    client,
    params: { Bucket: bucket, Key: key, Body: readable, ContentType: 'video/mp4' },
    queueSize: 1, // no other part is on its way when the upload is given up
  });
  // The side that fails first ends the other one, and its error is thrown.
  let failure: { readonly error: unknown } | undefined;
  const remux = async () => {
    try {
      await remuxToMp4(stream, (bytes) => writer.write(bytes), { moov: 'last', signal });
      await writer.close();
    } catch (error) {
      failure ??= { error };
      await writer.abort(error);
    }
  };
  const send = async () => {
    try {
      await upload.done();
    } catch (error) {
      failure ??= { error };
      await readable.cancel(error);
    }
  };
  await Promise.all([remux(), send()]);
  if (failure !== undefined) throw failure.error;
}
