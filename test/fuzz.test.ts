import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { TARGETS } from '../fuzz/targets/index.js';

const REGRESSIONS = new URL('regressions/', import.meta.url);

/** An input that went wrong once. */
interface Regression {
  readonly what: string;
  readonly target: string;
  readonly choice: number;
  readonly hex: string;
}

/** How many runs each target gets, so that they take about the same time. */
const RUNS: Readonly<Record<string, number>> = {
  reader: 1500,
  recovery: 2500,
  lacing: 30_000,
  frames: 900,
  merge: 800,
  mp4: 800,
  codec: 12_000,
};

describe('what fuzzing has found', () => {
  for (const file of readdirSync(REGRESSIONS).filter((name) => name.endsWith('.json'))) {
    const {
      what,
      target: name,
      choice,
      hex,
    }: Regression = JSON.parse(readFileSync(new URL(file, REGRESSIONS), 'utf8'));
    it(`stays mended: ${what}`, async () => {
      const target = TARGETS.find((each) => each.name === name);
      if (target === undefined) throw new Error(`there is no target ${name}`);
      await target.run({ choice, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) }, new Set());
    });
  }
});

describe('a little fuzzing', () => {
  beforeAll(() => {
    execFileSync(process.execPath, ['fuzz/build.mjs']);
  });

  it.each(TARGETS.map(({ name }) => name))('finds nothing in %s', (name) => {
    const runs = String(RUNS[name] ?? 500);
    const args = ['.cache/fuzz.mjs', '--target', name, '--seed', '1', '--runs', runs];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr.replace(/^.*, findings 0\n/gm, '')).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain(`${name}: ${runs} executions`);
    // Without the counters behind the source's branches there would be nothing to guide it.
    expect(Number(/features (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(100);
  });

  it('gives the same for the same seed', () => {
    const args = ['.cache/fuzz.mjs', '--target', 'lacing', '--seed', '5', '--runs', '3000'];
    const [one, other] = [0, 1].map(() => execFileSync(process.execPath, args, { encoding: 'utf8' }));
    expect(one?.replace(/in \d+ s/, '')).toBe(other?.replace(/in \d+ s/, ''));
  });
});
