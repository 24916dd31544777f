import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Frame, readFrames, type TrackMetadata } from '../../src/index.js';
import { joinNals, splitNals } from '../../src/mkv/codec/nal.js';
import { type NalConfig, nalConfigOf, writeDecoderConfig } from '../../src/mkv/codec/nal-config.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { readMedia } from '../support/kvs-media.js';
import { decodeMessages, probePackets } from '../support/mp4-judges.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { KIND_NAMES, KINDS, segmentsOf } from './support.js';

/** Pictures of one size, and what their decoder needs. */
interface Pictures {
  readonly frames: readonly Frame[];
  readonly config: NalConfig;
}

describeNeeding('H.264 and H.265 as producers mix them', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  async function encode(encoder: string, size: string): Promise<Pictures> {
    const file = join(folder, `${encoder}-${size}.mkv`);
    const quiet = encoder === 'libx265' ? '-x265-params log-level=none' : '';
    ffmpeg(
      `-f lavfi -i testsrc2=s=${size}:r=10:d=1 -c:v ${encoder} -preset ultrafast -qp 51 -g 5 -bf 0 -pix_fmt yuv420p ${quiet} ${file}`,
    );
    const { frames } = await readMedia(new Uint8Array(readFileSync(file)));
    const config = frames[0] && nalConfigOf(frames[0].track);
    if (config === undefined) throw new Error('no configuration');
    return { frames, config };
  }

  describe.each([
    ['libx264', 'V_MPEG4/ISO/AVC'],
    ['libx265', 'V_MPEGH/ISO/HEVC'],
  ])('%s', (encoder, codecId) => {
    let small: Pictures;
    let large: Pictures;
    beforeAll(async () => {
      small = await encode(encoder, '64x48');
      large = await encode(encoder, '128x96');
    });

    const fragment = (
      pictures: readonly Pictures[],
      codecPrivate: Uint8Array | undefined,
      write: (units: Uint8Array[]) => Uint8Array,
      video: { pixelWidth: number; pixelHeight: number } | undefined,
      inBand: boolean,
    ) => {
      const all = pictures.flatMap(({ frames, config }) => frames.map((frame) => ({ frame, config })));
      return writeGetMediaFragment({
        tracks: [{ number: 1, type: 'video', codecId, codecPrivate, video }],
        blocks: all.map(({ frame: { keyframe, data }, config }, index) => {
          const { vps, sps, pps } = config;
          const units = splitNals(data, 4);
          const all = keyframe && inBand ? [...vps, ...sps, ...pps, ...units] : units;
          return { track: 1, timestamp: index * 100_000, keyframe, frames: [write(all)] };
        }),
      });
    };

    const judge = async (bytes: Uint8Array, count: number) => {
      for (const kind of KIND_NAMES) {
        const file = join(folder, 'out.mp4');
        writeFileSync(file, await KINDS[kind](bytes));
        expect(probePackets(file)).toHaveLength(count);
        expect(decodeMessages(file)).toBe('');
      }
      for await (const frame of readFrames(bytes)) frame.toEncodedChunk();
    };

    test.each([1, 2, 4])('lengths of %d bytes', async (lengthSize) => {
      const { frames, config } = small;
      const first = frames.findIndex(
        ({ keyframe, data }) => keyframe && splitNals(data, 4).every(({ length }) => length < 256 ** lengthSize),
      );
      // What does not fit into a byte is left out, with what depends on it.
      const fitting = frames.slice(Math.max(0, first));
      const end = fitting.findIndex(({ data }) => splitNals(data, 4).some(({ length }) => length >= 256 ** lengthSize));
      const kept = end < 0 ? fitting : fitting.slice(0, end);
      const write = (units: Uint8Array[]) => joinNals(units, lengthSize);
      const video = { pixelWidth: 64, pixelHeight: 48 };
      expect(first).toBeGreaterThanOrEqual(0);
      const record = writeDecoderConfig(config, lengthSize);
      await judge(fragment([{ frames: kept, config }], record, write, video, false), kept.length);
    });

    test.each([
      ['missing', undefined],
      ['of zeros', { pixelWidth: 0, pixelHeight: 0 }],
    ])('parameter sets in band alone, frames with lengths, the Video element %s', async (_, video) => {
      const bytes = fragment([small], undefined, (units) => joinNals(units, 4), video, true);
      await judge(bytes, 10);
      const [track] = await tracksOf(bytes);
      expect(track?.toVideoDecoderConfig()).toMatchObject({ codedWidth: 64, codedHeight: 48 });
    });

    test.each([
      ['lengths', 4],
      ['Annex B', 0],
    ])('another size and back within a fragment, frames with %s', async (_, lengthSize) => {
      const { vps, sps, pps } = small.config;
      const record = lengthSize === 0 ? joinNals([...vps, ...sps, ...pps], 0) : writeDecoderConfig(small.config, 4);
      const write = (units: Uint8Array[]) => joinNals(units, lengthSize);
      const video = { pixelWidth: 64, pixelHeight: 48 };
      const bytes = fragment([small, large, small], record, write, video, true);
      const segments = await segmentsOf(bytes);
      expect(segments.map(({ type }) => type)).toEqual(['init', 'media', 'init', 'media', 'init', 'media']);
      const widths: (number | undefined)[] = [];
      for (const track of await tracksOf(bytes)) widths.push(track.toVideoDecoderConfig()?.codedWidth);
      expect(widths).toEqual([64, 128, 64]);
      const file = join(folder, 'changes.mp4');
      writeFileSync(file, await KINDS.progressive(bytes));
      expect(probePackets(file)).toHaveLength(30);
      const pictures = runTool('ffprobe', [
        ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'frame=width,height', '-of', 'csv=p=0', file],
      ]);
      const sizes = pictures
        .trim()
        .split('\n')
        .map((line) => line.replace(/,$/, ''))
        .filter((line) => line !== '');
      expect(sizes.filter((size, index) => size !== sizes[index - 1])).toEqual(['64,48', '128,96', '64,48']);
    });
  });

  async function tracksOf(bytes: Uint8Array) {
    const tracks: TrackMetadata[] = [];
    for await (const { track } of readFrames(bytes)) if (tracks.at(-1) !== track) tracks.push(track);
    return tracks;
  }
});
