/** Small fragments for the tests of the fleet. */
import { FragmentSplitter } from '../dist/testing/fragment-splitter.js';
import { writeGetMediaFragment } from '../dist/testing/index.js';
import { retimeFragment } from '../dist/testing/retime.js';

let made;

/** A fragment of a second, of five frames, that begins at a time in milliseconds. */
export function makeFragment(timeMs) {
  made ??= make();
  return retimeFragment(made, timeMs);
}

function make() {
  const blocks = Array.from({ length: 5 }, (_, i) => ({
    track: 1,
    timestamp: i * 200_000,
    keyframe: i === 0,
    frames: [new Uint8Array(1000).fill(i)],
  }));
  const tracks = [{ number: 1, codecId: 'V_VP8', video: { pixelWidth: 64, pixelHeight: 64 } }];
  const splitter = new FragmentSplitter();
  splitter.push(writeGetMediaFragment({ tracks, blocks }));
  splitter.end();
  for (let event = splitter.nextIfAvailable(); event !== undefined; event = splitter.nextIfAvailable()) {
    if (event.kind === 'fragment') return event.fragment;
  }
  throw new Error('no fragment was made');
}
