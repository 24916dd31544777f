import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Frame, readFragments } from '../../src/index.js';
import { joinNals, nalKind, splitNals } from '../../src/mkv/codec/nal.js';
import { nalConfigOf, writeDecoderConfig } from '../../src/mkv/codec/nal-config.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { ffmpeg } from './ffmpeg-media.js';

/** How a producer may store H.264 or H.265: CodecPrivate and frames each in its own way. */
export interface NalMix {
  readonly codec: 'h264' | 'h265';
  readonly codecPrivate: 'record' | 'annex-b' | 'none';
  readonly frames: 'lengths' | 'annex-b';
  /** Whether key frames begin with parameter sets. */
  readonly inBand: boolean;
}

/** All 24 of them. */
export const NAL_MIXES: readonly NalMix[] = (['h264', 'h265'] as const).flatMap((codec) =>
  (['record', 'annex-b', 'none'] as const).flatMap((codecPrivate) =>
    (['lengths', 'annex-b'] as const).flatMap((frames) =>
      [true, false].map((inBand) => ({ codec, codecPrivate, frames, inBand })),
    ),
  ),
);

/** The name of a mix, fit for a file's. */
export function nameOf({ codec, codecPrivate, frames, inBand }: NalMix): string {
  return `${codec}-private-${codecPrivate}-frames-${frames}-${inBand ? 'in-band' : 'bare'}`;
}

const ENCODERS = {
  h264: { codecId: 'V_MPEG4/ISO/AVC', words: 'libx264 -x264-params keyint=10:scenecut=0:bframes=0' },
  h265: {
    codecId: 'V_MPEGH/ISO/HEVC',
    words: 'libx265 -x265-params keyint=10:min-keyint=10:scenecut=0:bframes=0:log-level=none',
  },
} as const;

/** Two fragments of ten pictures each, 320x240, in all mixes of a codec. */
export async function makeNalMixes(codec: NalMix['codec'], folder: string): Promise<ReadonlyMap<NalMix, Uint8Array>> {
  const { codecId, words } = ENCODERS[codec];
  const file = join(folder, `${codec}-source.mkv`);
  ffmpeg(`-f lavfi -i testsrc2=s=320x240:r=10:d=2 -pix_fmt yuv420p -c:v ${words} ${file}`);
  const frames: Frame[] = [];
  for await (const fragment of readFragments(readFileSync(file))) frames.push(...fragment.frames);
  const track = frames[0]!.track;
  const config = nalConfigOf(track)!;
  const sets = [...config.vps, ...config.sps, ...config.pps];
  const made = new Map<NalMix, Uint8Array>();
  for (const mix of NAL_MIXES.filter((each) => each.codec === codec)) {
    const codecPrivate =
      mix.codecPrivate === 'none'
        ? undefined
        : mix.codecPrivate === 'annex-b'
          ? joinNals(sets, 0)
          : writeDecoderConfig(config);
    const write = (frame: Frame) => {
      const units = splitNals(frame.data, config.lengthSize).filter(
        (unit) => !['vps', 'sps', 'pps'].includes(nalKind(codec, unit[0]!)),
      );
      return joinNals(mix.inBand && frame.keyframe ? [...sets, ...units] : units, mix.frames === 'lengths' ? 4 : 0);
    };
    const tracks = [{ number: 1, codecId, codecPrivate, video: { pixelWidth: 320, pixelHeight: 240 } }];
    const fragments = [frames.slice(0, 10), frames.slice(10)].map((own) => {
      const blocks = own.map((frame) => ({
        track: 1,
        timestamp: frame.timestamp,
        keyframe: frame.keyframe,
        frames: [write(frame)],
      }));
      return writeGetMediaFragment({ tracks, blocks, timestamp: own[0]!.timestamp });
    });
    made.set(mix, concatBytes(fragments));
  }
  return made;
}
