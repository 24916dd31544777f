import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { readFrames } from '../../src/fragments/read.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { RECORDING } from '../testing/support.js';

const KVS = `"${process.execPath}" "${resolve('dist/cli/main.js')}"`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-outputs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a line of bash in the folder; `kvs` and `$REC` are there. */
function bash(line: string, options: { readonly input?: Uint8Array } = {}) {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `kvs() { ${KVS} "$@"; }; ${line}`], {
    cwd: folder,
    env: { ...process.env, REC: resolve(RECORDING), NODE_NO_WARNINGS: '1' },
    maxBuffer: 1 << 28,
    ...options,
  });
  return { status, stdout, stderr: stderr.toString() };
}

describe.each([
  ['merge', ''],
  ['remux', ''],
  ['remux', '--fragmented'],
])('kvs %s %s', (name, flags) => {
  const command = `kvs ${name} ${flags}`;

  it('writes the same to a file, to standard output by any name, and to a command', () => {
    expect(bash(`${command} $REC file`).status).toBe(0);
    const expected = readFileSync(join(folder, 'file'));
    for (const line of [
      `${command} $REC - > out`,
      `${command} $REC - | cat > out`,
      `${command} $REC /dev/stdout > out`,
      `${command} $REC /dev/stdout | cat > out`,
      `${command} $REC /dev/fd/1 | cat > out`,
      `${command} $REC /proc/self/fd/1 > out`,
      `${command} $REC /dev/fd/7 7> out`,
      `${command} $REC >(cat > out); for i in {1..100}; do [ -s out ] && break; sleep 0.1; done; sleep 0.2`,
      `mkfifo pipe; cat pipe > out & ${command} $REC pipe; wait`,
      `${command} - out < $REC`,
    ]) {
      rmSync(join(folder, 'out'), { force: true });
      const { status, stderr } = bash(line);
      expect([status, stderr.replace(/(documents|fragments): .*\n/, '')], line).toEqual([0, '']);
      expect(Buffer.compare(readFileSync(join(folder, 'out')), expected), line).toBe(0);
    }
    expect(readdirSync(folder).filter((entry) => /part|spool/.test(entry))).toEqual([]);
  });

  it('never makes its input its output', () => {
    writeFileSync(join(folder, 'in'), readFileSync(RECORDING));
    symlinkSync('in', join(folder, 'link'));
    linkSync(join(folder, 'in'), join(folder, 'hard'));
    for (const line of [
      `${command} in in --force`,
      `${command} in ./link --force`,
      `${command} link in --force`,
      `${command} in hard --force`,
      `${command} - in --force < in`,
      `${command} in - >> in`,
      `${command} in /dev/stdout >> in`,
    ]) {
      const { status, stderr } = bash(line);
      expect([status, stderr], line).toEqual([1, expect.stringContaining('is the input')]);
      expect(Buffer.compare(readFileSync(join(folder, 'in')), readFileSync(RECORDING)), line).toBe(0);
    }
  });

  it('replaces what is there only with --force', () => {
    writeFileSync(join(folder, 'out'), 'before');
    const refused = bash(`${command} $REC out`);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('out already exists; use --force')]);
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('before');
    expect(bash(`${command} $REC out --force`).status).toBe(0);
    expect(readFileSync(join(folder, 'out')).length).toBeGreaterThan(1000);
  });

  it('does not replace what has come to be there while it worked', async () => {
    const child = spawn('bash', ['-c', `exec ${KVS} ${name} ${flags} - "${join(folder, 'out')}"`]);
    child.stdin.write(readFileSync(RECORDING));
    while (!readdirSync(folder).some((entry) => entry.includes('.part'))) await new Promise((r) => setTimeout(r, 20));
    writeFileSync(join(folder, 'out'), 'other');
    child.stdin.end();
    const status = await new Promise((done) => child.on('close', done));
    expect(status).toBe(1);
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('other');
    expect(readdirSync(folder)).toEqual(['out']);
  });

  it.each([
    ['a file that is not there', 'nofile', /^kvs: nofile: no such file or directory \(ENOENT\)\n$/],
    ['a folder', '.', /^kvs: \.: it is a directory \(EISDIR\)\n$/],
    ['an empty file', 'empty', /^kvs: empty: the input is empty\n$/],
    ['text', 'text', /^kvs: text: byte 0: this is text, not Matroska\n$/],
    ['a URL of another kind', 's3://bucket/key', /^kvs: s3:\/\/bucket\/key: s3 URLs are not supported/],
  ])('leaves nothing of %s', (_, file, message) => {
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'text'), 'Service Unavailable\n');
    const { status, stderr } = bash(`${command} ${file} out.mp4`);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(readdirSync(folder).sort()).toEqual(['empty', 'text']);
  });
});

