// Decoding, against ffmpeg on the same file: `node bench/decode.mjs [--json] [--seconds N] [--rounds N]`, also a part of `npm run bench`.
//
// The file is 1080p H.264 in groups of 2 s, made by ffmpeg. Each measurement is a process of its own; those of a round are taken in turn,
// and the least of the rounds counts. Starting a process is not counted for either. Both decoders choose their number of threads themselves, by the same library's rule.
import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FOLDER = fileURLToPath(new URL('../.cache/bench/', import.meta.url));
/** So long a part is encoded; longer files repeat it. */
const PART_SECONDS = 20;
const RATE = 25;

/** What is asked for, by what ffmpeg is compared, and how many pictures of so many seconds that is. */
const CASES = [
  { every: '10s', ffmpeg: ['-i', 'FILE', '-vf', 'fps=1/10'], aim: 4, pictures: (seconds) => Math.ceil(seconds / 10) },
  { every: 'keyframe', ffmpeg: ['-skip_frame', 'nokey', '-i', 'FILE'], aim: 1, pictures: (seconds) => seconds / 2 },
  { every: 'frame', ffmpeg: ['-i', 'FILE'], aim: 0.9, pictures: (seconds) => seconds * RATE },
];

/** The path of a file of so many seconds; it is made when it is not there yet. */
export function video(seconds) {
  const path = `${FOLDER}h264-1080p-${seconds}s.mkv`;
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const length = Math.min(seconds, PART_SECONDS);
  const part = `${FOLDER}h264-1080p-part-${length}s.mkv`;
  const run = (args, to) => {
    execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args, `${to}.making.mkv`]);
    renameSync(`${to}.making.mkv`, to);
  };
  if (!existsSync(part)) {
    const source = `testsrc2=size=1920x1080:rate=${RATE}:duration=${length},noise=alls=12:allf=t`;
    const codec = '-c:v libx264 -preset veryfast -crf 26 -g 50 -keyint_min 50 -sc_threshold 0 -pix_fmt yuv420p';
    run(['-f', 'lavfi', '-i', source, ...codec.split(' ')], part);
  }
  const times = Math.ceil(seconds / length) - 1;
  run(['-stream_loop', String(times), '-i', part, '-t', String(seconds), '-c', 'copy'], path);
  return path;
}

/** Why nothing can be measured here; `undefined` where it can. */
export function missing() {
  if (spawnSync('ffmpeg', ['-version'], { stdio: 'ignore' }).status !== 0) return 'there is no ffmpeg';
  try {
    createRequire(import.meta.url).resolve('@napi-rs/webcodecs');
  } catch {
    return '@napi-rs/webcodecs is not installed (npm run decoders)';
  }
  return undefined;
}

/** ffmpeg's own figures of a run: seconds by the clock and of processor time of all threads. */
function runFfmpeg(args) {
  const all = ['-nostdin', '-hide_banner', '-nostats', '-benchmark', ...args, '-f', 'null', '-'];
  const { status, stderr } = spawnSync('ffmpeg', all, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const [, user, system, real] = /bench: utime=([\d.]+)s stime=([\d.]+)s rtime=([\d.]+)s/.exec(stderr) ?? [];
  if (status !== 0 || real === undefined) throw new Error(`ffmpeg ended with ${status}: ${stderr.slice(-1000)}`);
  return { seconds: Number(real), cpuSeconds: Number(user) + Number(system) };
}

/** The same of ours. */
function runOurs(file, every) {
  const self = fileURLToPath(import.meta.url);
  return JSON.parse(execFileSync(process.execPath, [self, '--read', file, every], { encoding: 'utf8' }));
}

/** Measures all cases. */
export function measureDecoding({ seconds, rounds, progress = () => {} }) {
  const file = video(seconds);
  return CASES.map(({ every, ffmpeg, aim, pictures }) => {
    const ours = [];
    const theirs = [];
    for (let round = 0; round < rounds; round++) {
      progress(`decoding, every ${every}: round ${round + 1} of ${rounds}`);
      const { pictures: count, ...one } = runOurs(file, every);
      if (count !== pictures(seconds)) throw new Error(`${count} pictures, not ${pictures(seconds)}`);
      ours.push(one);
      theirs.push(runFfmpeg(ffmpeg.map((arg) => (arg === 'FILE' ? file : arg))));
    }
    const least = (list, key) => Math.min(...list.map((each) => each[key]));
    const row = (list) => ({ seconds: least(list, 'seconds'), cpuSeconds: least(list, 'cpuSeconds') });
    const [mine, other] = [row(ours), row(theirs)];
    return {
      every,
      pictures: pictures(seconds),
      ours: mine,
      ffmpeg: other,
      ratio: other.seconds / mine.seconds,
      cpuRatio: other.cpuSeconds / mine.cpuSeconds,
      aim,
    };
  });
}

/** The results as lines of text. */
export function decodingLines({ seconds, rows }) {
  const lines = [
    `decoding 1080p H.264 in groups of 2 s, ${seconds} s of it; seconds by the clock and of processor time`,
  ];
  for (const { every, pictures, ours, ffmpeg, ratio, cpuRatio, aim } of rows) {
    const times = ({ seconds: wall, cpuSeconds }) => `${wall.toFixed(2)} (${cpuSeconds.toFixed(2)})`.padEnd(15);
    lines.push(
      `  ${`every ${every}`.padEnd(16)}${pictures} pictures`.padEnd(34) +
        `ours ${times(ours)} ffmpeg ${times(ffmpeg)} ${ratio.toFixed(2)} times as fast, ${cpuRatio.toFixed(2)} by CPU time; aim ${aim}`,
    );
  }
  return lines;
}

/** Reads a file and says what was found: in a process of its own. */
async function read(file, every) {
  const { readPictures } = await import('../dist/decode/index.js');
  await import('@napi-rs/webcodecs');
  let pictures = 0;
  let problems = 0;
  const onProblem = () => problems++;
  const cpu = process.cpuUsage();
  const start = performance.now();
  for await (const _ of readPictures(createReadStream(file, { highWaterMark: 2 ** 20 }), { every, onProblem }))
    pictures++;
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  if (problems > 0) throw new Error(`${problems} problems`);
  console.log(JSON.stringify({ pictures, seconds, cpuSeconds: (user + system) / 1e6 }));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    read: { type: 'boolean' },
    json: { type: 'boolean' },
    seconds: { type: 'string', default: '120' },
    rounds: { type: 'string', default: '3' },
  },
  strict: false,
});
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (values.read) {
    await read(positionals[0], positionals[1]);
    process.exit();
  }
  const reason = missing();
  if (reason !== undefined) throw new Error(reason);
  const seconds = Number(values.seconds);
  const rows = measureDecoding({ seconds, rounds: Number(values.rounds) });
  console.log(
    values.json ? JSON.stringify({ seconds, rows }, undefined, 2) : decodingLines({ seconds, rows }).join('\n'),
  );
}
