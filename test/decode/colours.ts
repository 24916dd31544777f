import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDER = join(tmpdir(), 'kvs-parser-test-decode');

const KINDS = {
  bt709: '-vf scale=out_color_matrix=bt709,format=yuv420p -colorspace bt709 -color_primaries bt709 -color_trc bt709',
  bt601:
    '-vf scale=out_color_matrix=bt601,format=yuv420p -colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m',
  full: '-vf scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p -colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m',
};
export type ColourKind = keyof typeof KINDS;
export const COLOUR_KINDS = Object.keys(KINDS) as ColourKind[];

/** A video of 320 x 240 whose stream says its colours; it is made when it is not there yet. */
export function colouredVideo(kind: ColourKind): string {
  const path = join(FOLDER, `colours-${kind}.mkv`);
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const made = join(FOLDER, `making-${process.pid}-colours-${kind}.mkv`);
  const source = ['-f', 'lavfi', '-i', 'smptebars=size=320x240:rate=25:duration=1'];
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-y',
    ...source,
    ...KINDS[kind].split(' '),
    '-c:v',
    'libx264',
    '-crf',
    '10',
    made,
  ]);
  renameSync(made, path);
  return path;
}

/** The means of the squares of a tensor (`nchw`), 8 x 8 of each colour: they do not depend on how colour is spread between pixels. */
export function meansOf(data: Float32Array, width: number, height: number): number[] {
  const sums = new Float64Array(3 * 64);
  data.forEach((value, i) => {
    const y = Math.floor((i % (width * height)) / width);
    const square = Math.floor((y * 8) / height) * 8 + Math.floor(((i % width) * 8) / width);
    sums[Math.floor(i / (width * height)) * 64 + square]! += value;
  });
  return [...sums].map((sum) => (sum * 64) / (width * height));
}

/** How far two lists of means are apart at the most, in parts of full scale. */
export function farthest(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new Error(`${a.length} means against ${b.length}`);
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);
}
