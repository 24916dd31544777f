import { DecodeError } from './decode-error.js';
import type { PlaneLayoutLike, VideoFrameLike } from './webcodecs.js';

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
