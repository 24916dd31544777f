import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { kvs } from '../support/cli.js';

const CALL = 'test/cases/connect-5.mkv';
const CUSTOMER = 'b7f39b2cb3ceb81070bfd48dc300015e92b8758fedb1dbd827bf25fc890541c0';
const AGENT = '4146b7487ee2d587481ffb95f5a5348bd4d5b9fd7bc45864e0ded479de7af886';
const HEADER = 44;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-audio-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('kvs audio', () => {
  it('writes one direction of a call, by name and by number, as WAV and as PCM', () => {
    for (const [track, hash] of [
      ['AUDIO_FROM_CUSTOMER', CUSTOMER],
      ['2', AGENT],
    ] as const) {
      const wav = join(folder, `${track}.wav`);
      expect(kvs(['audio', CALL, wav, '--track', track])).toMatchObject({
        status: 0,
        stdout: '8000 Hz; channels: 1; seconds: 5.440; bytes: 87084\n',
      });
      const bytes = readFileSync(wav);
      expect(bytes).toHaveLength(HEADER + 87_040);
      expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
      expect(bytes.readUInt32LE(40)).toBe(87_040);
      expect(sha256(bytes.subarray(HEADER))).toBe(hash);
      const pcm = join(folder, `${track}.pcm`);
      expect(kvs(['audio', CALL, pcm, '--track', track]).status).toBe(0);
      expect(sha256(readFileSync(pcm))).toBe(hash);
    }
  });

  it('writes both directions as channels of one file, and at another rate', () => {
    const out = join(folder, 'call.wav');
    const track = 'AUDIO_FROM_CUSTOMER,AUDIO_TO_CUSTOMER';
    const run = kvs(['audio', CALL, out, '--track', track, '--json']);
    expect(JSON.parse(run.stdout)).toEqual({
      sampleRate: 8000,
      numberOfChannels: 2,
      numberOfFrames: 43_520,
      durationUs: 5_440_000,
      bytes: HEADER + 174_080,
    });
    expect(readFileSync(out)).toHaveLength(HEADER + 174_080);
    expect(kvs(['audio', CALL, out, '--track', track, '--rate', '16000', '--force']).status).toBe(0);
    expect(readFileSync(out)).toHaveLength(HEADER + 2 * 174_080);
  });

  it('writes to standard output without a length, and reads standard input', async () => {
    const child = spawn(process.execPath, ['dist/cli/main.js', 'audio', '-', '-'], { stdio: 'pipe' });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stdin.end(readFileSync(CALL));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    const bytes = Buffer.concat(chunks);
    expect([bytes.readUInt32LE(4), bytes.readUInt32LE(40)]).toEqual([0xffffffff, 0xffffffff]);
    expect(sha256(bytes.subarray(HEADER))).toBe(CUSTOMER);
  });

  it('leaves nothing behind when it fails, and replaces nothing unasked', () => {
    const cut = join(folder, 'cut.mkv');
    writeFileSync(cut, readFileSync(CALL).subarray(0, 40_000));
    const out = join(folder, 'out.wav');
    expect(kvs(['audio', cut, out])).toMatchObject({ status: 1, stdout: '' });
    expect(kvs(['audio', CALL, out, '--track', 'NOBODY'])).toMatchObject({ status: 1 });
    expect(readdirSync(folder)).toEqual(['cut.mkv']);
    expect(kvs(['audio', cut, out, '--recover']).status).toBe(0);
    expect(kvs(['audio', CALL, out])).toMatchObject({ status: 1 });
    expect(kvs(['audio', cut, cut, '--format', 'wav', '--force'])).toMatchObject({ status: 1 });
    expect(readdirSync(folder)).toEqual(['cut.mkv', 'out.wav']);
  });

  it('says what is wrong of a command line', () => {
    for (const words of [
      ['audio'],
      ['audio', CALL],
      ['audio', CALL, 'out.mp3'],
      ['audio', CALL, 'out.wav', '--rate', 'fast'],
      ['audio', CALL, 'out.wav', '--rate', '900000'],
      ['audio', CALL, 'out.wav', '--track', '1,'],
      ['audio', CALL, 'out.wav', '--live'],
    ]) {
      expect(kvs(words)).toMatchObject({ status: 2, stdout: '' });
    }
    const none = kvs(['audio', 'test/cases/keyflags--all.mkv', join(folder, 'out.wav')]);
    expect(none.stderr).toContain('there are no frames of audio in it');
  });

  it('reads a stream of the service', async () => {
    const server = await startLocalKinesisVideo({ streams: { call: { source: readFileSync(CALL) } } });
    try {
      const out = join(folder, 'out.wav');
      const words = ['audio', '--endpoint', server.endpoint, '--stream', 'call', '--from', '2000-01-01', out];
      const child = spawn(process.execPath, ['dist/cli/main.js', ...words], {
        stdio: 'ignore',
        env: { ...process.env, AWS_ACCESS_KEY_ID: undefined },
      });
      expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
      expect(sha256(readFileSync(out).subarray(HEADER))).toBe(CUSTOMER);
    } finally {
      await server.close();
    }
  }, 30_000);
});
