import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { concatBytes, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { merge } from '../merge/merging.js';
import { noise } from '../support/bytes.js';

const KVS = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const BODY = concatBytes([0, 1, 2].map((index) => fragment(index)));

function fragment(index: number): Uint8Array {
  return writeGetMediaFragment(
    {
      tracks: [{ number: 1, codecId: 'V_MPEG4/ISO/AVC', defaultDuration: 1e9 }],
      fragmentNumber: String(index),
      blocks: [0, 1, 2].map((i) => ({ track: 1, timestamp: (index * 10 + i) * 1e6, frames: [noise(20_000, i)] })),
    },
    { crc: true, seekHead: true },
  );
}

let folder = '';
let input = '';
let out = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-merge-cli-'));
  input = join(folder, 'in.mkv');
  out = join(folder, 'out.mkv');
  writeFileSync(input, BODY);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function kvs(args: string[], options: { input?: Uint8Array } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [KVS, 'merge', ...args], {
    maxBuffer: 1 << 28,
    ...options,
  });
  return { status, stdout, stderr: stderr.toString() };
}

/** What lies in the folder besides the input. */
function leftOver(): string[] {
  return readdirSync(folder).filter((name) => name !== 'in.mkv');
}

describe('kvs merge', () => {
  it('writes the merged document and a summary', () => {
    const { status, stdout, stderr } = kvs([input, out]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.toString()).toMatch(/^documents: 3 read, 1 written; Clusters: 3; frames: 9; bytes: \d+\n$/);
    expect(Buffer.compare(readFileSync(out), merge(BODY).bytes)).toBe(0);
    expect(leftOver()).toEqual(['out.mkv']);
  });

  it('takes its options', () => {
    expect(kvs([input, out, '--pack-clusters', '--keep-positions', '--verify-crc', '--strict']).status).toBe(0);
    const { bytes } = merge(BODY, { packClusters: true, keepPositions: true });
    expect(Buffer.compare(readFileSync(out), bytes)).toBe(0);
  });

  it('prints the summary as JSON', () => {
    const { stdout } = kvs([input, out, '--json']);
    expect(JSON.parse(stdout.toString())).toEqual({
      documentsIn: 3,
      documentsOut: 1,
      clusters: 3,
      frames: 9,
      clustersDropped: 0,
      elementsLeftOut: 0,
      bytes: statSync(out).size,
    });
  });

  it('tells of what it leaves out, and counts it', () => {
    const tag = writeMaster(Mkv.Tag, []);
    writeFileSync(input, concatBytes([BODY, tag]));
    const { stdout, stderr, status } = kvs([input, out]);
    const place = `kvs: ${input}: byte ${BODY.length}:`;
    expect(stderr).toContain(`${place} Segment/Tag is left out: it may not stand there, or not again, or not so\n`);
    expect(stdout.toString()).toMatch(/bytes: \d+, other elements left out: 1\n$/);
    expect(status).toBe(0);
  });

  it('reads standard input and writes standard output', () => {
    const { status, stdout, stderr } = kvs(['-', '-', '--json'], { input: BODY });
    expect(status).toBe(0);
    expect(Buffer.compare(stdout, merge(BODY).bytes)).toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({ documentsOut: 1, bytes: stdout.length });
  });

  it('says why a new document begins, or why it stops', () => {
    writeFileSync(input, concatBytes([BODY, BODY]));
    const { stderr } = kvs([input, out]);
    const text = 'the Timestamp 0 comes after 20000';
    expect(stderr).toBe(`kvs: ${input}: byte ${BODY.length}: a new document starts: ${text}\n`);
    expect(statSync(out).size).toBe(2 * merge(BODY).bytes.length);
    const stopped = kvs([input, out, '--stop-at-first-non-matching', '--force']);
    expect(stopped).toMatchObject({
      status: 0,
      stderr: `kvs: ${input}: byte ${BODY.length}: stopped merging: ${text}\n`,
    });
    expect(Buffer.compare(readFileSync(out), merge(BODY).bytes)).toBe(0);
  });

  it('replaces the output only with --force, and when it is finished', () => {
    writeFileSync(out, 'before', { mode: 0o600 });
    expect(kvs([input, out])).toMatchObject({ status: 1, stderr: expect.stringContaining('--force') });
    expect(readFileSync(out, 'utf8')).toBe('before');
    writeFileSync(input, BODY.subarray(0, 100_000));
    expect(kvs([input, out, '--force'])).toMatchObject({ status: 1 });
    expect(readFileSync(out, 'utf8')).toBe('before');
    writeFileSync(input, BODY);
    expect(kvs([input, out, '--force']).status).toBe(0);
    expect(statSync(out)).toMatchObject({ size: merge(BODY).bytes.length, mode: 0o100600 });
    expect(leftOver()).toEqual(['out.mkv']);
  });

  it('writes through a symbolic link with --force, but never over its input', () => {
    const link = join(folder, 'link.mkv');
    symlinkSync(input, link);
    for (const name of [input, link]) {
      const { status, stderr } = kvs([input, name, '--force']);
      expect(status).toBe(1);
      expect(stderr).toContain('is the input');
      expect(Buffer.compare(readFileSync(input), BODY)).toBe(0);
    }
    writeFileSync(out, '');
    rmSync(link);
    symlinkSync(out, link);
    expect(kvs([input, link, '--force']).status).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(Buffer.compare(readFileSync(out), merge(BODY).bytes)).toBe(0);
  });

  it.each([
    ['an input that is cut off', () => BODY.subarray(0, 100_000), /the input ends inside an element.*--recover/],
    [
      'an input that ends in a header behind the last document',
      () => concatBytes([BODY, Uint8Array.of(0x1a, 0x45)]),
      /the input ends inside an element/,
    ],
    [
      'an input that ends in a Void behind the last document',
      () => concatBytes([BODY, Uint8Array.of(0xec, 0x85, 0)]),
      /the input ends inside an element/,
    ],
    ['an input that is no Matroska', () => noise(1000, 1), /: byte \d+: /],
    ['an empty input', () => new Uint8Array(0), /the input is empty/],
    ['an input that is damaged', () => concatBytes([BODY, noise(100, 1), BODY]), /: byte \d+: /],
  ])('leaves no output for %s', (_, bytes, message) => {
    writeFileSync(input, bytes());
    const { status, stderr } = kvs([input, out]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.startsWith(`kvs: ${input}: `)).toBe(true);
    expect(leftOver()).toEqual([]);
  });

  it('keeps what is whole of a cut input with --recover', () => {
    writeFileSync(input, BODY.subarray(0, 100_000));
    const { status, stdout, stderr } = kvs([input, out, '--recover']);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/frames: 4;/);
    expect(stderr).toMatch(/the stream ends too early/);
    expect(merge(readFileSync(out)).merger).toMatchObject({ truncated: false, counters: { frames: 4 } });
  });

  it.each([
    ['a file that is not there', () => [join(folder, 'none.mkv'), out], /ENOENT/],
    ['a folder that is not there', () => [input, join(folder, 'none', 'out.mkv')], /cannot write .*ENOENT/],
    ['a folder', () => [input, folder], /cannot write .*EISDIR/],
  ])('says so of %s', (_, args, message) => {
    const { status, stderr } = kvs(args());
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(leftOver()).toEqual([]);
  });

  it.each([
    ['FILE OUT missing', []],
    ['OUT missing', ['x']],
    ['too many', ['a', 'b', 'c']],
    ['unknown', ['a', 'b', '--x']],
  ])('refuses a wrong command line: %s', (_, args) => {
    expect(kvs(args)).toMatchObject({ status: 2, stderr: expect.stringContaining('usage: kvs merge FILE [OUT]') });
  });

  it.skipIf(!existsSync('/dev/full'))('says so when the disk is full', () => {
    for (const to of ['/dev/full', '-']) {
      const result = spawnSync('sh', ['-c', '"$0" "$1" merge "$2" "$3" > /dev/full', process.execPath, KVS, input, to]);
      expect(result.status).toBe(1);
      expect(result.stderr.toString()).toMatch(/cannot write .*ENOSPC/);
    }
    expect(lstatSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it('ends in good order when nobody reads its output any more', () => {
    const command = '{ "$0" "$1" merge "$2" - ; echo "status $?" >&2; } | head -c 10';
    const result = spawnSync('sh', ['-c', command, process.execPath, KVS, input]);
    // As the commands that print lines do.
    expect(result.stderr.toString()).toBe('status 0\n');
  });

  it('leaves nothing behind when it is stopped', async () => {
    mkdirSync(join(folder, 'to'));
    const child = spawn(process.execPath, [KVS, 'merge', '-', join(folder, 'to', 'out.mkv')]);
    child.stdin.write(BODY);
    for (;;) {
      const [part] = readdirSync(join(folder, 'to'));
      if (part !== undefined && statSync(join(folder, 'to', part)).size > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    expect(readdirSync(join(folder, 'to'))).toEqual([]);
  });
});
