import { readFileSync } from 'node:fs';
import {
  DescribeStreamCommand,
  GetDataEndpointCommand,
  UpdateDataRetentionCommand,
} from '@aws-sdk/client-kinesis-video';
import {
  GetClipCommand,
  GetDASHStreamingSessionURLCommand,
  GetHLSStreamingSessionURLCommand,
  type GetHLSStreamingSessionURLCommandInput,
  GetImagesCommand,
  type GetImagesCommandInput,
} from '@aws-sdk/client-kinesis-video-archived-media';
import sharp from 'sharp';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { readDocuments, readFragments } from '../../src/index.js';
import { remuxToMp4 } from '../../src/mp4/index.js';
import type { LocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { parsePlaylist } from '../hls/support.js';
import { describeNeeding, packages } from '../support/tools.js';
import { bodyOf, clients, RECORDING, start } from './support.js';

const BEGIN = Date.UTC(2024, 4, 1, 12, 0, 0, 250);
const LENGTHS = [1.4, 1.4, 1.2, 2, 1.2, 1.2, 0.8, 0.8];
const ALL = { StartTimestamp: new Date(BEGIN - 1000), EndTimestamp: new Date(BEGIN + 60_000) };
const PRODUCER = { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: ALL } as const;

async function camera(): Promise<LocalKinesisVideo> {
  return start({ streams: { camera: { source: RECORDING, keepMetadata: true } } });
}

async function got(url: string): Promise<string> {
  const response = await fetch(url);
  expect([url, response.status]).toEqual([url, 200]);
  return response.text();
}

/** Opens an HLS session; gives its URL, and its media playlists as they are parsed. */
async function openHls(endpoint: string, input: Omit<GetHLSStreamingSessionURLCommandInput, 'StreamName'>) {
  const { archived } = clients(endpoint);
  const command = new GetHLSStreamingSessionURLCommand({ StreamName: 'camera', ...input });
  const { HLSStreamingSessionURL: url = '' } = await archived.send(command);
  const media = async (track = 'video-1') => {
    const main = await got(url);
    const [path] = main.split('\n').flatMap((line) => line.match(new RegExp(`${track}/media.m3u8[^"]*`)) ?? []);
    return parsePlaylist(await got(new URL(path ?? '', url).href));
  };
  return { url, media };
}

const ON_DEMAND = { PlaybackMode: 'ON_DEMAND', HLSFragmentSelector: PRODUCER } as const;

/** The name of the error that a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}

describe('GetHLSStreamingSessionURL', () => {
  test('on demand: all of a range, whose media can be had', async () => {
    const { endpoint } = await camera();
    const { url, media } = await openHls(endpoint, { ...ON_DEMAND, DisplayFragmentTimestamp: 'ALWAYS' });
    const { segments, endList, playlistType } = await media();
    expect({ endList, playlistType }).toEqual({ endList: true, playlistType: 'VOD' });
    for (const [index, { duration, dateTimeString, uri, map }] of segments.entries()) {
      expect(duration).toBeCloseTo(LENGTHS[index]!, 1);
      expect(dateTimeString).toMatch(/^2024-05-01T12:00:\d\d\.\d50Z$/);
      for (const file of [uri, map?.uri ?? '']) {
        const { status, headers } = await fetch(new URL(`video-1/${file}`, url));
        expect([status, headers.get('content-type')]).toEqual([200, 'video/mp4']);
      }
    }
    expect(segments.length).toBe(8);
    expect((await media('audio-2')).segments.length).toBe(8);
  });

  test('discontinuities by default as the selector has it, and as asked', async () => {
    const { endpoint } = await camera();
    const count = async (input: Partial<GetHLSStreamingSessionURLCommandInput>) => {
      const { media } = await openHls(endpoint, { ...ON_DEMAND, ...input });
      return (await media()).segments.filter(({ discontinuity }) => discontinuity).length;
    };
    const SERVER = { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: ALL } as const;
    expect(await count({})).toBe(0);
    expect(await count({ HLSFragmentSelector: SERVER })).toBe(7);
    expect(await count({ DiscontinuityMode: 'ALWAYS' })).toBe(7);
    expect(await count({ HLSFragmentSelector: SERVER, DiscontinuityMode: 'NEVER' })).toBe(0);
    expect(await count({ DiscontinuityMode: 'ON_DISCONTINUITY' })).toBe(0);
  });

  test('the newest fragments live, the oldest on demand, the first at once in a replay', async () => {
    const { endpoint } = await camera();
    const live = await (await openHls(endpoint, {})).media();
    expect([live.segments.length, live.endList ?? false]).toEqual([5, false]);
    const two = await (await openHls(endpoint, { MaxMediaPlaylistFragmentResults: 2 })).media();
    expect(two.segments.map(({ duration }) => Math.round(duration * 10))).toEqual([8, 8]);
    const oldest = await (await openHls(endpoint, { ...ON_DEMAND, MaxMediaPlaylistFragmentResults: 2 })).media();
    expect(oldest.segments.map(({ duration }) => Math.round(duration * 10))).toEqual([14, 14]);
    const replay = await openHls(endpoint, { ...ON_DEMAND, PlaybackMode: 'LIVE_REPLAY' });
    expect((await replay.media()).segments.length).toBe(1);
    await expect.poll(async () => (await replay.media()).segments.length, { timeout: 5000 }).toBe(2);
  });

  test('of fragments with one producer time that which came last counts; live adds what is newer', async () => {
    const server = await start({ streams: { camera: { source: RECORDING, keepMetadata: true } } });
    const { media } = await openHls(server.endpoint, {
      HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' },
    });
    const before = (await media()).segments.map(({ uri }) => uri);
    const stream = server.stream('camera');
    const [oldest, newest] = [stream.fragments[0]!, stream.fragments.at(-1)!];
    const timesOf = ({ producerTimestamp, serverTimestamp }: typeof oldest) => ({ producerTimestamp, serverTimestamp });
    stream.append(oldest, timesOf(oldest));
    expect((await media()).segments.map(({ uri }) => uri)).toEqual(before);
    const { producerTimestamp, serverTimestamp } = newest;
    stream.append(oldest, { producerTimestamp: producerTimestamp + 800, serverTimestamp: serverTimestamp + 800 });
    const after = (await media()).segments;
    expect(after.length).toBe(5);
    expect(after.at(-1)?.uri).not.toBe(before.at(-1));
    const again = await openHls(server.endpoint, ON_DEMAND);
    expect((await again.media()).segments.length).toBe(9);
  });

  test('a session expires; another token, another path, another stream are refused', async () => {
    const server = await camera();
    const { url } = await openHls(server.endpoint, ON_DEMAND);
    const status = async (changed: string) => (await fetch(changed)).status;
    expect(await status(url)).toBe(200);
    expect(await status(url.replace(/SessionToken=./, 'SessionToken=_'))).toBe(401);
    expect(await status(url.replace(/\?.*/, ''))).toBe(401);
    expect(await status(url.replace('/hls/', '/dash/'))).toBe(401);
    expect(await status(url.replace('main.m3u8', '..%2f..%2fetc/passwd'))).toBe(404);
    expect(await status(`${url}&_HLS_msn=${'9'.repeat(5000)}`)).toBe(414);
    expect((await fetch(url, { headers: { origin: 'https://elsewhere.example' } })).status).toBe(403);
    expect(
      (await fetch(url, { headers: { origin: 'http://localhost:1' } })).headers.get('access-control-allow-origin'),
    ).toBe('http://localhost:1');
    server.expireSessions();
    expect(await status(url)).toBe(401);
  });

  test('after Expires, nothing of a session is answered any more', async () => {
    const { endpoint } = await camera();
    const short = await openHls(endpoint, ON_DEMAND);
    const long = await openHls(endpoint, { ...ON_DEMAND, Expires: 600 });
    const statuses = (url: string) =>
      Promise.all(
        ['main.m3u8', 'video-1/media.m3u8', 'video-1/init-0.mp4', 'audio-2/3.m4s'].map(
          async (path) => (await fetch(url.replace('main.m3u8', path))).status,
        ),
      );
    const clock = vi.spyOn(Date, 'now');
    onTestFinished(() => clock.mockRestore());
    const now = Date.now();
    for (const [seconds, expected] of [
      [295, [200, 200]],
      [305, [403, 200]],
      [605, [403, 403]],
    ] as const) {
      clock.mockReturnValue(now + seconds * 1000);
      for (const [index, { url }] of [short, long].entries()) {
        expect([seconds, index, await statuses(url)]).toEqual([seconds, index, Array(4).fill(expected[index])]);
      }
    }
  });

  test('changed CodecPrivate gives another EXT-X-MAP, and ends DASH', async () => {
    const source = 'test/cases/sps-change--stale.mkv';
    const server = await start({ streams: { camera: { source, startTimestamp: BEGIN } } });
    await server.stream('camera').fill('test/cases/sar--sar-vui.mkv', { startTimestamp: BEGIN + 10_000 });
    const { segments } = await (await openHls(server.endpoint, ON_DEMAND)).media();
    const maps = segments.map(({ map }) => map?.uri.replace(/\?.*/, ''));
    expect(new Set(maps)).toEqual(new Set(['init-0.mp4', 'init-1.mp4']));
    expect(segments.map(({ discontinuity = false }) => discontinuity)).toEqual(
      maps.map((map, i) => i > 0 && map !== maps[i - 1]),
    );
    const { archived } = clients(server.endpoint);
    const { DASHStreamingSessionURL: url = '' } = await archived.send(
      new GetDASHStreamingSessionURLCommand({
        StreamName: 'camera',
        PlaybackMode: 'ON_DEMAND',
        DASHFragmentSelector: PRODUCER,
      }),
    );
    const manifest = await fetch(url);
    expect([manifest.status, await manifest.text()]).toEqual([404, expect.stringContaining('CodecPrivate')]);
  });

  test('25 calls a second', async () => {
    const { endpoint } = await camera();
    const results = await Promise.all(Array.from({ length: 30 }, () => errorOf(openHls(endpoint, {}))));
    expect(results.filter((result) => result === 'none').length).toBe(25);
    expect(new Set(results)).toEqual(new Set(['none', 'ClientLimitExceededException']));
  });
});

