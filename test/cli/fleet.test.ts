import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisServer } from '../../scripts/redis-server.mjs';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';
import { describeNeeding, tools } from '../support/tools.js';

function start(...words: string[]) {
  const child = spawn(process.execPath, ['dist/cli/main.js', 'fleet', ...words]);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: Number(code), ...said }));
  return { child, said, ended };
}

describeNeeding('kvs fleet', [tools('redis-server')], () => {
  let redis: RedisServer;
  let local: LocalKinesisVideo;
  let folder: string;
  beforeAll(async () => {
    redis = await RedisServer.start();
    local = await startLocalKinesisVideo({ streams: { door: { source: 'examples/recording/camera.mkv' } } });
    folder = mkdtempSync(join(tmpdir(), 'kvs-fleet-'));
  });
  afterAll(async () => {
    await redis.remove();
    await local.close();
    rmSync(folder, { recursive: true });
  });

  it('follows a stream with a handler of a file, tells how it is, and gives it up at SIGTERM', async () => {
    const handler = join(folder, 'handler.mjs');
    writeFileSync(
      handler,
      'export default (fragment, { stream }) => console.log(stream.streamName, fragment.frames.length);\n',
    );
    const place = ['--redis', redis.url];
    expect(await start('status', ...place).ended).toMatchObject({ code: 0, out: '' });
    expect(await start('follow', 'door', ...place, '--start', 'earliest').ended).toMatchObject({ code: 0, out: '' });
    const waiting = await start('status', ...place).ended;
    expect(waiting.out).toBe('door: waiting for a worker, no checkpoint\n');
    const worker = start(
      'worker',
      ...place,
      '--handler',
      handler,
      '--name',
      'one',
      '--endpoint',
      local.endpoint,
      '--lock',
      '2',
    );
    while (worker.said.out.split('\n').length < 9) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(
      worker.said.out
        .trim()
        .split('\n')
        .every((line) => /^door \d+$/.test(line)),
    ).toBe(true);
    const number = local.stream('door').fragments.at(-1)?.fragmentNumber;
    let status = '';
    while (!status.includes(String(number))) status = (await start('status', ...place).ended).out;
    expect(status).toMatch(/^door: one, 0 ms behind, fragment \d+, seen \S+\n$/);
    const [json] = (await start('status', '--json', ...place).ended).out.split('\n');
    expect(JSON.parse(json ?? '')).toMatchObject({ stream: { streamName: 'door' }, worker: 'one' });
    worker.child.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 143 });
    expect(worker.said.err).toContain('door: drained');
    expect((await start('status', ...place).ended).out).toContain('door: waiting for a worker');
    expect(await start('unfollow', 'door', ...place).ended).toMatchObject({ code: 0 });
    expect(await start('status', ...place).ended).toMatchObject({ code: 0, out: '' });
  }, 90_000);

  it('says that Redis cannot be reached, and can be interrupted before', async () => {
    const place = ['--redis', 'redis://127.0.0.1:1'];
    const status = start('status', ...place);
    const handler = join(folder, 'empty.mjs');
    writeFileSync(handler, 'export default () => {};');
    const worker = start('worker', ...place, '--handler', handler);
    while (!worker.said.err.includes('ECONNREFUSED')) await new Promise((resolve) => setTimeout(resolve, 50));
    worker.child.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 143 });
    const { code, err } = await status.ended;
    expect(code).toBe(1);
    expect(err).toBe('kvs: Redis cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n');
  }, 60_000);

  it.each([
    [['follow'], 2, 'NAME is missing'],
    [['worker'], 2, '--handler is missing'],
    [['worker', 'door', '--handler', 'x.mjs'], 2, 'a worker takes no stream names'],
    [['worker', '--handler', 'README.md'], 1, '--handler README.md: '],
    [['status', '--redis', 'http://127.0.0.1'], 2, 'must be a URL that starts with redis'],
  ])('refuses %j', async (words, code, text) => {
    const ended = await start(...words).ended;
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(text);
  });
});
