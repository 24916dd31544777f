import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { startKvs } from '../support/cli.js';
import { describeNeeding, packages, tools } from '../support/tools.js';

let server: LocalKinesisVideo;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-live-'));
  const camera = { source: 'examples/recording/camera.mkv', realtime: true, loop: true, speed: 4 };
  const call = { source: 'test/cases/connect-5.mkv', realtime: true, loop: true, speed: 4 };
  server = await startLocalKinesisVideo({ streams: { camera, call } });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Runs the built `kvs` on a stream of the endpoint, which is in this process. */
const start = (words: readonly string[]) => startKvs([...words, '--endpoint', server.endpoint]);

const DECODERS = [tools('ffmpeg'), packages('@napi-rs/webcodecs')];
const decoder = DECODERS.find(({ missing }) => missing === undefined) ?? DECODERS[0]!;

describeNeeding('kvs images --stream', [decoder], () => {
  it('writes pictures of a live stream as they come, until it is interrupted', async () => {
    const out = join(folder, 'live');
    const { child, said, ended } = start(['images', '--stream', 'camera', '--live', '--every', '1s', '--out', out]);
    await expect.poll(() => said.stdout.split('\n').length, { timeout: 30_000 }).toBeGreaterThan(3);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const names = readdirSync(out).sort();
    expect(names.length).toBeGreaterThanOrEqual(3);
    for (const name of names) expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.jpg$/);
    // What was told is there, whole.
    for (const name of said.stdout.trimEnd().split('\n')) {
      expect([...readFileSync(join(out, name)).subarray(0, 2)]).toEqual([0xff, 0xd8]);
    }
    expect(said.stderr).toMatch(/wrote \d+ pictures to /);
  });

  it('ends after --duration', async () => {
    const out = join(folder, 'some');
    const { said, ended } = start([
      'images',
      '--stream',
      'camera',
      '--live',
      '--duration',
      '3',
      '--every',
      '1s',
      '--json',
      '--out',
      out,
    ]);
    const code = await ended;
    expect([code, said.stderr]).toEqual([0, '']);
    const lines = said.stdout
      .trimEnd()
      .split('\n')
      .map((line): { file: string; timestamp: number } => JSON.parse(line));
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(readdirSync(out).sort()).toEqual(lines.map(({ file }) => file));
    const times = lines.map(({ timestamp }) => timestamp);
    for (const [index, time] of times.slice(1).entries()) expect(time - times[index]!).toBe(1_000_000);
  });
});

describe('kvs audio --stream', () => {
  it('writes the sound of a live stream, and a whole WAV file when it is interrupted', async () => {
    const out = join(folder, 'call.wav');
    const { child, said, ended } = start([
      'audio',
      '--stream',
      'call',
      '--live',
      '--track',
      'AUDIO_FROM_CUSTOMER',
      out,
    ]);
    await expect.poll(() => said.stderr, { timeout: 30_000 }).toContain('track 2');
    // A fragment comes every quarter of a second, once the first one does.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const bytes = readFileSync(out);
    expect(bytes.length).toBeGreaterThan(17_408);
    // Its header says how long it is.
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
    expect(said.stdout).toContain('8000 Hz; channels: 1');
    expect(readdirSync(folder).filter((name) => name.includes('call'))).toEqual(['call.wav']);
  });
});
