import { createHash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFrames } from '../fragments/read.js';
import type { Frame } from '../visitors/frame.js';
import { type Command, parseWords, READ_OPTIONS, READ_USAGE, readerOptions, UsageError } from './command.js';
import { FrameFiles } from './frame-file.js';
import { openInput } from './input.js';
import { ClosedOutputError, LineOutput } from './output.js';
import { Progress } from './progress.js';
import { printable, seconds } from './text.js';
import { TRACK_USAGE, trackOf } from './track-option.js';

const OPTIONS = {
  ...READ_OPTIONS,
  track: { type: 'string' },
  hash: { type: 'string' },
  out: { type: 'string' },
} as const;

/** `kvs frames`: every frame of a stream, on request with its hash, on request as a file of its own. */
export const frames: Command = {
  usage: `FILE [--track ${TRACK_USAGE}] [--hash sha256] [--out DIR] ${READ_USAGE}`,
  summary:
    'each frame: track, times, flags, size; with --out DIR each as a file (.h264, .h265, .jpg, .aac, .pcm, .bin)',
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parseWords(words, OPTIONS, ['FILE']);
    const file = positionals[0]!;
    const track = values.track === undefined ? undefined : trackOf(values.track);
    if (values.hash !== undefined && values.hash !== 'sha256')
      throw new UsageError(`--hash ${values.hash}: only sha256 is there`);
    const options = readerOptions(file, values);
    const folder = values.out === undefined ? undefined : new FrameFolder(values.out, file);
    await folder?.open();
    const describe = values.json === true ? jsonLine : textLine;
    const output = new LineOutput();
    const progress = await Progress.through(file);
    let listened = true;
    try {
      for await (const frame of readFrames(progress.watch(openInput(file)), { ...options, track })) {
        const sha256 = values.hash === undefined ? undefined : sha256Of(frame);
        await folder?.write(frame);
        const written = listened ? output.line(describe(frame, sha256)) : undefined;
        if (written !== undefined) listened = await heard(written, folder !== undefined);
      }
    } finally {
      progress.end();
      await output.flush();
    }
  },
};

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

/** A folder with a file for each frame; in the order of their names they are in the order of the stream. */
class FrameFolder {
  readonly #path: string;
  readonly #files: FrameFiles;
  #count = 0;

  constructor(path: string, file: string) {
    this.#path = path;
    this.#files = new FrameFiles((text) => process.stderr.write(`kvs: ${file}: ${text}\n`));
  }

  async open(): Promise<void> {
    await mkdir(this.#path, { recursive: true });
  }

  async write(frame: Frame): Promise<void> {
    const { extension, data } = this.#files.make(frame);
    this.#count++;
    const name = `frame-${String(this.#count).padStart(9, '0')}-track${frame.track.number}${extension}`;
    const path = join(this.#path, name);
    const unfinished = `${path}.part`;
    try {
      await writeFile(unfinished, data);
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw error;
    }
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
