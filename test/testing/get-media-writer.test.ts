import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Lacing } from '../../src/mkv/block.js';
import { MkvDataElement, type MkvElement } from '../../src/mkv/element.js';
import { Mkv } from '../../src/mkv/elements.js';
import { type MkvReaderOptions, StreamingMkvReader } from '../../src/mkv/reader.js';
import {
  type GetMediaFragmentInput,
  type GetMediaWriteOptions,
  writeGetMediaError,
  writeGetMediaFragment,
} from '../../src/testing/get-media-writer.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';

const SERVER = new Date('2024-02-29T12:00:00.007Z');
const FRAGMENT: GetMediaFragmentInput = {
  tracks: [
    {
      number: 1,
      uid: 0xfedc_ba98_7654_3210n,
      name: 'kinesis_video',
      codecId: 'V_VP8',
      codecName: 'a name',
      defaultDuration: 40_000_000,
      video: { pixelWidth: 320, pixelHeight: 240, displayWidth: 4, displayHeight: 3 },
    },
    { number: 200, codecId: 'A_PCM/INT/LIT', audio: { samplingFrequency: 8000, channels: 1, bitDepth: 16 } },
  ],
  tags: [
    ['Motion', 'true'],
    ['Motion', 'false'],
  ],
  fragmentNumber: '91343852333181432392682062607743920146270339185',
  serverTimestamp: SERVER,
  producerTimestamp: SERVER.getTime() - 1000.2,
  timestamp: 1_000_000,
  blocks: [
    { track: 1, timestamp: 1_000_000, keyframe: true, frames: [Uint8Array.of(1, 2, 3)] },
    { track: 200, timestamp: 970_000, keyframe: true, frames: [Uint8Array.of(4)] },
    { track: 1, timestamp: 1_040_400, frames: [new Uint8Array(0)], invisible: true, discardable: true },
    { track: 1, timestamp: 1_080_000, frames: [Uint8Array.of(9, 9)], duration: 40_000, discardPadding: -5 },
    { track: 1, timestamp: 1_120_000, frames: [Uint8Array.of(7)], group: true, keyframe: true },
  ],
  millisBehindNow: 0,
  continuationToken: '91343852333181432412489103236310005892133364608',
};

function read(bytes: Uint8Array, options: MkvReaderOptions = { strict: true, verifyCrc: true }): MkvElement[] {
  const reader = new StreamingMkvReader(options);
  const elements: MkvElement[] = [];
  reader.push(bytes);
  reader.end();
  for (let e = reader.nextIfAvailable(); e !== undefined; e = reader.nextIfAvailable()) elements.push(e);
  expect(reader.truncated).toBe(false);
  return elements;
}

function values<V>(elements: readonly MkvElement[], type: { readonly name: string | undefined }): V[] {
  return elements
    .filter((e) => e instanceof MkvDataElement && e.type === type)
    .map((e) => (e as MkvDataElement<V>).value);
}

const names = (elements: readonly MkvElement[]) =>
  elements.filter((e) => e.kind !== 'end' && e.path.length <= 1).map((e) => e.type.name);

const tagsOf = (elements: readonly MkvElement[]) => {
  const tagValues = values<string>(elements, Mkv.TagString);
  return values<string>(elements, Mkv.TagName).map((name, i) => [name, tagValues[i]]);
};

