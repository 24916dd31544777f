/** What is needed of a picture's colours to convert them. */
export interface YuvColors {
  /** Whether luma is 0 to 255, rather than 16 to 235. */
  readonly fullRange: boolean;
  /** The weights of red and blue in luma: ITU-R BT.709, or BT.601. */
  readonly matrix: 'bt709' | 'bt601';
}

/** A picture in 4:2:0, 8 bits each: the place of each plane's first byte and from a row to the next. */
export interface YuvPlanes {
  readonly width: number;
  readonly height: number;
  readonly luma: Plane;
  readonly blue: Plane;
  readonly red: Plane;
  /** From a sample of colour to the next: 1, or 2 where both kinds lie in turn (NV12). */
  readonly chromaStep: 1 | 2;
}

interface Plane {
  readonly offset: number;
  readonly stride: number;
}

const WEIGHTS = { bt709: [0.2126, 0.0722], bt601: [0.299, 0.114] } as const;

/**
 * Red, green, blue and alpha of a picture in 4:2:0 (ITU-R BT.601 section 2.5, BT.709 section 3). Each sample of colour is that of its four
 * pixels.
 */
export function yuvToRgba(bytes: Uint8Array, planes: YuvPlanes, { fullRange, matrix }: YuvColors): Uint8Array {
  const { width, height, luma, blue, red, chromaStep } = planes;
  const [ofRed, ofBlue] = WEIGHTS[matrix];
  const ofGreen = 1 - ofRed - ofBlue;
  const [black, lumaScale, chromaScale] = fullRange ? [0, 1, 1] : [16, 255 / 219, 255 / 224];
  const redByRed = 2 * (1 - ofRed) * chromaScale;
  const blueByBlue = 2 * (1 - ofBlue) * chromaScale;
  const greenByRed = (redByRed * ofRed) / ofGreen;
  const greenByBlue = (blueByBlue * ofBlue) / ofGreen;
  const rgba = new Uint8ClampedArray(width * height * 4);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = luma.offset + y * luma.stride;
    const blueRow = blue.offset + (y >> 1) * blue.stride;
    const redRow = red.offset + (y >> 1) * red.stride;
    for (let x = 0; x < width; x++, to += 4) {
      const at = (x >> 1) * chromaStep;
      const light = (bytes[row + x]! - black) * lumaScale;
      const b = bytes[blueRow + at]! - 128;
      const r = bytes[redRow + at]! - 128;
      rgba[to] = light + redByRed * r;
      rgba[to + 1] = light - greenByRed * r - greenByBlue * b;
      rgba[to + 2] = light + blueByBlue * b;
      rgba[to + 3] = 255;
    }
  }
  return new Uint8Array(rgba.buffer);
}
