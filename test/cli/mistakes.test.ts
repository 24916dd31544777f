import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RECORDING } from '../testing/support.js';

// What a newcomer may write, and what is told then.

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-mistakes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line, its words parted by spaces, in the folder; ends commands that serve when they say so. */
function run(line: string, input = '', env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const words = line.split(' ').map((word) => (word === '$REC' ? resolve(RECORDING) : word));
  const child = spawn(process.execPath, [resolve('dist/cli/main.js'), ...words], {
    cwd: folder,
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (stderr.includes('Ctrl-C')) child.kill('SIGINT');
  });
  // A command that does not read its input may have ended.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })));
}

/** Runs several at once. */
function runAll(lines: readonly string[], input = ''): Promise<readonly (readonly [line: string, run: Run])[]> {
  return Promise.all(lines.map(async (line) => [line, await run(line, input)] as const));
}

const READERS = [
  'inspect -',
  'fragments -',
  'frames -',
  'frames - --out d1',
  'frames - --out f.h264',
  'check -',
  'images - --out d2',
  'audio - f.wav',
  'merge - f1.mkv',
  'merge - f2.mkv --seekable',
  'merge - --documents d3',
  'split - d4/deep',
  'remux - f1.mp4',
  'remux - f2.mp4 --fragmented',
  'hls -',
  'hls - --out d5',
  'view - --no-open',
  'serve -',
  'serve - --realtime',
];

