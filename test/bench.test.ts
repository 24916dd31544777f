import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeNeeding, packages, tools } from './support/tools.js';

interface Report {
  readonly results: readonly {
    readonly disagreement?: string;
    readonly rows: readonly { readonly subject: string; readonly found?: { readonly frames: number } }[];
  }[];
  readonly figures: {
    readonly copies: readonly { readonly copied: number; readonly spanning: number }[];
    readonly idle: { readonly bytesPerReader: number };
  };
}

const subjects = ['reader, FrameVisitor', 'readFragments', 'mediabunny'];

it('the benchmark runs and says how far it is, and what it counts is what was aimed at', () => {
  const script = fileURLToPath(new URL('../bench/run.mjs', import.meta.url));
  const select = subjects.flatMap((name) => ['--subject', name]);
  const args = [script, '--json', '--rounds', '1', '--workload', 'tags', '--chunks', '64 KiB', ...select];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const { results, figures }: Report = JSON.parse(stdout);
  expect(stderr).toMatch(/^ +\d+ s {2}tags, 64 KiB: readFragments\n/m);
  expect(stderr).toMatch(/^ +\d+ s {2}tags, 64 KiB: round 1 of 1\n/m);

  const [{ rows, disagreement } = { rows: [] }] = results;
  expect(rows.map(({ subject }) => subject)).toEqual(subjects);
  expect(new Set(rows.map(({ found }) => found?.frames)).size).toBe(1);
  expect(rows[0]?.found?.frames).toBeGreaterThan(1000);
  expect(disagreement).toBeUndefined();

  // What spans chunks has to be copied; beside it, what lies in one chunk with its header at the end of the chunk before.
  for (const { copied, spanning } of figures.copies) expect(copied).toBeLessThan(spanning + 0.002);
  expect(figures.idle.bytesPerReader).toBeGreaterThan(0);
  expect(figures.idle.bytesPerReader).toBeLessThan(4000);
});

it('the benchmark of consumers runs, and they get all of their streams', { timeout: 60_000 }, () => {
  const script = fileURLToPath(new URL('../bench/consumers.mjs', import.meta.url));
  const args = ['--json', '--consumers', '4', '--seconds', '2', '--warm-up', '2', '--fragment-seconds', '1'];
  // How far they are behind is not asked: it may end with an error for that on a busy machine.
  const { stdout } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  const { reused, ...own } = JSON.parse(stdout);
  expect([own.memory, reused.memory]).toEqual(['own', 'reused']);
  for (const { consumers, fragments, frames, reconnects, lost, refused } of [own, reused]) {
    expect({ consumers, reconnects, lost, refused }).toEqual({ consumers: 4, reconnects: 0, lost: 0, refused: 0 });
    expect(fragments).toBeGreaterThan(0);
    expect(frames).toBe(fragments * 25);
  }
});

describeNeeding('the benchmark of decoding', [tools('ffmpeg'), packages('@napi-rs/webcodecs')], () => {
  it('runs, and finds the pictures that are asked for', { timeout: 120_000 }, () => {
    const script = fileURLToPath(new URL('../bench/decode.mjs', import.meta.url));
    const output = execFileSync(process.execPath, [script, '--json', '--seconds', '4', '--rounds', '1'], {
      encoding: 'utf8',
    });
    const { rows }: { readonly rows: readonly { readonly every: string; readonly pictures: number }[] } =
      JSON.parse(output);
    expect(rows.map(({ every, pictures }) => [every, pictures])).toEqual([
      ['10s', 1],
      ['keyframe', 2],
      ['frame', 100],
    ]);
  });

  it('of memory runs, and misses no picture', { timeout: 120_000 }, () => {
    const script = fileURLToPath(new URL('../bench/decode-memory.mjs', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [script, '--minutes', '2', '--every', 'keyframe'], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/6[01] pictures, 0 problems/);
    expect(status).toBe(0);
  });
});
