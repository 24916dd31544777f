import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CAPTURES, capturePath } from '../support/captures.js';
import { jsonLines, kvs } from '../support/cli.js';
import { describeNeeding, packages } from '../support/tools.js';

let folder = '';
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'kvs-images-')), 'pictures');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

describeNeeding('kvs images, on the captures', [CAPTURES, packages('@napi-rs/webcodecs')], () => {
  const file = capturePath('output_get_media.mkv');

  it('writes a picture for every so long, named by the producer’s time', async () => {
    const run = kvs(['images', file, '--every', '2s', '--width', '320', '--out', folder]);
    expect(run.status).toBe(0);
    const names = readdirSync(folder);
    expect(names).toEqual(
      [8, 10, 12, 14, 16].map((second) => `2017-11-28T06-55-${String(second).padStart(2, '0')}.513Z.jpg`),
    );
    expect(run.stdout.trimEnd().split('\n')).toEqual(names);
    const { format, width, height } = await sharp(readFileSync(join(folder, names[0]!))).metadata();
    expect([format, width, height]).toEqual(['jpeg', 320, 180]);
    expect(kvs(['images', file, '--every', '2s', '--out', folder])).toMatchObject({ status: 1 });
    expect(kvs(['images', file, '--every', '2s', '--out', folder, '--force'])).toMatchObject({ status: 0 });
  });

  it.each([
    ['keyframe', 5],
    ['5frames', 60],
  ])('every %s: %i pictures', (every, count) => {
    expect(kvs(['images', file, '--every', every, '--width', '64', '--out', folder]).status).toBe(0);
    expect(readdirSync(folder)).toHaveLength(count);
  });

  it('takes a stretch of time, and says where nothing was recorded', async () => {
    const sparse = capturePath('output_get_media_sparse_fragments.mkv');
    const run = kvs(['images', sparse, '--from', '1s', '--to', '5s', '--format', 'png', '--json', '--out', folder]);
    expect(run.status).toBe(0);
    const lines = run.stdout
      .trimEnd()
      .split('\n')
      .map((line): { file: string; timestamp: number } => JSON.parse(line));
    expect(lines.map(({ timestamp }) => timestamp / 1e6)).toEqual([1, 4, 5]);
    expect(run.stderr.match(/NO_MEDIA at [23]\.000 s/g)).toHaveLength(2);
    expect((await sharp(readFileSync(join(folder, lines[0]!.file))).metadata()).format).toBe('png');
    const from = '2017-11-28T06:55:12.513Z';
    const dated = kvs([
      'images',
      file,
      '--from',
      from,
      '--to',
      '2017-11-28T06:55:14Z',
      '--json',
      '--out',
      folder,
      '--force',
    ]);
    const times = jsonLines<{ timestamp: number }>({ ...dated, stderr: '' });
    expect(times.map(({ timestamp }) => timestamp / 1e6)).toEqual([4, 5]);
  });
});

describe('kvs images', () => {
  it.each([
    [['--every', '1x'], /--every 1x: /],
    [['--width', 'wide'], /--width wide: must be a number/],
    [['--from', 'noon'], /--from noon: not a time/],
  ])('refuses %j, and makes no folder', (words, message) => {
    const run = kvs(['images', 'test/cases/keyflags--all.mkv', '--out', folder, ...words]);
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(message);
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  it('says that there is no picture', () => {
    const run = kvs(['images', 'test/cases/alaw-only--alaw.mkv', '--out', folder]);
    expect(run).toMatchObject({ status: 1 });
    expect(run.stderr).toContain('it contains no picture');
  });
});
