import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Fragment, readFragments, readFrames } from '../../src/index.js';
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

it('behind a Block that cannot be read, a Cluster without a number of its own is of no fragment, for frames as for fragments', async () => {
  const first = fragment(0, false);
  // Fixed-size laces of three frames in four bytes.
  const unreadable = Buffer.from('a389 81 0000 84 02 00010203'.replaceAll(' ', ''), 'hex');
  const cluster = Buffer.from('1f43b675 89 e78101 a38481000080'.replaceAll(' ', ''), 'hex');
  const size = Buffer.from(first).lastIndexOf(CLUSTER_ID) + 4;
  // Of unknown size, so that the Block belongs to it.
  const body = concatBytes([first.subarray(0, size), Buffer.of(0xff), first.subarray(size + 1), unreadable, cluster]);
  const gathered: (string | undefined)[] = [];
  for await (const { fragmentNumber, frames } of readFragments(body, { recover: true }))
    for (const _ of frames) gathered.push(fragmentNumber);
  const streamed: (string | undefined)[] = [];
  for await (const { fragment: own } of readFrames(body, { recover: true })) streamed.push(own?.fragmentNumber);
  expect(gathered).toEqual(['1', '1', undefined]);
  expect(streamed).toEqual(gathered);
});
