import { readVint, vintLength } from '../ebml/vint.js';

/** What a Block's first bytes say (RFC 9559 section 10.1). */
export interface BlockPeek {
  track: number;
  /** In ticks after the Cluster's Timestamp. */
  timestamp: number;
  frames: number;
  /** Whether it says that decoding can begin with it; a Block of a BlockGroup cannot say it. */
  keyframe: boolean;
}

/**
 * Looks at the first bytes of a Block into `result`, without caring whether its laces are right: they are passed on as they are. The
 * Block's data lies in `bytes` from `start` to `end`; its first 12 bytes are enough.
 *
 * @returns `false` when it is too short to be one
 */
export function peekBlock(bytes: Uint8Array, start: number, end: number, result: BlockPeek): boolean {
  if (start >= end) return false;
  const first = bytes[start]!;
  // Most tracks have numbers below 127.
  const length = first >= 0x80 ? 1 : vintLength(first);
  const after = start + length;
  if (length > 8 || after + 2 >= end) return false;
  result.track = length === 1 ? first & 0x7f : readVint(bytes, start, length);
  result.timestamp = ((bytes[after]! << 24) | (bytes[after + 1]! << 16)) >> 16;
  const flags = bytes[after + 2]!;
  result.keyframe = (flags & 0x80) !== 0;
  if ((flags & 0x06) === 0) result.frames = 1;
  else result.frames = after + 3 < end ? bytes[after + 3]! + 1 : 1;
  return true;
}