describe('a reader of standard output that goes away', () => {
  it.each([
    'help',
    'frames --help',
    '--version',
    'completion bash',
    'inspect $REC',
    'inspect $REC --json',
    'fragments $REC',
    'frames $REC',
    'frames $REC --out -',
    'merge $REC -',
    'remux $REC -',
    'remux $REC - --fragmented',
  ])('is no error: kvs %s', (words) => {
    // The reader is gone before anything is written.
    const { status, stderr } = bash(`{ sleep 0.5; kvs ${words}; echo "status $?" >&2; } | true`);
    expect([status, stderr]).toEqual([0, 'status 0\n']);
  });

  it
    .skipIf(!existsSync('/dev/full'))
    .each([
      'help',
      'merge --help',
      '--version',
      'completion zsh',
      'inspect $REC',
      'fragments $REC --json',
      'frames $REC',
      'merge $REC -',
      'remux $REC -',
      'frames $REC --out -',
    ])('is told from a disk that is full: kvs %s', (words) => {
    const { status, stderr } = bash(`kvs ${words} > /dev/full`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^kvs: .*cannot write standard output: no space left on device \(ENOSPC\)\n$/);
  });

  it.skipIf(!existsSync('/dev/full'))('has the same exit code where messages have nowhere to go either', () => {
    expect(bash('kvs help > /dev/full 2> /dev/full').status).toBe(1);
    expect(bash('kvs fragments $REC > /dev/full 2> /dev/full').status).toBe(1);
    expect(bash('kvs nonsense 2> /dev/full').status).toBe(2);
    expect(bash('kvs merge nofile out 2>&-').status).toBe(1);
  });
});

describe('kvs frames --out', () => {
  it('does not write through a link that lies at a name of its own', () => {
    writeFileSync(join(folder, 'victim'), 'victim');
    const name = 'frame-000000001-track1.h264';
    for (const target of ['victim', 'none']) {
      rmSync(join(folder, 'out'), { recursive: true, force: true });
      bash(`mkdir out; ln -s ../${target} out/${name}; ln -s ../${target} out/${name}.part`);
      expect(bash(`kvs frames $REC --track 1 --out out > lines`).status).toBe(1);
      expect(bash(`kvs frames $REC --track 1 --out out --force > lines`).status).toBe(0);
      expect(lstatSync(join(folder, 'out', name)).isFile()).toBe(true);
      expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('victim');
      expect(existsSync(join(folder, 'none'))).toBe(false);
    }
  });

  it('writes one track as an elementary stream', async () => {
    const { status, stdout } = bash(
      'kvs frames $REC --track 1 --out frames; kvs frames $REC --out one.h264; kvs frames $REC --out one.aac',
    );
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('track 1, at');
    const files = readdirSync(join(folder, 'frames')).sort();
    const expected = concatBytes(files.map((file) => readFileSync(join(folder, 'frames', file))));
    expect(Buffer.compare(readFileSync(join(folder, 'one.h264')), expected)).toBe(0);
    let sound = 0;
    for await (const { size } of readFrames(readFileSync(RECORDING), { track: 2 })) sound += size + 7;
    expect(readFileSync(join(folder, 'one.aac')).length).toBe(sound);
  });

  it('writes it to standard output, and then nothing else', () => {
    const { status, stdout, stderr } = bash('kvs frames $REC --track video --out - --json');
    expect([status, stderr]).toEqual([0, '']);
    expect(bash('kvs frames $REC --out one.h264').status).toBe(0);
    expect(Buffer.compare(stdout, readFileSync(join(folder, 'one.h264')))).toBe(0);
    expect(readdirSync(folder)).toEqual(['one.h264']);
  });

  it('refuses what is there, and tracks of another format', () => {
    expect(bash('kvs frames $REC --out one.h264').status).toBe(0);
    expect(bash('kvs frames $REC --out one.h264')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('--force'),
    });
    const wrong = bash('kvs frames $REC --track audio --out two.h264');
    expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining('.h264') });
    expect(bash('cp $REC in.h264; kvs frames in.h264 --out in.h264 --force')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is the input'),
    });
    expect(readdirSync(folder).sort()).toEqual(['in.h264', 'one.h264']);
  });
});

