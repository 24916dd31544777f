// Merges as many bytes of fragments as its argument says, made as they go, and prints how much memory that took.
import { segmentMergerStream } from '../../dist/index.js';
import { writeGetMediaFragment } from '../../dist/testing/get-media-writer.js';

const wanted = Number(process.argv[2]);
const CHUNK = 65_536;
const frame = new Uint8Array(60_000).fill(7);
const tracks = [
  { number: 1, codecId: 'V_MPEG4/ISO/AVC', codecPrivate: new Uint8Array(40), defaultDuration: 33_333_333 },
];

/** Chunks with arrays of their own, as a network gives them; elements lie across them. */
function* chunks() {
  let made = 0;
  let rest = new Uint8Array(0);
  for (let index = 0; made < wanted; index++) {
    const blocks = Array.from({ length: 30 }, (_, i) => ({
      track: 1,
      timestamp: index * 1e6 + i * 33_333,
      frames: [frame],
      keyframe: i === 0,
    }));
    const fragment = writeGetMediaFragment(
      { tracks, blocks, fragmentNumber: String(index) },
      { crc: index % 100 === 0 },
    );
    made += fragment.length;
    const whole = new Uint8Array(rest.length + fragment.length);
    whole.set(rest);
    whole.set(fragment, rest.length);
    let at = 0;
    for (; at + CHUNK <= whole.length; at += CHUNK) yield whole.slice(at, at + CHUNK);
    rest = whole.slice(at);
  }
  yield rest;
}

const source = chunks();
const stream = segmentMergerStream({ packClusters: true });
const readable = new ReadableStream({
  pull(controller) {
    const { done, value } = source.next();
    if (done) controller.close();
    else controller.enqueue(value);
  },
}).pipeThrough(stream);

let most = 0;
let before = 0;
let count = 0;
for await (const _ of readable) {
  if (++count % 1000 !== 0) continue;
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  if (before === 0) before = heapUsed + arrayBuffers;
  most = Math.max(most, heapUsed + arrayBuffers);
}
process.stdout.write(JSON.stringify({ ...stream.merger.counters, growth: most - before }));
