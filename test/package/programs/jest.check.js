import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { read } from './story.js';

test('the recording is read', async () => {
  const { fragments, frames } = await read(new Uint8Array(readFileSync(process.env.RECORDING)));
  expect([fragments, frames]).toEqual([8, 719]);
});
