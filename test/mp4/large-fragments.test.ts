import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { MkvParseError, StreamingMkvReader } from '../../src/index.js';
import { type Mp4RemuxError, Mp4Remuxer, type Mp4Segment, mp4SegmentStream, remuxToMp4 } from '../../src/mp4/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';

const SIZE = 800;
/** What a frame counts for, in a Block of its own. */
const COUNTED = SIZE + 180;

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
  for (const recover of [true, false]) {
    const told: Mp4RemuxError[] = [];
    const onInvalidFragment = (error: Mp4RemuxError) => void told.push(error);
    const segments = await segmentsOf({ ...LIMIT, recover, onInvalidFragment });
    expect(mediaOf(segments)).toEqual([
      ['1', false],
      ['3', true],
    ]);
    const result = await remuxToMp4(BODY, () => {}, { ...LIMIT, recover, onInvalidFragment });
    expect(result).toMatchObject({ fragments: 2, invalidFragments: 1 });
    expect(told.map(({ code, fragmentNumber }) => [code, fragmentNumber])).toEqual([
      ['InvalidMediaFrame', '2'],
      ['InvalidMediaFrame', '2'],
    ]);
    expect(told[0]?.message).toMatch(/byte \d+: frames of more than 10779 bytes in a fragment/);
  }
  const result = await remuxToMp4(BODY, () => {}, { ...LIMIT, recover: true });
  expect(result).toMatchObject({ fragments: 2, invalidFragments: 1 });
});

it('a fragment with a Block that cannot be read is left out, and told of', async () => {
  const body = BODY.slice();
  // The third Block of the second fragment gets EBML lacing, whose sizes are then wrong.
  const flags = fragment(0, 10).length + Buffer.from(fragment(1, 11)).indexOf(Buffer.of(0x81, 0, 200)) + 3;
  body[flags] = 0x06;
  await expect(remuxToMp4(body, () => {})).rejects.toMatchObject({ name: 'MkvParseError', code: 'InvalidBlock' });
  const told: string[] = [];
  const onInvalidFragment = ({ code, fragmentNumber, message }: Mp4RemuxError) =>
    void told.push(`${code} ${fragmentNumber} ${/byte \d+/.exec(message)}`);
  const result = await remuxToMp4(body, () => {}, { recover: true, onInvalidFragment });
  expect(result).toMatchObject({ fragments: 2, invalidFragments: 1 });
  const segments: Mp4Segment[] = [];
  for await (const segment of mp4SegmentStream(body, { recover: true, onInvalidFragment })) segments.push(segment);
  expect(mediaOf(segments)).toEqual([
    ['1', false],
    ['3', true],
  ]);
  expect(told).toEqual([told[0], told[0]]);
  expect(told[0]).toMatch(/^InvalidMediaFrame 2 byte \d+$/);
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
