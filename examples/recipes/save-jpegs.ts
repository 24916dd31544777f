import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MediaProblem, type MediaSource, type PictureInterval, readPictures } from 'kvs-parser/decode';

/** How pictures are taken. */
export interface SaveJpegsOptions {
  /** Default `'2s'`. */
  readonly every?: PictureInterval;
  /** In pixels; the height follows. Default: as it was recorded. */
  readonly width?: number;
  /** Is told of times without a picture, and why. */
  readonly onProblem?: (problem: MediaProblem) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes a picture of every two seconds as a JPEG file, named by the time of its recording. The source is a file's stream, a GetMedia payload or
 * a consumer. Damage costs the pictures that it lies in.
 *
 * @returns how many files were written
 */
export async function saveJpegs(
  source: MediaSource,
  folder: string,
  { every = '2s', width, onProblem, signal }: SaveJpegsOptions = {},
): Promise<number> {
  let count = 0;
  for await (const picture of readPictures(source, { every, recover: true, onProblem, signal })) {
    const time = picture.producerTimestamp ?? new Date(picture.timestamp / 1000);
    const name = time.toISOString().replaceAll(':', '-'); // not every file system takes colons
    await writeFile(join(folder, `${name}.jpg`), await picture.encode('jpeg', { width }));
    count++;
  }
  return count;
}
