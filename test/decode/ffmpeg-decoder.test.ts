import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { MediaProblem } from '../../src/decode/index.js';
import { readPictures } from '../../src/decode/index.js';
import { readFrames } from '../../src/index.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { describeNeeding, packages, tools } from '../support/tools.js';

const DECODERS = ['webcodecs', 'ffmpeg'] as const;

/** The processes that are children of this one, other than those that ask. */
function children(): string[] {
  if (!existsSync('/proc/self/stat')) return [];
  const lines = execFileSync('ps', ['-o', 'comm=', '--ppid', String(process.pid)], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.startsWith('ffmpeg'));
}

async function expectNoProcess(): Promise<void> {
  await expect.poll(children, { timeout: 5000 }).toEqual([]);
}

describeNeeding('both decoders of pictures', [tools('ffmpeg'), packages('@napi-rs/webcodecs'), CAPTURES], () => {
  for (const codecs of DECODERS) {
    test.each([
      ['output_get_media.mkv', 300],
      ['vogels_480.mkv', 909],
    ])(
      `${codecs}: all pictures of %s, each with the time of its frame`,
      async (name, count) => {
        const bytes = captureBytes(name);
        const times: number[] = [];
        for await (const frame of readFrames(bytes, { track: 'video' })) times.push(frame.timestamp);
        const seen: number[] = [];
        const problems: MediaProblem[] = [];
        for await (const picture of readPictures(bytes, { codecs, onProblem: (problem) => problems.push(problem) })) {
          seen.push(picture.timestamp);
        }
        expect(problems).toEqual([]);
        expect(seen).toHaveLength(count);
        expect(seen).toEqual(times.sort((a, b) => a - b));
      },
      60_000,
    );
  }

  test('the pictures of both are the same', async () => {
    const bytes = captureBytes('vogels_480.mkv');
    const first = await rgbOf(bytes, 'webcodecs');
    const second = await rgbOf(bytes, 'ffmpeg');
    expect(first.length).toBeGreaterThan(4);
    expect(second.length).toBe(first.length);
    first.forEach((pixels, index) => {
      expect(psnr(pixels, second[index]!)).toBeGreaterThan(30);
    });
  }, 60_000);

  test('no process is left behind: by a loop that is left, an abort, an error, the end', async () => {
    const bytes = captureBytes('output_get_media.mkv');
    for await (const _ of readPictures(bytes, { codecs: 'ffmpeg' })) {
      expect(children().length).toBeLessThanOrEqual(1);
      break;
    }
    await expectNoProcess();
    const stop = new AbortController();
    const reading = async () => {
      for await (const _ of readPictures(bytes, { codecs: 'ffmpeg', signal: stop.signal }))
        stop.abort(new Error('stop'));
    };
    await expect(reading()).rejects.toThrow('stop');
    await expectNoProcess();
    async function* failing() {
      yield bytes.subarray(0, 1_000_000);
      throw new Error('the source failed');
    }
    const failed = async () => {
      for await (const _ of readPictures(failing(), { codecs: 'ffmpeg' }));
    };
    await expect(failed()).rejects.toThrow('the source failed');
    await expectNoProcess();
    for await (const _ of readPictures(bytes, { codecs: 'ffmpeg', every: 'keyframe' }));
    await expectNoProcess();
  }, 60_000);

  test('what waits in the process is bounded while nobody takes pictures', async () => {
    const bytes = captureBytes('vogels_480.mkv');
    let read = 0;
    async function* counted() {
      for (let at = 0; at < bytes.length; at += 1000) {
        read = at;
        yield bytes.subarray(at, at + 1000);
      }
    }
    for await (const _ of readPictures(counted(), { codecs: 'ffmpeg' })) {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      break;
    }
    expect(read).toBeLessThan(bytes.length / 2);
  }, 60_000);
});

async function rgbOf(bytes: Uint8Array, codecs: 'webcodecs' | 'ffmpeg'): Promise<Uint8Array[]> {
  const list: Uint8Array[] = [];
  for await (const picture of readPictures(bytes, { codecs, every: '5s' })) list.push((await picture.toRgb()).data);
  return list;
}

function psnr(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  let sum = 0;
  a.forEach((value, index) => {
    sum += (value - b[index]!) ** 2;
  });
  return sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * a.length) / sum);
}
