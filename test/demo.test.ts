import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Mkv, readFragments, StreamingMkvReader } from '../src/index.js';
import { describeNeeding, runTool, tools } from './support/tools.js';

const folder = mkdtempSync(join(tmpdir(), 'kvs-parser-demo-test-'));
let said = '';

beforeAll(() => {
  said = execFileSync(process.execPath, ['examples/demo.mjs', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('tells of all fragments, of the connection that was cut, and where the files are', () => {
  expect(said.match(/^….* frames .* bytes/gm)).toHaveLength(8);
  expect(said).toMatch(/the connection ended/);
  expect(said).toMatch(/8 fragments, 719 frames over 2 connections/);
  expect(said).toContain(join(folder, 'door.mkv'));
  expect(said).toContain(join(folder, 'door.mp4'));
});

it('leaves one document with the fragments of the recording', async () => {
  const numbers = async (file: string) => {
    const found: (string | undefined)[] = [];
    for await (const { fragmentNumber } of readFragments(readFileSync(file))) found.push(fragmentNumber);
    return found;
  };
  const merged = join(folder, 'door.mkv');
  expect(await numbers(merged)).toEqual(await numbers('examples/recording/camera.mkv'));
  const reader = new StreamingMkvReader({ elements: [Mkv.EBML], strict: true, verifyCrc: true });
  reader.push(readFileSync(merged));
  reader.end();
  let documents = 0;
  for (let element = reader.nextIfAvailable(); element; element = reader.nextIfAvailable()) {
    if (element.kind === 'start') documents++;
  }
  expect(documents).toBe(1);
});

describeNeeding('the MP4 of the demo', [tools('ffprobe')], () => {
  it('lasts as long as the recording', () => {
    const file = join(folder, 'door.mp4');
    const duration = Number(
      runTool('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file]),
    );
    expect(duration).toBeCloseTo(10, 0);
  });
});
