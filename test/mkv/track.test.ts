import { BufferSource, Input, MATROSKA, WEBM } from 'mediabunny';
import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  FragmentMetadataVisitor,
  Mkv,
  type MkvElement,
  MkvParseError,
  readFragments,
  TrackMetadata,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { TrackCollector } from '../../src/mkv/track-collector.js';
import { type TrackInput, writeTrackEntry } from '../../src/testing/track-writer.js';
import { documentHead } from '../support/kvs-documents.js';
import { MEDIA, type MediaName, mediaBytes } from '../support/media.js';
import { readChunks } from '../support/read-all.js';
import { describeNeeding } from '../support/tools.js';

/** The track of an entry that was written. */
function trackOf(entry: Uint8Array): TrackMetadata {
  const visitor = new FragmentMetadataVisitor();
  const bytes = concatBytes([documentHead([]), writeMaster(Mkv.Tracks, [entry])]);
  for (const element of readChunks([bytes])) element.accept(visitor);
  bytes.fill(0xee);
  const [track] = visitor.tracks.values();
  if (track === undefined) throw new Error('no track');
  return track;
}

const track = (input: Omit<TrackInput, 'number'>) => trackOf(writeTrackEntry({ number: 1, ...input }));

const AVCC = Uint8Array.of(1, 0x4d, 0x40, 0x16, 0xff, 0xe1, 0, 4, 0x67, 0x4d, 0x40, 0x16, 1, 0, 2, 0x68, 1);
const SPS = Uint8Array.of(0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xff);
const VIDEO = { pixelWidth: 64, pixelHeight: 48 };

