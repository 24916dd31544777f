import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatBytes } from '../../src/ebml/writer.js';
import { findTool } from './tools.js';

/** Records a moving picture and a tone for 1.5 s, and sends what MediaRecorder made of them to `/done`. */
const PAGE = `<!doctype html><canvas width="160" height="120"></canvas><script>
const send = (path, body) => fetch(path, { method: 'POST', body });
(async () => {
  const canvas = document.querySelector('canvas');
  const context = canvas.getContext('2d');
  let n = 0;
  setInterval(() => {
    context.fillStyle = 'hsl(' + (n * 10 % 360) + ' 80% 50%)';
    context.fillRect(n++ % 160, 0, 40, 120);
  }, 40);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const sound = audio.createMediaStreamDestination();
  tone.connect(sound);
  tone.start();
  const stream = new MediaStream([...canvas.captureStream(25).getTracks(), ...sound.stream.getTracks()]);
  const recorder = new MediaRecorder(stream, { mimeType: 'video/webm;codecs=vp8,opus' });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = () => send('/done', new Blob(parts));
  recorder.start(200);
  setTimeout(() => recorder.stop(), 1500);
})().catch((error) => send('/failed', String(error)));
</script>`;

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
const PATIENCE_MS = 45_000;

/**
 * What Chromium's MediaRecorder makes: a live WebM whose Segment and Clusters have unknown sizes, VP8 and Opus.
 *
 * @throws Error when there is no Chromium or it does not record
 */
export async function recordInBrowser(): Promise<Uint8Array> {
  const chromium = findTool('chromium');
  if (chromium === undefined) throw new Error('chromium is not on PATH');
  const server = createServer();
  const answer = new Promise<Uint8Array>((resolve, reject) => {
    server.on('request', (request, response) => {
      if (request.method !== 'POST') return response.setHeader('content-type', 'text/html').end(PAGE);
      const parts: Uint8Array[] = [];
      request.on('data', (part: Uint8Array) => parts.push(part));
      request.on('end', () => {
        response.end();
        const body = concatBytes(parts);
        if (request.url === '/done') resolve(body);
        else reject(new Error(`the page says: ${new TextDecoder().decode(body)}`));
      });
    });
    setTimeout(() => reject(new Error('Chromium did not record in time')), PATIENCE_MS).unref();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const profile = mkdtempSync(join(tmpdir(), 'kvs-parser-test-profile-'));
  const browser = spawn(
    chromium,
    [
      ...FLAGS,
      '--autoplay-policy=no-user-gesture-required',
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${address.port}/`,
    ],
    { stdio: 'ignore' },
  );
  const exited = once(browser, 'exit');
  try {
    return await Promise.race([
      answer,
      exited.then(() => {
        throw new Error('Chromium ended before it had recorded');
      }),
    ]);
  } finally {
    browser.kill();
    await exited;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
