import { DecodeError } from './decode-error.js';
import type { PlaneLayoutLike, VideoFrameLike } from './webcodecs.js';
import { type YuvColors, yuvToRgba } from './yuv.js';

/** Pixels as most things take them: red, green, blue and alpha, 8 bits each, row by row without padding. */
export interface Pixels {
  readonly data: Uint8Array;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/**
 * The pixels of a decoded picture, without what lies around its visible part.
 *
 * @throws DecodeError `MediaError` when its format is not known
 */
export async function pixelsOf(frame: VideoFrameLike): Promise<Pixels> {
  const width = frame.visibleRect?.width ?? frame.codedWidth;
  const height = frame.visibleRect?.height ?? frame.codedHeight;
  const colors = colorsOf(frame);
  if (colors !== undefined) return { data: await convert(frame, width, height, colors), width, height };
  const data = await rgbaOf(frame);
  const [layout, bytes] = data;
  const stride = layout[0]?.stride ?? width * 4;
  const offset = layout[0]?.offset ?? 0;
  if (stride === width * 4) return { data: bytes.subarray(offset, offset + stride * height), width, height };
  const packed = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = offset + row * stride;
    packed.set(bytes.subarray(start, start + width * 4), row * width * 4);
  }
  return { data: packed, width, height };
}

async function rgbaOf(frame: VideoFrameLike): Promise<[PlaneLayoutLike[], Uint8Array]> {
  const options = frame.format === 'RGBA' ? undefined : ({ format: 'RGBA' } as const);
  try {
    const bytes = new Uint8Array(frame.allocationSize(options));
    return [await frame.copyTo(bytes, options), bytes];
  } catch (cause) {
    throw new DecodeError('MediaError', `pixels of the format ${frame.format} cannot be read here`, { cause });
  }
}

/**
 * The colours of a picture that has to be converted here: `@napi-rs/webcodecs` converts all as BT.601 of limited range, whatever the stream says.
 * `undefined` where that is right, and of other decoders.
 */
function colorsOf(frame: VideoFrameLike): YuvColors | undefined {
  const { VideoFrame } = globalThis as { readonly VideoFrame?: unknown };
  if (typeof VideoFrame === 'function' && frame instanceof VideoFrame) return undefined;
  if (frame.format !== 'I420' && frame.format !== 'NV12') return undefined;
  const space: unknown = Reflect.get(frame, 'colorSpace');
  if (typeof space !== 'object' || space === null) return undefined;
  const fullRange = Reflect.get(space, 'fullRange') === true;
  const matrix = Reflect.get(space, 'matrix') === 'bt709' ? 'bt709' : 'bt601';
  return fullRange || matrix === 'bt709' ? { fullRange, matrix } : undefined;
}

async function convert(frame: VideoFrameLike, width: number, height: number, colors: YuvColors): Promise<Uint8Array> {
  const bytes = new Uint8Array(frame.allocationSize());
  const [luma, blue, red] = await frame.copyTo(bytes);
  if (luma === undefined || blue === undefined) throw new DecodeError('MediaError', 'the picture has too few planes');
  const isPlanar = red !== undefined;
  const planes = { width, height, luma, blue, red: red ?? { ...blue, offset: blue.offset + 1 } };
  return yuvToRgba(bytes, { ...planes, chromaStep: isPlanar ? 1 : 2 }, colors);
}