describe.each([
  ['the input is empty', ''],
  ['this is HTML, not Matroska', '<!doctype html><title>503</title>'],
])('an input of which every command says: %s', (message, input) => {
  it('leaves nothing behind, and has exit code 1', async () => {
    for (const [line, { code, stdout, stderr }] of await runAll(READERS, input)) {
      expect([line, code, stdout, stderr.replace('byte 0: ', '')]).toEqual([line, 1, '', `kvs: -: ${message}\n`]);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does so with --recover', async () => {
    const lines = READERS.filter((line) => !/^(serve|view)/.test(line)).map((line) => `${line} --recover`);
    for (const [line, { code, stdout, stderr }] of await runAll(lines, input)) {
      expect([line, code, stdout, stderr.split('\n').at(-2)]).toEqual([line, 1, '', `kvs: -: ${message}`]);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('outputs that cannot be', () => {
  const COMMANDS = ['merge $REC', 'remux $REC', 'remux --fragmented $REC', 'audio $REC', 'frames $REC --out'];

  it('says which directory is missing', async () => {
    const lines = COMMANDS.slice(0, 4).map((command) => `${command} none/out.${command.startsWith('a') ? 'wav' : 'x'}`);
    for (const [line, { code, stderr }] of await runAll([...lines, 'frames $REC --out none/f.h264'])) {
      const message = /^kvs: cannot write none\/\S+: the directory none does not exist \(ENOENT\)\n$/;
      expect([line, code, stderr]).toEqual([line, 1, expect.stringMatching(message)]);
    }
  });

  it('says that a directory is no file, and a file no directory', async () => {
    mkdirSync(join(folder, 'd.wav'));
    writeFileSync(join(folder, 'file'), '');
    for (const [line, { code, stderr }] of await runAll(COMMANDS.slice(0, 4).map((command) => `${command} d.wav`))) {
      expect([line, code, stderr]).toEqual([line, 1, 'kvs: cannot write d.wav: it is a directory (EISDIR)\n']);
    }
    const lines = ['split $REC', 'merge $REC --documents', 'hls $REC --out', 'images $REC --out', 'frames $REC --out'];
    for (const [line, { code, stderr }] of await runAll(lines.map((command) => `${command} file`))) {
      expect([line, code, stderr]).toEqual([line, 1, 'kvs: cannot write file: not a directory (ENOTDIR)\n']);
    }
    expect(readdirSync(folder)).toEqual(['d.wav', 'file']);
  });

  it.skipIf(!existsSync('/proc/self'))('ends where no directory can be made', async () => {
    const { code, stderr } = await run('split $REC /proc/none');
    expect([code, stderr]).toEqual([1, 'kvs: cannot write /proc/none: no such file or directory (ENOENT)\n']);
  });

  it.each([
    ['out.mp4', "use 'kvs remux' to write .mp4"],
    ['out.wav', "use 'kvs audio' to write .wav"],
    ['out.mkv', "use 'kvs merge' to write .mkv"],
    ['out.jpg', "use 'kvs images' to write .jpg"],
    ['out.opus', 'must be a directory'],
  ])('kvs frames makes no directory named %s', async (out, message) => {
    const { code, stdout, stderr } = await run(`frames $REC --out ${out}`);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes such a name for a directory that is there', async () => {
    mkdirSync(join(folder, 'out.h264'));
    expect((await run('frames $REC --track video --out out.h264')).code).toBe(0);
    expect(readdirSync(join(folder, 'out.h264'))).toHaveLength(250);
  });
});

describe('words of a command line that are wrong', () => {
  it.each([
    ['hls $REC --mode liv', '--mode liv: must be live, replay or on-demand (did you mean live?)'],
    ['audio $REC out.wav --gaps silense', '(did you mean silence?)'],
    ['frames $REC --track vidio', '(did you mean video?)'],
    ['fragments --stream door --start earlyest', '(did you mean earliest?)'],
    ['completion bsh', '(did you mean bash?)'],
    ['fleet stats', '(did you mean status?)'],
    ['fleet nonsense', 'must be worker, follow, unfollow or status\n'],
    ['--json fragments $REC', "options follow the command, as in 'kvs fragments --json'"],
    ['frames $REC --track', '--track: the value is missing'],
    ['merge', 'FILE is missing'],
    ['hls $REC --out www --port 80', '--port cannot be used with --out'],
    ['images $REC --out d --from 9s --to 1s', '--from is after --to'],
    ['frames --stream=', '--stream: the value is empty'],
    ['frames ', 'argument 1 is empty'],
    ['frames $REC $REC', 'too many arguments'],
    ['record --stream door --out x.mkv --live --duration -5', '--duration -5: must be a number of seconds'],
    ['view $REC --port -1', '--port -1: must be a number from 0 to 65535'],
  ])('kvs %s', async (line, message) => {
    const { code, stdout, stderr } = await run(line);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
    // What is wrong stands first, and is not lost among all options.
    expect(stderr.split('\n').length).toBe(4);
    for (const text of stderr.split('\n').slice(1)) expect(text.length).toBeLessThan(80);
  });

  it('suggests a command also where help is wanted', async () => {
    for (const [line, { code, stderr }] of await runAll(['help mrge', 'mrge --help', 'mrge -h'])) {
      const message = "kvs: unknown command 'mrge' (did you mean merge?)\n'kvs help' lists the commands\n";
      expect([line, code, stderr]).toEqual([line, 2, message]);
    }
    expect((await run('-v')).stderr).toContain('Did you mean --version?');
  });

  it('tells a file in place of the command', async () => {
    copyFileSync(RECORDING, join(folder, 'cam.mkv'));
    const lines = await runAll(['cam.mkv', 'cam.mkv merge out.mkv']);
    expect(lines.map(([, { code, stderr }]) => [code, stderr.split('\n')[0]])).toEqual([
      [2, "kvs: unknown command 'cam.mkv'; the command comes first, as in 'kvs inspect cam.mkv'"],
      [2, "kvs: unknown command 'cam.mkv'; the command comes first, as in 'kvs merge cam.mkv'"],
    ]);
  });

  it.each([
    ['2026-01-31T12:00:00', 'the time zone is missing; write 2026-01-31T12:00:00Z for UTC'],
    ['2026-02-30', 'not a time'],
    ['2026-02-30T00:00:00Z', 'not a time'],
    ['2026-01-31T25:00:00Z', 'not a time'],
    ['1769860800', 'not a time'],
    ['5', 'not a time'],
    ['9999-01-01', '--from is in the future'],
  ])('kvs fragments --from %s', async (time, message) => {
    const { code, stderr } = await run(`fragments --stream door --from ${time}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('a track that is not there', () => {
  it('is told with the tracks that are', async () => {
    const commands = ['frames $REC', 'images $REC --out d', 'audio $REC f.wav', 'remux $REC f.mp4', 'hls $REC --out e'];
    for (const [line, { code, stdout, stderr }] of await runAll(commands.map((command) => `${command} --track 99`))) {
      const tracks = '; the tracks are 1 (video, V_MPEG4/ISO/AVC, camera), 2 (audio, A_AAC, microphone)\n';
      const message = expect.stringMatching(/kvs: \S+: there are no frames of (\w+ in )?track 99/);
      expect([line, code, stderr.slice(-tracks.length), stderr]).toEqual([line, 1, tracks, message]);
      expect(stdout).toBe('');
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('what is missing on the machine', () => {
  const NONE = {
    AWS_REGION: undefined,
    AWS_DEFAULT_REGION: undefined,
    AWS_PROFILE: undefined,
    AWS_ACCESS_KEY_ID: undefined,
  };
  const CONFIG = {
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_EC2_METADATA_DISABLED: 'true',
  };

  it('is told, with what can be done', async () => {
    const region = await run('fragments --stream door', '', { ...NONE, ...CONFIG });
    expect([region.code, region.stderr]).toEqual([
      1,
      expect.stringMatching(/^kvs: door: .*Region is missing; set it with --region or AWS_REGION\n$/),
    ]);
    const line = 'fragments --stream door --region eu-central-1 --give-up-after 0.1';
    const { code, stderr } = await run(line, '', { ...NONE, ...CONFIG });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run "aws configure"/),
    ]);
  });

  // Whoever is root may read everything.
  it.skipIf(process.getuid?.() === 0)('is a permission', async () => {
    copyFileSync(RECORDING, join(folder, 'cam.mkv'));
    chmodSync(join(folder, 'cam.mkv'), 0);
    for (const [line, { code, stderr }] of await runAll(['inspect cam.mkv', 'view cam.mkv'])) {
      expect([line, code, stderr]).toEqual([line, 1, 'kvs: cam.mkv: permission denied (EACCES)\n']);
    }
  });
});
