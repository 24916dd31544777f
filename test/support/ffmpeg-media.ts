import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Mkv } from '../../src/index.js';
import { readChunks } from './read-all.js';
import { runTool } from './tools.js';

/** A track as a Matroska file has it, with its frames in the order of the file. */
export interface StoredTrack {
  codecId: string;
  codecPrivate?: Uint8Array;
  video?: { pixelWidth?: number; pixelHeight?: number };
  audio?: { bitDepth?: number; samplingFrequency?: number; channels?: number };
  frames: { data: Uint8Array; keyframe: boolean }[];
}

/** A folder for the files of a suite, removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-parser-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs ffmpeg; the words are as on a command line, the output file the last of them. */
export function ffmpeg(command: string): void {
  runTool('ffmpeg', ['-hide_banner', '-v', 'error', '-y', ...command.split(/\s+/).filter((word) => word !== '')]);
}

/** What ffprobe says of a stream, as far as tests ask. */
export interface ProbedStream {
  codec_name: string;
  profile: string;
  level: number;
  width: number;
  height: number;
  pix_fmt: string;
  has_b_frames: number;
  sample_rate: string;
  channels: number;
}

/** What ffprobe says of the streams of a file. */
export function probeStreams(file: string): ProbedStream[] {
  return JSON.parse(runTool('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', file])).streams;
}

/** The tracks of a Matroska file in the order of its TrackEntry elements. */
export function storedTracks(file: string): StoredTrack[] {
  const tracks = new Map<number, StoredTrack>();
  const list: StoredTrack[] = [];
  for (const element of readChunks([new Uint8Array(readFileSync(file))])) {
    if (element.kind === 'start' && element.is(Mkv.TrackEntry)) list.push({ codecId: '', frames: [] });
    const track = list.at(-1);
    if (element.kind !== 'data' || track === undefined) continue;
    if (element.is(Mkv.TrackNumber)) tracks.set(element.value, track);
    else if (element.is(Mkv.CodecID)) track.codecId = element.value;
    else if (element.is(Mkv.CodecPrivate)) track.codecPrivate = element.data;
    else if (element.is(Mkv.PixelWidth)) track.video = { ...track.video, pixelWidth: element.value };
    else if (element.is(Mkv.PixelHeight)) track.video = { ...track.video, pixelHeight: element.value };
    else if (element.is(Mkv.SamplingFrequency)) track.audio = { ...track.audio, samplingFrequency: element.value };
    else if (element.is(Mkv.Channels)) track.audio = { ...track.audio, channels: element.value };
    else if (element.is(Mkv.BitDepth)) track.audio = { ...track.audio, bitDepth: element.value };
    else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) {
      const { trackNumber, keyframe, frames } = element.value;
      for (const data of frames) tracks.get(trackNumber)?.frames.push({ data, keyframe });
    }
  }
  return list;
}
