import { execFileSync } from 'node:child_process';
import { cpSync, createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type MediaProblem,
  type PictureInterval,
  type ReadPicturesOptions,
  readPictures,
} from '../../src/decode/index.js';
import { type Fragment, Mkv, readElements, readFragments } from '../../src/index.js';
import { CAPTURES, captureBytes, capturePath } from '../support/captures.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { MEDIA } from '../support/media.js';
import { describeNeeding, packages } from '../support/tools.js';
import { counted } from './counted.js';
import { decodedByFfmpeg, HEIGHT, planesOf, psnr, VIDEO_NAMES, videoPath, WIDTH } from './media.js';

async function timesOf(path: string, options: ReadPicturesOptions): Promise<number[]> {
  const times: number[] = [];
  for await (const { timestamp } of readPictures(createReadStream(path), options)) times.push(timestamp / 1000);
  return times;
}

const every = (count: number, step: number) => Array.from({ length: count }, (_, index) => index * step);

const NATIVE = packages('@napi-rs/webcodecs');

describeNeeding('pictures, compared with ffmpeg', [MEDIA, NATIVE], () => {
  const INTERVALS: readonly (readonly [PictureInterval, number[]])[] = [
    ['frame', every(200, 1)],
    ['1s', every(8, 25)],
    [1_500_000, every(6, 37.5).map(Math.floor)],
    ['7frames', every(29, 7)],
  ];

  describe.each(VIDEO_NAMES.filter((name) => name !== 'mjpeg.mkv'))('%s', (name) => {
    const path = videoPath(name);
    const reference = decodedByFfmpeg(path, 'yuv420p', (WIDTH * HEIGHT * 3) / 2);

    it.each(INTERVALS)('every %s: the right pictures, in the order of presentation', async (interval, indexes) => {
      const found: number[] = [];
      const problems: MediaProblem[] = [];
      const options = { every: interval, onProblem: (problem: MediaProblem) => problems.push(problem) };
      for await (const { frame, timestamp } of readPictures(createReadStream(path), options)) {
        const index = Math.round(timestamp / 40_000);
        found.push(index);
        // VP8, VP9 and AV1 are decoded by other libraries than ffmpeg's own.
        const likeness = psnr(await planesOf(frame!), reference[index]!);
        expect(likeness, `picture ${index}`).toBeGreaterThan(45);
      }
      expect(found).toEqual(indexes);
      expect(problems).toEqual([]);
    });

    it('key frames', async () => {
      expect((await timesOf(path, { every: 'keyframe' })).every((time) => time % 40 === 0)).toBe(true);
      expect(await timesOf(path, { every: 'keyframe' })).toHaveLength(4);
    });
  });

  it('gives pictures of V_MJPEG without decoding them', async () => {
    const path = videoPath('mjpeg.mkv');
    const reference = decodedByFfmpeg(path, 'rgba', WIDTH * HEIGHT * 4);
    let index = 0;
    for await (const picture of readPictures(createReadStream(path), { codecs: undefined, every: '1s' })) {
      expect(picture.frame).toBeUndefined();
      expect(Buffer.compare(await picture.encode('jpeg'), picture.source.data)).toBe(0);
      if (index === 0) {
        const { data, width, height } = await picture.toRgb();
        expect([width, height]).toEqual([WIDTH, HEIGHT]);
        const expected = reference[0]!.filter((_, at) => at % 4 !== 3);
        // Libraries differ in how they enlarge the planes of colour.
        expect(psnr(data, expected)).toBeGreaterThan(25);
      }
      index++;
    }
    expect(index).toBe(8);
  });
});