describe('TrackMetadata', () => {
  it('has what a TrackEntry says, with bytes of its own', () => {
    const found = track({
      uid: 2n ** 64n - 2n,
      name: 'AUDIO_FROM_CUSTOMER',
      codecId: 'A_OPUS',
      codecName: 'Opus',
      codecPrivate: Uint8Array.of(1, 2, 3),
      language: 'ger',
      defaultDuration: 33_333_333,
      codecDelay: 6_500_000,
      seekPreRoll: 80_000_000,
      audio: { samplingFrequency: 48_000, channels: 2, bitDepth: 16 },
    });
    expect(found).toMatchObject({
      number: 1,
      uid: 2n ** 64n - 2n,
      type: 'audio',
      name: 'AUDIO_FROM_CUSTOMER',
      codecId: 'A_OPUS',
      codecName: 'Opus',
      codecPrivate: Uint8Array.of(1, 2, 3),
      language: 'ger',
      defaultDuration: 33_333.333,
      codecDelay: 6500,
      seekPreRoll: 80_000,
      video: undefined,
      audio: { samplingFrequency: 48_000, outputSamplingFrequency: undefined, channels: 2, bitDepth: 16 },
    });
    expect(found.elements.map(({ type }) => type.name)).toEqual([
      'TrackNumber',
      'TrackUID',
      'TrackType',
      'Name',
      'Language',
      'CodecID',
      'CodecName',
      'DefaultDuration',
      'CodecDelay',
      'SeekPreRoll',
      'SamplingFrequency',
      'Channels',
      'BitDepth',
      'CodecPrivate',
    ]);
    expect(found.elements[5]?.value).toBe('A_OPUS');
  });

  it('has the standard’s defaults, and the newer of two languages', () => {
    const empty = writeMaster(Mkv.TrackEntry, [writeMaster(Mkv.Video, []), writeMaster(Mkv.Audio, [])]);
    expect(trackOf(empty)).toMatchObject({
      number: 0,
      uid: 0n,
      type: 'unknown',
      name: undefined,
      codecId: '',
      codecPrivate: undefined,
      language: 'eng',
      defaultDuration: undefined,
      codecDelay: 0,
      video: { pixelWidth: 0, displayUnit: 0 },
      audio: { samplingFrequency: 8000, channels: 1, bitDepth: undefined },
    });
    const languages = [writeElement(Mkv.LanguageBCP47, 'de-CH'), writeElement(Mkv.Language, 'ger')];
    expect(trackOf(writeMaster(Mkv.TrackEntry, languages)).language).toBe('de-CH');
  });

  test.each([
    [1, 'video'],
    [2, 'audio'],
    [3, 'complex'],
    [16, 'logo'],
    [17, 'subtitle'],
    [18, 'buttons'],
    [32, 'control'],
    [33, 'metadata'],
    [4, 'unknown'],
  ])('of TrackType %i is of type %s', (value, type) => {
    expect(trackOf(writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackType, value)])).type).toBe(type);
  });

  it('has no DefaultDuration where it is 0, and keeps numbers that are too large to be exact', () => {
    const of = (...children: Uint8Array[]) => trackOf(writeMaster(Mkv.TrackEntry, children));
    expect(of(writeElement(Mkv.DefaultDuration, 0)).defaultDuration).toBeUndefined();
    const vast = of(writeElement(Mkv.DefaultDuration, 2n ** 63n), writeElement(Mkv.SeekPreRoll, 2n ** 64n - 1n));
    expect([vast.defaultDuration, vast.seekPreRoll]).toEqual([2 ** 63 / 1000, 2 ** 64 / 1000]);
  });

  it('that no TrackEntry describes has its number and nothing else', () => {
    expect(TrackMetadata.unknown(7)).toMatchObject({ number: 7, type: 'unknown', codecId: '', elements: [] });
  });

  it('is not made of a TrackEntry that is cut short', () => {
    const visitor = new FragmentMetadataVisitor();
    const whole = concatBytes([
      documentHead([]),
      writeMaster(Mkv.Tracks, [writeTrackEntry({ number: 1, codecId: 'X' })]),
    ]);
    for (const element of readChunks([whole.subarray(0, -1)])) element.accept(visitor);
    expect(visitor.tracks.size).toBe(0);
  });

  it('is shown as large as it is encoded, less what is cropped, where the stream does not say', () => {
    const video = (...more: Uint8Array[]) =>
      trackOf(
        writeMaster(Mkv.TrackEntry, [
          writeMaster(Mkv.Video, [writeElement(Mkv.PixelWidth, 640), writeElement(Mkv.PixelHeight, 368), ...more]),
        ]),
      ).video;
    expect(video()).toMatchObject({ displayWidth: 640, displayHeight: 368 });
    const crops = [
      writeElement(Mkv.PixelCropBottom, 8),
      writeElement(Mkv.PixelCropLeft, 4),
      writeElement(Mkv.PixelCropRight, 6),
    ];
    expect(video(...crops)).toMatchObject({ pixelWidth: 640, pixelHeight: 368, displayWidth: 630, displayHeight: 360 });
    const display = [
      writeElement(Mkv.DisplayWidth, 16),
      writeElement(Mkv.DisplayHeight, 9),
      writeElement(Mkv.DisplayUnit, 3),
    ];
    expect(video(...display, ...crops)).toMatchObject({ displayWidth: 16, displayHeight: 9, displayUnit: 3 });
  });
});

