import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';

let child: ChildProcess;
let port = 0;

beforeAll(async () => {
  const started = spawn(process.execPath, ['examples/browser/serve.mjs', 'examples/recording/camera.mkv', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  for await (const line of createInterface(started.stdout)) {
    port = Number(new URL(line).port);
    break;
  }
});
afterAll(() => {
  child.kill();
});

/** The first line of the answer to a request line, sent as it stands. */
function ask(line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`),
    );
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString('latin1').split('\r\n')[0] ?? '');
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(''));
  });
}

it('survives every path, and gives no file but its own', async () => {
  for (const path of [
    '//',
    '///',
    '/\\',
    'http://',
    'http://[',
    '/%',
    '/..%2f..%2fpackage.json',
    '/../package.json',
    '*',
    '/%00',
  ]) {
    expect(await ask(`GET ${path}`), path).toMatch(/^HTTP\/1\.1 (400|404) /);
  }
  expect(await ask('POST /')).toMatch(/ 405 /);
  expect(await ask('HEAD /media')).toMatch(/ 404 /);
  for (const path of [
    '/',
    '/?x=//',
    '/page.js',
    '/analytics.html',
    '/analytics.js',
    '/media',
    '/low-latency.html',
    '/low-latency.js',
    '/live/main.m3u8',
  ])
    expect(await ask(`GET ${path}`), path).toMatch(/ 200 /);
  expect(child.exitCode).toBeNull();
});
