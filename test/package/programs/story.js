// What is tried everywhere: the core, MP4, and the consumer where there is an endpoint.
import { readFragments, readFrames } from 'kvs-parser';
import { mp4SegmentStream } from 'kvs-parser/mp4';

export async function read(bytes) {
  let fragments = 0;
  let frames = 0;
  let keyframes = 0;
  let segments = 0;
  for await (const fragment of readFragments(bytes)) {
    fragments++;
    frames += fragment.frames.length;
  }
  for await (const _ of readFrames(bytes, { track: 'video', keyframesOnly: true })) keyframes++;
  for await (const _ of mp4SegmentStream(bytes)) segments++;
  return { fragments, frames, keyframes, segments };
}
