import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAvcC, parseH264Sps, writeAvcC } from '../../../src/mkv/codec/h264.js';
import { joinNals, splitNals } from '../../../src/mkv/codec/nal.js';
import { isNalKeyframe, nalConfigOf, writeDecoderConfig } from '../../../src/mkv/codec/nal-config.js';
import { CAPTURES, capturePath } from '../../support/captures.js';
import { ffmpeg, probeStreams, storedTracks, temporaryFolder } from '../../support/ffmpeg-media.js';
import { describeNeeding, tools } from '../../support/tools.js';

/** Profile, chroma format, size (with and without cropping), interlacing, reordering, scaling lists, VUI. */
const ENCODINGS: readonly (readonly [name: string, args: string])[] = [
  ['baseline', '-s 320x240 -profile:v baseline'],
  ['main with cropping', '-s 322x182 -profile:v main -bf 2'],
  ['high, pyramid', '-s 640x360 -profile:v high -bf 4 -x264-params b-pyramid=normal:ref=4:b-adapt=0'],
  ['high 10', '-s 334x190 -pix_fmt yuv420p10le'],
  ['high 4:2:2, cropped in lines', '-s 322x181 -pix_fmt yuv422p'],
  ['high 4:4:4, odd size', '-s 321x181 -pix_fmt yuv444p'],
  ['monochrome', '-s 320x180 -pix_fmt gray'],
  ['interlaced', '-s 720x484 -flags +ildct+ilme -x264-params tff=1'],
  ['own scaling lists', '-s 320x240 -x264-params cqm=jvt'],
  [
    'colours, aspect ratio, HRD',
    '-s 320x240 -aspect 5:3 -color_primaries bt709 -colorspace bt709 -color_trc bt709 -b:v 200k -x264-params nal-hrd=vbr:vbv-maxrate=300:vbv-bufsize=300',
  ],
];

const PROFILES: { readonly [name: string]: number } = {
  'Constrained Baseline': 66,
  Main: 77,
  High: 100,
  'High 10': 110,
  'High 4:2:2': 122,
  'High 4:4:4 Predictive': 244,
};

describeNeeding('H.264 from x264', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  test.each(ENCODINGS)('%s: parameter sets as ffprobe reads them', (name, args) => {
    const file = join(folder, `${name.replace(/\W/g, '-')}.mkv`);
    ffmpeg(`-f lavfi -i testsrc2=r=25:d=0.4 -an -c:v libx264 -preset veryfast ${args} ${file}`);
    const [probed] = probeStreams(file);
    const [track] = storedTracks(file);
    const avcC = parseAvcC(track!.codecPrivate!);
    const sps = parseH264Sps(avcC.sps[0]!);
    expect({
      profile: sps.profile,
      level: sps.level,
      width: sps.width,
      height: sps.height,
      reorder: sps.maxReorder,
    }).toEqual({
      profile: PROFILES[probed!.profile],
      level: probed!.level,
      width: probed!.width,
      height: probed!.height,
      reorder: probed!.has_b_frames,
    });
    expect([avcC.profile, avcC.compatibility, avcC.level]).toEqual([sps.profile, sps.compatibility, sps.level]);
    expect(sps.bitDepthLuma).toBe(probed!.pix_fmt.includes('10') ? 10 : 8);
    // ffmpeg puts the last fields in for every profile but the three oldest.
    const own = writeAvcC(avcC.sps, avcC.pps, avcC.lengthSize);
    expect([...own]).toEqual([...track!.codecPrivate!.subarray(0, own.length)]);
    expect(parseAvcC(own)).toEqual(avcC);
  });

  test('frames go to Annex B as ffmpeg converts them, and back', () => {
    const file = join(folder, 'annex-b.mkv');
    ffmpeg(`-f lavfi -i testsrc2=s=320x240:r=25:d=1 -c:v libx264 -g 10 -preset veryfast ${file}`);
    ffmpeg(`-i ${file} -c copy -bsf:v h264_mp4toannexb -f h264 ${file}.h264`);
    const [track] = storedTracks(file);
    const { lengthSize, sps, pps } = nalConfigOf(track!)!;
    const expected = splitNals(new Uint8Array(readFileSync(`${file}.h264`)), 0);
    const units = track!.frames.flatMap(({ data }) => {
      const own = splitNals(data, lengthSize);
      return isNalKeyframe('h264', data, lengthSize) ? [...sps, ...pps, ...own] : own;
    });
    const hexed = (list: readonly Uint8Array[]) => list.map((unit) => Buffer.from(unit).toString('hex'));
    // x264 begins with its SEI, in front of which ffmpeg puts the parameter sets as we do.
    expect(hexed(units).sort()).toEqual(hexed(expected).sort());
    for (const { data, keyframe } of track!.frames) {
      expect(isNalKeyframe('h264', data, lengthSize)).toBe(keyframe);
      const annexB = joinNals(splitNals(data, lengthSize), 0);
      expect(isNalKeyframe('h264', annexB, 0)).toBe(keyframe);
      expect(joinNals(splitNals(annexB, 0), lengthSize)).toEqual(data);
    }
  });

  test('AVCC made from an Annex B CodecPrivate is the one that ffmpeg writes', () => {
    const file = join(folder, 'private.mkv');
    ffmpeg(`-f lavfi -i testsrc2=s=320x240:r=25:d=0.2 -c:v libx264 -preset veryfast ${file}`);
    const track = storedTracks(file)[0]!;
    const { sps, pps } = nalConfigOf(track)!;
    for (const codecId of ['V_MPEG4/ISO/AVC', 'V_MPEG/ISO/AVC']) {
      const config = nalConfigOf({ codecId, codecPrivate: joinNals([...sps, ...pps, ...sps], 0) })!;
      expect(config.lengthSize).toBe(0);
      expect(writeDecoderConfig(config)).toEqual(track.codecPrivate);
    }
  });
});

describeNeeding('H.264 of the captures', [tools('ffprobe'), CAPTURES], () => {
  test.each(['output_get_media.mkv', 'vogels_480.mkv'])('%s', (file) => {
    const path = capturePath(file);
    const [probed] = probeStreams(path);
    const track = storedTracks(path)[0]!;
    const { codecPrivate } = track;
    const { sps, pps, lengthSize } = parseAvcC(codecPrivate!);
    const { width, height, level } = parseH264Sps(sps[0]!);
    expect({ width, height, level }).toEqual({
      width: probed!.width,
      height: probed!.height,
      level: probed!.level,
    });
    // One of the captures has zeros in the reserved bits before these two, where the standard has ones.
    const whole = Uint8Array.from(codecPrivate!);
    whole[4]! |= 0xfc;
    whole[5]! |= 0xe0;
    expect(writeAvcC(sps, pps, lengthSize)).toEqual(whole);
    expect(splitNals(track.frames[0]!.data, lengthSize).length).toBeGreaterThan(0);
  });
});
