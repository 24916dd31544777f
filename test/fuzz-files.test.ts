import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { FILE_TARGETS } from '../fuzz/files/targets.js';
import { describeNeeding, tools } from './support/tools.js';

const RUNS = '150';

describe('a little fuzzing of whole files', () => {
  beforeAll(() => {
    execFileSync(process.execPath, ['fuzz/build.mjs', 'fuzz-files']);
  });

  describeNeeding('judged by other programs', [tools('ffprobe', 'mkvinfo')], () => {
    it.each(FILE_TARGETS.map(({ name }) => name))(
      'finds nothing in %s',
      (name) => {
        const args = ['.cache/fuzz-files.mjs', '--target', name, '--seed', '1', '--runs', RUNS];
        const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        expect(stderr.replace(/^.*, findings 0\n/gm, '')).toBe('');
        expect(status).toBe(0);
        expect(stdout).toContain(`${name}: ${RUNS} executions`);
        // Whole files make far more happen than the seeds alone would.
        expect(Number(/features (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(500);
      },
      240_000,
    );
  });
});
