import { createHash } from 'node:crypto';
import { readFrames } from '../fragments/read.js';
import type { Frame } from '../visitors/frame.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions } from './command.js';
import { openFrameOutput } from './frame-output.js';
import { SERVICE_OPTIONS } from './service.js';
import { openSource, SOURCE_ARGUMENTS } from './source.js';
import { ClosedOutputError, LineOutput } from './terminal.js';
import { count, exactUs, printable, seconds } from './text.js';
import { TrackList } from './track-list.js';
import { missingTracks, TRACK_USAGE, trackFilter } from './track-option.js';

const OPTIONS = {
  ...READ_OPTIONS,
  track: { type: 'string', multiple: true, value: TRACK_USAGE, help: 'only these tracks; can be repeated' },
  hash: { type: 'string', choices: ['sha256'], help: 'print the hash of each frame' },
  out: {
    type: 'string',
    value: 'DIR|FILE|-',
    help:
      'write each frame to its own file in DIR, or the frames of one track to FILE as an elementary stream ' +
      '(.h264, .h265, .mjpeg, .aac, .mp3, .ac3, .eac3, .pcm, .alaw or .mulaw), or to standard output (-)',
  },
  ...FORCE_OPTION,
  ...SERVICE_OPTIONS,
} as const;

/** `kvs frames`: every frame of a stream, on request with its hash, on request as a file of its own. */
export const frames = command({
  summary: 'print each frame: track, timestamps, flags, size; write frames to files with --out',
  arguments: SOURCE_ARGUMENTS,
  options: OPTIONS,
  examples: [
    ['frames camera.mkv --track video --json', 'one JSON object per video frame'],
    ['frames camera.mkv --out frames', 'write each frame to its own file'],
    ['frames camera.mkv --out camera.h264', 'write the video as an H.264 elementary stream'],
    ['frames --stream door --live --duration 10 --track video', 'the video frames of the next ten seconds'],
  ],
  async run({ values, positionals }) {
    const { name, input, progress } = await openSource(positionals, values);
    const tracks = new TrackList();
    const isWanted = trackFilter(values.track);
    const filter = isWanted && ((frame: Frame) => isWanted(frame.track));
    const { out, force, recover } = values;
    const files =
      out === undefined ? undefined : await openFrameOutput(out, { name, input: positionals[0], force, recover });
    const describe = values.json === true ? jsonLine : textLine;
    const output = new LineOutput();
    let listened = files?.takesStandardOutput !== true;
    let found = false;
    try {
      for await (const frame of readFrames(progress.watch(tracks.watch(input)), {
        ...readerOptions(name, values),
        filter,
      })) {
        found = true;
        const sha256 = values.hash === undefined ? undefined : sha256Of(frame);
        await files?.write(frame);
        const written = listened ? output.line(describe(frame, sha256)) : undefined;
        if (written !== undefined) listened = await heard(written, files !== undefined);
      }
      // A document without frames is no error where nothing else was asked for.
      if (!found && (values.track !== undefined || !input.isMatroska))
        throw input.foundNothing(tracks.explain(missingTracks(values.track) ?? 'it contains no frames'));
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
    timestamp: exactUs(timestamp),
    duration: duration === undefined ? null : exactUs(duration),
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
  parts.push(count(size, 'byte'));
  if (keyframe) parts.push('key');
  if (invisible) parts.push('invisible');
  if (discardable) parts.push('discardable');
  if (storage !== 'plain') parts.push(storage);
  if (sha256 !== undefined) parts.push(sha256);
  if (fragment?.fragmentNumber !== undefined) parts.push(`fragment ${printable(fragment.fragmentNumber)}`);
  return parts.join(', ');
}
