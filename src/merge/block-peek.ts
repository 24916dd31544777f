import { vintLength } from '../ebml/vint.js';

/** What a Block's first bytes say (RFC 9559 section 10.1). */
export interface BlockPeek {
  track: number;
  /** In ticks after the Cluster's Timestamp. */
  timestamp: number;
  frames: number;
}

/**
 * Looks at the first bytes of a Block into `result`, without caring whether its laces are right: they are passed on as they are.
 *
 * @returns `false` when it is too short to be one
 */
export function peekBlock(data: Uint8Array, result: BlockPeek): boolean {
  const first = data[0] ?? 0;
  const length = vintLength(first);
  const flags = data[length + 2];
  if (flags === undefined || length > 8) return false;
  let track = first & (0xff >>> length);
  for (let i = 1; i < length; i++) track = track * 256 + (data[i] ?? 0);
  result.track = track;
  result.timestamp = (((data[length] ?? 0) << 24) | ((data[length + 1] ?? 0) << 16)) >> 16;
  result.frames = (flags & 0x06) === 0 ? 1 : (data[length + 3] ?? 0) + 1;
  return true;
}