test('GetDASHStreamingSessionURL', async () => {
  const { endpoint } = await camera();
  const { archived } = clients(endpoint);
  const { DASHStreamingSessionURL: url = '' } = await archived.send(
    new GetDASHStreamingSessionURLCommand({
      StreamName: 'camera',
      PlaybackMode: 'ON_DEMAND',
      DASHFragmentSelector: PRODUCER,
      DisplayFragmentTimestamp: 'ALWAYS',
      DisplayFragmentNumber: 'ALWAYS',
      MaxManifestFragmentResults: 3,
    }),
  );
  const manifest = await got(url);
  expect(manifest.match(/kvs:fn="\d+"/g)?.length).toBe(6);
  expect(manifest).toContain(`kvs:ts="${BEGIN}"`);
  const [, template = ''] = /media="([^"]*)"/.exec(manifest) ?? [];
  const path = template.replace('$Number$', '2').replaceAll('&amp;', '&');
  expect((await fetch(new URL(path, url))).status).toBe(200);
});

describe.each(['HLS', 'DASH'] as const)('errors of sessions: %s', (protocol) => {
  const selector = `${protocol}FragmentSelector`;
  const most = protocol === 'HLS' ? 'MaxMediaPlaylistFragmentResults' : 'MaxManifestFragmentResults';
  const range = (from: number, to: number) => ({
    TimestampRange: { StartTimestamp: new Date(from), EndTimestamp: new Date(to) },
  });

  /** Opens a session. The input is what JavaScript programs may give, too. */
  async function open(endpoint: string, input: object): Promise<string> {
    const { archived } = clients(endpoint);
    const given = { StreamName: 'camera', ...input };
    return errorOf(
      protocol === 'HLS'
        ? archived.send(new GetHLSStreamingSessionURLCommand(given))
        : archived.send(new GetDASHStreamingSessionURLCommand(given)),
    );
  }

  const wrong: object[] = [
    { PlaybackMode: 'OTHER' },
    { PlaybackMode: 'LIVE_REPLAY' },
    { PlaybackMode: 'ON_DEMAND' },
    { PlaybackMode: 'ON_DEMAND', [selector]: {} },
    { PlaybackMode: 'ON_DEMAND', [selector]: { FragmentSelectorType: 'SERVER_TIMESTAMP' } },
    { PlaybackMode: 'ON_DEMAND', [selector]: { ...PRODUCER, FragmentSelectorType: 'OTHER' } },
    { PlaybackMode: 'ON_DEMAND', [selector]: { ...PRODUCER, ...range(BEGIN, BEGIN) } },
    { PlaybackMode: 'LIVE_REPLAY', [selector]: { ...PRODUCER, ...range(BEGIN + 1000, BEGIN) } },
    { PlaybackMode: 'LIVE', [selector]: PRODUCER },
    { [selector]: PRODUCER },
    { DisplayFragmentTimestamp: 'SOMETIMES' },
    ...(protocol === 'HLS'
      ? [{ DiscontinuityMode: 'OTHER' }, { ContainerFormat: 'OTHER' }, { ContainerFormat: 'MPEG_TS' }]
      : [{ DisplayFragmentNumber: 'SOMETIMES' }]),
    ...[0, 5001, 1.5].map((value) => ({ [most]: value })),
    ...[299, 43_201, 300.5].map((Expires) => ({ Expires })),
    { StreamName: undefined },
    { StreamARN: 'arn:aws:kinesisvideo:us-east-1:123456789012:stream/camera/1' },
  ];

  test('arguments that are wrong, alone and with others that are right', async () => {
    const { endpoint } = await start({ limits: false, streams: { camera: { source: RECORDING, keepMetadata: true } } });
    for (const input of wrong) {
      const expected = [input, 'InvalidArgumentException'];
      expect([input, await open(endpoint, input)]).toEqual(expected);
      const others = { DisplayFragmentTimestamp: 'ALWAYS', Expires: 43_200, [most]: 5000, ...input };
      expect([input, await open(endpoint, others)]).toEqual(expected);
    }
    const right = { DisplayFragmentTimestamp: 'ALWAYS', Expires: 43_200, [most]: 5000 };
    expect(await open(endpoint, right)).toBe('none');
  });

  test.each([
    ['alaw-only--alaw.mkv', 'UnsupportedStreamMediaTypeException'],
    ['av-codecs--h264+opus.mkv', 'UnsupportedStreamMediaTypeException'],
    ['aac-adts--adts-nocpd.mkv', 'MissingCodecPrivateDataException'],
    ['nal-mix--h264-cpd_annexb-frames_len-inband.mkv', 'InvalidCodecPrivateDataException'],
  ])('%s: %s, in each mode', async (file, error) => {
    const { endpoint } = await start({ streams: { camera: { source: `test/cases/${file}` } } });
    const all = { FragmentSelectorType: 'SERVER_TIMESTAMP', ...range(0, Date.now() + 1e9) };
    for (const PlaybackMode of ['LIVE', 'LIVE_REPLAY', 'ON_DEMAND']) {
      const input = PlaybackMode === 'LIVE' ? {} : { [selector]: all };
      expect([PlaybackMode, await open(endpoint, { PlaybackMode, ...input })]).toEqual([PlaybackMode, error]);
    }
  });

  test('a stream that is not there, one without fragments, a range without any, a stream by its ARN', async () => {
    const server = await start({ streams: { camera: { source: RECORDING, keepMetadata: true }, empty: {} } });
    const { endpoint } = server;
    for (const input of [
      { StreamName: 'other' },
      { StreamName: 'empty' },
      { PlaybackMode: 'ON_DEMAND', [selector]: { ...PRODUCER, ...range(1000, 2000) } },
      { PlaybackMode: 'LIVE_REPLAY', [selector]: { ...PRODUCER, ...range(1000, 2000) } },
    ]) {
      expect([input, await open(endpoint, input)]).toEqual([input, 'ResourceNotFoundException']);
    }
    const StreamARN = server.stream('camera').arn;
    expect(await open(endpoint, { StreamName: undefined, StreamARN })).toBe('none');
  });

  test('of a stream that is deleted nothing is played any more', async () => {
    const server = await camera();
    const { archived } = clients(server.endpoint);
    const StreamName = 'camera';
    const opened =
      protocol === 'HLS'
        ? await archived.send(new GetHLSStreamingSessionURLCommand({ StreamName }))
        : await archived.send(new GetDASHStreamingSessionURLCommand({ StreamName }));
    const url = Object.values(opened).find((value) => typeof value === 'string') ?? '';
    expect((await fetch(url)).status).toBe(200);
    server.deleteStream('camera');
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([404, 'the stream has been deleted\n']);
  });
});

