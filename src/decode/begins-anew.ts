import { CodecDataError } from '../mkv/codec/codec-error.js';
import { eachNal } from '../mkv/codec/nal.js';
import { knownLengthSize } from '../mkv/codec/nal-format.js';
import type { Frame } from '../visitors/frame.js';

/**
 * Whether a decoder gives all pictures that it holds when it is given this frame, and begins anew with it, whatever it was given before: an
 * IDR picture of H.264 (section 8.2.1) or H.265 (section 8.1.3), a key frame of VP8, VP9 or AV1. Between such frames it need not be
 * flushed, and several of its threads can be at work.
 */
export function beginsAnew({ data, keyframe, track }: Frame): boolean {
  const { codec, nal } = track.format;
  if (!keyframe) return false;
  if (nal === undefined) return codec === 'vp8' || codec === 'vp9' || codec === 'av1';
  let slices = 0;
  let idrSlices = 0;
  try {
    eachNal(data, knownLengthSize(data, nal.lengthSize), (start) => {
      const first = data[start]!;
      const type = nal.codec === 'h264' ? first & 31 : (first >> 1) & 63;
      const [isSlice, isIdr] =
        nal.codec === 'h264' ? [type > 0 && type < 6, type === 5] : [type < 32, type === 19 || type === 20];
      if (isSlice) slices++;
      if (isIdr) idrSlices++;
    });
  } catch (error) {
    if (error instanceof CodecDataError) return false;
    throw error;
  }
  return slices > 0 && slices === idrSlices;
}