describe('tracks of several documents', () => {
  const settings = [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.TrackType, 1)];
  const entry = (...more: Uint8Array[]) =>
    writeMaster(Mkv.Tracks, [writeMaster(Mkv.TrackEntry, [...settings, ...more])]);
  const encryption = writeMaster(Mkv.ContentEncodings, [
    writeMaster(Mkv.ContentEncoding, [writeMaster(Mkv.ContentEncryption, [])]),
  ]);

  /** What `documentHead` writes for no tracks. */
  const EMPTY_TRACKS = writeMaster(Mkv.Tracks, []).length;

  it('are the same object only where they say the same', () => {
    const visitor = new FragmentMetadataVisitor();
    const found: (TrackMetadata | undefined)[] = [];
    const video = writeMaster(Mkv.Video, [writeElement(Mkv.PixelWidth, 5)]);
    const audio = writeMaster(Mkv.Audio, []);
    const documents = [entry(), entry(), entry(encryption), entry(encryption), entry(writeElement(Mkv.CodecID, 'X'))];
    documents.push(entry(video, audio), entry(video, audio));
    const bytes = concatBytes(documents.flatMap((tracks) => [documentHead([]).subarray(0, -EMPTY_TRACKS), tracks]));
    for (const element of readChunks([bytes])) {
      element.accept(visitor);
      if (element.kind === 'end' && element.is(Mkv.Tracks)) found.push(visitor.getTrackMetadata(1));
    }
    expect(found.map((each) => [each?.contentEncoding.storage, each?.codecId])).toEqual([
      ['plain', ''],
      ['plain', ''],
      ['encrypted', ''],
      ['encrypted', ''],
      ['plain', 'X'],
      ['plain', ''],
      ['plain', ''],
    ]);
    expect(found[6]).toBe(found[5]);
    expect(found[1]).toBe(found[0]);
    expect(found[2]).not.toBe(found[1]);
  });

  it('are told apart by what an element is and where it stands, not only by its bytes', () => {
    const visitor = new FragmentMetadataVisitor();
    const found: unknown[] = [];
    const documents = [
      entry(writeElement(Mkv.Name, 'x')),
      entry(writeElement(Mkv.CodecID, 'x')),
      entry(writeMaster(Mkv.Video, [writeElement(Mkv.PixelWidth, 5)])),
      entry(writeMaster(Mkv.Audio, [writeElement(Mkv.PixelWidth, 5)])),
      entry(),
      entry(writeMaster(Mkv.Audio, [])),
      entry(),
      entry(writeMaster(Mkv.Video, [])),
      entry(),
    ];
    const bytes = concatBytes(documents.flatMap((tracks) => [documentHead([]).subarray(0, -EMPTY_TRACKS), tracks]));
    for (const element of readChunks([bytes])) {
      element.accept(visitor);
      if (element.kind !== 'end' || !element.is(Mkv.Tracks)) continue;
      const { name, codecId, video, audio } = visitor.getTrackMetadata(1) ?? {};
      found.push([name, codecId, video?.pixelWidth, audio?.channels]);
    }
    expect(found).toEqual([
      ['x', '', undefined, undefined],
      [undefined, 'x', undefined, undefined],
      [undefined, '', 5, undefined],
      [undefined, '', undefined, 1],
      [undefined, '', undefined, undefined],
      [undefined, '', undefined, 1],
      [undefined, '', undefined, undefined],
      [undefined, '', 0, undefined],
      [undefined, '', undefined, undefined],
    ]);
  });

  it('take from a ContentEncoding what is in it, whatever stands around', () => {
    const settings = writeElement(Mkv.ContentCompSettings, Uint8Array.of(1, 2));
    const stripping = writeMaster(Mkv.ContentCompression, [writeElement(Mkv.ContentCompAlgo, 3), settings]);
    const unknown = Uint8Array.of(0x42, 0x99, 0x81, 7);
    const type = writeElement(Mkv.ContentEncodingType, 0);
    const found = (...children: Uint8Array[]) =>
      trackOf(writeMaster(Mkv.TrackEntry, [writeMaster(Mkv.ContentEncodings, children)])).contentEncoding;
    expect(found(writeMaster(Mkv.ContentEncoding, [type, stripping, unknown]))).toEqual({
      storage: 'plain',
      strippedHeader: Uint8Array.of(1, 2),
      innerHeader: new Uint8Array(0),
    });
    const none = { storage: 'plain', strippedHeader: new Uint8Array(0), innerHeader: new Uint8Array(0) };
    expect(found(writeElement(Mkv.ContentEncodingType, 1), stripping)).toEqual(none);
    expect(found(writeMaster(Mkv.ContentEncryption, []))).toEqual(none);
  });
});

