import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { mergeSeekable } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { CAPTURES, capturePath } from '../support/captures.js';
import { documentHead, fragmentInput, numberOf, serviceTags } from '../support/kvs-documents.js';
import { describeNeeding } from '../support/tools.js';

const KVS = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const FRAGMENTS = [0, 1, 2].map((index) => writeGetMediaFragment(fragmentInput(index)));
const BODY = concatBytes(FRAGMENTS);
/** What GetMedia ends a body with when it cannot go on. */
const ERROR = concatBytes([documentHead(), serviceTags(['ERROR_CODE', 'ACCESS\u001b[2J'], ['ERROR_ID', '4500'])]);

let folder = '';
let input = '';
let out = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-split-'));
  input = join(folder, 'in.mkv');
  out = join(folder, 'out');
  writeFileSync(input, BODY);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function kvs(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [KVS, ...args], { encoding: 'utf8' });
  return { status, stderr, lines: stdout.split('\n').slice(0, -1) };
}

const files = () => readdirSync(out).sort();
const written = () => files().map((name) => readFileSync(join(out, name)));

describe('kvs split', () => {
  it('writes a file for each fragment, byte for byte, and a line', () => {
    const { status, stderr, lines } = kvs('split', input, out, '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(files()).toEqual(['000001.mkv', '000002.mkv', '000003.mkv']);
    expect(written()).toEqual(FRAGMENTS.map((bytes) => Buffer.from(bytes)));
    let offset = 0;
    for (const [index, line] of lines.entries()) {
      const bytes = FRAGMENTS[index]?.length ?? 0;
      const file = join(out, `00000${index + 1}.mkv`);
      expect(JSON.parse(line)).toEqual({ file, offset, bytes, truncated: false, fragmentNumber: numberOf(index) });
      offset += bytes;
    }
    expect(kvs('split', input, join(folder, 'other')).lines[0]).toBe(
      `${join(folder, 'other', '000001.mkv')}: ${FRAGMENTS[0]?.length} bytes, fragment ${numberOf(0)}`,
    );
  });

  it('marks the last one where the input is cut off', () => {
    writeFileSync(input, BODY.subarray(0, BODY.length - 100));
    const { status, stderr, lines } = kvs('split', input, out, '--json');
    expect(files()).toEqual(['000001.mkv', '000002.mkv', '000003.truncated.mkv']);
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ truncated: true, bytes: (FRAGMENTS[2]?.length ?? 0) - 100 });
    expect(stderr).toBe(`kvs: ${input}: ${join(out, '000003.truncated.mkv')} is incomplete: bytes are missing\n`);
    expect(status).toBe(0);
    expect(Buffer.compare(concatBytes(written()), readFileSync(input))).toBe(0);
  });

  it('keeps what is whole before damage, and nothing of what is not', () => {
    writeFileSync(input, concatBytes([FRAGMENTS[0] ?? new Uint8Array(0), documentHead(), new Uint8Array(20)]));
    const { status, stderr } = kvs('split', input, out);
    expect(status).toBe(1);
    expect(stderr).toMatch(/: byte \d+: /);
    expect(files()).toEqual(['000001.mkv']);
  });

  it('tells errors of the service', () => {
    writeFileSync(input, concatBytes([BODY, ERROR]));
    const { status, stderr } = kvs('split', input, out);
    expect(status).toBe(1);
    expect(stderr).toContain(`kvs: ${input}: GetMedia error: ACCESS\\u001b[2J, 4500, access denied`);
    expect(stderr).toContain('the service reported an error in the stream');
    expect(Buffer.compare(concatBytes(written()), readFileSync(input))).toBe(0);
    const recovered = kvs('split', input, join(folder, 'other'), '--recover');
    expect(recovered).toMatchObject({ status: 0 });
    expect(recovered.stderr).toContain('GetMedia error');
  });

  it('says so where there is nothing', () => {
    writeFileSync(input, '');
    expect(kvs('split', input, out)).toMatchObject({
      status: 1,
      stderr: `kvs: ${input}: the input is empty\n`,
    });
  });
});

describe('kvs merge', () => {
  it('--documents writes each document as a file where one is not enough', () => {
    const other = writeGetMediaFragment(fragmentInput(3, { tracks: [{ number: 1, codecId: 'V_VP9' }], blocks: [] }));
    writeFileSync(input, concatBytes([BODY, other]));
    const joined = join(folder, 'joined.mkv');
    expect(kvs('merge', input, joined).status).toBe(0);
    expect(kvs('merge', input, '--documents', out)).toMatchObject({ status: 0 });
    expect(files()).toEqual(['000001.mkv', '000002.mkv']);
    expect(Buffer.compare(concatBytes(written()), readFileSync(joined))).toBe(0);
    writeFileSync(input, BODY);
    expect(kvs('merge', input, `--documents=${join(folder, 'one')}`).status).toBe(0);
    expect(readdirSync(join(folder, 'one'))).toEqual(['000001.mkv']);
    expect(kvs('merge', input)).toMatchObject({ status: 2 });
  });

  it('--seekable writes what players seek by, to files and to standard output', async () => {
    const target = join(folder, 'merged.mkv');
    const expected = await mergeSeekable(BODY);
    expect(kvs('merge', input, target, '--seekable')).toMatchObject({ status: 0, stderr: '' });
    expect(Buffer.compare(readFileSync(target), expected)).toBe(0);
    expect(kvs('merge', input, '--documents', out, '--seekable')).toMatchObject({ status: 0, stderr: '' });
    expect(Buffer.compare(concatBytes(written()), expected)).toBe(0);
    const { stdout } = spawnSync(process.execPath, [KVS, 'merge', input, '-', '--seekable']);
    expect(Buffer.compare(stdout, expected)).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['in.mkv', 'merged.mkv', 'out']);
    expect(kvs('merge', input, target, '--seekable', '--keep-positions').status).toBe(2);
  });

  it('tells errors of the service, and leaves no output without --recover', () => {
    const target = join(folder, 'merged.mkv');
    writeFileSync(input, concatBytes([BODY, ERROR]));
    const { status, stderr } = kvs('merge', input, target);
    expect(status).toBe(1);
    expect(stderr).toContain('GetMedia error: ACCESS\\u001b[2J, 4500');
    expect(readdirSync(folder)).toEqual(['in.mkv']);
    expect(kvs('merge', input, target, '--recover')).toMatchObject({ status: 0 });
    expect(readdirSync(folder)).toEqual(['in.mkv', 'merged.mkv']);
  });

  it('--start-at-zero and --pack-clusters say where time goes back', () => {
    const target = join(folder, 'merged.mkv');
    expect(kvs('merge', input, target, '--start-at-zero')).toMatchObject({ status: 0, stderr: '' });
    const [first] = kvs('frames', target, '--json').lines;
    expect(JSON.parse(first ?? '')).toMatchObject({ timestamp: 0 });
    writeFileSync(input, concatBytes([BODY, BODY]));
    const { status, stderr } = kvs('merge', input, target, '--pack-clusters', '--force');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^kvs: .*: byte \d+: discontinuity: the Timestamp \d+ comes after \d+\n$/);
  });
});

describeNeeding('captures', [CAPTURES], () => {
  it('are split where their fragments begin', () => {
    const { lines } = kvs('split', capturePath('output_get_media.mkv'), out, '--json');
    expect(lines.map((line) => JSON.parse(line).bytes)).toEqual([547_925, 492_514, 482_934, 489_206, 490_906]);
    expect(Buffer.compare(concatBytes(written()), readFileSync(capturePath('output_get_media.mkv')))).toBe(0);
  });
});
