import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Fragment, readFragments } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';

const CLUSTER_ID = Buffer.of(0x1f, 0x43, 0xb6, 0x75);

function fragment(index: number, trailing: boolean): Uint8Array {
  const number = String(index + 1);
  return writeGetMediaFragment({
    tracks: [{ number: 1, codecId: 'V_VP8' }],
    fragmentNumber: number,
    ...(trailing ? { continuationToken: number, millisBehindNow: 0 } : {}),
    blocks: [0, 1].map((i) => ({ track: 1, timestamp: (index * 2 + i) * 40_000, frames: [Uint8Array.of(index, i)] })),
  });
}

async function read(bytes: Uint8Array) {
  const fragments: Fragment[] = [];
  for await (const each of readFragments(bytes, { recover: true })) fragments.push(each);
  return fragments.map(({ fragmentNumber, truncated, frames }) => [fragmentNumber, truncated, frames.length]);
}

it.each([true, false])(
  'a fragment whose beginning is lost is given with its frames, and is truncated (Tags behind them: %s)',
  async (trailing) => {
    const body = concatBytes([fragment(0, trailing), fragment(1, trailing)]);
    const rest = body.subarray(Buffer.from(body).indexOf(CLUSTER_ID));
    expect(await read(rest)).toEqual([
      [undefined, true, 2],
      ['2', false, 2],
    ]);
  },
);

it('a fragment whose header is damaged, behind one that is whole, is truncated', async () => {
  const body = concatBytes([fragment(0, true), fragment(1, true), fragment(2, true)]);
  body[fragment(0, true).length] = 0;
  expect(await read(body)).toEqual([
    ['1', false, 2],
    [undefined, true, 2],
    ['3', false, 2],
  ]);
});
