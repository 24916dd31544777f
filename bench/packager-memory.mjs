// An hour of a camera through a packager with a window of 6 fragments, as fast as it goes: how much memory is held on the way.
//
//   npm run build && node --expose-gc bench/packager-memory.mjs
import { readFileSync } from 'node:fs';
import { Packager } from '../dist/hls/index.js';

const recording = readFileSync(new URL('../examples/recording/camera.mkv', import.meta.url));
/** The recording lasts 10 s. */
const ROUNDS = 360;
const packager = new Packager({ maxFragmentResults: 6, partDuration: 200 });

function* hour() {
  for (let round = 0; round <= ROUNDS; round++) {
    if (round % 60 === 0) {
      globalThis.gc?.();
      const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
      const [heap, buffers, all] = [heapUsed, arrayBuffers, rss].map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`);
      console.log(`${round / 6} min: heap ${heap}, buffers ${buffers}, process ${all}`);
    }
    // Copies, as they come from a network.
    for (let at = 0; at < recording.length; at += 16_384) yield Buffer.from(recording.subarray(at, at + 16_384));
  }
}

const began = process.cpuUsage();
await packager.feed(hour());
const { user, system } = process.cpuUsage(began);
console.log(`${((user + system) / 1e6).toFixed(1)} s of CPU for an hour of media`);
