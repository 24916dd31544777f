import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFragments } from '../../src/fragments/read.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { RECORDING } from '../testing/support.js';

const facts = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
let folder = '';
let server: LocalKinesisVideo;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-record-'));
  server = await startLocalKinesisVideo({ streams: { camera: { source: RECORDING } } });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Runs the built `kvs record`; the endpoint is in this process, so it must not block. */
function record(
  words: readonly string[],
  interruptWhen: (errors: string) => boolean = () => false,
  limit: string = 'unlimited',
) {
  const line = ['dist/cli/main.js', 'record', '--endpoint', server.endpoint, ...words];
  const child = spawn('bash', ['-c', `ulimit -f ${limit} && exec "$0" "$@"`, process.execPath, ...line], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, AWS_ACCESS_KEY_ID: undefined, NODE_NO_WARNINGS: '1' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (interruptWhen(stderr)) child.kill('SIGINT');
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

async function frameHashes(bytes: Uint8Array): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { frames } of readFragments(bytes)) {
    for (const { data } of frames) hashes.push(createHash('sha256').update(data).digest('hex'));
  }
  return hashes;
}

describe('kvs record', () => {
  it('records each producer time once, where that is asked for', async () => {
    const twice = server.createStream('twice');
    const startTimestamp = new Date('2026-01-31T12:00:00Z');
    for (let round = 0; round < 2; round++) await twice.fill(RECORDING, { startTimestamp });
    const count = facts.fragments.length;
    const words = ['--stream', 'twice', '--from', '2026-01-01', '--json'];
    for (const [duplicates, fragments] of [
      [undefined, 2 * count],
      ['keep', 2 * count],
      ['first', count],
      ['last', count],
    ] as const) {
      const out = join(folder, `${duplicates}.mkv`);
      const choice = duplicates === undefined ? [] : ['--duplicates', duplicates];
      const { stdout } = await record([...words, '--out', out, ...choice]);
      expect(JSON.parse(stdout).fragments).toBe(fragments);
    }
    const { code, stderr } = await record([
      '--stream',
      'twice',
      '--live',
      '--duplicates',
      'last',
      '--out',
      join(folder, 'no.mkv'),
    ]);
    expect(stderr).toContain('--duplicates requires --from');
    expect(code).toBe(2);
  });

  it('says what it waits for, and gives up when that takes too long, where that is asked for', async () => {
    server.setFaults(({ operation }) =>
      operation === 'ListFragments' ? [{ kind: 'error', type: 'ServiceUnavailable' }] : [],
    );
    try {
      const out = join(folder, 'given-up.mkv');
      const words = ['--stream', 'camera', '--from', '2000-01-01', '--out', out, '--give-up-after', '1'];
      const { code, stderr } = await record(words);
      expect(stderr).toMatch(/kvs: camera: ListFragments: ServiceUnavailable.*; retrying in \d+ ms/);
      expect(code).toBe(1);
      expect(existsSync(out)).toBe(false);
    } finally {
      server.setFaults(() => []);
    }
  });

  it('records a stretch of time into one document', async () => {
    const out = join(folder, 'stored.mkv');
    const { code, stdout, stderr } = await record([
      '--stream',
      'camera',
      '--out',
      out,
      '--from',
      '2000-01-01',
      '--json',
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const bytes = readFileSync(out);
    expect(JSON.parse(stdout)).toEqual({
      fragments: facts.fragments.length,
      failed: 0,
      frames: facts.frames,
      bytes: bytes.length,
      documents: 1,
    });
    expect(await frameHashes(bytes)).toEqual(await frameHashes(readFileSync(RECORDING)));
  });

  it('records live for a while, over a connection that is cut, and finishes the file', async () => {
    const out = join(folder, 'live.mkv');
    let connections = 0;
    server.setFaults(({ operation }) =>
      operation === 'GetMedia' && connections++ === 0 ? [{ kind: 'cut', afterBytes: 3000 }] : [],
    );
    const { code, stdout, stderr } = await record(['--stream', 'camera', '--out', out, '--live', '--duration', '3']);
    server.setFaults(() => []);
    expect(stderr).toMatch(/kvs: camera: GetMedia: .*; retrying in \d+ ms/);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^fragments: 1; frames: \d+; bytes: \d+\n$/);
    const last: string[] = [];
    for await (const { frames } of readFragments(readFileSync(RECORDING))) {
      last.splice(0, last.length, ...frames.map(({ data }) => createHash('sha256').update(data).digest('hex')));
    }
    expect(await frameHashes(readFileSync(out))).toEqual(last);
  });

  it('keeps what it has when it is interrupted', async () => {
    const out = join(folder, 'interrupted.mkv');
    let connections = 0;
    // The second connection is refused, and with that the command tells that it has read the first.
    server.setFaults(({ operation }) =>
      operation === 'GetMedia' && connections++ > 0 ? [{ kind: 'error', type: 'ClientLimitExceededException' }] : [],
    );
    const words = ['--stream', 'camera', '--out', out, '--live'];
    const { code } = await record(words, (errors) => errors.includes('ClientLimitExceeded'));
    server.setFaults(() => []);
    expect(code).toBe(130);
    expect((await frameHashes(readFileSync(out))).length).toBeGreaterThan(0);
  });

  it.each(['earliest', `fragment:${facts.fragments[3].fragmentNumber}`])(
    'begins where --start says: %s',
    async (start) => {
      const out = join(folder, `start-${start.length}.mkv`);
      const { code, stdout } = await record(['--stream', 'camera', '--out', out, '--start', start, '--duration', '2']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^fragments: ${start === 'earliest' ? facts.fragments.length : 4};`));
    },
  );

  it('leaves standard output to the media', async () => {
    const { code, stdout, stderr } = await record(['--stream', 'camera', '--out', '-', '--from', '2000-01-01']);
    expect(code).toBe(0);
    expect(stdout).not.toContain('fragments: ');
    expect(stderr).toMatch(/^fragments: 8; frames: \d+; bytes: \d+\n$/);
  });

  it('says what is wrong, and leaves nothing behind', async () => {
    const out = join(folder, 'nothing.mkv');
    const absent = await record(['--stream', 'nothing', '--out', out, '--live']);
    expect(absent.code).toBe(1);
    expect(absent.stderr).toMatch(/^kvs: nothing: GetDataEndpoint: ResourceNotFoundException: .*request id/);
    const empty = await record(['--stream', 'camera', '--out', out, '--from', '2000-01-01', '--to', '2000-01-02']);
    expect(empty).toMatchObject({ code: 1, stderr: 'kvs: camera: there are no fragments to record\n' });
    for (const words of [
      ['--out', out, '--live'],
      ['--stream', 'camera', '--live'],
      ['--stream', 'camera', '--out', out],
      ['--stream', 'camera', '--out', out, '--live', '--from', '2000-01-01'],
      ['--stream', 'camera', '--out', out, '--from', 'yesterday'],
      ['--stream', 'camera', '--out', out, '--from', '2000-01-02', '--to', '2000-01-01'],
      ['--stream', 'camera', '--out', out, '--live', '--duration', 'long'],
    ]) {
      expect(await record(words), words.join(' ')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('usage:'),
      });
    }
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });
});

describe('kvs record that ends before its time', () => {
  const kept = /; (\d+) fragments? recorded before that (?:is|are) kept in (.*)\n$/;

  /** Checks that what was kept is whole, and the frames of as many fragments from the first on as the message says. */
  async function expectKept(run: { code: number | null; stderr: string }, out: string, why: RegExp): Promise<void> {
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(why);
    const [, count, name = ''] = kept.exec(run.stderr) ?? [];
    expect(name).toBe(out.replace(/\.\w+$/, '.incomplete.mkv'));
    const hashes = await frameHashes(readFileSync(name));
    const all = await frameHashes(readFileSync(RECORDING));
    expect(Number(count)).toBeGreaterThan(0);
    expect(hashes).toEqual(all.slice(0, hashes.length));
    for await (const { truncated } of readFragments(readFileSync(name), { strict: true }))
      expect(truncated).toBe(false);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter((entry) => entry.includes('.part'))).toEqual([]);
  }

  it.each(['mkv', 'mp4'])('keeps what is whole when the stream is deleted: %s', async (extension) => {
    const name = `deleted-${extension}`;
    await server.createStream(name).fill(RECORDING);
    const out = join(folder, `${name}.${extension}`);
    let calls = 0;
    server.setFaults(({ operation, stream }) => {
      if (operation === 'GetMedia' && stream === name && calls++ > 0) server.deleteStream(name);
      return [];
    });
    const run = await record(['--stream', name, '--out', out, '--start', 'earliest']);
    server.setFaults(() => []);
    await expectKept(run, out, /ResourceNotFoundException/);
  });

  it.each([
    ['access ends', { kind: 'error', type: 'NotAuthorizedException' }, /NotAuthorizedException/],
    ['a key is disabled', { kind: 'stream-error', id: 4501, afterFragments: 0 }, /4501|KMS key/],
  ] as const)('keeps what is whole when %s', async (name, fault, why) => {
    const out = join(folder, `${name.replaceAll(' ', '-')}.mkv`);
    let calls = 0;
    server.setFaults(({ operation }) => (operation === 'GetMedia' && calls++ > 0 ? [fault] : []));
    const run = await record(['--stream', 'camera', '--out', out, '--start', 'earliest']);
    server.setFaults(() => []);
    await expectKept(run, out, why);
  });

  it.each([
    ['live', 'mkv', ['--start', 'earliest']],
    ['stored', 'mkv', ['--from', '2000-01-01']],
    ['live', 'mp4', ['--start', 'earliest']],
  ] as const)('keeps what is whole when there is no more room: %s, %s', async (name, extension, words) => {
    const out = join(folder, `full-${name}-${extension}.${extension}`);
    const run = await record(['--stream', 'camera', '--out', out, ...words], undefined, '100');
    await expectKept(run, out, /cannot write .*\((EFBIG|ENOSPC)\)/);
  });

  it.skipIf(spawnSync('unshare', ['-rm', 'true']).status !== 0)(
    'keeps the recording where no MP4 can be made of it, and does not touch what was kept before',
    async () => {
      const out = join(folder, 'no-room.mp4');
      const earlier = join(folder, 'no-room.incomplete.mkv');
      writeFileSync(earlier, 'earlier');
      // Enough for the Matroska file; the MP4 needs another as large.
      const bytes = statSync(RECORDING).size;
      const inTmpfs = `mount -t tmpfs -o size=${Math.ceil((bytes * 1.4) / 4096) * 4}k tmpfs "$D" && "$0" "$@"; echo "rc $?"; ls "$D"`;
      const directory = mkdtempSync(join(folder, 'tmpfs-'));
      const run = await new Promise<string>((resolve) => {
        const line = [
          'dist/cli/main.js',
          'record',
          '--endpoint',
          server.endpoint,
          '--stream',
          'camera',
          '--from',
          '2000-01-01',
        ];
        const child = spawn(
          'unshare',
          ['-rm', 'bash', '-c', inTmpfs, process.execPath, ...line, '--out', join(directory, 'x.mp4')],
          {
            env: { ...process.env, AWS_ACCESS_KEY_ID: undefined, NODE_NO_WARNINGS: '1', D: directory },
          },
        );
        let text = '';
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (part) => {
            text += part;
          });
        child.on('close', () => resolve(text));
      });
      expect(run).toMatch(/ENOSPC.*the recording is kept in .*x\.incomplete\.mkv/);
      expect(run).toMatch(/rc 1\nx\.incomplete\.mkv\n$/);
      const again = await record(['--stream', 'camera', '--out', out, '--start', 'earliest'], undefined, '100');
      expect(again.stderr).toContain('no-room.incomplete-1.mkv');
      expect(readFileSync(earlier, 'utf8')).toBe('earlier');
    },
  );
});

describeNeeding('kvs record into MP4', [tools('ffprobe')], () => {
  it('makes a file that players read', async () => {
    const out = join(folder, 'stored.mp4');
    const { code, stdout } = await record(['--stream', 'camera', '--out', out, '--from', '2000-01-01']);
    expect(code).toBe(0);
    expect(stdout).toContain(`fragments: ${facts.fragments.length}; frames: ${facts.frames};`);
    const entries = ['-show_entries', 'stream=codec_name,nb_read_frames', '-of', 'csv=p=0'];
    const streams = runTool('ffprobe', ['-v', 'error', '-count_frames', ...entries, out])
      .trim()
      .split('\n');
    const total = streams.map((line) => Number(line.split(',')[1])).reduce((sum, count) => sum + count, 0);
    expect(streams.map((line) => line.split(',')[0])).toEqual(['h264', 'aac']);
    expect(total).toBe(facts.frames);
  });
});