describeNeeding('elementary streams', [tools('ffprobe')], () => {
  it.each([
    ['h264', 'h264', 250],
    ['aac', 'aac', 469],
  ])('%s is one to ffprobe', (extension, codec, frames) => {
    expect(bash(`kvs frames $REC --out out.${extension}`).status).toBe(0);
    const entries = ['-show_entries', 'stream=codec_name,nb_read_frames', '-of', 'csv=p=0'];
    const printed = runTool('ffprobe', ['-v', 'error', '-count_frames', ...entries, join(folder, `out.${extension}`)]);
    expect(printed.trim()).toBe(`${codec},${frames}`);
  });
});

describe('signals', () => {
  /** Runs a command, sends it signals when something is there, and tells how it ended. */
  async function interrupted(words: string[], signal: NodeJS.Signals, ready: () => boolean, input?: Uint8Array) {
    const child = spawn(process.execPath, [resolve('dist/cli/main.js'), ...words], {
      cwd: folder,
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    if (input !== undefined) child.stdin.write(input);
    let stderr = '';
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    // Ended by the signal itself is the same to a shell.
    const ended = new Promise<number>((done) => {
      child.on('close', (code, by) => done(code ?? 128 + constants.signals[by ?? 'SIGKILL']));
    });
    while (!ready()) await new Promise((r) => setTimeout(r, 20));
    child.kill(signal);
    return { code: await ended, stdout, stderr };
  }

  const hasPart = () => readdirSync(folder).some((entry) => entry.includes('.part'));

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends a command with %i and leaves nothing', async (signal, code) => {
    for (const words of [
      ['merge', '-', 'out.mkv'],
      ['remux', '-', 'out.mp4'],
      ['remux', '-', 'out.mp4', '--fragmented'],
      ['frames', '-', '--out', 'out.h264'],
    ]) {
      const run = await interrupted(words, signal, hasPart, readFileSync(RECORDING));
      expect(run, words.join(' ')).toMatchObject({ code, stderr: 'kvs: interrupted\n' });
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('leaves whole files of a folder', async () => {
    const ready = () => existsSync(join(folder, 'out')) && readdirSync(join(folder, 'out')).length > 5;
    const run = await interrupted(['frames', '-', '--out', 'out'], 'SIGINT', ready, readFileSync(RECORDING));
    expect(run.code).toBe(130);
    const names = readdirSync(join(folder, 'out'));
    expect(names.filter((name) => name.includes('part'))).toEqual([]);
    expect(bash('kvs frames $REC --out all').status).toBe(0);
    for (const name of names) {
      expect(Buffer.compare(readFileSync(join(folder, 'out', name)), readFileSync(join(folder, 'all', name)))).toBe(0);
    }
  });

  it('ends commands that print, with what they have', async () => {
    for (const name of ['inspect', 'frames']) {
      let sent = false;
      setTimeout(() => {
        sent = true;
      }, 3000);
      const run = await interrupted([name, '-'], 'SIGINT', () => sent, readFileSync(RECORDING));
      expect(run.code, name).toBe(130);
      expect(run.stdout, name).toMatch(/\n$/);
    }
  });

  it('ends one that waits for a reader or a writer of a pipe', async () => {
    expect(bash('mkfifo pipe').status).toBe(0);
    for (const words of [
      ['merge', 'pipe', 'out'],
      ['merge', resolve(RECORDING), 'pipe'],
    ]) {
      let sent = false;
      // Nothing tells from outside that it waits.
      setTimeout(() => {
        sent = true;
      }, 3000);
      expect((await interrupted(words, 'SIGINT', () => sent)).code, words.join(' ')).toBe(130);
      expect(readdirSync(folder)).toEqual(['pipe']);
    }
  });
});
