// How long a picture takes from its recording to its display, in hls.js with parts of 200 ms and in MsePlayer with chunks of 100 ms.
//
//   npm run bench:latency [-- --seconds 60 --player hls.js|MsePlayer --json]
//
// A camera runs by the wall clock. Its pictures have their number in them as black and white bars; the page reads them from the video when a
// picture is shown. MsePlayer joins in the middle of a fragment, as a viewer does. Needs ffmpeg and Chromium.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { Packager } from '../dist/hls/index.js';
import { toNodeListener } from '../dist/hls/node.js';
import { readFrames } from '../dist/index.js';
import { writeGetMediaFragment } from '../dist/testing/index.js';
import { liveCamera } from '../examples/browser/live-camera.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    player: { type: 'string', multiple: true, default: ['hls.js', 'MsePlayer'] },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);

const FRAME_RATE = 25;
/** The camera's pictures begin again after so many seconds: a delay must be shorter than that. */
const ROUND = 10;
const BITS = 8;

function pathOf(...names) {
  for (const name of names) {
    const { stdout, status } = spawnSync('which', [name], { encoding: 'utf8' });
    if (status === 0) return stdout.trim();
  }
  return undefined;
}

const ffmpeg = pathOf('ffmpeg');
const browserPath = pathOf('chromium', 'chromium-browser', 'google-chrome');
if (ffmpeg === undefined || browserPath === undefined) {
  console.log(`latency: skipped, ${ffmpeg === undefined ? 'ffmpeg' : 'chromium'} is not on PATH`);
  process.exit();
}

/** Ten seconds of pictures with bars, and sound, as fragments of 2 s. */
async function record(folder) {
  const bar = 320 / BITS;
  const picture = `nullsrc=s=320x240:r=${FRAME_RATE}:d=${ROUND},format=gray,geq=lum='16+219*mod(floor(N/pow(2\\,floor(X/${bar})))\\,2)'`;
  const video = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50', '-bf', '0', '-pix_fmt', 'yuv420p'];
  const inputs = ['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', `sine=r=48000:d=${ROUND}`];
  execFileSync(ffmpeg, ['-v', 'error', ...inputs, ...video, '-c:a', 'aac', '-b:a', '48k', `${folder}/bars.mkv`]);
  const groups = [];
  for await (const frame of readFrames(readFileSync(`${folder}/bars.mkv`))) {
    // What lasts longer than the pictures would make the round longer.
    if (frame.timestamp + (frame.duration ?? 0) > ROUND * 1e6) continue;
    const begins = frame.track.type === 'video' && frame.keyframe && frame.timestamp >= 2e6 * groups.length;
    if (begins || groups.length === 0) groups.push([]);
    groups.at(-1).push(frame);
  }
  const tracks = [...new Map(groups.flat().map(({ track }) => [track.number, track])).values()];
  const bytes = groups.map((frames, index) =>
    writeGetMediaFragment({
      tracks: tracks.map(({ number, codecId, codecPrivate, video, audio }) => ({
        number,
        codecId,
        codecPrivate,
        ...(video && { video: { pixelWidth: video.pixelWidth, pixelHeight: video.pixelHeight } }),
        ...(audio && { audio: { samplingFrequency: audio.samplingFrequency, channels: audio.channels } }),
      })),
      blocks: frames.map(({ track, timestamp, data, keyframe }) => ({
        track: track.number,
        timestamp,
        frames: [data],
        keyframe,
      })),
      fragmentNumber: String(index + 1),
      producerTimestamp: frames[0].timestamp / 1000,
      serverTimestamp: frames[0].timestamp / 1000,
    }),
  );
  writeFileSync(`${folder}/camera.mkv`, Buffer.concat(bytes));
  return `${folder}/camera.mkv`;
}

