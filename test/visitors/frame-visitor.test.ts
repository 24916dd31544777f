import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  applyVisitor,
  type Block,
  type FragmentMetadata,
  type Frame,
  type FrameProcessor,
  FrameVisitor,
  Mkv,
  MkvParseError,
  readFrames,
  SimpleFrameVisitor,
  type TrackMetadata,
  writeElement,
  writeMaster,
} from '../../src/index.js';
import { choosePcm } from '../../src/mkv/codec/pcm-format.js';
import type { BlockInput } from '../../src/testing/block-writer.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { type TrackInput, writeTrackEntry } from '../../src/testing/track-writer.js';
import { cluster, documentHead, fragmentInput, numberOf, TRACKS } from '../support/kvs-documents.js';
import { readChunks } from '../support/read-all.js';

function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const visitor = new FrameVisitor({
    process: (frame) => {
      frames.push(frame);
    },
  });
  for (const element of readChunks([bytes])) expect(element.accept(visitor)).toBeUndefined();
  return frames;
}

/** The frames of one Cluster. */
function framesOfBlocks(
  blocks: readonly BlockInput[],
  {
    timestamp = 0,
    scale = 1_000_000,
    tracks = TRACKS,
  }: { timestamp?: number; scale?: number; tracks?: readonly TrackInput[] } = {},
): Frame[] {
  return framesOf(concatBytes([documentHead(tracks, scale), cluster(timestamp, blocks, scale)]));
}

const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes);

/** A Cluster whose Timestamp comes behind two Blocks, against the standard, and before one. */
const UNTIMED = writeMaster(Mkv.Cluster, [
  writeElement(Mkv.SimpleBlock, bytesOf(0x81, 0, 1, 0, 7)),
  writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, bytesOf(0x81, 0, 1, 0, 8))]),
  writeElement(Mkv.Timestamp, 1000),
  writeElement(Mkv.SimpleBlock, bytesOf(0x81, 0, 2, 0, 9)),
]);

