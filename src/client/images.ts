import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import type { StreamIdentity } from './access.js';
import { bytesFromBase64 } from './base64.js';
import { closable } from './closable.js';
import { asIs } from './iteration.js';
import { type PlaybackAccess, PlaybackCalls } from './playback-client.js';
import { loadArchivedMedia } from './sdk-archived-media.js';
import type { ImageSelectorType } from './sdk-types.js';

/** Options of {@link images}, besides the stream. */
export interface ImagesSettings extends PlaybackAccess {
  /** The stretch of time: `from` and `to`, both included, by the clock that `type` names. It may be of any length. */
  readonly range: { readonly type: ImageSelectorType; readonly from: Date; readonly to: Date };
  /** Between two images, in milliseconds, 200 to 20,000. Default 3,000. */
  readonly samplingIntervalMs?: number | undefined;
  /** `'JPEG'` (default) or `'PNG'`. */
  readonly format?: 'JPEG' | 'PNG' | undefined;
  /** 1 to 100. Default: the service's, 80. */
  readonly jpegQuality?: number | undefined;
  /** In pixels. With both the image is stretched, with the height alone its width follows; the service takes no width alone. */
  readonly widthPixels?: number | undefined;
  /** In pixels. Default: that of the video. */
  readonly heightPixels?: number | undefined;
}

/** Options of {@link images}. */
export type ImagesOptions = StreamIdentity & ImagesSettings;

/** An image of a stream, or why there is none. */
export interface StreamImage {
  /** The time that it was asked for. */
  readonly timestamp: Date;
  /** The file; `undefined` where there is an error. */
  readonly image: Uint8Array | undefined;
  /** `NO_MEDIA`: nothing was recorded then. `MEDIA_ERROR`: what was recorded cannot be decoded. */
  readonly error: 'NO_MEDIA' | 'MEDIA_ERROR' | undefined;
}

/** The longest stretch of time that the service takes in one call, in milliseconds. */
const LONGEST = 300_000;
const LEAST_INTERVAL = 200;

/**
 * Gets images of a stream with GetImages, for a range of any length. The range is split into what one call may ask for, all pages are read,
 * and the sample times continue from one call to the next.
 *
 * ```ts
 * for await (const { timestamp, image } of images({ streamName: 'door', range, samplingIntervalMs: 10_000 }))
 *   if (image !== undefined) await writeFile(`${timestamp.getTime()}.jpg`, image);
 * ```
 *
 * @throws RangeError when the range or the interval is invalid; KinesisVideoError when the service reports an error that a retry does not
 * solve; the signal's reason when it is aborted
 */
export function images(options: ImagesOptions): ClosableAsyncIterator<StreamImage> {
  const { range, samplingIntervalMs: interval = 3000 } = options;
  if (!(range.from.getTime() < range.to.getTime())) throw new RangeError('range.to must be after range.from');
  if (!(interval >= LEAST_INTERVAL && interval <= 20_000)) {
    throw new RangeError(`samplingIntervalMs must be 200 to 20000, not ${interval}`);
  }
  return closable((signal) => run(options, interval, signal), options.signal, asIs);
}

async function* run(
  options: ImagesOptions,
  interval: number,
  signal: AbortSignal,
): AsyncGenerator<StreamImage, undefined> {
  const calls = new PlaybackCalls(options, 'GetImages', 'GET_IMAGES');
  const { GetImagesCommand } = await loadArchivedMedia();
  const { range, format = 'JPEG', jpegQuality, widthPixels, heightPixels } = options;
  const end = range.to.getTime();
  // So many images that the next part begins where its first image is.
  const span = Math.floor(LONGEST / interval) * interval;
  try {
    for (let from = range.from.getTime(); from <= end; from += span) {
      // The end counts: a millisecond less, so that the next part's first image is not this part's last. One image needs a range as well.
      const to = Math.max(from + 1, Math.min(end, from + span - 1));
      let nextToken: string | undefined;
      do {
        const command = new GetImagesCommand({
          StreamName: options.streamName,
          StreamARN: options.streamARN,
          ImageSelectorType: range.type,
          StartTimestamp: new Date(from),
          EndTimestamp: new Date(to),
          SamplingInterval: interval,
          Format: format,
          ...(jpegQuality === undefined ? {} : { FormatConfig: { JPEGQuality: String(jpegQuality) } }),
          WidthPixels: widthPixels,
          HeightPixels: heightPixels,
          NextToken: nextToken,
        });
        const { Images = [], NextToken } = await calls.call(signal, (client, abortSignal) =>
          client.send(command, { abortSignal }),
        );
        for (const { TimeStamp, ImageContent, Error: error } of Images) {
          if (TimeStamp === undefined) continue;
          const image = ImageContent === undefined ? undefined : bytesFromBase64(ImageContent);
          yield { timestamp: TimeStamp, image, error: image === undefined ? (error ?? 'MEDIA_ERROR') : undefined };
        }
        nextToken = NextToken;
      } while (nextToken !== undefined && nextToken !== '');
    }
    return undefined;
  } finally {
    calls.close();
  }
}