describe('UpdateDataRetention', () => {
  test('DescribeStream tells it, and with 0 hours nothing is played back', async () => {
    const { endpoint } = await camera();
    const { control, archived } = clients(endpoint);
    const info = async () => (await control.send(new DescribeStreamCommand({ StreamName: 'camera' }))).StreamInfo;
    const update = async (
      Operation: 'INCREASE_DATA_RETENTION' | 'DECREASE_DATA_RETENTION',
      hours: number,
      version?: string,
    ) =>
      control.send(
        new UpdateDataRetentionCommand({
          StreamName: 'camera',
          CurrentVersion: version ?? (await info())?.Version,
          Operation,
          DataRetentionChangeInHours: hours,
        }),
      );
    await update('INCREASE_DATA_RETENTION', 24);
    expect((await info())?.DataRetentionInHours).toBe(48);
    expect(await errorOf(update('DECREASE_DATA_RETENTION', 49))).toBe('InvalidArgumentException');
    expect(await errorOf(update('DECREASE_DATA_RETENTION', 48, 'other'))).toBe('VersionMismatchException');
    await update('DECREASE_DATA_RETENTION', 48);
    expect((await info())?.DataRetentionInHours).toBe(0);
    const StreamName = 'camera';
    const range = { StartTimestamp: ALL.StartTimestamp, EndTimestamp: ALL.EndTimestamp };
    for (const call of [
      archived.send(new GetHLSStreamingSessionURLCommand({ StreamName })),
      archived.send(new GetDASHStreamingSessionURLCommand({ StreamName })),
      archived.send(new GetClipCommand({ StreamName, ClipFragmentSelector: PRODUCER })),
      archived.send(
        new GetImagesCommand({ StreamName, ...range, ImageSelectorType: 'PRODUCER_TIMESTAMP', Format: 'JPEG' }),
      ),
    ]) {
      expect(await errorOf(call)).toBe('NoDataRetentionException');
    }
  });

  test.each(['GET_CLIP', 'GET_IMAGES', 'GET_HLS_STREAMING_SESSION_URL', 'GET_DASH_STREAMING_SESSION_URL'] as const)(
    'GetDataEndpoint knows %s',
    async (APIName) => {
      const { endpoint } = await camera();
      const { control } = clients(endpoint);
      expect(
        (await control.send(new GetDataEndpointCommand({ StreamName: 'camera', APIName }))).DataEndpoint,
      ).toContain('http');
    },
  );
});