describe('the same bytes of Tracks again', () => {
  const entryOf = (...more: Uint8Array[]) =>
    writeMaster(Mkv.TrackEntry, [writeElement(Mkv.TrackNumber, 1), writeElement(Mkv.TrackType, 2), ...more]);
  /** A TrackEntry of so many bytes. */
  const entryOfSize = (size: number) => {
    const filled = (length: number) => entryOf(writeElement(Mkv.CodecPrivate, new Uint8Array(length)));
    return filled(2 * (size - 100) - filled(size - 100).length + 100);
  };

  /** Has the collector take the elements of Tracks with these children, but those that are not wanted. */
  function show(collector: TrackCollector, children: Uint8Array, cut = 0, wanted = (_: MkvElement) => true): void {
    const bytes = writeMaster(Mkv.Segment, [writeMaster(Mkv.Tracks, [children])]);
    for (const element of readChunks([bytes.subarray(0, bytes.length - cut)])) {
      if (element.is(Mkv.Segment) || !wanted(element)) continue;
      if (element.kind === 'start') collector.start(element);
      else if (element.kind === 'data') collector.data(element);
      else collector.end(element);
    }
  }

  /** Whether the bytes, among others, are taken for those of the Tracks before. */
  const repeats = (collector: TrackCollector, children: Uint8Array) =>
    collector.repeat(concatBytes([Uint8Array.of(1), children, Uint8Array.of(1)]), 1, 1 + children.length);

  it('give the same tracks; other bytes do not', () => {
    const collector = new TrackCollector();
    const [one, other] = [entryOf(), entryOf(writeElement(Mkv.Name, 'x'))];
    expect(repeats(collector, one)).toBeUndefined();
    show(collector, one);
    const tracks = repeats(collector, one);
    expect(tracks).toMatchObject([{ number: 1, type: 'audio' }]);
    expect(repeats(collector, one)).toBe(tracks);
    expect(repeats(collector, other)).toBeUndefined();
    show(collector, other);
    expect(repeats(collector, one)).toBeUndefined();
    show(collector, one);
    expect(repeats(collector, one)?.[0]).toMatchObject({ name: undefined });
    const both = concatBytes([one, other]);
    repeats(collector, both);
    show(collector, both);
    expect(repeats(collector, both)?.map(({ name }) => name)).toEqual([undefined, 'x']);
  });

  it('do not where something was cut off, or not shown', () => {
    const entry = entryOf(writeElement(Mkv.Void, new Uint8Array(2)));
    for (const [cut, hidden, again] of [
      [0, undefined, true],
      [1, undefined, false],
      [0, Mkv.TrackType, false],
      [0, Mkv.Void, false],
    ] as const) {
      const collector = new TrackCollector();
      repeats(collector, entry);
      show(collector, entry, cut, ({ type }) => type !== hidden);
      expect(repeats(collector, entry) !== undefined).toBe(again);
    }
  });

  it('are kept up to 64 KiB', () => {
    for (const [size, again] of [
      [65536, true],
      [65537, false],
    ] as const) {
      const collector = new TrackCollector();
      const entry = entryOfSize(size);
      expect(entry).toHaveLength(size);
      repeats(collector, entry);
      show(collector, entry);
      expect(repeats(collector, entry) !== undefined).toBe(again);
    }
  });

  it('count each time, until a Segment has tracks enough', () => {
    const collector = new TrackCollector();
    const entry = entryOfSize(60_000);
    repeats(collector, entry);
    show(collector, entry);
    let times = 1;
    while (times < 2000 && repeats(collector, entry) !== undefined) times++;
    expect(times * 60_000).toBeGreaterThan(60 * 1024 * 1024);
    expect(times * 60_000).toBeLessThan(64 * 1024 * 1024);
    expect(() => show(collector, entryOfSize(1_000_000))).toThrow(
      expect.objectContaining({
        code: 'ElementTooLarge',
        message: expect.stringContaining(`more than ${64 * 1024 * 1024} bytes would have to be held`),
      }),
    );
    collector.reset();
    repeats(collector, entry);
    show(collector, entry);
    expect(repeats(collector, entry)).toBeDefined();
  });

  it('are too many: that is said once for each track, and the track is not given', () => {
    const collector = new TrackCollector();
    const errors: string[] = [];
    const tracks: (TrackMetadata | undefined)[] = [];
    const large = entryOfSize(40_000_000);
    const bytes = concatBytes([
      writeMaster(Mkv.EBML, []),
      writeHeader(Mkv.Segment, undefined),
      writeMaster(Mkv.Tracks, [large, large, entryOf(writeElement(Mkv.CodecName, 'a')), large]),
    ]);
    for (const element of readChunks([bytes])) {
      if (element.kind === 'start') collector.start(element);
      else if (element.kind === 'end') {
        if (element.is(Mkv.TrackEntry)) tracks.push(collector.end(element));
      } else {
        try {
          collector.data(element);
        } catch (error) {
          if (!(error instanceof MkvParseError)) throw error;
          errors.push(`${error.code} ${element.type.name}`);
        }
      }
    }
    expect(tracks.map((track) => track?.number)).toEqual([1, undefined, undefined, undefined]);
    expect(errors).toEqual([
      'ElementTooLarge CodecPrivate',
      'ElementTooLarge TrackNumber',
      'ElementTooLarge TrackNumber',
    ]);
  });
});

