// What is tried everywhere: the core, MP4, HLS, and pictures where the runtime decodes them.
import { readFragments, readFrames } from 'kvs-parser';
import { readPictures } from 'kvs-parser/decode';
import { Packager } from 'kvs-parser/hls';
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
  const packager = new Packager({ playbackMode: 'ON_DEMAND', maxFragmentResults: 'all' });
  await packager.feed(bytes);
  const { status } = await packager.handler(new Request('http://localhost/main.m3u8'));
  return { fragments, frames, keyframes, segments, playlist: status, pictures: await pictures(bytes) };
}

/** How many pictures there are of key frames; or why there are none, where the optional package for them is not installed. */
async function pictures(bytes) {
  let count = 0;
  try {
    for await (const _ of readPictures(bytes, { codecs: 'webcodecs', every: 'keyframe' })) count++;
    return count;
  } catch ({ message }) {
    return message;
  }
}