describeNeeding('readPictures, on the captures', [CAPTURES, NATIVE], () => {
  const path = capturePath('output_get_media.mkv');

  it.each<[PictureInterval, number, number[]]>([
    ['5frames', 60, [0, 167, 333, 500]],
    ['2s', 5, [0, 2000, 4000, 6000, 8000]],
    ['keyframe', 5, [0, 2000, 4000, 6000, 8000]],
    ['frame', 300, [0, 33, 67, 100]],
  ])('every %s: %i pictures', async (interval, count, first) => {
    const times = await timesOf(path, { every: interval });
    expect(times).toHaveLength(count);
    expect(times.slice(0, first.length)).toEqual(first);
  });

  it('every sixth of 909 frames: 152', async () => {
    expect(await timesOf(capturePath('vogels_480.mkv'), { every: '6frames' })).toHaveLength(152);
  });

  it('says when the producer recorded each, in which fragment', async () => {
    const found: (readonly [string | undefined, number, number])[] = [];
    for await (const picture of readPictures(createReadStream(path), { every: '2s' })) {
      const { producerTimestamp, frame, fragment, track } = picture;
      found.push([producerTimestamp?.toISOString(), frame!.displayWidth, frame!.displayHeight]);
      expect(producerTimestamp).toEqual(fragment?.producerTimestamp);
      expect(track.number).toBe(1);
    }
    expect(found[0]).toEqual(['2017-11-28T06:55:08.513Z', 640, 360]);
    expect(found).toHaveLength(5);
  });

  it('decodes only the groups of pictures in which one is wanted, up to it', async () => {
    const { codecs, counts } = await counted();
    expect(await timesOf(path, { every: '4s', codecs })).toEqual([0, 4000, 8000]);
    expect(counts).toEqual({ decoded: 3, opened: 3, closed: 3 });
    const half = await counted();
    expect(await timesOf(path, { from: 1_000_000, to: 1_000_000, every: '1s', codecs: half.codecs })).toEqual([1000]);
    expect(half.counts.decoded).toBe(31);
  });

  it('tells of sample times at which nothing was recorded', async () => {
    const problems: string[] = [];
    const times = await timesOf(capturePath('output_get_media_sparse_fragments.mkv'), {
      every: '1s',
      onProblem: ({ code, from }) => problems.push(`${code} ${from / 1e6}`),
    });
    expect(times).toEqual([0, 1000, 4000, 5000, 8000, 9000]);
    expect(problems).toEqual(['NO_MEDIA 2', 'NO_MEDIA 3', 'NO_MEDIA 6', 'NO_MEDIA 7']);
  });

  it('takes a stretch of the stream’s time or of the producer’s', async () => {
    expect(await timesOf(path, { from: 2_500_000, to: 4_500_000, every: '1s' })).toEqual([2500, 3500, 4500]);
    const from = new Date('2017-11-28T06:55:12.513Z');
    const to = new Date('2017-11-28T06:55:14.513Z');
    expect(await timesOf(path, { from, to, every: '1s' })).toHaveLength(3);
  });

  it('reads fragments as well', async () => {
    const times: number[] = [];
    for await (const { timestamp } of readPictures(readFragments(captureBytes('output_get_media.mkv')), {
      every: '2s',
    })) {
      times.push(timestamp / 1e6);
    }
    expect(times).toEqual([0, 2, 4, 6, 8]);
    const list: Fragment[] = [];
    for await (const fragment of readFragments(captureBytes('output_get_media.mkv'))) list.push(fragment);
    const again: number[] = [];
    for await (const { timestamp } of readPictures(list, { every: 'keyframe' })) again.push(timestamp / 1e6);
    expect(again).toEqual(times);
  });

  it('closes every picture, also when the loop is left or fails', async () => {
    for (const how of ['end', 'break', 'throw', 'abort'] as const) {
      const { codecs, counts } = await counted();
      const abort = new AbortController();
      const run = (async () => {
        let count = 0;
        for await (const picture of readPictures(createReadStream(path), { codecs, signal: abort.signal })) {
          if (++count < 20) continue;
          if (how === 'break') break;
          if (how === 'throw') throw new Error(`at ${picture.timestamp}`);
          if (how === 'abort') abort.abort(new Error('enough'));
        }
      })();
      if (how === 'end' || how === 'break') await run;
      else await expect(run).rejects.toThrow(how === 'throw' ? /^at / : 'enough');
      // What the decoder gives late is closed when it comes.
      await expect.poll(() => counts.closed - counts.opened).toBe(0);
      expect(counts.opened).toBeGreaterThanOrEqual(20);
    }
  });

  it('costs a damaged group its pictures alone, and tells', async () => {
    const bytes = captureBytes('output_get_media.mkv').slice();
    // Within a frame of the second fragment: two bytes of the header of a Block.
    let block = 0;
    for await (const element of readElements(bytes)) {
      if (element.kind === 'data' && element.is(Mkv.SimpleBlock)) block = element.offset;
      if (element.offset > 700_000 && block > 700_000) break;
    }
    bytes.fill(0xff, block, block + 4);
    const problems: MediaProblem[] = [];
    const times: number[] = [];
    const options = { recover: true, onProblem: (problem: MediaProblem) => void problems.push(problem) };
    for await (const { timestamp } of readPictures(bytes, options)) times.push(timestamp);
    expect(problems.map(({ code }) => code)).toEqual(['MEDIA_ERROR']);
    expect(problems[0]!.from).toBeGreaterThan(2e6);
    expect(problems[0]!.to).toBe(4e6);
    expect(times.filter((time) => time < 2e6)).toHaveLength(60);
    expect(times.filter((time) => time >= 4e6)).toHaveLength(180);
  });

  it('goes on behind a group that the decoder fails at', async () => {
    const { frames, tracks } = await readMedia(captureBytes('output_get_media.mkv'));
    const broken = frames[61];
    const body = bodyOf(
      wrapAsGetMedia({ frames, tracks }, { frame: (data, frame) => (frame === broken ? data.slice(0, 9) : data) }),
    );
    const problems: string[] = [];
    const times: number[] = [];
    for await (const picture of readPictures(body, { onProblem: ({ code }) => problems.push(code) })) {
      times.push(picture.timestamp);
    }
    expect(problems.length).toBeLessThanOrEqual(60);
    expect(times.filter((time) => time < 2e6)).toHaveLength(60);
    expect(times.filter((time) => time >= 4e6)).toHaveLength(180);
  });
});