describe('writeGetMediaFragment', () => {
  it('writes a fragment as GetMedia sends it', () => {
    const elements = read(writeGetMediaFragment(FRAGMENT));
    expect(names(elements).slice(-8)).toEqual([
      'DocTypeReadVersion',
      'Segment',
      'Info',
      'Tracks',
      'Tags',
      'Tags',
      'Cluster',
      'Tags',
    ]);
    const segment = elements.find((e) => e.type === Mkv.Segment && e.kind === 'start');
    expect(segment).toMatchObject({ dataSize: undefined, headerSize: 12 });
    expect(tagsOf(elements)).toEqual([
      ['Motion', 'true'],
      ['Motion', 'false'],
      ['AWS_KINESISVIDEO_FRAGMENT_NUMBER', '91343852333181432392682062607743920146270339185'],
      ['AWS_KINESISVIDEO_SERVER_TIMESTAMP', '1709208000.007'],
      ['AWS_KINESISVIDEO_PRODUCER_TIMESTAMP', '1709207999.007'],
      ['AWS_KINESISVIDEO_MILLIS_BEHIND_NOW', '0'],
      ['AWS_KINESISVIDEO_CONTINUATION_TOKEN', '91343852333181432412489103236310005892133364608'],
    ]);
    expect(values(elements, Mkv.TrackUID)).toEqual([0xfedc_ba98_7654_3210n, 200n]);
    expect(values(elements, Mkv.TrackType)).toEqual([1, 2]);
    expect(values(elements, Mkv.SamplingFrequency)).toEqual([8000]);
    expect(values(elements, Mkv.Timestamp)).toEqual([1000]);
    expect(values(elements, Mkv.SimpleBlock)).toMatchObject([
      { trackNumber: 1, relativeTimestamp: 0, keyframe: true, invisible: false, discardable: false },
      { trackNumber: 200, relativeTimestamp: -30, keyframe: true },
      { trackNumber: 1, relativeTimestamp: 40, keyframe: false, invisible: true, discardable: true },
    ]);
    expect(values(elements, Mkv.Block)).toMatchObject([{ relativeTimestamp: 80 }, { relativeTimestamp: 120 }]);
    expect(values(elements, Mkv.BlockDuration)).toEqual([40]);
    expect(values(elements, Mkv.DiscardPadding)).toEqual([-5]);
    expect(values(elements, Mkv.ReferenceBlock)).toHaveLength(1);
  });

  const orders: [string, GetMediaWriteOptions, string[]][] = [
    ['CRC-32 elements', { crc: true }, ['Info', 'Tracks', 'Tags', 'Tags', 'Cluster', 'Tags']],
    ['a Segment of known size', { knownSizeSegment: true }, ['Info', 'Tracks', 'Tags', 'Tags', 'Cluster', 'Tags']],
    ['a Cluster of unknown size', { unknownSizeCluster: true }, ['Info', 'Tracks', 'Tags', 'Tags', 'Cluster', 'Tags']],
    [
      'tags first',
      { tagsFirst: true, separateTags: true },
      ['Tags', 'Tags', 'Info', 'Tracks', 'Tags', 'Cluster', 'Tags'],
    ],
    ['wide sizes', { sizeLength: 8, crc: true }, ['Info', 'Tracks', 'Tags', 'Tags', 'Cluster', 'Tags']],
    ['no Info', { noInfo: true }, ['Tracks', 'Tags', 'Tags', 'Cluster', 'Tags']],
    [
      'SeekHead and Void',
      { seekHead: true, voidSize: 148, crc: true },
      ['SeekHead', 'Void', 'Info', 'Tracks', 'Tags', 'Tags', 'Cluster', 'Tags'],
    ],
  ];
  for (const [name, options, order] of orders) {
    it(`writes ${name}`, () => {
      const elements = read(writeGetMediaFragment(FRAGMENT, options));
      const children = elements.filter(
        (e) => e.kind !== 'end' && e.path.length === 1 && e.path[0]?.type === Mkv.Segment,
      );
      expect(children.map((e) => e.type.name)).toEqual(order);
      const crcs = elements.filter((e) => e.type === Mkv['CRC-32']).length;
      expect(crcs).toBe(options.crc === true ? (options.seekHead === true ? 5 : 4) : 0);
      if (options.unknownSizeCluster === true) {
        expect(elements.find((e) => e.type === Mkv.Cluster)).toMatchObject({ dataSize: undefined });
      }
      if (options.sizeLength !== undefined) {
        expect(elements.find((e) => e.type === Mkv.Tracks)).toMatchObject({ headerSize: 12 });
      }
    });
  }

  it('points its SeekHead at the elements as the producer placed them', () => {
    const elements = read(writeGetMediaFragment(FRAGMENT, { seekHead: true, voidSize: 10 }));
    const segment = elements.find((e) => e.type === Mkv.Segment);
    const places = [Mkv.Info, Mkv.Tracks, Mkv.Tags].map(
      (type) => (elements.find((e) => e.type === type)?.offset ?? 0) - (segment?.offset ?? 0) - 12,
    );
    expect(values(elements, Mkv.SeekPosition)).toEqual(places);
  });

  it('writes the other spelling of the timestamps, in-stream errors of both kinds, and fragments without media', () => {
    const side = tagsOf(
      read(
        writeGetMediaFragment(
          { tracks: [], fragmentNumber: '7', serverTimestamp: 5, producerTimestamp: 1999.9 },
          { sideTimestamps: true },
        ),
      ),
    );
    expect(side).toEqual([
      ['AWS_KINESISVIDEO_FRAGMENT_NUMBER', '7'],
      ['AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP', '0.005'],
      ['AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP', '2.000'],
    ]);
    expect(tagsOf(read(writeGetMediaError({ error: { id: 4000, code: 'not found' } }), { verifyCrc: true }))).toEqual([
      ['AWS_KINESISVIDEO_ERROR_CODE', 'not found'],
      ['AWS_KINESISVIDEO_ERROR_ID', '4000'],
    ]);
    expect(
      tagsOf(read(writeGetMediaError({ fragmentNumber: '8', exception: { code: 'X', message: 'gone' } }))),
    ).toEqual([
      ['AWS_KINESISVIDEO_FRAGMENT_NUMBER', '8'],
      ['AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE', 'X'],
      ['AWS_KINESISVIDEO_EXCEPTION_MESSAGE', 'gone'],
    ]);
  });

  it('keeps times in units of the TimestampScale', () => {
    const blocks = [{ track: 1, timestamp: 22_676, frames: [Uint8Array.of(1)] }];
    const elements = read(writeGetMediaFragment({ ...FRAGMENT, timestamp: 0, blocks }, { timestampScale: 22_676 }));
    expect(values(elements, Mkv.SimpleBlock)).toMatchObject([{ relativeTimestamp: 1000 }]);
  });

  it('refuses what does not fit', () => {
    const write = (block: object) =>
      writeGetMediaFragment({ ...FRAGMENT, blocks: [{ track: 1, timestamp: 0, frames: [], ...block }] });
    expect(() => write({ timestamp: 32_768 + 1_000_000 * 40, frames: [Uint8Array.of(1)] })).toThrow(RangeError);
    expect(() => write({})).toThrow('0 frames in a block without lacing');
    expect(() =>
      write({ timestamp: 1e6, lacing: 'fixed-size', frames: [new Uint8Array(1), new Uint8Array(2)] }),
    ).toThrow(RangeError);
    expect(() => write({ timestamp: 1e6, lacing: 'xiph', frames: Array(257).fill(new Uint8Array(1)) })).toThrow(
      RangeError,
    );
  });

  const laces: [Lacing, number[]][] = [
    ['xiph', [0, 1, 254, 255, 256, 510, 3]],
    ['ebml', [126, 127, 128, 0, 63, 127, 16_384, 16_383, 70_000, 5]],
    ['fixed-size', [5, 5, 5]],
    ['ebml', [300]],
  ];
  for (const [lacing, sizes] of laces) {
    it(`laces ${sizes.length} frames (${lacing})`, () => {
      const frames = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
      for (const group of [false, true]) {
        const blocks = [{ track: 1, timestamp: 1_000_000, lacing, frames, group }];
        const elements = read(writeGetMediaFragment({ ...FRAGMENT, blocks }));
        const [block] = values<{ frames: Uint8Array[] }>(elements, group ? Mkv.Block : Mkv.SimpleBlock);
        expect(block?.frames).toEqual(frames);
      }
    });
  }
});

