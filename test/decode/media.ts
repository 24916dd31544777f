import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VideoFrameLike } from '../../src/decode/index.js';

const FOLDER = join(tmpdir(), 'kvs-parser-test-decode');
mkdirSync(FOLDER, { recursive: true });

export const WIDTH = 320;
export const HEIGHT = 240;

const VIDEO = {
  'b-frames.mkv': '-c:v libx264 -bf 3 -g 50 -pix_fmt yuv420p',
  'open-gop.mkv': '-c:v libx264 -bf 3 -g 50 -x264-params open-gop=1:scenecut=0 -pix_fmt yuv420p',
  'hevc.mkv': '-c:v libx265 -x265-params log-level=none:keyint=50:open-gop=0 -pix_fmt yuv420p',
  'hevc-open-gop.mkv': '-c:v libx265 -x265-params log-level=none:keyint=50:open-gop=1 -pix_fmt yuv420p',
  'vp8.webm': '-c:v libvpx -g 50 -b:v 500k -deadline realtime -cpu-used 8',
  'vp9.webm': '-c:v libvpx-vp9 -g 50 -b:v 500k -deadline realtime -cpu-used 8',
  'av1.mkv': '-c:v libaom-av1 -g 50 -b:v 300k -cpu-used 8',
  'mjpeg.mkv': '-c:v mjpeg -q:v 5 -pix_fmt yuvj420p',
} as const;

/** Eight seconds of 25 pictures of 320 x 240 each. */
export type VideoName = keyof typeof VIDEO;
export const VIDEO_NAMES = Object.keys(VIDEO) as VideoName[];

/** The path of a video; it is made when it is not there yet. */
export function videoPath(name: VideoName): string {
  const path = join(FOLDER, name);
  if (existsSync(path)) return path;
  const made = join(FOLDER, `making-${process.pid}-${name}`);
  const source = `testsrc2=size=${WIDTH}x${HEIGHT}:rate=25:duration=8`;
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, ...VIDEO[name].split(' '), made]);
  renameSync(made, path);
  return path;
}

/** All pictures of a file as ffmpeg decodes them, in the order of presentation. */
export function decodedByFfmpeg(path: string, format: 'yuv420p' | 'rgba', size: number): Uint8Array[] {
  const args = ['-v', 'error', '-i', path, '-map', '0:v:0', '-fps_mode', 'passthrough', '-pix_fmt', format];
  const bytes = execFileSync('ffmpeg', [...args, '-f', 'rawvideo', '-'], { maxBuffer: 1 << 30 });
  return Array.from({ length: bytes.length / size }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

/** The planes of a picture in I420, without padding. */
export async function planesOf(frame: VideoFrameLike): Promise<Uint8Array> {
  const bytes = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(bytes);
  const { width, height } = frame.visibleRect ?? { width: frame.codedWidth, height: frame.codedHeight };
  const planes = [width, width / 2, width / 2].map((wide, index) => {
    const { offset, stride } = layout[index]!;
    const rows = index === 0 ? height : height / 2;
    return Array.from({ length: rows }, (_, row) =>
      bytes.subarray(offset + row * stride, offset + row * stride + wide),
    );
  });
  return new Uint8Array(Buffer.concat(planes.flat()));
}

/** Peak signal-to-noise ratio of two pictures, in decibels. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} bytes against ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * a.length) / sum);
}

/** The bytes of a file. */
export function fileBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}