describe('readPictures', () => {
  it('says which package decodes, where none does', async () => {
    const script = `
      import { readPictures } from '${new URL('../../dist/decode/index.js', import.meta.url).pathname}';
      import { readFileSync } from 'node:fs';
      const bytes = readFileSync(process.argv[1]);
      await readPictures(bytes, { codecs: process.argv[2] }).next().catch((error) => console.log(error.code, error.message));
    `;
    // Without node_modules beside it, and with no PATH, there is neither package nor program.
    const folder = mkdtempSync(join(tmpdir(), 'kvs-decode-'));
    cpSync('dist', join(folder, 'dist'), { recursive: true });
    const run = (choice: string) => {
      const source = script.replace(process.cwd(), folder);
      const args = ['--input-type=module', '-e', source, '--', 'test/cases/keyflags--all.mkv', choice];
      return execFileSync(process.execPath, args, { env: { PATH: '/nowhere' }, encoding: 'utf8' });
    };
    try {
      expect(run('webcodecs')).toMatch(/^NoDecoder .*install @napi-rs\/webcodecs/);
      expect(run('ffmpeg')).toMatch(/^NoDecoder .*no ffmpeg on the PATH/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['0s', '1x', 'frames', -1, 0, Number.NaN] as never[])('refuses to read every %s', async (interval) => {
    await expect(readPictures(new Uint8Array(0), { every: interval }).next()).rejects.toThrow(RangeError);
  });

  it('says that a codec cannot be decoded', async () => {
    const path = new URL('../cases/connect-5.mkv', import.meta.url);
    expect(await timesOf(path.pathname, {})).toEqual([]);
    await expect(timesOf(path.pathname, { track: 'Camera' })).rejects.toMatchObject({ code: 'NoTrack' });
  });
});
