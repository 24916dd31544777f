import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { MkvParseError, StreamingMkvReader } from '../../src/index.js';
import { Mp4Remuxer, type Mp4Segment, mp4SegmentStream, remuxToMp4 } from '../../src/mp4/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';

const SIZE = 800;
/** What a frame counts for. */
const COUNTED = SIZE + 200;

/** WAVEFORMATEX: mu-law, one channel, 8000 a second. */
const MU_LAW = Uint8Array.of(7, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0);

function fragment(index: number, frames: number): Uint8Array {
  return writeGetMediaFragment({
    tracks: [{ number: 1, codecId: 'A_MS/ACM', codecPrivate: MU_LAW, audio: { samplingFrequency: 8000, channels: 1 } }],
    fragmentNumber: String(index + 1),
    blocks: Array.from({ length: frames }, (_, i) => ({
      track: 1,
      timestamp: (index * 1000 + i * 100) * 1000,
      frames: [new Uint8Array(SIZE).fill(i)],
      group: i % 2 === 1,
    })),
  });
}

const BODY = concatBytes([fragment(0, 10), fragment(1, 11), fragment(2, 10)]);
const LIMIT = { maxFragmentSize: 11 * COUNTED - 1 };
const ERROR = { name: 'MkvParseError', code: 'ElementTooLarge' };

const mediaOf = (segments: readonly Mp4Segment[]) =>
  segments.flatMap((segment) =>
    segment.type === 'media' ? [[segment.fragment?.fragmentNumber, segment.discontinuity]] : [],
  );

async function segmentsOf(options: Parameters<typeof mp4SegmentStream>[1]): Promise<Mp4Segment[]> {
  const segments: Mp4Segment[] = [];
  for await (const segment of mp4SegmentStream(BODY, options)) segments.push(segment);
  return segments;
}

it('a fragment that takes more memory than it may is an error', async () => {
  await expect(segmentsOf(LIMIT)).rejects.toMatchObject(ERROR);
  await expect(remuxToMp4(BODY, () => {}, LIMIT)).rejects.toMatchObject(ERROR);
  const all = await segmentsOf({ maxFragmentSize: LIMIT.maxFragmentSize + 1 });
  expect(mediaOf(all).map(([number]) => number)).toEqual(['1', '2', '3']);
});

it('is left out with recover, and what comes behind it is not', async () => {
  const segments = await segmentsOf({ ...LIMIT, recover: true });
  expect(mediaOf(segments)).toEqual([
    ['1', false],
    ['3', true],
  ]);
  const result = await remuxToMp4(BODY, () => {}, { ...LIMIT, recover: true });
  expect(result).toMatchObject({ fragments: 2, invalidFragments: 1 });
});

it('is an error of the visitor too', () => {
  const segments: Mp4Segment[] = [];
  const remuxer = new Mp4Remuxer((segment) => segments.push(segment), LIMIT);
  const reader = new StreamingMkvReader();
  reader.push(BODY);
  const show = () => {
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable())
      element.accept(remuxer);
  };
  expect(show).toThrow(MkvParseError);
  expect(mediaOf(segments)).toEqual([['1', false]]);
});