describe('FrameVisitor', () => {
  it('gives each frame with its track, its fragment and the tag processor', () => {
    const tagProcessor = { process: () => {}, clear: () => {} };
    const seen: [number, string | undefined, string | undefined, string | undefined, boolean][] = [];
    const process = (frame: Frame, track: TrackMetadata, fragment: FragmentMetadata | undefined, tags: unknown) => {
      expect(track).toBe(frame.track);
      expect(fragment).toBe(frame.fragment);
      seen.push([
        frame.timestamp,
        track.codecId,
        fragment?.fragmentNumber,
        fragment?.continuationToken,
        tags === tagProcessor,
      ]);
    };
    const bytes = concatBytes([0, 1].map((index) => writeGetMediaFragment(fragmentInput(index))));
    const visitor = new FrameVisitor({ process }, { tagProcessor });
    for (const element of readChunks([bytes])) element.accept(visitor);
    const start = 1_600_000_000_000_000;
    expect(seen).toEqual([
      [start, 'V_MPEG4/ISO/AVC', numberOf(0), undefined, true],
      [start, 'A_AAC', numberOf(0), undefined, true],
      [start + 40_000, 'V_MPEG4/ISO/AVC', numberOf(0), undefined, true],
      [start + 2_000_000, 'V_MPEG4/ISO/AVC', numberOf(1), undefined, true],
      [start + 2_000_000, 'A_AAC', numberOf(1), undefined, true],
      [start + 2_040_000, 'V_MPEG4/ISO/AVC', numberOf(1), undefined, true],
    ]);
  });

  it.each([false, true])(
    'clears the tag processor behind the last frame of each Cluster (joining access units: %s)',
    async (joinAccessUnits) => {
      const log: string[] = [];
      const tagProcessor = {
        process: ({ value }: { readonly value: string }) => void log.push(`tag ${value}`),
        clear: () => void log.push('clear'),
      };
      const process = async () => {
        await Promise.resolve();
        log.push('frame');
      };
      const bytes = concatBytes([0, 1].map((index) => writeGetMediaFragment(fragmentInput(index))));
      await applyVisitor([bytes], new FrameVisitor({ process }, { tagProcessor, joinAccessUnits }));
      const frames = ['frame', 'frame', 'frame', 'clear'];
      expect(log).toEqual(['tag 0', ...frames, 'tag 1', ...frames]);
    },
  );

  test.each(['xiph', 'ebml', 'fixed-size'] as const)('takes %s lacing apart', (lacing) => {
    const sizes = lacing === 'fixed-size' ? [7, 7, 7] : [600, 0, 255, 254, 3];
    const laces = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
    const tracks = [{ number: 1, codecId: 'A_AAC', defaultDuration: 20_000_000 }];
    const frames = framesOfBlocks(
      [
        { track: 1, timestamp: 100_000, frames: laces, lacing, keyframe: true, discardable: true },
        {
          track: 1,
          timestamp: 300_000,
          frames: laces,
          lacing,
          invisible: true,
          duration: 50_000,
          discardPadding: -3000,
        },
      ],
      { tracks },
    );
    const last = sizes.length - 1;
    const own = 50_000 / sizes.length;
    expect(frames).toHaveLength(2 * sizes.length);
    for (const [index, frame] of frames.entries()) {
      const lace = index % sizes.length;
      const first = index < sizes.length;
      expect(frame.data).toEqual(laces[lace]);
      expect(frame.size).toBe(sizes[lace]);
      expect(frame.timestamp).toBeCloseTo(first ? 100_000 + lace * 20_000 : 300_000 + lace * own, 6);
      expect(frame.duration).toBe(first ? 20_000 : own);
      expect([frame.keyframeFlag, frame.discardable, frame.invisible]).toEqual([first, first, !first]);
      expect(frame.discardPadding).toBe(!first && lace === last ? -3 : undefined);
    }
  });

  it.each([
    ['A_PCM/INT/LIT', { samplingFrequency: 8000, channels: 0 }],
    ['A_PCM/INT/LIT', { samplingFrequency: 1e-300, channels: 1 }],
    ['A_MPEG/L3', { samplingFrequency: Number.POSITIVE_INFINITY, channels: 1 }],
    ['A_FLAC', { samplingFrequency: Number.NaN, channels: 1 }],
  ])('gives %s no duration of an Audio master that no sound has: %o', (codecId, audio) => {
    const laces = [bytesOf(1, 2), bytesOf(2, 3)];
    const frames = framesOfBlocks([{ track: 2, timestamp: 5000, frames: laces, lacing: 'xiph' }], {
      tracks: [{ number: 2, type: 'audio', codecId, audio }],
    });
    expect(frames.map(({ timestamp, duration }) => [timestamp, duration])).toEqual([
      [5000, undefined],
      [5000, undefined],
    ]);
  });

  it('takes samples of a wrong label for telephony where the Audio master is of no sound', () => {
    for (const audio of [
      { samplingFrequency: 8000, channels: 0 },
      { samplingFrequency: 1e-300, channels: 1 },
    ]) {
      const signs = { mimeType: undefined, audio, config: undefined, bytesPerSecond: undefined };
      expect(choosePcm(undefined, signs)).toMatchObject({ sampleRate: 8000, channels: 1 });
    }
  });

  it('gives laces of no known duration the time of their Block', () => {
    const laces = [bytesOf(1), bytesOf(2)];
    const frames = framesOfBlocks([{ track: 2, timestamp: 5000, frames: laces, lacing: 'xiph' }]);
    expect(frames.map(({ timestamp, duration }) => [timestamp, duration])).toEqual([
      [5000, undefined],
      [5000, undefined],
    ]);
  });

  it('takes a BlockGroup for a key frame when it refers to no other', () => {
    const one = { track: 1, timestamp: 0, frames: [bytesOf(1)], group: true };
    const frames = framesOfBlocks([{ ...one, keyframe: true }, one, { ...one, keyframe: true, duration: 7000 }]);
    expect(frames.map(({ keyframe, duration, discardable }) => [keyframe, duration, discardable])).toEqual([
      [true, undefined, false],
      [false, undefined, false],
      [true, 7000, false],
    ]);
  });

  it('reads a BlockGroup whatever the order of its elements, and forgets it at its end', () => {
    const block = writeElement(Mkv.Block, bytesOf(0x81, 0, 3, 0, 42));
    const group = writeMaster(Mkv.BlockGroup, [
      writeElement(Mkv.ReferenceBlock, -1),
      writeElement(Mkv.DiscardPadding, 5000),
      writeElement(Mkv.BlockDuration, 9),
      block,
    ]);
    const content = [
      writeElement(Mkv.Timestamp, 0),
      group,
      writeMaster(Mkv.BlockGroup, [block]),
      writeMaster(Mkv.BlockGroup, []),
    ];
    const frames = framesOf(concatBytes([documentHead(), writeMaster(Mkv.Cluster, content)]));
    expect(
      frames.map(({ keyframe, duration, discardPadding, timestamp }) => [
        keyframe,
        duration,
        discardPadding,
        timestamp,
      ]),
    ).toEqual([
      [false, 9000, 5, 3000],
      [true, undefined, undefined, 3000],
    ]);
  });

  it('gives no frame of a BlockGroup that is cut short, whose duration or key flag may be missing', () => {
    const block = { track: 1, timestamp: 0, frames: [bytesOf(1)], duration: 9000 };
    const bytes = concatBytes([documentHead(), cluster(0, [block])]);
    expect(framesOf(bytes)).toHaveLength(1);
    for (let cut = 1; cut < 12; cut++) expect(framesOf(bytes.subarray(0, -cut))).toHaveLength(0);
  });

  it('knows each document’s own tracks', () => {
    const one = cluster(0, [{ track: 1, timestamp: 0, frames: [bytesOf(1)] }]);
    const documents = ['V_VP8', 'V_VP9'].flatMap((codecId) => [documentHead([{ number: 1, codecId }]), one]);
    const late = writeMaster(Mkv.Tracks, [writeTrackEntry({ number: 1, codecId: 'V_AV1' })]);
    const frames = framesOf(concatBytes([...documents, documentHead([]), one, late, one]));
    expect(frames.map(({ track }) => track.codecId)).toEqual(['V_VP8', 'V_VP9', '', 'V_AV1']);
  });

  it('has times before the Cluster’s, also before 0', () => {
    const one = { track: 1, frames: [bytesOf(1)] };
    const blocks = [-32_768_000, -1000, 0, 32_767_000].map((offset) => ({ ...one, timestamp: 1000 + offset }));
    const frames = framesOfBlocks(blocks, { timestamp: 1000 });
    expect(frames.map(({ timestamp }) => timestamp)).toEqual(blocks.map(({ timestamp }) => timestamp));
  });

  test.each([
    [1_000_000, 1_600_000_000_123, 1_600_000_000_123_000],
    [100_000, 16_000_000_001_234, 1_600_000_000_123_400],
    [1000, 1_600_000_000_123_456, 1_600_000_000_123_456],
    [20_833, 3, 62.499],
    // The product is beyond 2^53: it may not be a rounded one.
    [20_833, 76_800_000_000_007, Number('1599974400000145.75')],
    [1, 1_600_000_000_123_456, 1_600_000_000_123.456],
  ])('counts with a TimestampScale of %i', (scale, ticks, expected) => {
    const content = [writeElement(Mkv.Timestamp, ticks), writeElement(Mkv.SimpleBlock, bytesOf(0x81, 0, 0, 0x80, 1))];
    const [frame] = framesOf(concatBytes([documentHead(TRACKS, scale), writeMaster(Mkv.Cluster, content)]));
    expect(frame?.timestamp).toBe(expected);
  });

  it('counts with 1 ms where a document has no TimestampScale, also after one that has', () => {
    const one = { track: 1, timestamp: 5000, frames: [bytesOf(1)] };
    const frames = framesOf(
      concatBytes([documentHead(TRACKS, 100_000), cluster(5000, [one], 100_000), documentHead(), cluster(5000, [one])]),
    );
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([5000, 5000]);
  });

  it('puts stripped headers back, in front of every lace', () => {
    const tracks = [{ number: 1, codecId: 'A_AC3', strippedHeader: bytesOf(0x0b, 0x77) }];
    const frames = framesOfBlocks(
      [
        { track: 1, timestamp: 0, frames: [bytesOf(1, 2)] },
        { track: 1, timestamp: 0, frames: [bytesOf(3), bytesOf()], lacing: 'ebml' },
      ],
      { tracks },
    );
    expect(frames.map(({ data, size, storage }) => [[...data], size, storage])).toEqual([
      [[0x0b, 0x77, 1, 2], 4, 'plain'],
      [[0x0b, 0x77, 3], 3, 'plain'],
      [[0x0b, 0x77], 2, 'plain'],
    ]);
  });

  it('gives frames of a track that nobody described', () => {
    const [frame] = framesOfBlocks([{ track: 77, timestamp: 0, frames: [bytesOf(1)] }]);
    expect(frame?.track).toMatchObject({ number: 77, type: 'unknown', codecId: '', video: undefined });
  });

  it('has data that stays when the element and its Block are gone, and is a view of the chunk', () => {
    const bytes = concatBytes([documentHead(), cluster(0, [{ track: 1, timestamp: 0, frames: [bytesOf(9, 8, 7)] }])]);
    const [frame] = framesOf(bytes);
    expect(frame?.data.buffer).toBe(bytes.buffer);
    expect([...(frame?.data ?? [])]).toEqual([9, 8, 7]);
  });

  it('throws at a Block that cannot be taken apart, or tells of it and goes on', () => {
    const broken = writeElement(Mkv.SimpleBlock, bytesOf(0x81, 0, 0, 0x02, 200));
    const whole = writeElement(Mkv.SimpleBlock, bytesOf(0x81, 0, 0, 0, 200));
    const bytes = concatBytes([
      documentHead(),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 1), broken, whole]),
    ]);
    expect(() => framesOf(bytes)).toThrow(MkvParseError);
    const frames: Frame[] = [];
    const told: string[] = [];
    const visitor = new FrameVisitor(
      { process: (frame) => void frames.push(frame) },
      { onInvalidElement: (error, element) => told.push(`${error.code} ${element.type.name}`) },
    );
    for (const element of readChunks([bytes])) element.accept(visitor);
    expect(told).toEqual(['InvalidBlock SimpleBlock']);
    expect(frames).toHaveLength(1);
  });

  it('tells of other elements that have no value, and takes them for missing', () => {
    const nine = (id: number[]) => bytesOf(...id, 0x89, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    const block = writeElement(Mkv.Block, bytesOf(0x81, 0, 1, 0, 200));
    const group = writeMaster(Mkv.BlockGroup, [block, nine([0x9b]), nine([0x75, 0xa2])]);
    const entry = writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 1),
      nine([0x23, 0xe3, 0x83]),
      writeMaster(Mkv.Audio, [bytesOf(0xb5, 0x83, 1, 2, 3), writeElement(Mkv.Channels, 2)]),
    ]);
    const bytes = concatBytes([
      documentHead([]),
      writeMaster(Mkv.Info, [nine([0x2a, 0xd7, 0xb1])]),
      writeMaster(Mkv.Tracks, [entry]),
      writeMaster(Mkv.Cluster, [nine([0xe7])]),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), group]),
    ]);
    expect(() => framesOf(bytes)).toThrow(MkvParseError);
    const frames: Frame[] = [];
    const told: (string | undefined)[] = [];
    const visitor = new FrameVisitor(
      { process: (frame) => void frames.push(frame) },
      { onInvalidElement: (_, element) => told.push(element.type.name) },
    );
    for (const element of readChunks([bytes])) element.accept(visitor);
    const names = [
      'TimestampScale',
      'DefaultDuration',
      'SamplingFrequency',
      'Timestamp',
      'BlockDuration',
      'DiscardPadding',
    ];
    expect(told).toEqual(names);
    expect(frames).toMatchObject([{ timestamp: 1000, duration: undefined, discardPadding: undefined }]);
    expect(frames[0]?.track.audio).toMatchObject({ samplingFrequency: 8000, channels: 2 });
  });

  describe('a Block before the Timestamp of its Cluster', () => {
    const timed = cluster(1_000_000, [{ track: 1, timestamp: 1_020_000, frames: [bytesOf(9)] }]);
    const head = concatBytes([documentHead(), timed]);
    const bytes = concatBytes([head, UNTIMED, timed]);

    it('has no time, and is an error', async () => {
      const expected = { code: 'UnexpectedElement', offset: head.length + 5 };
      const frames: Frame[] = [];
      const read = async () => {
        for await (const frame of readFrames(bytes)) frames.push(frame);
      };
      await expect(read()).rejects.toMatchObject(expected);
      expect(frames.map(({ timestamp }) => timestamp)).toEqual([1_020_000]);
      expect(() => framesOf(bytes)).toThrow(expect.objectContaining(expected));
    });

    it('is told of, and what follows still comes', () => {
      const frames: Frame[] = [];
      const told: string[] = [];
      const visitor = new FrameVisitor(
        { process: (frame) => void frames.push(frame) },
        { onInvalidElement: ({ code, offset }, { type }) => told.push(`${code} ${type.name} ${offset - head.length}`) },
      );
      for (const element of readChunks([bytes])) element.accept(visitor);
      expect(told).toEqual(['UnexpectedElement SimpleBlock 5', 'UnexpectedElement Block 14']);
      expect(frames.map(({ timestamp }) => timestamp)).toEqual([1_020_000, 1_002_000, 1_020_000]);
    });

    it('is a gap with recover', async () => {
      const gaps: number[][] = [];
      const frames: Frame[] = [];
      const onGap = ({ offset, length }: { offset: number; length: number }) =>
        gaps.push([offset - head.length, length]);
      for await (const frame of readFrames(bytes, { recover: true, onGap })) frames.push(frame);
      expect(gaps).toEqual([
        [5, 7],
        [14, 7],
      ]);
      expect(frames.map(({ timestamp }) => timestamp)).toEqual([1_020_000, 1_002_000, 1_020_000]);
    });
  });

  it('holds the stream back while a processor has not taken a frame, lace by lace', async () => {
    let running = 0;
    const order: number[] = [];
    let chunksTaken = 0;
    const processor: FrameProcessor = {
      async process(frame) {
        expect(running++).toBe(0);
        const taken = chunksTaken;
        for (let turn = 0; turn < 20; turn++) await null;
        expect(chunksTaken).toBe(taken);
        order.push(frame.data[0] ?? -1);
        running--;
      },
      close: () => void order.push(99),
    };
    const laced = { track: 1, timestamp: 0, frames: [bytesOf(1), bytesOf(2), bytesOf(3)], lacing: 'xiph' as const };
    const bytes = concatBytes([
      documentHead(),
      cluster(0, [laced, { track: 1, timestamp: 0, frames: [bytesOf(4)], group: true }]),
      cluster(0, [{ track: 1, timestamp: 0, frames: [bytesOf(5)] }]),
    ]);
    function* chunks() {
      for (const byte of bytes) {
        chunksTaken++;
        yield bytesOf(byte);
      }
    }
    const visitor = new FrameVisitor(processor);
    await applyVisitor(chunks(), visitor);
    await visitor.close();
    expect(order).toEqual([1, 2, 3, 4, 5, 99]);
  });

  it('passes on what a processor throws', async () => {
    const bytes = writeGetMediaFragment(fragmentInput(0));
    const sync = new FrameVisitor({
      process: () => {
        throw new Error('no');
      },
    });
    await expect(applyVisitor(bytes, sync)).rejects.toThrow('no');
    const later = new FrameVisitor({ process: () => Promise.reject(new Error('later')) });
    await expect(applyVisitor(bytes, later)).rejects.toThrow('later');
  });
});

