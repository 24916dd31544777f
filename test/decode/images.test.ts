import { createReadStream } from 'node:fs';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { type Picture, type RgbPicture, readPictures, type TensorOptions } from '../../src/decode/index.js';
import { CAPTURES, capturePath } from '../support/captures.js';
import { describeNeeding, packages, tools } from '../support/tools.js';
import { decodedByFfmpeg, psnr } from './media.js';

/** What a function makes of the first picture of a stream. */
async function withFirst<T>(path: string, use: (picture: Picture) => Promise<T>, aspect?: 'display'): Promise<T> {
  for await (const picture of readPictures(createReadStream(path), { every: 'keyframe', aspect }))
    return await use(picture);
  throw new Error('there is no picture');
}

const ANAMORPHIC = 'test/cases/sar--sar-vui.mkv';

const NATIVE = packages('@napi-rs/webcodecs');

describeNeeding('a picture of the captures', [CAPTURES, tools('ffmpeg'), NATIVE], () => {
  const path = capturePath('output_get_media.mkv');
  const rgb = (): Promise<RgbPicture> => withFirst(path, (picture) => picture.toRgb());

  it('has the pixels that ffmpeg gives', async () => {
    const { data, width, height } = await rgb();
    expect([width, height, data.length]).toEqual([640, 360, 640 * 360 * 3]);
    const [expected] = decodedByFfmpeg(path, 'rgba', 640 * 360 * 4);
    expect(
      psnr(
        data,
        expected!.filter((_, index) => index % 4 !== 3),
      ),
    ).toBeGreaterThan(40);
  });

  it.each<[string, TensorOptions]>([
    ['nchw', { layout: 'nchw' }],
    ['nhwc', { layout: 'nhwc' }],
    ['normalized', { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }],
  ])('becomes a tensor: %s', async (_, options) => {
    const { data, shape } = await withFirst(path, (picture) => picture.toTensor(options));
    const pixels = await rgb();
    const { layout = 'nchw', mean = [0, 0, 0], std = [1, 1, 1] } = options;
    expect(shape).toEqual(layout === 'nchw' ? [1, 3, 360, 640] : [1, 360, 640, 3]);
    let worst = 0;
    for (let y = 0; y < 360; y++) {
      for (let x = 0; x < 640; x++) {
        for (let channel = 0; channel < 3; channel++) {
          const value = pixels.data[(y * 640 + x) * 3 + channel]! / 255;
          const at = layout === 'nchw' ? channel * 360 * 640 + y * 640 + x : (y * 640 + x) * 3 + channel;
          worst = Math.max(worst, Math.abs(data[at]! - (value - mean[channel]!) / std[channel]!));
        }
      }
    }
    expect(worst).toBeLessThan(1e-5);
  });

  it.each([
    ['fill', 100, 100],
    ['contain', 100, 100],
    ['cover', 100, 100],
  ] as const)('is brought to another size: %s', async (fit, width, height) => {
    const { data } = await withFirst(path, (picture) => picture.toRgb({ width, height, fit }));
    expect(data.length).toBe(width * height * 3);
    const pixels = await rgb();
    const raw = { width: 640, height: 360, channels: 3 } as const;
    const expected = await sharp(pixels.data, { raw })
      .resize({ width, height, fit, background: '#000' })
      .raw()
      .toBuffer();
    expect(psnr(data, new Uint8Array(expected))).toBeGreaterThan(40);
    const isBlack = data.subarray(0, 300).every((value) => value === 0);
    expect(isBlack).toBe(fit === 'contain');
  });

  it('follows its shape where one side is given', async () => {
    const sizes = await withFirst(path, async (picture) => {
      const wide = await picture.toRgb({ width: 320 });
      const high = await picture.toRgb({ height: 90 });
      return [wide.width, wide.height, high.width, high.height];
    });
    expect(sizes).toEqual([320, 180, 160, 90]);
  });

  it.each([
    ['jpeg', [0xff, 0xd8, 0xff]],
    ['png', [0x89, 0x50, 0x4e]],
  ] as const)('becomes a file: %s', async (format, magic) => {
    const bytes = await withFirst(path, (picture) => picture.encode(format, { width: 320, quality: 90 }));
    expect([...bytes.subarray(0, 3)]).toEqual(magic);
    const { width, height } = await sharp(bytes).metadata();
    expect([width, height]).toEqual([320, 180]);
  });

  it('takes less room with a lower quality', async () => {
    const [low, high] = await withFirst(path, async (picture) => [
      await picture.encode('jpeg', { quality: 10 }),
      await picture.encode('jpeg', { quality: 95 }),
    ]);
    expect(low!.length).toBeLessThan(high!.length / 3);
  });

  it('is closed when the loop goes on', async () => {
    const pictures: Picture[] = [];
    for await (const picture of readPictures(createReadStream(path), { every: 'keyframe' })) pictures.push(picture);
    await expect(pictures[0]!.toRgb()).rejects.toMatchObject({ code: 'MediaError' });
  });

  it.each([{ width: 0 }, { width: 1.5 }, { height: -1 }, { width: 20_000 }])('refuses the size %o', async (size) => {
    await expect(withFirst(path, (picture) => picture.toRgb(size))).rejects.toThrow(RangeError);
  });

  it.each([0, 101, Number.NaN])('refuses the quality %d', async (quality) => {
    await expect(withFirst(path, (picture) => picture.encode('jpeg', { quality }))).rejects.toThrow(RangeError);
  });
});

describeNeeding('a picture whose pixels are not square', [NATIVE], () => {
  it('is given as it is stored, or as it is to be shown', async () => {
    const stored = await withFirst(ANAMORPHIC, (picture) => picture.toRgb());
    const shown = await withFirst(ANAMORPHIC, (picture) => picture.toRgb(), 'display');
    expect([stored.width, stored.height]).toEqual([352, 288]);
    expect([shown.width, shown.height]).toEqual([512, 288]);
    const half = await withFirst(ANAMORPHIC, (picture) => picture.toRgb({ height: 144 }), 'display');
    expect([half.width, half.height]).toEqual([256, 144]);
  });
});
