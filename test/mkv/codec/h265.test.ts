import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseH265Sps, parseHvcC, writeHvcC } from '../../../src/mkv/codec/h265.js';
import { joinNals, splitNals } from '../../../src/mkv/codec/nal.js';
import { isNalKeyframe, nalConfigOf, writeDecoderConfig } from '../../../src/mkv/codec/nal-config.js';
import { ffmpeg, probeStreams, storedTracks, temporaryFolder } from '../../support/ffmpeg-media.js';
import { describeNeeding, tools } from '../../support/tools.js';

const ENCODINGS: readonly (readonly [name: string, args: string])[] = [
  ['main', '-s 320x240'],
  ['main, cropped, pyramid', '-s 334x186 -x265-params log-level=none:b-pyramid=1:bframes=4'],
  ['main, no B', '-s 320x240 -x265-params log-level=none:bframes=0'],
  ['main 10', '-s 320x240 -pix_fmt yuv420p10le'],
  ['4:2:2 10', '-s 322x182 -pix_fmt yuv422p10le'],
  ['4:4:4', '-s 322x182 -pix_fmt yuv444p'],
  ['temporal layers', '-s 320x240 -x265-params log-level=none:temporal-layers=3:b-pyramid=1'],
  ['high tier', '-s 320x240 -x265-params log-level=none:level-idc=5.1:high-tier=1:vbv-maxrate=90000:vbv-bufsize=90000'],
];

const PROFILES: { readonly [name: string]: number } = { Main: 1, 'Main 10': 2, Rext: 4 };

describeNeeding('H.265 from x265', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  test.each(ENCODINGS)('%s: parameter sets as ffprobe reads them', (name, args) => {
    const file = join(folder, `${name.replace(/\W/g, '-')}.mkv`);
    const log = args.includes('x265-params') ? '' : '-x265-params log-level=none';
    ffmpeg(`-f lavfi -i testsrc2=r=25:d=0.5 -an -c:v libx265 -preset ultrafast ${log} ${args} ${file}`);
    const [probed] = probeStreams(file);
    const track = storedTracks(file)[0]!;
    const hvcC = parseHvcC(track.codecPrivate!);
    const sps = parseH265Sps(hvcC.sps[0]!);
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
    const { profileSpace, tier, profile, compatibility, constraints, level } = sps;
    expect(hvcC).toMatchObject({ profileSpace, tier, profile, compatibility, constraints, level });
    // ffmpeg also stores SEI, and what it read of segmentation; the parameter sets and what is derived from them are the same.
    const own = writeHvcC(hvcC.vps, hvcC.sps, hvcC.pps, hvcC.lengthSize);
    expect(parseHvcC(own)).toEqual(hvcC);
    const derived = [...own.subarray(0, 13), ...own.subarray(16, 19)];
    expect(derived).toEqual([...track.codecPrivate!.subarray(0, 13), ...track.codecPrivate!.subarray(16, 19)]);
    expect(own[21]).toBe(track.codecPrivate![21]);
  });

  test('key frames are told, in both ways of storing them', () => {
    const file = join(folder, 'key.mkv');
    ffmpeg(
      `-f lavfi -i testsrc2=s=320x240:r=25:d=1 -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=10:open-gop=1 ${file}`,
    );
    const track = storedTracks(file)[0]!;
    const { lengthSize, vps, sps, pps } = nalConfigOf(track)!;
    expect(track.frames.filter(({ keyframe }) => keyframe).length).toBeGreaterThan(1);
    for (const { data, keyframe } of track.frames) {
      expect(isNalKeyframe('h265', data, lengthSize)).toBe(keyframe);
      const annexB = joinNals(splitNals(data, lengthSize), 0);
      expect(isNalKeyframe('h265', annexB, 0)).toBe(keyframe);
      expect(joinNals(splitNals(annexB, 0), lengthSize)).toEqual(data);
    }
    const annexB = nalConfigOf({ codecId: track.codecId, codecPrivate: joinNals([...vps, ...sps, ...pps], 0) })!;
    expect(parseHvcC(writeDecoderConfig(annexB))).toEqual(parseHvcC(track.codecPrivate!));
  });
});