describe('a track’s ContentEncodings', () => {
  const compression = (algorithm: number | undefined, settings?: Uint8Array) =>
    writeMaster(Mkv.ContentCompression, [
      ...(algorithm === undefined ? [] : [writeElement(Mkv.ContentCompAlgo, algorithm)]),
      ...(settings === undefined ? [] : [writeElement(Mkv.ContentCompSettings, settings)]),
    ]);
  const encoding = (order: number, ...children: Uint8Array[]) =>
    writeMaster(Mkv.ContentEncoding, [writeElement(Mkv.ContentEncodingOrder, order), ...children]);
  const encryption = [writeElement(Mkv.ContentEncodingType, 1), writeMaster(Mkv.ContentEncryption, [])];
  const strip = (...header: number[]) => compression(3, Uint8Array.from(header));

  test.each<[string, Uint8Array[], string, number[]]>([
    ['zlib, said', [encoding(0, compression(0))], 'zlib', [5]],
    ['zlib, by default', [encoding(0, compression(undefined))], 'zlib', [5]],
    ['bzlib', [encoding(0, compression(1))], 'bzlib', [5]],
    ['lzo1x', [encoding(0, compression(2))], 'lzo1x', [5]],
    ['an unknown algorithm', [encoding(0, compression(9))], 'unknown', [5]],
    ['encryption', [encoding(0, ...encryption)], 'encrypted', [5]],
    ['encryption by its type alone', [encoding(0, writeElement(Mkv.ContentEncodingType, 1))], 'encrypted', [5]],
    ['headers stripped twice', [encoding(0, strip(1)), encoding(1, strip(2))], 'plain', [1, 2, 5]],
    ['the same, the other one first', [encoding(1, strip(2)), encoding(0, strip(1))], 'plain', [1, 2, 5]],
    ['headers stripped and then compressed', [encoding(0, strip(1)), encoding(1, compression(0))], 'zlib', [5]],
    ['compressed and then stripped', [encoding(0, compression(0)), encoding(1, strip(1))], 'zlib', [1, 5]],
    ['CodecPrivate only', [encoding(0, writeElement(Mkv.ContentEncodingScope, 2), compression(0))], 'plain', [5]],
  ])('%s', (_, encodings, storage, data) => {
    const entry = writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 1),
      writeElement(Mkv.TrackType, 1),
      writeMaster(Mkv.ContentEncodings, encodings),
    ]);
    const other = writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackNumber, 2), writeElement(Mkv.TrackType, 2)]);
    const block = (number: number) => writeElement(Mkv.SimpleBlock, bytesOf(0x80 | number, 0, 0, 0, 5));
    const frames = framesOf(
      concatBytes([
        documentHead([]),
        writeMaster(Mkv.Tracks, [entry, other]),
        writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), block(1), block(2)]),
      ]),
    );
    expect(frames.map((frame) => [frame.storage, [...frame.data], frame.size])).toEqual([
      [storage, data, data.length],
      ['plain', [5], 1],
    ]);
  });
});

