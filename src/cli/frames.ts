import { createHash } from 'node:crypto';
import { frameFilter } from '../fragments/frame-filter.js';
import { readFrames } from '../fragments/read.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions } from './command.js';
import { openFrameOutput } from './frame-output.js';
import { SERVICE_OPTIONS } from './service.js';
import { openSource, SOURCE_ARGUMENTS } from './source.js';
import { ClosedOutputError, LineOutput } from './terminal.js';
import { printable, seconds } from './text.js';
import { TRACK_USAGE, trackOf } from './track-option.js';

const OPTIONS = {
  ...READ_OPTIONS,
  track: { type: 'string', value: TRACK_USAGE, help: 'frames of this track only: its number, or its type' },
  hash: { type: 'string', choices: ['sha256'], help: 'print the hash of each frame' },
  out: {
    type: 'string',
    value: 'DIR|FILE|-',
    help:
      'write each frame as a file of a folder (.h264, .h265, .jpg, .aac, .pcm, .bin), or all frames of one track as an elementary ' +
      'stream: FILE.h264, .h265, .aac, .mjpeg, .pcm, or - for standard output',
  },
  ...FORCE_OPTION,
  ...SERVICE_OPTIONS,
} as const;

/** `kvs frames`: every frame of a stream, on request with its hash, on request as a file of its own. */
export const frames = command({
  summary: 'print each frame: track, times, flags, size; with --out, write them to files',
  arguments: SOURCE_ARGUMENTS,
  options: OPTIONS,
  examples: [
    ['frames camera.mkv --track video --json', 'a JSON object for each frame of video'],
    ['frames camera.mkv --out frames', 'each frame as a file that other programs read'],
    ['frames camera.mkv --out camera.h264', 'the video as an H.264 elementary stream'],
    ['frames --stream door --live --duration 10 --track video', 'the frames of ten seconds, as they come'],
  ],
  async run({ values, positionals }) {
    const { name, input, progress } = await openSource(positionals, values);
    const tracks = new Map<number, TrackMetadata>();
    const wanted = frameFilter({ track: values.track === undefined ? undefined : trackOf(values.track) });
    const filter = (frame: Frame) => {
      if (tracks.size < MOST_NAMED) tracks.set(frame.track.number, frame.track);
      return wanted(frame);
    };
    const { out, force, recover } = values;
    const files =
      out === undefined ? undefined : await openFrameOutput(out, { name, input: positionals[0], force, recover });
    const describe = values.json === true ? jsonLine : textLine;
    const output = new LineOutput();
    let listened = files?.takesStandardOutput !== true;
    let found = false;
    try {
      for await (const frame of readFrames(progress.watch(input), { ...readerOptions(name, values), filter })) {
        found = true;
        const sha256 = values.hash === undefined ? undefined : sha256Of(frame);
        await files?.write(frame);
        const written = listened ? output.line(describe(frame, sha256)) : undefined;
        if (written !== undefined) listened = await heard(written, files !== undefined);
      }
      // A document without frames is no error where nothing else was asked for.
      if (!found && (values.track !== undefined || !input.isMatroska))
        throw input.foundNothing(missing(values.track, [...tracks.values()]));
      await files?.finish();
    } catch (error) {
      await files?.abandon();
      throw error;
    } finally {
      progress.end();
      await output.flush();
    }
  },
});

/** The most tracks that a message names. */
const MOST_NAMED = 16;

/** What is missing, where there is no frame. */
function missing(track: string | undefined, tracks: readonly TrackMetadata[]): string {
  if (track === undefined || tracks.length === 0) return 'there are no frames in it';
  const names = tracks.map(({ number, type, codecId }) => `${number} (${type}, ${printable(codecId)})`);
  return `there are no frames of track ${track} in it; those of ${names.join(', ')} are`;
}

function sha256Of({ parts }: Frame): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Whether what was written has a reader. Where files are made, they are to be all there also when the lines have none. */
async function heard(written: Promise<void>, goOn: boolean): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (goOn && error instanceof ClosedOutputError) return false;
    throw error;
  }
}

function jsonLine(frame: Frame, sha256: string | undefined): string {
  const { track, timestamp, duration, keyframe, invisible, discardable, size, fragment } = frame;
  return JSON.stringify({
    track: track.number,
    timestamp,
    duration: duration ?? null,
    keyframe,
    invisible,
    discardable,
    size,
    sha256: sha256 ?? null,
    fragmentNumber: fragment?.fragmentNumber ?? null,
  });
}

function textLine(frame: Frame, sha256: string | undefined): string {
  const { track, timestamp, duration, keyframe, invisible, discardable, size, storage, fragment } = frame;
  const parts = [`track ${track.number}`, `at ${seconds(timestamp)}`];
  if (duration !== undefined) parts.push(`for ${seconds(duration)}`);
  parts.push(`${size} bytes`);
  if (keyframe) parts.push('key');
  if (invisible) parts.push('invisible');
  if (discardable) parts.push('discardable');
  if (storage !== 'plain') parts.push(storage);
  if (sha256 !== undefined) parts.push(sha256);
  if (fragment?.fragmentNumber !== undefined) parts.push(`fragment ${printable(fragment.fragmentNumber)}`);
  return parts.join(', ');
}
