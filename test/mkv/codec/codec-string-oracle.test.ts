import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { BlobSource, Input, MATROSKA } from 'mediabunny';
import { expect, test } from 'vitest';
import { codecStringOf, decoderDescription } from '../../../src/mkv/codec/codec-string.js';
import { joinNals } from '../../../src/mkv/codec/nal.js';
import { nalConfigOf } from '../../../src/mkv/codec/nal-config.js';
import { ffmpeg, storedTracks, temporaryFolder } from '../../support/ffmpeg-media.js';
import { describeNeeding, tools } from '../../support/tools.js';

const ENCODINGS: readonly (readonly [name: string, args: string])[] = [
  ['x264 baseline', '-c:v libx264 -profile:v baseline'],
  ['x264 high 4:2:2 10', '-c:v libx264 -pix_fmt yuv422p10le'],
  ['x265 main', '-c:v libx265 -x265-params log-level=none'],
  ['x265 main 10', '-c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none'],
  ['x265 4:4:4 12', '-c:v libx265 -pix_fmt yuv444p12le -x265-params log-level=none'],
  ['av1', '-c:v libaom-av1 -cpu-used 8'],
  ['av1 10', '-c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p10le'],
  ['vp8', '-c:v libvpx'],
];

const AUDIO: readonly (readonly [name: string, args: string])[] = [
  ['aac', '-c:a aac'],
  ['opus', '-c:a libopus'],
  ['flac', '-c:a flac'],
  ['s16', '-c:a pcm_s16le'],
  ['s24', '-c:a pcm_s24le'],
  ['f32', '-c:a pcm_f32le'],
  ['u8', '-c:a pcm_u8'],
];

/** What mediabunny makes of the first track. */
async function ofMediabunny(file: string) {
  const input = new Input({ formats: [MATROSKA], source: new BlobSource(await openAsBlob(file)) });
  const track = (await input.getPrimaryVideoTrack()) ?? (await input.getPrimaryAudioTrack());
  const config = await track?.getDecoderConfig();
  const { description } = config ?? {};
  // They write H.265 as "hev1", which differs in where parameter sets may stand, and add AV1's optional fields.
  const codec = config?.codec.replace(/^hev1/, 'hvc1').replace(/^(av01(\.\w+){3}).*/, '$1');
  return { codec, description: ArrayBuffer.isView(description) ? description : undefined };
}

describeNeeding('codec strings beside those of mediabunny', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  test.each([
    ...ENCODINGS.map(([name, args]) => [name, `testsrc2=s=322x182:r=25:d=0.2 ${args}`] as const),
    ...AUDIO.map(([name, args]) => [name, `sine=r=48000:d=0.2 ${args}`] as const),
  ])('%s', async (name, source) => {
    const file = join(folder, `${name.replace(/\W/g, '-')}.mkv`);
    ffmpeg(`-f lavfi -i ${source} -strict -2 ${file}`);
    const track = storedTracks(file)[0]!;
    const theirs = await ofMediabunny(file);
    expect(codecStringOf(track)).toBe(theirs.codec);
    const description = decoderDescription(track);
    const { buffer, byteOffset, byteLength } = theirs.description ?? new Uint8Array(0);
    expect(Buffer.from(description ?? [])).toEqual(Buffer.from(buffer, byteOffset, byteLength));
  });

  test.each([
    ['yuv420p', 'vp09.00.11.08'],
    ['yuv444p', 'vp09.01.11.08'],
    ['yuv420p10le', 'vp09.02.11.10'],
    ['yuv444p12le', 'vp09.03.11.12'],
  ])('VP9 in %s: told by the key frame', (format, expected) => {
    const file = join(folder, `vp9-${format}.mkv`);
    ffmpeg(`-f lavfi -i testsrc2=s=322x182:r=25:d=0.2 -c:v libvpx-vp9 -cpu-used 8 -pix_fmt ${format} ${file}`);
    const { frames, ...track } = storedTracks(file)[0]!;
    expect(codecStringOf({ ...track, codecPrivate: undefined })).toBeUndefined();
    expect(codecStringOf({ ...track, codecPrivate: undefined }, frames[0]!.data)).toBe(expected);
    expect(codecStringOf({ ...track, codecPrivate: undefined }, frames[1]!.data)).toBeUndefined();
  });

  test.each(['libx264', 'libx265 -x265-params log-level=none'])(
    '%s in Annex B: from CodecPrivate, or from the parameter sets in the key frame',
    (encoder) => {
      const file = join(folder, `annex-b-${encoder.slice(0, 7)}.mkv`);
      ffmpeg(`-f lavfi -i testsrc2=s=322x182:r=25:d=0.2 -c:v ${encoder} ${file}`);
      const track = storedTracks(file)[0]!;
      const { vps, sps, pps } = nalConfigOf(track)!;
      const expected = codecStringOf(track);
      expect(expected).toMatch(/^(avc1|hvc1)\./);
      const sets = joinNals([...vps, ...sps, ...pps], 0);
      const { codecId } = track;
      expect(codecStringOf({ codecId, codecPrivate: sets })).toBe(expected);
      expect(codecStringOf({ codecId, codecPrivate: sets.subarray(1) })).toBe(expected);
      expect(decoderDescription({ codecId, codecPrivate: sets })).toBeUndefined();
      expect(codecStringOf({ codecId })).toBeUndefined();
      expect(codecStringOf({ codecId }, sets)).toBe(expected);
    },
  );
});
