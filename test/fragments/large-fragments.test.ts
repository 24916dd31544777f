import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Fragment, Mkv, readFragments, writeElement, writeHeader, writeMaster } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { chunksOf } from '../support/read-all.js';

const SIZE = 1000;
/** What a frame counts for, in a Block of its own. */
const COUNTED = SIZE + 180;

function fragment(index: number, frames: number, group = false): Uint8Array {
  const blocks = Array.from({ length: frames }, (_, i) => ({
    track: 1 + (i % 2),
    timestamp: (index * 100 + i) * 1000,
    frames: [new Uint8Array(SIZE).fill(i)],
    group,
  }));
  return writeGetMediaFragment({
    tracks: [1, 2].map((number) => ({ number, codecId: 'V_VP8' })),
    fragmentNumber: String(index + 1),
    continuationToken: String(index + 1),
    blocks,
  });
}

async function read(stream: Iterable<Uint8Array>, options: Parameters<typeof readFragments>[1]) {
  const fragments: Fragment[] = [];
  let error: unknown;
  try {
    for await (const each of readFragments(stream, options)) fragments.push(each);
  } catch (thrown) {
    error = thrown;
  }
  return { counts: fragments.map(({ frames }) => frames.length), error };
}

describe.each([
  ['SimpleBlocks', false],
  ['BlockGroups', true],
])('a fragment that takes more memory than it may, of %s', (_, group) => {
  const bytes = concatBytes([fragment(0, 4, group), fragment(1, 5, group), fragment(2, 4, group)]);
  const blockId = group ? Mkv.BlockGroup.id : Mkv.SimpleBlock.id;

  it.each([
    ['whole', bytes.length],
    ['in single bytes', 1],
  ])('is an error at its last frame, with recover too, %s', async (_, size) => {
    for (const recover of [false, true]) {
      const { counts, error } = await read(chunksOf(bytes, size), { maxFragmentSize: 5 * COUNTED - 1, recover });
      expect(counts).toEqual([4]);
      expect(error).toMatchObject({
        name: 'MkvParseError',
        code: 'ElementTooLarge',
        message: expect.stringMatching(
          new RegExp(`^byte \\d+: .* more than ${5 * COUNTED - 1} bytes .*maxFragmentSize`),
        ),
      });
      const { offset } = error as { offset: number };
      expect(bytes[offset]).toBe(blockId);
      expect(offset).toBeGreaterThan(fragment(0, 4, group).length + 4 * SIZE);
      expect(offset).toBeLessThan(fragment(0, 4, group).length + fragment(1, 5, group).length - SIZE);
    }
  });

  it('is given where it takes just as much as it may, or less because not all frames are wanted', async () => {
    const all = await read([bytes], { maxFragmentSize: 5 * COUNTED });
    expect(all).toEqual({ counts: [4, 5, 4], error: undefined });
    const video = await read([bytes], { maxFragmentSize: 3 * COUNTED, track: 1 });
    expect(video).toEqual({ counts: [2, 3, 2], error: undefined });
  });
});

const HEAD = concatBytes([
  writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]),
  writeHeader(Mkv.Segment, undefined),
  writeHeader(Mkv.Cluster, undefined),
  writeElement(Mkv.Timestamp, 0),
]);

it('frames of a laced Block count for what they take, which is less than a Block each', async () => {
  const laced = writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x84, 255));
  const counted = 10 * (84 + 256 * 96);
  const stream = [HEAD, ...Array.from({ length: 10 }, () => laced)];
  expect(await read(stream, { maxFragmentSize: counted })).toEqual({ counts: [2560], error: undefined });
  expect((await read(stream, { maxFragmentSize: counted - 1 })).error).toMatchObject({ code: 'ElementTooLarge' });
});

it('8.4 MB of empty Blocks are no fragment that is too large', async () => {
  const blocks = new Uint8Array(8_400_000);
  for (let at = 0; at < blocks.length; at += 6) blocks.set([0xa3, 0x84, 0x81, 0, 0, 0x80], at);
  expect(await read([HEAD, blocks], {})).toEqual({ counts: [1_400_000], error: undefined });
});

it('a document that is one fragment may have 256 MiB of frames, unless said otherwise', async () => {
  const block = writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x81, 0, 0, 0), new Uint8Array(1 << 20)]));
  const stream = (blocks: number) => [HEAD, ...Array.from({ length: blocks }, () => block)];
  expect(await read(stream(255), {})).toEqual({ counts: [255], error: undefined });
  expect(await read(stream(256), {})).toMatchObject({ counts: [], error: { code: 'ElementTooLarge' } });
  expect(await read(stream(256), { maxFragmentSize: Number.POSITIVE_INFINITY })).toMatchObject({ counts: [256] });
});