const PAGE = `
import Hls from 'hls.js';
import { MsePlayer } from './dist/mp4/index.js';
const video = document.querySelector('video');
const canvas = new OffscreenCanvas(320, 2);
const context = canvas.getContext('2d', { willReadFrequently: true });
const shown = [];
const look = () => {
  const now = Date.now();
  context.drawImage(video, 0, 119, 320, 2, 0, 0, 320, 2);
  const { data } = context.getImageData(0, 0, 320, 1);
  let number = 0;
  for (let bit = 0; bit < ${BITS}; bit++) if (data[Math.floor((bit + 0.5) * ${320 / BITS}) * 4] > 127) number += 2 ** bit;
  shown.push([now, number]);
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);
globalThis.shown = () => shown;
globalThis.stalls = 0;
video.addEventListener('waiting', () => globalThis.stalls++);
globalThis.start = (kind) => {
  if (kind === 'hls.js') {
    const hls = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5 });
    hls.loadSource('/live/main.m3u8');
    hls.attachMedia(video);
    hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
  } else {
    const player = new MsePlayer(video, { chunkDuration: 100, maxDelay: 0.6 });
    fetch('/media').then(({ body }) => player.play(body));
  }
};
`;

const folder = mkdtempSync(join(tmpdir(), 'latency-'));
const stop = new AbortController();
const file = await record(folder);
const { outputFiles } = await build({
  stdin: { contents: PAGE, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'js' },
  bundle: true,
  write: false,
  format: 'esm',
  logLevel: 'error',
});
const script = outputFiles[0].text;

const packager = new Packager({ partDuration: 200, displayFragmentTimestamp: 'ALWAYS', basePath: '/live' });
const listener = toNodeListener(packager.handler);
/** What has come of the fragment at hand, and who gets what comes next. */
let begun = [];
const viewers = new Set();
const EBML = Buffer.of(0x1a, 0x45, 0xdf, 0xa3);
/** When the first picture of the camera was recorded, as its first fragment says. */
let recorded;

async function* camera() {
  for await (const bytes of liveCamera(file, stop.signal)) {
    if (EBML.equals(bytes.subarray(0, 4))) begun = [];
    begun.push(bytes);
    if (recorded === undefined) {
      const time = /PRODUCER_TIMESTAMP[^\d]+(\d+\.\d+)/.exec(Buffer.concat(begun).toString('latin1'))?.[1];
      if (time !== undefined) recorded = Number(time) * 1000;
    }
    for (const viewer of viewers) viewer.write(bytes);
    yield bytes;
  }
}

const server = createServer((request, response) => {
  if (request.url.startsWith('/live/')) listener(request, response);
  else if (request.url === '/media') {
    response.writeHead(200, { 'content-type': 'video/x-matroska' });
    for (const bytes of begun) response.write(bytes);
    viewers.add(response);
    response.on('close', () => viewers.delete(response));
  } else if (request.url === '/page.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
  else if (request.url === '/')
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><video muted playsinline></video><script type="module" src="page.js"></script>');
  else response.writeHead(404).end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const fed = packager.feed(camera());
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
});
// A window of segments first.
await new Promise((resolve) => setTimeout(resolve, 8000));

const part = (sorted, share) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
const results = [];
for (const player of values.player) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => 'start' in globalThis);
  await page.evaluate((kind) => globalThis.start(kind), player);
  // Players find their place in the first seconds.
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const before = await page.evaluate(() => [globalThis.shown().length, globalThis.stalls]);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { shown, stalls } = await page.evaluate(() => ({ shown: globalThis.shown(), stalls: globalThis.stalls }));
  const frames = ROUND * FRAME_RATE;
  const delays = shown
    .slice(before[0])
    .filter(([, number]) => number < frames)
    .map(
      ([now, number]) =>
        (((now - recorded - (number * 1000) / FRAME_RATE) % (ROUND * 1000)) + ROUND * 1000) % (ROUND * 1000),
    )
    .sort((a, b) => a - b);
  results.push({
    player,
    seconds,
    pictures: delays.length,
    medianMs: Math.round(part(delays, 0.5)),
    p95Ms: Math.round(part(delays, 0.95)),
    leastMs: Math.round(delays[0] ?? Number.NaN),
    mostMs: Math.round(delays.at(-1) ?? Number.NaN),
    waits: stalls - before[1],
  });
  await page.close();
}

if (values.json) console.log(JSON.stringify(results));
else
  for (const { player, pictures, medianMs, p95Ms, leastMs, mostMs, waits } of results)
    console.log(
      `${player}: median ${medianMs} ms, 95 % ${p95Ms} ms (${leastMs} to ${mostMs} ms) from recording to display, ${pictures} pictures in ${seconds} s, waited ${waits} times`,
    );
await browser.close();
stop.abort();
packager.close();
await fed.catch(() => {});
server.closeAllConnections();
server.close();
rmSync(folder, { recursive: true });
