import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { DecodeError } from './decode-error.js';
import { type ImageFormat, imageLibrary } from './image-library.js';
import { type Pixels, pixelsOf } from './pixels.js';
import {
  type RgbPicture,
  type ScaleOptions,
  type Tensor,
  type TensorOptions,
  tensorOf,
  withoutAlpha,
} from './tensor.js';
import type { VideoFrameLike } from './webcodecs.js';

/** Options of `encode` of a picture. */
export interface EncodeOptions extends ScaleOptions {
  /** Of JPEG: 1 to 100, default 80. */
  readonly quality?: number | undefined;
}

/** The shape of pictures whose pixels are not square: as they are stored (`'stored'`), or as they are to be shown (`'display'`). */
export type PictureAspect = 'stored' | 'display';

const DEFAULT_QUALITY = 80;
/** No picture is made larger than this on either side. */
const LARGEST = 16_384;

/**
 * A picture of a video track. It holds memory of the decoder, and is closed when the loop that gave it continues: what is needed longer has
 * to be taken before, by `toRgb`, `toTensor` or `encode`.
 */
export class Picture {
  /** The encoded frame that it was decoded from. */
  readonly source: Frame;
  /** The `VideoFrame` of WebCodecs; `undefined` for V_MJPEG, which is not decoded before something asks for pixels. */
  readonly frame: VideoFrameLike | undefined;
  readonly #aspect: PictureAspect;
  #pixels: Promise<Pixels> | undefined;
  #closed = false;

  /** @internal */
  constructor(source: Frame, frame: VideoFrameLike | undefined, aspect: PictureAspect) {
    this.source = source;
    this.frame = frame;
    this.#aspect = aspect;
  }

  /** When it is presented, in microseconds of the stream. */
  get timestamp(): number {
    return this.source.timestamp;
  }

  /** When the producer recorded it; see `Frame.producerTimestamp`. */
  get producerTimestamp(): Date | undefined {
    return this.source.producerTimestamp;
  }

  /** The fragment that it came in. */
  get fragment(): FragmentMetadata | undefined {
    return this.source.fragment;
  }

  /** Its track. */
  get track(): TrackMetadata {
    return this.source.track;
  }

  /**
   * The pixels: red, green and blue.
   *
   * @throws DecodeError `NoImageLibrary` when there is nothing to scale with, or to read a JPEG with
   * @throws RangeError when a size is not a number of pixels
   */
  async toRgb(options: ScaleOptions = {}): Promise<RgbPicture> {
    return withoutAlpha(await this.#scaled(options));
  }

  /** The picture as the input of a model. Throws as {@link Picture.toRgb}. */
  async toTensor(options: TensorOptions = {}): Promise<Tensor> {
    return tensorOf(await this.#scaled(options), options);
  }

  /**
   * The picture as a file. One of V_MJPEG is given as it is, where `jpeg` is asked for with no other size and quality.
   *
   * @throws DecodeError `NoImageLibrary` when there is nothing to encode with
   * @throws RangeError when a size is not a number of pixels, or the quality not 1 to 100
   */
  async encode(format: ImageFormat, options: EncodeOptions = {}): Promise<Uint8Array> {
    const { quality = DEFAULT_QUALITY } = options;
    if (!(quality >= 1 && quality <= 100)) throw new RangeError(`quality must be 1 to 100, not ${quality}`);
    const isChanged = options.width !== undefined || options.height !== undefined || options.quality !== undefined;
    if (this.frame === undefined && format === 'jpeg' && !isChanged) return this.source.data.slice();
    const pixels = await this.#scaled(options);
    return (await imageLibrary()).encode(pixels, format, quality);
  }

  /** Gives the decoder's memory back. It may be called more than once. */
  close(): void {
    this.#closed = true;
    this.#pixels = undefined;
    this.frame?.close();
  }

  async #scaled(options: ScaleOptions): Promise<Pixels> {
    if (this.#closed) throw new DecodeError('MediaError', 'the picture is closed: the loop that gave it has gone on');
    checkSizes(options);
    this.#pixels ??= this.#read();
    const pixels = await this.#pixels;
    const [width, height] = this.#size(pixels, options);
    if (width === pixels.width && height === pixels.height) return pixels;
    return (await imageLibrary()).scale(pixels, width, height, options.fit ?? 'fill');
  }

  async #read(): Promise<Pixels> {
    if (this.frame !== undefined) return pixelsOf(this.frame);
    try {
      return await (await imageLibrary()).decodeJpeg(this.source.data);
    } catch (cause) {
      if (cause instanceof DecodeError) throw cause;
      throw new DecodeError('MediaError', `the JPEG at ${this.timestamp} us cannot be read`, { cause });
    }
  }

  /** How wide the picture is to be shown in its own height. Not every decoder tells what its configuration said. */
  #shownWidth({ width, height }: Pixels): number {
    const config = this.#aspect === 'display' ? this.track.toVideoDecoderConfig() : undefined;
    const { displayAspectWidth = width, displayAspectHeight = height } = config ?? {};
    return Math.max(1, Math.round((height * displayAspectWidth) / displayAspectHeight));
  }

  #size(pixels: Pixels, { width, height }: ScaleOptions): [width: number, height: number] {
    const [naturalWidth, naturalHeight] = [this.#shownWidth(pixels), pixels.height];
    if (width !== undefined && height !== undefined) return [width, height];
    if (width !== undefined) return [width, Math.max(1, Math.round((width * naturalHeight) / naturalWidth))];
    if (height !== undefined) return [Math.max(1, Math.round((height * naturalWidth) / naturalHeight)), height];
    return [naturalWidth, naturalHeight];
  }
}

function checkSizes({ width, height }: ScaleOptions): void {
  for (const size of [width, height]) {
    const isSize = size === undefined || (Number.isInteger(size) && size >= 1 && size <= LARGEST);
    if (!isSize) throw new RangeError(`a size must be 1 to ${LARGEST} pixels, not ${size}`);
  }
}
