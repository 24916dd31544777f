import type { PictureFit } from './image-library.js';
import type { Pixels } from './pixels.js';

/** A picture of 8 bits each of red, green and blue, row by row without padding. */
export interface RgbPicture {
  /** `width` x `height` x 3 bytes. The caller owns them. */
  readonly data: Uint8Array;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** The size of a scaled picture. */
export interface ScaleOptions {
  /** In pixels. With one of the two left out, it follows from the other; with both, the picture is as it is. */
  readonly width?: number | undefined;
  /** In pixels. */
  readonly height?: number | undefined;
  /** What to do where the shape differs. Default `'fill'`. */
  readonly fit?: PictureFit | undefined;
}

/** Options for tensors. */
export interface TensorOptions extends ScaleOptions {
  /** `'nchw'` (default): all red, then all green, then all blue; `'nhwc'`: red, green and blue of each pixel. */
  readonly layout?: 'nchw' | 'nhwc' | undefined;
  /** Is subtracted from values of 0 to 1, for red, green and blue. Default 0. */
  readonly mean?: readonly [number, number, number] | undefined;
  /** Divides them then. Default 1. */
  readonly std?: readonly [number, number, number] | undefined;
}

/** A picture as the input of a model. */
export interface Tensor {
  /** `(value / 255 - mean) / std` of every pixel. The caller owns it. */
  readonly data: Float32Array;
  /** `[1, 3, height, width]` for `nchw`, `[1, height, width, 3]` for `nhwc`. */
  readonly shape: readonly [number, number, number, number];
}

/** Makes a tensor of pixels. */
export function tensorOf({ data, width, height }: Pixels, options: TensorOptions): Tensor {
  const { layout = 'nchw', mean = [0, 0, 0], std = [1, 1, 1] } = options;
  const count = width * height;
  const values = new Float32Array(count * 3);
  const [pixelStep, planeStep] = layout === 'nchw' ? [1, count] : [3, 1];
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * std[channel]!);
    const shift = mean[channel]! / std[channel]!;
    let at = channel * planeStep;
    for (let i = channel; i < count * 4; i += 4, at += pixelStep) values[at] = data[i]! * scale - shift;
  }
  return { data: values, shape: layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3] };
}

/** The same pixels without alpha. */
export function withoutAlpha({ data, width, height }: Pixels): RgbPicture {
  const count = width * height;
  const rgb = new Uint8Array(count * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from]!;
    rgb[to + 1] = data[from + 1]!;
    rgb[to + 2] = data[from + 2]!;
  }
  return { data: rgb, width, height };
}
