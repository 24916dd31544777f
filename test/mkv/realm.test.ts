import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { smallDocument } from '../support/small-document.js';

it('the built core loads and reads where there are no stream classes', () => {
  const script = fileURLToPath(new URL('../support/realm.mjs', import.meta.url));
  const output = execFileSync(process.execPath, [script], { input: smallDocument(), encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual({
    left: [],
    pushed: 39,
    read: 39,
    shown: 39,
    piped: 39,
    refused: expect.stringMatching(/^TypeError: .*TransformStream/),
  });
});
