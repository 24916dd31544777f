import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Growth, judge } from '../fuzz/probe/growth.js';

/** Runs the probe, which is to find nothing. */
function probe(...args: string[]): string {
  const run = spawnSync(process.execPath, ['.cache/probe.mjs', ...args], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return run.stdout;
}

const growth = (bytes: number[], steps: number[], allocated = [0, 0, 0]): Growth => ({
  bytes,
  work: steps.map((each, i) => ({ steps: each, allocated: allocated[i] ?? 0 })),
});

describe('the probe', () => {
  beforeAll(() => {
    execFileSync(process.execPath, ['fuzz/build.mjs', 'probe']);
  });

  it('tells linear growth from what is not', () => {
    const bytes = [1000, 4000, 16_000];
    expect(judge(growth(bytes, [60_000, 210_000, 810_000]))).toBeUndefined();
    expect(judge(growth(bytes, [10_000, 160_000, 2_560_000]))).toMatch(/grows faster .* steps/);
    expect(judge(growth(bytes, [0, 0, 0], [50_000, 800_000, 12_800_000]))).toMatch(/grows faster .* bytes allocated/);
    expect(judge(growth(bytes, [1e8, 4e8, 1.6e9]))).toMatch(/costs too much/);
  });

  it('finds nothing that grows faster than its input', () => {
    expect(probe('--size', '512')).toMatch(/^1\d\d patterns in 1\d ways, findings 0\n$/);
  }, 240_000);
});
