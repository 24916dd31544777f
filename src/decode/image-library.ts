import { DecodeError } from './decode-error.js';
import { lackOf, loadOptional } from './optional.js';
import type { Pixels } from './pixels.js';

/** The formats that pictures are written in: `'jpeg'` (lossy) or `'png'` (lossless). */
export type ImageFormat = 'jpeg' | 'png';

/** How a picture is scaled to another shape. */
export type PictureFit =
  /** Stretched to it. */
  | 'fill'
  /** Whole, with black bars. */
  | 'contain'
  /** Without bars, its edges cut off. */
  | 'cover';

/** What scales and encodes pictures. */
export interface ImageLibrary {
  /** Brings a picture to a size, in pixels. */
  scale(pixels: Pixels, width: number, height: number, fit: PictureFit): Promise<Pixels>;
  /** Writes it as a file. @param quality 1 to 100, of JPEG */
  encode(pixels: Pixels, format: ImageFormat, quality: number): Promise<Uint8Array>;
  /** Reads a JPEG. */
  decodeJpeg(data: Uint8Array): Promise<Pixels>;
}

const PACKAGE = 'sharp';
let library: Promise<ImageLibrary> | undefined;

/**
 * The image library of this runtime: OffscreenCanvas, or in Node `sharp`.
 *
 * @throws DecodeError `NoImageLibrary` when there is none
 */
export function imageLibrary(): Promise<ImageLibrary> {
  library ??= findLibrary();
  library.catch(() => {
    library = undefined;
  });
  return library;
}

async function findLibrary(): Promise<ImageLibrary> {
  if (typeof OffscreenCanvas === 'function') return CANVAS;
  const loaded = await loadOptional(PACKAGE);
  if (loaded.found) {
    const make: unknown =
      typeof loaded.module === 'object' && loaded.module !== null && Reflect.get(loaded.module, 'default');
    if (typeof make === 'function') return new SharpLibrary(make as MakeSharp);
  }
  const failure = loaded.found ? 'it is of another kind' : loaded.failure;
  const text = `nothing here scales or encodes pictures: ${lackOf(PACKAGE, failure)}`;
  throw new DecodeError('NoImageLibrary', text, { cause: failure });
}

/** The part of `sharp` that is used. */
interface Sharp {
  resize(options: { width: number; height: number; fit: PictureFit; background: string }): Sharp;
  removeAlpha(): Sharp;
  ensureAlpha(): Sharp;
  raw(): Sharp;
  jpeg(options: { quality: number }): Sharp;
  png(): Sharp;
  toBuffer(): Promise<Uint8Array>;
  toBuffer(options: {
    resolveWithObject: true;
  }): Promise<{ data: Uint8Array; info: { width: number; height: number } }>;
}
type MakeSharp = (data: Uint8Array, options?: { raw: { width: number; height: number; channels: 4 } }) => Sharp;

class SharpLibrary implements ImageLibrary {
  readonly #make: MakeSharp;

  constructor(make: MakeSharp) {
    this.#make = make;
  }

  async scale(pixels: Pixels, width: number, height: number, fit: PictureFit): Promise<Pixels> {
    const data = await this.#open(pixels).resize({ width, height, fit, background: '#000' }).raw().toBuffer();
    return { data, width, height };
  }

  encode(pixels: Pixels, format: ImageFormat, quality: number): Promise<Uint8Array> {
    const image = this.#open(pixels).removeAlpha();
    return (format === 'png' ? image.png() : image.jpeg({ quality })).toBuffer();
  }

  async decodeJpeg(bytes: Uint8Array): Promise<Pixels> {
    const { data, info } = await this.#make(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  }

  #open({ data, width, height }: Pixels): Sharp {
    return this.#make(data, { raw: { width, height, channels: 4 } });
  }
}

const CANVAS: ImageLibrary = {
  async scale(pixels, width, height, fit) {
    const context = contextOf(width, height);
    context.fillStyle = '#000';
    context.fillRect(0, 0, width, height);
    const [wider, higher] = [width / pixels.width, height / pixels.height];
    const ratio = fit === 'cover' ? Math.max(wider, higher) : Math.min(wider, higher);
    const [wide, high] = fit === 'fill' ? [width, height] : [pixels.width * ratio, pixels.height * ratio];
    context.imageSmoothingQuality = 'high';
    context.drawImage(canvasOf(pixels), (width - wide) / 2, (height - high) / 2, wide, high);
    return readCanvas(context, width, height);
  },
  async encode(pixels, format, quality) {
    const blob = await canvasOf(pixels).convertToBlob({ type: `image/${format}`, quality: quality / 100 });
    return new Uint8Array(await blob.arrayBuffer());
  },
  async decodeJpeg(data) {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(data)], { type: 'image/jpeg' }));
    const { width, height } = bitmap;
    const context = contextOf(width, height);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return readCanvas(context, width, height);
  },
};

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new DecodeError('NoImageLibrary', 'this runtime gives no canvas to draw on');
  return context;
}

function canvasOf({ data, width, height }: Pixels): OffscreenCanvas {
  const context = contextOf(width, height);
  const image = context.createImageData(width, height);
  image.data.set(data);
  context.putImageData(image, 0, 0);
  return context.canvas;
}

function readCanvas(context: OffscreenCanvasRenderingContext2D, width: number, height: number): Pixels {
  const { data } = context.getImageData(0, 0, width, height);
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
}
