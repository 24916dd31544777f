import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parse } from 'mpd-parser';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Packager, type PackagerOptions } from '../../src/hls/index.js';
import { readFragments } from '../../src/index.js';
import { arbitraryChunking, split } from '../support/chunking.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { Feed, get, mediaPlaylist, parsePlaylist } from './support.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));
/** What ffprobe says of it: when its fragments begin, and how long they are, in seconds. */
const STARTS = [0.25, 1.65, 3.05, 4.25, 6.25, 7.45, 8.65, 9.45];
const LENGTHS = [1.4, 1.4, 1.2, 2, 1.2, 1.2, 0.8, 0.8];

async function fed(
  options: PackagerOptions,
  chunks: Uint8Array | readonly Uint8Array[] = RECORDING,
): Promise<Packager> {
  const packager = new Packager(options);
  await packager.feed(chunks);
  return packager;
}

describe('on demand', () => {
  test('the multivariant playlist names both tracks', async () => {
    const { handler } = await fed({ playbackMode: 'ON_DEMAND' });
    const { text, headers } = await get(handler, 'main.m3u8');
    expect(headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    const { playlists, mediaGroups } = parsePlaylist(text);
    expect(playlists).toMatchObject([
      {
        uri: 'video-1/media.m3u8',
        attributes: { CODECS: 'avc1.4d4016,mp4a.40.2', RESOLUTION: { width: 320, height: 240 }, AUDIO: 'audio' },
      },
    ]);
    expect(Object.values(mediaGroups.AUDIO['audio'] ?? {})).toMatchObject([
      { uri: 'audio-2/media.m3u8', default: true },
    ]);
  });

  test('servers may call the handler with something of their own behind the request', async () => {
    const { handler } = await fed({ playbackMode: 'ON_DEMAND' });
    const info = { remoteAddr: { hostname: '127.0.0.1' } };
    const response = await Reflect.apply(handler, undefined, [new Request('http://localhost/main.m3u8'), info]);
    expect(response.status).toBe(200);
  });

  test('a media playlist has a segment for each fragment, with its time', async () => {
    const { handler } = await fed({ playbackMode: 'ON_DEMAND', displayFragmentTimestamp: 'ALWAYS' });
    const { segments, endList, playlistType, targetDuration, mediaSequence } = await mediaPlaylist(handler, 'video-1');
    expect({ endList, playlistType, targetDuration, mediaSequence }).toEqual({
      endList: true,
      playlistType: 'VOD',
      targetDuration: 2,
      mediaSequence: 0,
    });
    expect(segments.map(({ duration }) => duration)).toEqual(LENGTHS);
    expect(segments.map(({ dateTimeString }) => dateTimeString)).toEqual(
      STARTS.map((start) => new Date(Date.UTC(2024, 4, 1, 12) + start * 1000).toISOString()),
    );
    expect(segments.some(({ discontinuity }) => discontinuity)).toBe(false);
    for (const { uri, map } of segments) {
      expect((await get(handler, `video-1/${uri}`)).status).toBe(200);
      expect(map?.uri).toBe('init-0.mp4');
    }
  });

  test('the manifest has the same segments', async () => {
    const { handler } = await fed({
      playbackMode: 'ON_DEMAND',
      displayFragmentTimestamp: 'ALWAYS',
      displayFragmentNumber: 'ALWAYS',
    });
    const { text, headers } = await get(handler, 'manifest.mpd');
    expect(headers.get('content-type')).toBe('application/dash+xml');
    const { playlists, mediaGroups, duration } = parse(text, { manifestUri: 'http://localhost/manifest.mpd' });
    const [video] = playlists;
    expect(video?.segments.map((segment) => segment.duration)).toEqual(LENGTHS);
    expect(video?.attributes).toMatchObject({ CODECS: 'avc1.4d4016', RESOLUTION: { width: 320, height: 240 } });
    const audio = Object.values(mediaGroups.AUDIO['audio'] ?? {})[0]?.playlists[0];
    expect(audio?.segments.length).toBe(8);
    for (const { resolvedUri, map } of [...(video?.segments ?? []), ...(audio?.segments ?? [])]) {
      for (const uri of [resolvedUri, map.resolvedUri]) {
        expect((await get(handler, new URL(uri).pathname.slice(1))).status).toBe(200);
      }
    }
    expect(duration).toBeCloseTo(10, 1);
    expect([...text.matchAll(/kvs:ts="(\d+)"/g)].slice(0, 8).map(([, time]) => Number(time))).toEqual(
      STARTS.map((start) => Date.UTC(2024, 4, 1, 12) + start * 1000),
    );
    expect(text).toContain('kvs:fn="91343852333181432392682062607743920146270339185"');
  });

  test('the oldest fragments are listed, and no more are read', async () => {
    const { handler } = await fed({ playbackMode: 'ON_DEMAND', maxFragmentResults: 3 });
    const { segments, endList } = await mediaPlaylist(handler, 'video-1');
    expect(segments.map(({ duration }) => duration)).toEqual(LENGTHS.slice(0, 3));
    expect(endList).toBe(true);
  });
});

test.each([
  ['ALWAYS', 7],
  ['NEVER', 0],
  ['ON_DISCONTINUITY', 0],
] as const)('discontinuities %s: %i', async (discontinuityMode, count) => {
  const { handler } = await fed({ playbackMode: 'ON_DEMAND', discontinuityMode });
  for (const track of ['video-1', 'audio-2']) {
    const { segments } = await mediaPlaylist(handler, track);
    expect(segments.filter(({ discontinuity }) => discontinuity).length).toBe(count);
  }
});

test('every chunking gives the same playlists and segments, and fragments give them too', async () => {
  const paths = ['main.m3u8', 'manifest.mpd', ...['video-1', 'audio-2'].flatMap((track) => files(track))];
  const all = async (packager: Packager) => {
    const texts: string[] = [];
    for (const path of paths) texts.push(Buffer.from((await get(packager.handler, path)).bytes).toString('latin1'));
    return texts;
  };
  const options = { playbackMode: 'ON_DEMAND', displayFragmentTimestamp: 'ALWAYS' } as const;
  const expected = await all(await fed(options));
  const fragments = new Packager(options);
  await fragments.feed(readFragments(RECORDING));
  expect(await all(fragments)).toEqual(expected);
  const chunkings = arbitraryChunking().filter((chunking) => chunking.every((length) => length > 20 || length === 0));
  await fc.assert(
    fc.asyncProperty(chunkings, async (chunking) => {
      expect(await all(await fed(options, split(RECORDING, chunking)))).toEqual(expected);
    }),
    { numRuns: 5 },
  );

  function files(track: string): string[] {
    return [`${track}/media.m3u8`, `${track}/init-0.mp4`, ...STARTS.map((_, index) => `${track}/${index}.m4s`)];
  }
});

describe('live', () => {
  test('the newest fragments are listed; those before can be had for a while, then they are gone', async () => {
    const { handler } = await fed({ maxFragmentResults: 2 });
    const { segments, mediaSequence, endList } = await mediaPlaylist(handler, 'video-1');
    expect(segments.map(({ uri }) => uri)).toEqual(['6.m4s', '7.m4s']);
    expect({ mediaSequence, endList }).toEqual({ mediaSequence: 6, endList: true });
    expect((await get(handler, 'video-1/3.m4s')).status).toBe(200);
    const gone = await get(handler, 'video-1/2.m4s');
    expect([gone.status, gone.text]).toEqual([404, 'segment 2 of video-1 is gone: the oldest is 3\n']);
    expect(gone.headers.get('cache-control')).toBe('no-store');
    expect((await get(handler, 'video-1/8.m4s')).text).toMatch('not there yet');
  });

  test('a manifest reaches back to what it lists while nothing comes, and not over a pause that is longer than that', async () => {
    const media = await readMedia(RECORDING);
    const began = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: began });
    onTestFinished(() => void vi.useRealTimers());
    const source = new Feed();
    const { handler } = withFeed({ maxFragmentResults: 3, displayFragmentTimestamp: 'ALWAYS' }, source);
    const manifest = async () => {
      const { text } = await get(handler, 'manifest.mpd');
      const reach = Number(/timeShiftBufferDepth="PT([\d.]+)S"/.exec(text)?.[1]);
      const edge = (Date.now() - Date.parse(/availabilityStartTime="([^"]+)"/.exec(text)?.[1] ?? '')) / 1000;
      return { from: edge - reach, periods: text.match(/<Period[^>]*>/g), listed: text.match(/<S /g)?.length };
    };
    source.push(bodyOf(wrapAsGetMedia(media)));
    for (let msn = 0; msn < 8; msn++) await get(handler, `video-1/media.m3u8?_HLS_msn=${msn}`);
    // The last three fragments are of 2.8 s; times begin at 10 s.
    expect((await manifest()).from).toBeCloseTo(17.2, 1);
    vi.setSystemTime(began + 30_000);
    expect(await manifest()).toMatchObject({
      from: expect.closeTo(17.2, 1),
      periods: ['<Period id="p0" start="PT10S">'],
    });
    source.push(bodyOf(wrapAsGetMedia(media, { offset: 40e6, firstNumber: 9 }).slice(0, 1)));
    await get(handler, 'video-1/media.m3u8?_HLS_msn=8');
    const { from, periods, listed } = await manifest();
    expect(from).toBeCloseTo(50, 1);
    expect(periods).toEqual([
      // It ends where players stop that have nothing more.
      expect.stringMatching(/^<Period id="p0" start="PT10S" duration="PT9.9\d*S">$/),
      '<Period id="p1" start="PT50S">',
    ]);
    expect(listed).toBe(6);
    source.end();
  });

  test('parts: a playlist that is asked for by its part comes with it, and the part is there', async () => {
    const source = new Feed();
    const { handler, ...packager } = withFeed({ partDuration: 200 }, source);
    const half = 30_000;
    source.push(RECORDING.subarray(0, half));
    await mediaPlaylist(handler, 'video-1');
    // All that was pushed has been read when nothing else is to be done.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const first = await mediaPlaylist(handler, 'video-1');
    expect(first.serverControl).toMatchObject({ canBlockReload: true, canSkipUntil: expect.any(Number) });
    expect(first.partTargetDuration).toBeCloseTo(0.2, 6);
    const next = first.preloadSegment;
    const hint = next?.preloadHints?.[0]?.uri ?? '';
    const [, sequence, part] = /^(\d+)\.(\d+)\.m4s$/.exec(hint) ?? [];
    expect(next?.parts?.length ?? 0).toBe(Number(part));
    const waiting = mediaPlaylist(handler, 'video-1', `?_HLS_msn=${sequence}&_HLS_part=${part}`);
    const hinted = get(handler, `video-1/${hint}`);
    let isThere = false;
    void waiting.then(() => (isThere = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isThere).toBe(false);
    source.push(RECORDING.subarray(half, half + 8000));
    const then = await waiting;
    const parts = then.segments.find(({ uri }) => uri === `${sequence}.m4s`)?.parts ?? then.preloadSegment?.parts ?? [];
    expect(parts.map(({ uri }) => uri)).toContain(hint);
    expect((await hinted).status).toBe(200);
    source.push(RECORDING.subarray(half + 8000));
    source.end();
    await packager.fed;
    const last = await mediaPlaylist(handler, 'video-1');
    expect(last.segments.map(({ duration }) => duration)).toEqual(LENGTHS.slice(-5));
    // The parts of a segment are the segment.
    const segment = await get(handler, 'video-1/5.m4s');
    const pieces: Uint8Array[] = [];
    for (let index = 0; ; index++) {
      const { status, bytes } = await get(handler, `video-1/5.${index}.m4s`);
      if (status !== 200) break;
      pieces.push(bytes);
    }
    expect(pieces.length).toBe(6);
    expect(Buffer.concat(pieces).equals(segment.bytes)).toBe(true);
  });

  test('sound has no part that is too short to be seen, also where a fragment ends', async () => {
    const source = new Feed();
    const { handler } = withFeed({ partDuration: 200, maxFragmentResults: 'all' }, source);
    const durations = new Map<string, number>();
    for (let at = 0; at < RECORDING.length; at += 4000) {
      source.push(RECORDING.subarray(at, at + 4000));
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (at < 30_000) continue;
      const { segments, preloadSegment } = await mediaPlaylist(handler, 'audio-2');
      for (const { parts = [] } of [...segments, ...(preloadSegment === undefined ? [] : [preloadSegment])]) {
        for (const { uri, duration } of parts) durations.set(uri, duration);
      }
    }
    source.end();
    expect(durations.size).toBeGreaterThan(30);
    expect([...durations].filter(([, duration]) => duration < 0.1)).toEqual([]);
  });

  test('delta updates leave out what is before the skip boundary', async () => {
    const source = new Feed();
    const { handler } = withFeed({ maxFragmentResults: 'all' }, source);
    for (let round = 0; round < 4; round++) source.push(RECORDING);
    for (let msn = 0; msn <= 31; msn++) await get(handler, `video-1/media.m3u8?_HLS_msn=${msn}`);
    const whole = await mediaPlaylist(handler, 'video-1');
    const delta = await mediaPlaylist(handler, 'video-1', '?_HLS_skip=YES');
    const skipped = delta.skip?.skippedSegments ?? 0;
    expect(skipped).toBeGreaterThan(10);
    expect(delta.segments.map(({ uri }) => uri)).toEqual(whole.segments.slice(skipped).map(({ uri }) => uri));
    const left = delta.segments.reduce((sum, { duration }) => sum + duration, 0);
    expect(left).toBeGreaterThanOrEqual(Number(whole.serverControl?.['canSkipUntil']));
    expect(delta.renditionReports).toMatchObject([{ uri: '../audio-2/media.m3u8', lastMsn: 31 }]);
    source.end();
  });

  test.each([
    ['_HLS_part=1', 400],
    ['_HLS_msn=x', 400],
    ['_HLS_msn=-1', 400],
    ['_HLS_msn=9999', 400],
    ['_HLS_msn=7&_HLS_part=99999', 400],
    ['_HLS_skip=NO', 400],
    [`_HLS_msn=${'9'.repeat(300)}`, 400],
    [`a=${'9'.repeat(9000)}`, 414],
    ['_HLS_msn=0', 200],
  ])('%s is answered with %i', async (query, status) => {
    const source = new Feed();
    const { handler } = withFeed({ partDuration: 200 }, source);
    source.push(RECORDING);
    await mediaPlaylist(handler, 'video-1');
    expect((await get(handler, `video-1/media.m3u8?${query}`)).status).toBe(status);
    source.end();
  });

  test('a viewer who goes waits no longer; one who waits in vain gets what there is', async () => {
    const source = new Feed();
    const { handler } = withFeed({}, source);
    source.push(RECORDING);
    await mediaPlaylist(handler, 'video-1');
    const gone = new AbortController();
    const request = get(handler, 'video-1/media.m3u8?_HLS_msn=8', { signal: gone.signal });
    gone.abort();
    const { status, text } = await request;
    expect([status, parsePlaylist(text).segments.length > 0]).toEqual([200, true]);
    source.end();
    expect((await get(handler, 'video-1/media.m3u8?_HLS_msn=8')).status).toBe(200);
  });

  test('before there is media, requests wait, then they are told so', async () => {
    const source = new Feed();
    const { handler } = withFeed({ startTimeoutMs: 20 }, source);
    const { status, headers } = await get(handler, 'main.m3u8');
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    source.end();
    expect((await get(handler, 'main.m3u8')).status).toBe(404);
  });
});

