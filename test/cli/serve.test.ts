import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ListStreamsCommand } from '@aws-sdk/client-kinesis-video';
import { afterEach, describe, expect, it } from 'vitest';
import { clients, getMedia, RECORDING, readBody } from '../testing/support.js';

const facts = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function serve(...words: string[]) {
  const child = spawn(process.execPath, ['dist/cli/main.js', 'serve', ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.push(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ended = once(child, 'close').then(([code]) => ({ code, errors }));
  return { child, line: async () => (await lines.next()).value ?? '', ended };
}

describe('kvs serve', () => {
  it('serves files as streams until it is interrupted', async () => {
    const { child, line, ended } = serve(RECORDING, '--json');
    const { endpoint, streams } = JSON.parse(await line());
    expect(streams).toEqual(['camera']);
    const { control } = clients(endpoint);
    expect((await control.send(new ListStreamsCommand({}))).StreamInfoList).toHaveLength(1);
    const body = await getMedia(endpoint, { StartSelectorType: 'EARLIEST' });
    let received = 0;
    for await (const chunk of body) {
      received += chunk.length;
      if (received > facts.frameBytes) break;
    }
    expect(received).toBeGreaterThan(facts.frameBytes);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130 });
  });

  it('puts several files, and standard input, into one stream', async () => {
    const { child, line, ended } = serve(RECORDING, '-', '--stream', 'both');
    createReadStream(RECORDING).pipe(child.stdin);
    const endpoint = (await line()).replace('Kinesis Video at ', '');
    expect(await line()).toBe('streams: both');
    const fragments = await readBody(await getMedia(endpoint, { StartSelectorType: 'EARLIEST' }, 'both'));
    expect(fragments).toHaveLength(16);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
  });

  it('serves in real time, looped', async () => {
    const { child, line, ended } = serve(RECORDING, '--realtime', '--loop', '--json');
    const { endpoint } = JSON.parse(await line());
    // The first fragment is there after 1.4 s.
    for await (const chunk of await getMedia(endpoint, { StartSelectorType: 'NOW' })) if (chunk.length > 1000) break;
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 130, errors: '' });
  });

  it('makes a stream of each file, also where two have the same name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvs-serve-'));
    const files = ['a/cam.mkv', 'b/cam.mkv', 'b/cam.webm', 'door.mkv'].map((name) => join(folder, name));
    for (const file of files) {
      mkdirSync(dirname(file), { recursive: true });
      copyFileSync(RECORDING, file);
    }
    const { child, line } = serve(...files, '--json');
    const { endpoint, streams } = JSON.parse(await line());
    expect(streams).toEqual(['a-cam', 'b-cam', 'b-cam-2', 'door']);
    for (const name of streams) {
      expect(await readBody(await getMedia(endpoint, { StartSelectorType: 'EARLIEST' }, name))).toHaveLength(8);
    }
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('listens where --host says', async () => {
    const { line } = serve(RECORDING, '--json', '--host', '127.0.0.2');
    expect(JSON.parse(await line()).endpoint).toMatch(/^http:\/\/127\.0\.0\.2:\d+$/);
    const { code, errors } = await serve(RECORDING, '--host', '203.0.113.1').ended;
    expect([code, errors]).toEqual([1, expect.stringMatching(/^kvs: cannot listen on 203\.0\.113\.1: /)]);
  });

  it('says so of a file without fragments', async () => {
    expect(await serve('/dev/null').ended).toEqual({ code: 1, errors: 'kvs: /dev/null: the input is empty\n' });
    expect(await serve('/dev/null', '--realtime').ended).toMatchObject({ code: 1 });
  });

  it('says what is wrong', async () => {
    expect(await serve('nowhere.mkv').ended).toMatchObject({ code: 1, errors: expect.stringContaining('nowhere.mkv') });
    expect(await serve('README.md').ended).toEqual({
      code: 1,
      errors: expect.stringMatching(/^kvs: README.md: byte \d+: /),
    });
    expect(await serve('nowhere.mkv', '--realtime').ended).toMatchObject({ code: 1 });
    for (const words of [[], [RECORDING, '--loop'], [RECORDING, '--port', '70000'], [RECORDING, '--fast']]) {
      expect((await serve(...words).ended).code).toBe(2);
    }
  });
});
