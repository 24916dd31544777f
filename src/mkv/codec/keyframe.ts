import type { MediaFormat } from './media-format.js';
import { lengthSizeOfHead, lookAtAccessUnit } from './nal-format.js';

/** A frame, as far as it is looked at here. */
interface HeadedFrame {
  readonly size: number;
  readonly data: Uint8Array;
  /** Its first bytes: at least so many, or all. */
  head(least: number): Uint8Array;
}

/** Enough for what stands before the first slice, but for long messages; then more is looked at. */
const NAL_HEAD = 256;
const SHORT_HEAD = 16;

/**
 * Whether decoding can begin at a frame, by its own bytes where these tell.
 *
 * @param format of its track
 * @param flagged what the stream says
 */
export function isKeyframe(format: MediaFormat, frame: HeadedFrame, flagged: boolean): boolean {
  const { codec, nal } = format;
  if (nal !== undefined) {
    const { size } = frame;
    const head = frame.head(NAL_HEAD);
    const lengthSize = lengthSizeOfHead(head, size, nal.lengthSize, () => frame.data);
    if (lengthSize === undefined) return flagged;
    const look = lookAtAccessUnit(nal.codec, head, size, lengthSize, () => frame.data);
    // A recovery point further on is where some producers let decoding begin, and others not.
    return look.key || (flagged && (!look.picture || look.recovery !== undefined));
  }
  switch (codec) {
    case undefined:
      return flagged;
    case 'vp8':
      return frame.size === 0 ? flagged : (frame.head(SHORT_HEAD)[0]! & 1) === 0;
    case 'vp9':
      return isVp9Keyframe(frame.head(SHORT_HEAD)) ?? flagged;
    case 'av1':
      return isAv1Keyframe(frame.head(NAL_HEAD)) ?? flagged;
    default:
      // Every frame of these audio codecs can be decoded by itself.
      return true;
  }
}

/** By the uncompressed header (VP9 bitstream specification section 6.2); `undefined` when it is none. */
function isVp9Keyframe([byte]: Uint8Array): boolean | undefined {
  if (byte === undefined || byte >> 6 !== 2) return undefined;
  const rest = (byte & 0x30) === 0x30 ? byte << 1 : byte;
  // show_existing_frame, then frame_type.
  return (rest & 8) === 0 && (rest & 4) === 0;
}

const OBU_SEQUENCE_HEADER = 1;
const OBU_FRAME_HEADER = 3;
const OBU_FRAME = 6;

/** By the first frame header of a temporal unit (AV1 specification section 5.9); `undefined` when there is none. */
function isAv1Keyframe(data: Uint8Array): boolean | undefined {
  let still = false;
  for (let at = 0; at < data.length; ) {
    const header = data[at]!;
    const type = (header >> 3) & 15;
    at += (header & 4) === 0 ? 1 : 2;
    let size = data.length - at;
    if ((header & 2) !== 0) {
      size = 0;
      for (let shift = 0; shift < 56; shift += 7) {
        const byte = data[at++] ?? 0;
        size += (byte & 127) * 2 ** shift;
        if (byte < 128) break;
      }
    }
    const first = data[at];
    if (first === undefined) return undefined;
    if (type === OBU_SEQUENCE_HEADER) still = (first & 8) !== 0;
    if (type === OBU_FRAME_HEADER || type === OBU_FRAME) return still || first >> 5 === 0;
    at += size;
  }
  return undefined;
}
