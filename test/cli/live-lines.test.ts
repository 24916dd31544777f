import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { startKvs } from '../support/cli.js';
import { RECORDING } from '../testing/support.js';

let server: LocalKinesisVideo;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-lines-'));
  server = await startLocalKinesisVideo({ streams: { silent: {} } });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const start = (words: readonly string[]) => startKvs(words, folder);

describe('a stream that pauses', () => {
  it.each([
    ['inspect', '+ Cluster'],
    ['fragments', 'fragment 9'],
    ['frames', 'track 1, at '],
  ])('is listed by kvs %s as far as it has come', async (name, line) => {
    const { child, said, ended } = start([name, '-']);
    child.stdin?.write(readFileSync(RECORDING).subarray(0, 30_000));
    await expect.poll(() => said.stdout, { timeout: 30_000 }).toContain(line);
    expect(said.stdout).toMatch(/\n$/);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
  });
});

describe('a stream in which nothing comes', () => {
  it('is left by every command when it is interrupted, with exit code 130 and no file', async () => {
    const commands = [
      'inspect',
      'fragments',
      'frames',
      'frames --out frames',
      'frames --out f.h264',
      'check',
      'images --out images',
      'audio a.wav',
      'record --live --out r.mkv',
      'record --live --out r.mp4',
      'hls',
      'view',
    ];
    const run = async (line: string) => {
      const connected = new Promise<void>((connect) => {
        waiting.push(connect);
      });
      const { child, said, ended } = start([...line.split(' '), '--stream', 'silent', '--endpoint', server.endpoint]);
      // A page connects only when it is looked at.
      if (line === 'view') await expect.poll(() => said.stdout, { timeout: 30_000 }).toContain('http');
      else await connected;
      child.kill('SIGINT');
      const code = await ended;
      return { line, code, stderr: said.stderr };
    };
    const waiting: (() => void)[] = [];
    server.setFaults(({ operation }) => {
      if (operation === 'GetMedia') waiting.shift()?.();
      return [];
    });
    // One after the other: only so many connections may read a stream.
    for (const line of commands) {
      waiting.length = 0;
      const { code, stderr } = await run(line);
      expect([line, code, stderr]).toEqual([
        line,
        130,
        expect.stringMatching(/^(kvs: interrupted\n|Press Ctrl-C to stop\n)$/),
      ]);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});