describe('SimpleFrameVisitor', () => {
  it('gives Blocks with the Timestamp of their Cluster and the TimestampScale', () => {
    const seen: [boolean, number, number, number, number][] = [];
    const visitor = new SimpleFrameVisitor((block: Block, clusterTimestamp, scale) => {
      seen.push([block.simple, block.trackNumber, block.relativeTimestamp, clusterTimestamp, scale]);
    });
    const one = { track: 1, frames: [bytesOf(1)] };
    const bytes = concatBytes([
      documentHead(TRACKS, 100_000),
      cluster(
        5000,
        [
          { ...one, timestamp: 5100 },
          { ...one, timestamp: 4900, group: true },
        ],
        100_000,
      ),
      documentHead(),
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, 0),
        writeElement(Mkv.SimpleBlock, bytesOf(0x82, 0, 1, 0, 1)),
      ]),
    ]);
    for (const element of readChunks([bytes])) element.accept(visitor);
    expect(seen).toEqual([
      [true, 1, 1, 50, 100_000],
      [false, 1, -1, 50, 100_000],
      [true, 2, 1, 0, 1_000_000],
    ]);
  });

  it('throws at a Block before the Timestamp of its Cluster', () => {
    const bytes = concatBytes([documentHead(), UNTIMED]);
    const visitor = new SimpleFrameVisitor(() => expect.unreachable());
    expect(() => {
      for (const element of readChunks([bytes])) element.accept(visitor);
    }).toThrow(/byte \d+: Segment\/Cluster\/SimpleBlock: no Timestamp before it/);
  });
});
