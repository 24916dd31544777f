import { createReadStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { saveJpegs } from '../../examples/recipes/save-jpegs.js';
import { describeNeeding, packages, tools } from '../support/tools.js';
import { RECORDING, withFolder } from './support.js';

const DECODERS = [tools('ffmpeg'), packages('@napi-rs/webcodecs')];
const decoder = DECODERS.find(({ missing }) => missing === undefined) ?? DECODERS[0]!;

describeNeeding('a JPEG of every two seconds', [decoder], () => {
  it('is a file named by the time of its recording', async () => {
    await withFolder(async (folder) => {
      expect(await saveJpegs(createReadStream(RECORDING), folder, { width: 160 })).toBe(5);
      const names = readdirSync(folder).sort();
      expect(names).toEqual([0, 2, 4, 6, 8].map((second) => `2024-05-01T12-00-0${second}.250Z.jpg`));
      for (const name of names) {
        const { format, width, height } = await sharp(join(folder, name)).metadata();
        expect({ format, width, height }).toEqual({ format: 'jpeg', width: 160, height: 120 });
      }
    });
  });

  it('is told where damage costs it, and others are written; a signal ends it', async () => {
    await withFolder(async (folder) => {
      const bytes = new Uint8Array(readFileSync(RECORDING));
      bytes.fill(0, bytes.length / 2, bytes.length / 2 + 2000);
      const problems: string[] = [];
      const count = await saveJpegs(bytes, folder, { onProblem: ({ code }) => problems.push(code) });
      expect(count).toBeGreaterThanOrEqual(3);
      expect(readdirSync(folder)).toHaveLength(count);
      expect(problems).not.toEqual([]);

      const other = join(folder, 'other');
      mkdirSync(other);
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(saveJpegs(createReadStream(RECORDING), other, { signal })).rejects.toThrow('enough');
      expect(readdirSync(other)).toEqual([]);
    });
  });
});
