// Whether memory stays flat over an hour of 1080p: `npm run bench:decode-memory [-- --minutes 60] [--every frame]`, after `npm run decoders`.
//
// ffmpeg repeats a recording without encoding it again; its output is read as it comes. Ends with exit code 1 when the resident memory has
// grown by 200 MiB or more since the first minute of the stream, or a picture is missing.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { readPictures } from '../dist/decode/index.js';
import { missing, video } from './decode.mjs';

const MOST_GROWTH = 200 * 2 ** 20;
const MINUTE = 60_000_000;
const PICTURES_PER_MINUTE = { frame: 1500, keyframe: 30, '1s': 60 };

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, every: { type: 'string', default: 'frame' } },
});
const reason = missing();
if (reason !== undefined) throw new Error(reason);
const minutes = Number(values.minutes);
const { every } = values;
const input = ['-stream_loop', '-1', '-i', video(20), '-t', String(minutes * 60)];
const ffmpeg = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...input, '-c', 'copy', '-f', 'matroska', '-'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});

let pictures = 0;
let problems = 0;
let first;
let most = 0;
let next = MINUTE;
const onProblem = () => problems++;
for await (const { timestamp } of readPictures(ffmpeg.stdout, { every, onProblem })) {
  pictures++;
  if (timestamp < next) continue;
  next += MINUTE;
  const resident = process.memoryUsage.rss();
  first ??= resident;
  most = Math.max(most, resident);
  console.log(`${Math.round(timestamp / MINUTE)} min: ${pictures} pictures, ${Math.round(resident / 2 ** 20)} MiB`);
}
const growth = most - (first ?? most);
const expected = PICTURES_PER_MINUTE[every] === undefined ? pictures : PICTURES_PER_MINUTE[every] * minutes;
console.log(
  `${pictures} pictures, ${problems} problems, ${Math.round(growth / 2 ** 20)} MiB of growth after the first minute`,
);
process.exit(growth < MOST_GROWTH && problems === 0 && pictures >= expected ? 0 : 1);
