import { ByteRun } from '../ebml/byte-run.js';
import { Block } from '../mkv/block.js';
import { readAdtsHeader } from '../mkv/codec/aac.js';
import type { Frame } from './frame.js';

/** No producer puts more frames of AAC into a Block; more of few bytes are none. */
const MOST_FRAMES = 256;

/**
 * The frames of AAC that stand behind each other in one frame of a Block, each with its ADTS header: some producers hand on what their encoder
 * gives at a time. Each lasts as long as its header says. The frame itself, where it is one, or anything else.
 */
export function splitAdts(frame: Frame): readonly Frame[] {
  const { data } = frame;
  const ends: number[] = [];
  for (let at = 0; at < data.length; ends.push(at)) {
    const header = readAdtsHeader(data, at);
    if (header === undefined || ends.length === MOST_FRAMES) return [frame];
    at += header.frameSize;
  }
  if (ends.length < 2) return [frame];
  let time = frame.timestamp;
  return ends.map((end, index) => {
    const start = ends[index - 1] ?? 0;
    const padding = index === ends.length - 1 ? frame.discardPadding : undefined;
    const block = frameBlock(data.subarray(start, end), frame);
    const part = frame.part(block, time, padding);
    time += part.duration ?? 0;
    return part;
  });
}

/** A Block of one frame with the flags of another's; its track and time are those of the frame that it is put into. */
export function frameBlock(
  data: Uint8Array,
  flags: { readonly invisible: boolean; readonly discardable: boolean },
): Block {
  const header = 4;
  const bytes = new Uint8Array(header + data.length);
  bytes.set([0x81, 0, 0, (flags.invisible ? 8 : 0) | (flags.discardable ? 1 : 0)]);
  bytes.set(data, header);
  return new Block(new ByteRun(bytes), 0, bytes.length, 0, true);
}