describe('decoder configurations', () => {
  it('fit WebCodecs', () => {
    const video: VideoDecoderConfig | undefined = track({ codecId: 'V_VP8', video: VIDEO }).toVideoDecoderConfig();
    const audio: AudioDecoderConfig | undefined = track({
      codecId: 'A_OPUS',
      audio: { samplingFrequency: 48_000, channels: 1 },
    }).toAudioDecoderConfig();
    expect([video?.codec, audio?.codec]).toEqual(['vp8', 'opus']);
  });

  it('of H.264 have AVCC as their description', () => {
    const found = track({
      codecId: 'V_MPEG4/ISO/AVC',
      codecPrivate: AVCC,
      video: { ...VIDEO, displayWidth: 4, displayHeight: 3 },
    });
    expect(found.codecString).toBe('avc1.4d4016');
    expect(found.toVideoDecoderConfig()).toEqual({
      codec: 'avc1.4d4016',
      description: AVCC,
      codedWidth: 64,
      codedHeight: 48,
      displayAspectWidth: 4,
      displayAspectHeight: 3,
    });
    expect(found.toAudioDecoderConfig()).toBeUndefined();
  });

  it('of H.264 in Annex B have no description', () => {
    const withSps = track({ codecId: 'V_MPEG/ISO/AVC', codecPrivate: SPS, video: VIDEO });
    expect(withSps.toVideoDecoderConfig()).toMatchObject({ codec: 'avc1.42c01e' });
    expect(withSps.toVideoDecoderConfig()).not.toHaveProperty('description');
    const without = track({ codecId: 'V_MPEG4/ISO/AVC', video: VIDEO });
    expect(without.codecString).toBeUndefined();
    expect(without.toVideoDecoderConfig()).toBeUndefined();
    expect(without.toVideoDecoderConfig(SPS)).toMatchObject({ codec: 'avc1.42c01e' });
    expect(without.toVideoDecoderConfig(SPS)).not.toHaveProperty('description');
  });

  it('leave sizes out that mean nothing', () => {
    const none = track({ codecId: 'V_VP8', type: 'video' });
    expect(none.toVideoDecoderConfig()).toEqual({ codec: 'vp8' });
    const zero = track({
      codecId: 'V_VP8',
      video: { pixelWidth: 0, pixelHeight: 48, displayWidth: 4, displayHeight: 0 },
    });
    expect(zero.toVideoDecoderConfig()).toEqual({ codec: 'vp8' });
    const flat = track({
      codecId: 'V_VP8',
      video: { pixelWidth: 64, pixelHeight: 0, displayWidth: 0, displayHeight: 3 },
    });
    expect(flat.toVideoDecoderConfig()).toEqual({ codec: 'vp8' });
  });

  test.each([
    [3, { displayAspectWidth: 4, displayAspectHeight: 3 }],
    [4, {}],
  ])('take the display size for a ratio only where its unit is known: %i', (unit, aspect) => {
    const video = [Mkv.PixelWidth, Mkv.PixelHeight, Mkv.DisplayWidth, Mkv.DisplayHeight, Mkv.DisplayUnit];
    const found = trackOf(
      writeMaster(Mkv.TrackEntry, [
        writeElement(Mkv.TrackType, 1),
        writeElement(Mkv.CodecID, 'V_VP8'),
        writeMaster(
          Mkv.Video,
          [64, 48, 4, 3, unit].map((value, i) => writeElement(video[i] ?? Mkv.Void, value)),
        ),
      ]),
    );
    expect(found.toVideoDecoderConfig()).toEqual({ codec: 'vp8', codedWidth: 64, codedHeight: 48, ...aspect });
  });

  test.each([
    ['A-law', 6, 'alaw', 8],
    ['mu-law', 7, 'ulaw', 8],
    ['PCM', 1, 'pcm-s16', 16],
  ])('of %s in A_MS/ACM have rate and channels of its own format', (_, tag, codec, bits) => {
    const codecPrivate = Uint8Array.of(tag, 0, 2, 0, 0x80, 0x3e, 0, 0, 0, 0, 0, 0, 4, 0, bits, 0, 0, 0);
    // The Audio element as some producers write it: nothing said, so the defaults count.
    const found = track({
      type: 'audio',
      codecId: 'A_MS/ACM',
      codecPrivate,
      audio: { samplingFrequency: 8000, channels: 1 },
    });
    expect(found.toAudioDecoderConfig()).toEqual({ codec, sampleRate: 16_000, numberOfChannels: 2 });
    const bare = track({ type: 'audio', codecId: 'A_MS/ACM', codecPrivate });
    expect(bare.toAudioDecoderConfig()).toEqual({ codec, sampleRate: 16_000, numberOfChannels: 2 });
  });

  it('do not exist for codecs that are not known', () => {
    const video = track({ codecId: 'V_MJPEG', video: VIDEO });
    expect([video.codecString, video.toVideoDecoderConfig(), video.toAudioDecoderConfig()]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const audio = track({ codecId: 'A_TRUEHD', audio: { samplingFrequency: 48_000, channels: 6 } });
    expect([audio.codecString, audio.toAudioDecoderConfig()]).toEqual([undefined, undefined]);
    expect(track({ codecId: 'A_OPUS', type: 'audio' }).toAudioDecoderConfig()).toBeUndefined();
  });

  it('do not exist for tracks of another type, nor without a rate or channels', () => {
    const audio = { samplingFrequency: 48_000, channels: 2 };
    const of = (more: Partial<TrackInput>) => track({ codecId: 'A_OPUS', audio, ...more }).toAudioDecoderConfig();
    expect(of({})).toEqual({ codec: 'opus', sampleRate: 48_000, numberOfChannels: 2 });
    expect(of({})).not.toHaveProperty('description');
    expect(of({ type: 'metadata' })).toBeUndefined();
    expect(of({ audio: { ...audio, samplingFrequency: 0 } })).toBeUndefined();
    expect(of({ audio: { ...audio, channels: 0 } })).toBeUndefined();
  });
});

describeNeeding('decoder configurations beside those of mediabunny', [MEDIA], () => {
  const files: MediaName[] = ['h264-aac.mkv', 'live.webm', 'opus.mkv', 'ac3.mkv', 'everything.mkv', 'xiph-lacing.mkv'];
  test.each(files)('%s', async (name) => {
    const bytes = await mediaBytes(name);
    const ours: (VideoDecoderConfig | AudioDecoderConfig)[] = [];
    for await (const { tracks } of readFragments(bytes)) {
      for (const each of tracks) {
        const config = each.toVideoDecoderConfig() ?? each.toAudioDecoderConfig();
        if (config !== undefined) ours.push(config);
      }
    }
    const input = new Input({ formats: [MATROSKA, WEBM], source: new BufferSource(bytes) });
    const theirs: (VideoDecoderConfig | AudioDecoderConfig)[] = [];
    for (const each of await input.getTracks()) {
      if (each.isVideoTrack() || each.isAudioTrack()) theirs.push((await each.getDecoderConfig())!);
    }
    expect(theirs.length).toBeGreaterThan(0);
    expect(ours.map(comparable)).toEqual(theirs.map(comparable));
  });
});

function comparable(config: VideoDecoderConfig | AudioDecoderConfig) {
  const { codec, description } = config;
  const bytes =
    description === undefined
      ? undefined
      : ArrayBuffer.isView(description)
        ? Buffer.from(description.buffer, description.byteOffset, description.byteLength)
        : Buffer.from(description);
  if ('sampleRate' in config) return { codec, bytes, rate: config.sampleRate, channels: config.numberOfChannels };
  return { codec, bytes, size: [config.codedWidth, config.codedHeight] };
}