describe('GetClip', () => {
  async function clip(endpoint: string, ClipFragmentSelector: object = PRODUCER): Promise<Uint8Array> {
    const { archived } = clients(endpoint);
    const input = { StreamName: 'camera', ClipFragmentSelector: { ...PRODUCER, ...ClipFragmentSelector } };
    const { ContentType, Payload } = await archived.send(new GetClipCommand(input));
    expect(ContentType).toBe('video/mp4');
    const chunks: Uint8Array[] = [];
    for await (const chunk of bodyOf(Payload)) chunks.push(chunk);
    return concatBytes(chunks);
  }

  async function remuxed(bytes: Uint8Array): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    await remuxToMp4(bytes, (part) => void parts.push(part));
    return concatBytes(parts);
  }

  test('is what remuxToMp4 makes of the same fragments', async () => {
    const { endpoint } = await camera();
    const recording = new Uint8Array(readFileSync(RECORDING));
    expect(Buffer.compare(await clip(endpoint), await remuxed(recording))).toBe(0);
    const documents: Uint8Array[] = [];
    for await (const { bytes } of readDocuments(recording)) documents.push(bytes);
    const range = { StartTimestamp: new Date(BEGIN + 1400), EndTimestamp: new Date(BEGIN + 4000) };
    const expected = await remuxed(concatBytes(documents.slice(1, 4)));
    expect(Buffer.compare(await clip(endpoint, { TimestampRange: range }), expected)).toBe(0);
  });

  test('has 200 fragments at most, and of one producer time the first', async () => {
    const server = await start({ limits: false, streams: { camera: { source: RECORDING, keepMetadata: true } } });
    const stream = server.stream('camera');
    const before = await clip(server.endpoint);
    const first = stream.fragments[0]!;
    const { producerTimestamp, serverTimestamp } = first;
    stream.append(stream.fragments[7]!, { producerTimestamp, serverTimestamp });
    expect(Buffer.compare(await clip(server.endpoint), before)).toBe(0);
    const many = await start({ limits: false, streams: { camera: { source: RECORDING, loop: 26 } } });
    const range = { StartTimestamp: new Date(0), EndTimestamp: new Date(Date.now() + 1e6) };
    const bytes = await clip(many.endpoint, { TimestampRange: range });
    expect(bytes.length).toBeGreaterThan(before.length * 24);
    expect(bytes.length).toBeLessThan(before.length * 25.5);
  });

  test.each([
    [{ TimestampRange: undefined }, 'InvalidArgumentException'],
    [{ TimestampRange: { StartTimestamp: new Date(1000), EndTimestamp: new Date(2000) } }, 'ResourceNotFoundException'],
    [{ FragmentSelectorType: 'OTHER' }, 'InvalidArgumentException'],
  ])('%j: %s', async (selector, error) => {
    const { endpoint } = await camera();
    expect(await errorOf(clip(endpoint, selector))).toBe(error);
  });

  test('no more fragments a second than allowed', async () => {
    const { endpoint } = await start({
      limits: { clipFragmentsPerSecond: 15 },
      streams: { camera: { source: RECORDING, keepMetadata: true } },
    });
    const results = await Promise.all([1, 2].map(() => errorOf(clip(endpoint))));
    expect(results.sort()).toEqual(['ClientLimitExceededException', 'none']);
  });
});

