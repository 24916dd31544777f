import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { parsePlaylist } from '../hls/support.js';
import { kvs } from '../support/cli.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';

const RECORDING = 'examples/recording/camera.mkv';
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** Starts `kvs hls`; gives the addresses that it prints. */
async function start(...words: string[]) {
  const child = spawn(process.execPath, ['dist/cli/main.js', 'hls', ...words, '--json']);
  running.push(child);
  const ended = once(child, 'close').then(([code]) => code);
  const line = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  return { child, ended, urls: JSON.parse(String(line.value)) };
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  expect([url, response.status]).toEqual([url, 200]);
  return response.text();
}

describe('kvs hls', () => {
  it('serves all of several files, and a page, until it is interrupted', async () => {
    const { child, ended, urls } = await start(RECORDING, RECORDING);
    expect(await text(urls.page)).toContain("loadSource('main.m3u8')");
    expect((await text(`${urls.page}hls.min.js`)).length).toBeGreaterThan(100_000);
    expect(await text(urls.dash)).toContain('type="static"');
    const { segments, endList } = parsePlaylist(await text(new URL('video-1/media.m3u8', urls.hls).href));
    expect([segments.length, endList]).toEqual([16, true]);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
  });

  it('replays in parts, in the time that it lasts', async () => {
    const { urls } = await start(RECORDING, '--mode', 'replay', '--low-latency', '--part', '100');
    const { segments, partTargetDuration, endList } = parsePlaylist(
      await text(new URL('video-1/media.m3u8', urls.hls).href),
    );
    expect(segments.length).toBeLessThan(4);
    expect(endList).toBeFalsy();
    expect(partTargetDuration).toBeGreaterThanOrEqual(0.1);
  });

  it('answers this machine alone', async () => {
    const { urls } = await start(RECORDING);
    const ask = (headers: Record<string, string>) => fetch(urls.hls, { headers });
    const other = await ask({ origin: 'https://elsewhere.example' });
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    const own = await ask({ origin: 'http://localhost:3000' });
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, 'http://localhost:3000']);
    const path = await fetch(new URL('/..%2f..%2fpackage.json', urls.hls));
    expect(path.status).toBe(404);
  });

  it('writes files for a web server', () => {
    const folder = join(temporaryFolder(), 'www');
    const { status, stdout } = kvs(['hls', RECORDING, '--out', folder, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ files: 24 });
    const file = (path: string) => join(folder, path);
    for (const { uri } of parsePlaylist(readFileSync(file('main.m3u8'), 'utf8')).playlists ?? []) {
      const { segments } = parsePlaylist(readFileSync(file(uri), 'utf8'));
      expect(segments.every((segment) => existsSync(join(file(uri), '..', segment.uri)))).toBe(true);
      expect(segments.length).toBe(8);
    }
    expect(existsSync(file('index.html'))).toBe(true);
    const again = kvs(['hls', RECORDING, '--out', folder]);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('already exists')]);
    expect(kvs(['hls', RECORDING, '--out', folder, '--force']).status).toBe(0);
  });

  it.each([
    [['hls'], 'FILE is missing'],
    [['hls', RECORDING, '--port', '70000'], '--port 70000'],
    [['hls', RECORDING, '--part', '100'], '--low-latency'],
    [['hls', RECORDING, '--mode', 'live', '--out', 'www'], '--mode on-demand'],
    [['hls', RECORDING, '--from', '2024-01-01'], '--stream'],
    [['hls', RECORDING, '--fragments', '0'], '--fragments 0'],
  ])('%s is wrong', (words, message) => {
    const { status, stderr } = kvs(words);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('ends where there is nothing to play', () => {
    const { status, stderr } = kvs(['hls', '-', '--json'], new TextEncoder().encode('no Matroska'));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/byte 0|not Matroska/)]);
  });
});
