import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { RedisServer } from '../../scripts/redis-server.mjs';
import { StreamFleet } from '../../src/fleet/index.js';
import { startLocalKinesisVideo } from '../../src/testing/index.js';
import { describeNeeding, tools } from '../support/tools.js';

const run = promisify(execFile);

/** Runs a script of the project on what is built; what is wrong is in its output. */
async function script(name: string, ...args: string[]): Promise<string> {
  try {
    return (await run(process.execPath, [`scripts/${name}`, ...args], { maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    throw new Error(error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error));
  }
}

describeNeeding('a fleet of several processes', [tools('redis-server')], () => {
  it('handles every fragment, in order, while workers are killed and stopped and Redis is restarted', async () => {
    const said = await script('fleet-chaos.mjs', '--seconds', '30', '--streams', '60', '--seed', '7');
    expect(said).toMatch(/^\d+ fragments; \d+ handled twice;.* 0 calls beyond/m);
  }, 180_000);

  it('gives each of 5,000 stored fragments its result once, with one of three workers killed', async () => {
    const said = await script('fleet-range.mjs', '--fragments', '5000', '--workers', '3', '--kill');
    expect(said).toMatch(/one worker is killed\n5000 fragments.* 0 calls beyond/);
  }, 180_000);

  it('keeps no process that has closed its worker', async () => {
    const redis = await RedisServer.start();
    const local = await startLocalKinesisVideo({ streams: { door: { source: 'examples/recording/camera.mkv' } } });
    const program = `
      import { FleetWorker, StreamFleet } from './dist/fleet/index.js';
      const redis = '${redis.url}';
      const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
      const consumer = { clientConfig: { endpoint: '${local.endpoint}', region: 'local', credentials } };
      const fleet = new StreamFleet({ redis, consumer });
      await fleet.follow('door', { start: { type: 'EARLIEST' } });
      const handled = new Promise((resolve) => {
        const worker = new FleetWorker({ redis, consumer, lockMs: 2000, handler: () => resolve(worker) });
        worker.start();
      });
      const worker = await handled;
      await fleet.unfollow('door');
      await worker.close();
      await fleet.close();`;
    const { stderr } = await run(process.execPath, ['--input-type=module', '-e', program], { timeout: 60_000 });
    expect(stderr).not.toContain('Error');
    await local.close();
    await redis.remove();
  }, 60_000);

  it.each([
    ['that is there', 0],
    ['that is away', 1],
  ])(
    'closes in good order while it connects to a Redis %s',
    async (_, offset) => {
      const redis = await RedisServer.start();
      const place = offset === 0 ? redis.url : 'redis://127.0.0.1:1';
      // Each closes at another turn of the event loop.
      const program = `
      import { FleetWorker, StreamFleet } from './dist/fleet/index.js';
      const redis = '${place}';
      const settled = [];
      for (let turns = 0; turns < 40; turns += 2) {
        const fleet = new StreamFleet({ redis, connectTimeoutMs: 500 });
        settled.push(fleet.list(), fleet.process({ stream: '', from: new Date(0), to: new Date(1) }));
        const worker = new FleetWorker({ redis, handler: () => {}, drainAtSigterm: false });
        settled.push(worker.start());
        const later = async () => {
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          await Promise.all([fleet.close(), worker.close()]);
          if (worker.health().state !== 'closed') throw new Error('it is not closed');
        };
        settled.push(later());
      }
      for (const { reason } of await Promise.allSettled(settled)) console.log(reason?.message ?? 'done');`;
      const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program], {
        timeout: 50_000,
      });
      expect(stderr).toBe('');
      const said = stdout.trim().split('\n');
      expect(said).toHaveLength(80);
      if (offset === 1) expect(said).toContain('Redis cannot be reached: connect ECONNREFUSED 127.0.0.1:1');
      await redis.remove();
    },
    120_000,
  );

  it('hands out nothing more when Redis is gone for good, says so, and ends', async () => {
    const lockMs = 2000;
    const redis = await RedisServer.start();
    const source = 'examples/recording/camera.mkv';
    const local = await startLocalKinesisVideo({
      streams: { door: { source, realtime: true, loop: true, speed: 20 } },
    });
    const folder = mkdtempSync(join(tmpdir(), 'kvs-gone-'));
    const log = join(folder, 'handled.jsonl');
    const lines = () => readFileSync(log, 'utf8').split('\n').length;
    const fleet = new StreamFleet({ redis: redis.url });
    await fleet.follow('door');
    const consumer = { clientConfig: { endpoint: local.endpoint, region: 'local' } };
    const options = { redis: redis.url, consumer, lockMs, name: 'a', log };
    const worker = fork('scripts/fleet-chaos-worker.mjs', [JSON.stringify(options)], { stdio: 'ignore' });
    const lost = new Promise<unknown>((resolve) => {
      worker.on('message', (message: { type: string }) => message.type === 'lost' && resolve(message));
    });
    await once(worker, 'message');
    while (lines() < 5) await new Promise((resolve) => setTimeout(resolve, 50));
    await redis.stop('SIGKILL');
    expect(await lost).toMatchObject({ stream: 'door', reason: 'Redis does not answer' });
    const handled = lines();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(lines()).toBe(handled);
    const exited = once(worker, 'exit');
    worker.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
    await fleet.close();
    await local.close();
    await redis.remove();
    rmSync(folder, { recursive: true });
  }, 60_000);
});