describeNeeding('GetImages', [packages('@napi-rs/webcodecs')], () => {
  const REQUEST = {
    StreamName: 'camera',
    StartTimestamp: new Date(BEGIN),
    EndTimestamp: new Date(BEGIN + 9900),
    ImageSelectorType: 'PRODUCER_TIMESTAMP',
    SamplingInterval: 1000,
    Format: 'JPEG',
  } as const;

  async function images(endpoint: string, input: Partial<GetImagesCommandInput> = {}) {
    const { archived } = clients(endpoint);
    return archived.send(new GetImagesCommand({ ...REQUEST, ...input }));
  }

  test('an image for each interval, in its format and size', async () => {
    const { endpoint } = await camera();
    const { Images = [], NextToken } = await images(endpoint);
    expect(NextToken).toBeUndefined();
    expect(Images.map(({ TimeStamp }) => TimeStamp?.getTime())).toEqual(Images.map((_, i) => BEGIN + i * 1000));
    expect(Images.length).toBe(10);
    const facts = async (content = '') => sharp(Buffer.from(content, 'base64')).metadata();
    expect(await facts(Images[0]?.ImageContent)).toMatchObject({ format: 'jpeg', width: 320, height: 240 });
    const one = { EndTimestamp: new Date(BEGIN + 500) };
    const sizes = [
      [{ HeightPixels: 120 }, { width: 160, height: 120 }],
      [
        { WidthPixels: 100, HeightPixels: 100 },
        { width: 100, height: 100 },
      ],
    ] as const;
    for (const [size, expected] of sizes) {
      const made = await images(endpoint, { ...one, ...size, Format: 'PNG' });
      expect(made.Images?.length).toBe(1);
      expect(await facts(made.Images?.[0]?.ImageContent)).toMatchObject({ format: 'png', ...expected });
    }
  });

  test('pages of 25; NO_MEDIA where nothing was recorded, MEDIA_ERROR where it cannot be decoded', async () => {
    const server = await camera();
    const { endpoint } = server;
    const input = { EndTimestamp: new Date(BEGIN + 29_000), HeightPixels: 24 };
    const first = await images(endpoint, input);
    expect(first.Images?.length).toBe(25);
    const second = await images(endpoint, { ...input, NextToken: first.NextToken });
    expect([second.Images?.length, second.NextToken]).toEqual([5, undefined]);
    const all = [...(first.Images ?? []), ...(second.Images ?? [])];
    expect(all.map(({ Error: error }) => error ?? '')).toEqual([...Array(10).fill(''), ...Array(20).fill('NO_MEDIA')]);
    expect((await images(endpoint, { ...input, MaxResults: 3 })).Images?.length).toBe(3);
    const stream = server.stream('camera');
    const last = stream.fragments.at(-1)!;
    const media = last.media.slice();
    media.fill(0, 24);
    stream.append({ ...last, media }, { producerTimestamp: BEGIN + 20_000, serverTimestamp: BEGIN + 20_100 });
    const bad = await images(endpoint, {
      StartTimestamp: new Date(BEGIN + 20_000),
      EndTimestamp: new Date(BEGIN + 20_400),
    });
    expect(bad.Images).toEqual([{ TimeStamp: new Date(BEGIN + 20_000), Error: 'MEDIA_ERROR' }]);
  });

  test.each<Partial<GetImagesCommandInput>>([
    { SamplingInterval: 199 },
    { WidthPixels: 100 },
    { WidthPixels: 3841, HeightPixels: 10 },
    { HeightPixels: 2161 },
    { MaxResults: 101 },
    { EndTimestamp: new Date(BEGIN + 301_000) },
    { EndTimestamp: new Date(BEGIN - 1) },
    { FormatConfig: { JPEGQuality: '101' } },
    { NextToken: 'other' },
  ])('%j is an argument that is wrong', async (input) => {
    const { endpoint } = await camera();
    expect(await errorOf(images(endpoint, input))).toBe('InvalidArgumentException');
  });
});

test('fragments of the recording are what these tests expect', async () => {
  const starts: number[] = [];
  for await (const { producerTimestamp } of readFragments(readFileSync(RECORDING)))
    starts.push(Number(producerTimestamp));
  expect(starts).toEqual(
    LENGTHS.map((_, i) => BEGIN + Math.round(LENGTHS.slice(0, i).reduce((a, b) => a + b, 0) * 1000)),
  );
});