describe('answers', () => {
  test('length, tag, origin and caching', async () => {
    const { handler } = await fed({ playbackMode: 'ON_DEMAND' });
    for (const path of ['main.m3u8', 'manifest.mpd', 'video-1/media.m3u8', 'video-1/init-0.mp4', 'audio-2/3.m4s']) {
      const { headers, bytes } = await get(handler, path);
      expect(headers.get('content-length')).toBe(String(bytes.length));
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('cache-control')).toBe('public, max-age=3600');
      const etag = headers.get('etag') ?? '';
      const again = await get(handler, path, { headers: { 'if-none-match': etag } });
      expect([again.status, again.bytes.length, again.headers.get('etag')]).toEqual([304, 0, etag]);
      const head = await get(handler, path, { method: 'HEAD' });
      expect([head.status, head.bytes.length, head.headers.get('content-length')]).toEqual([
        200,
        0,
        String(bytes.length),
      ]);
      const range = await get(handler, path, { headers: { range: 'bytes=10-19' } });
      expect([range.status, range.headers.get('content-range')]).toEqual([206, `bytes 10-19/${bytes.length}`]);
      expect(range.bytes).toEqual(bytes.subarray(10, 20));
      const last = await get(handler, path, { headers: { range: 'bytes=-5' } });
      expect(last.bytes).toEqual(bytes.subarray(-5));
      const none = await get(handler, path, { headers: { range: `bytes=${bytes.length}-` } });
      expect(none.status).toBe(416);
    }
  });

  test('other methods, preflights and paths', async () => {
    const { handler } = await fed({ playbackMode: 'ON_DEMAND', basePath: '/a/b/', allowOrigin: false });
    expect((await get(handler, 'a/b/main.m3u8', { method: 'POST' })).status).toBe(405);
    expect((await get(handler, 'a/b/main.m3u8', { method: 'OPTIONS' })).status).toBe(204);
    const { status, headers } = await get(handler, 'a/b/main.m3u8');
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, null]);
    for (const path of [
      'main.m3u8',
      'a/bmain.m3u8',
      'a/b/',
      'a/b/video-1/main.m3u8',
      'a/b/media.m3u8',
      'a/b/video-9/media.m3u8',
      'a/b/video-1/init-9.mp4',
      'a/b/video-1/0.0.m4s',
      'a/b/video-1/..%2f..%2fetc/passwd',
      'a/b/__proto__/media.m3u8',
      'a/b/video-1/%00.m4s',
      'a/b/video-1/00000000000000000000000000000001.m4s',
    ]) {
      expect([path, (await get(handler, path)).status]).toEqual([path, 404]);
    }
  });

  test('a query is put behind all addresses', async () => {
    const { handler } = await fed({ playbackMode: 'ON_DEMAND', query: { token: 'a&b' } });
    for (const path of ['main.m3u8', 'video-1/media.m3u8']) {
      const uris = (await get(handler, path)).text.match(/[\w./-]+\.(m3u8|m4s|mp4)[^"\n]*/g) ?? [];
      expect(uris.length).toBeGreaterThan(1);
      for (const uri of uris) expect(uri).toMatch(/\?token=a%26b$/);
    }
    expect((await get(handler, 'manifest.mpd')).text).toContain('video-1/$Number$.m4s?token=a%26b"');
  });
});

test('a stream that is damaged ends what is there, and feeding says so', async () => {
  const packager = new Packager();
  const bytes = RECORDING.slice();
  bytes.fill(0, 100_000);
  await expect(packager.feed(bytes)).rejects.toThrow(/byte \d+/);
  const { segments, endList } = await mediaPlaylist(packager.handler, 'video-1');
  expect(segments.length).toBeGreaterThan(2);
  expect(endList).toBe(true);
});

test('options out of their range are refused', () => {
  for (const options of [{ maxFragmentResults: 0 }, { maxFragmentResults: 1.5 }, { partDuration: 0 }]) {
    expect(() => new Packager(options)).toThrow(RangeError);
  }
});

function withFeed(options: PackagerOptions, source: Feed) {
  const packager = new Packager(options);
  const fed = packager.feed(source);
  return { handler: packager.handler, fed, packager };
}