describe('what other readers find in it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-writer-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const frames = Array.from({ length: 6 }, (_, i) => new Uint8Array(100 + 50 * i).fill(i + 1));
  const blocks = [
    ...frames
      .slice(0, 2)
      .map((frame, i) => ({ track: 2, timestamp: 1e6 + i * 20_000, keyframe: true, frames: [frame] })),
    { track: 2, timestamp: 1_040_000, keyframe: true, lacing: 'ebml' as const, frames: frames.slice(2, 4) },
    { track: 2, timestamp: 1_080_000, keyframe: true, lacing: 'xiph' as const, frames: frames.slice(4), group: true },
  ];
  const tracks = [
    { number: 2, codecId: 'A_PCM/INT/LIT', audio: { samplingFrequency: 8000, channels: 1, bitDepth: 16 } },
  ];
  const variants: GetMediaWriteOptions[] = [
    {},
    { crc: true, seekHead: true, voidSize: 20 },
    { unknownSizeCluster: true },
  ];

  describeNeeding('by ffprobe', [tools('ffprobe')], () => {
    it('ffprobe finds the frames and their times', () => {
      for (const [i, options] of variants.entries()) {
        const file = join(folder, `${i}.mkv`);
        writeFileSync(file, writeGetMediaFragment({ ...FRAGMENT, tracks, blocks }, options));
        const json = runTool('ffprobe', [
          '-v',
          'error',
          '-of',
          'json',
          '-show_packets',
          '-show_data_hash',
          'sha256',
          file,
        ]);
        const { packets } = JSON.parse(json);
        expect(packets.map((packet: { data_hash: string }) => packet.data_hash)).toEqual(
          frames.map((frame) => `SHA256:${createHash('sha256').update(frame).digest('hex')}`),
        );
        expect(packets.slice(0, 3).map((packet: { pts: number }) => packet.pts)).toEqual([1000, 1020, 1040]);
      }
    });
  });

  describeNeeding('by mkvinfo', [tools('mkvinfo')], () => {
    it('mkvinfo finds the elements and nothing to complain of', () => {
      for (const [i, options] of variants.entries()) {
        const file = join(folder, `info-${i}.mkv`);
        writeFileSync(file, writeGetMediaFragment({ ...FRAGMENT, tracks, blocks }, options));
        const text = runTool('mkvinfo', ['--ui-language', 'en_US', '--all', file]);
        expect(text).toContain('AWS_KINESISVIDEO_CONTINUATION_TOKEN');
        expect(text.match(/\+ Simple block/g)).toHaveLength(3);
        expect(text).toMatch(/\+ Block group/);
        expect(text).not.toMatch(/error|corrupt|dummy/i);
      }
    });
  });
});
