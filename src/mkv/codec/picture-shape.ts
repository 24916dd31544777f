import type { H264Sps, PixelAspect } from './h264.js';

/** What a Video element says of the shape of pictures. */
export interface WrittenShape {
  readonly pixelWidth: number;
  readonly pixelHeight: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
  readonly displayUnit: number;
}

/** The size that a picture is to be shown with: its height and, by the shape of its pixels, its width; or the other way round. */
export function shapeOf(
  { width, height }: { readonly width: number; readonly height: number },
  aspect: PixelAspect | undefined,
): { readonly width: number; readonly height: number } {
  const [across, down] = aspect ?? [1, 1];
  // The picture is made larger, never smaller.
  return across >= down
    ? { width: Math.round((width * across) / down), height }
    : { width, height: Math.round((height * down) / across) };
}

/** Whether the VUI says another shape of the picture than the Video element, which says that pixels are square. */
export function differsInShape(video: WrittenShape, aspect: PixelAspect | undefined): boolean {
  return aspect !== undefined && aspect[0] !== aspect[1] && !saysShape(video);
}

/** Whether a Video element says that pixels are not square. */
function saysShape({ pixelWidth, pixelHeight, displayWidth, displayHeight }: WrittenShape): boolean {
  const isSaid = displayWidth > 0 && displayHeight > 0 && pixelWidth > 0 && pixelHeight > 0;
  // Sizes are whole numbers, so that a ratio is right to one of them.
  return (
    isSaid && Math.abs(displayWidth * pixelHeight - displayHeight * pixelWidth) > Math.max(pixelWidth, pixelHeight)
  );
}

/** The picture of a video track: its size, and the size to show it with. */
export interface PictureShape {
  readonly width: number;
  readonly height: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
}

/**
 * The size of a track's pictures, in pixels, and that to show them with: by the parameter sets where there are any, by the Video element else.
 * The Video element's shape of the picture holds where it says that pixels are not square.
 *
 * @returns `undefined` where nobody says a size
 */
export function pictureShape(
  video: WrittenShape | undefined,
  sps: Pick<H264Sps, 'width' | 'height' | 'pixelAspect'> | undefined,
): PictureShape | undefined {
  const width = sps?.width ?? video?.pixelWidth ?? 0;
  const height = sps?.height ?? video?.pixelHeight ?? 0;
  if (!(width > 0 && height > 0)) return undefined;
  if (video !== undefined && saysShape(video) && video.displayUnit < UNIT_UNKNOWN) {
    const said: PixelAspect = [video.displayWidth * height, video.displayHeight * width];
    const shape = shapeOf({ width, height }, said);
    return { width, height, displayWidth: shape.width, displayHeight: shape.height };
  }
  const shape = shapeOf({ width, height }, sps?.pixelAspect);
  return { width, height, displayWidth: shape.width, displayHeight: shape.height };
}

/** DisplayUnit 4: nobody knows what DisplayWidth and DisplayHeight count. */
const UNIT_UNKNOWN = 4;
