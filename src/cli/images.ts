import { DecodeError } from '../decode/decode-error.js';
import type { Picture } from '../decode/picture.js';
import { readPictures } from '../decode/read-pictures.js';
import { type MediaTime, type PictureInterval, parseInterval } from '../decode/sampling.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions, UsageError } from './command.js';
import { interruption } from './interrupt.js';
import { OutputFolder } from './output-folder.js';
import { SERVICE_OPTIONS } from './service.js';
import { openSource, SOURCE_ARGUMENTS } from './source.js';
import { LineOutput, tell } from './terminal.js';
import { count, exactUs, problemText } from './text.js';
import { timeOption } from './time-option.js';
import { TrackList } from './track-list.js';

const { from: _from, to: _to, ...STREAM_OPTIONS } = SERVICE_OPTIONS;

const OPTIONS = {
  ...READ_OPTIONS,
  out: { type: 'string', value: 'DIR', help: 'the directory for the pictures; their names sort by recording time' },
  every: {
    type: 'string',
    value: 'INTERVAL',
    words: ['keyframe', 'frame'],
    help: 'which pictures to write: one per interval (500ms, 1s, 2m), every key frame (keyframe), every frame (frame), or every n-th frame (5frames); default: 1s',
  },
  format: { type: 'string', choices: ['jpg', 'png'], help: 'the image format; default: jpg' },
  width: { type: 'string', value: 'PIXELS', help: 'the width; without --height, the aspect ratio is kept' },
  height: { type: 'string', value: 'PIXELS', help: 'the height; without --width, the aspect ratio is kept' },
  quality: { type: 'string', value: '1-100', help: 'the JPEG quality; default: 80' },
  track: { type: 'string', value: 'N|NAME', help: 'the video track; default: the first' },
  from: {
    type: 'string',
    value: 'TIME',
    help: 'start at this time of the producer (ISO 8601, such as 2026-01-31T12:00:00Z), or at this position in FILE (90s)',
  },
  to: { type: 'string', value: 'TIME', help: 'stop at this time or position; default: the end' },
  ...FORCE_OPTION,
  ...STREAM_OPTIONS,
} as const;

/** `kvs images`: pictures of a stream as files. */
export const images = command({
  summary: 'write pictures from a stream as JPEG or PNG files',
  details:
    'Only the frames that are needed are decoded. Requires a decoder (the package @napi-rs/webcodecs, or ffmpeg on the PATH) and the package sharp.',
  arguments: SOURCE_ARGUMENTS,
  options: OPTIONS,
  examples: [
    ['images camera.mkv --every 1s --out pictures', 'one picture per second'],
    ['images camera.mkv --every keyframe --width 320 --out thumbnails', 'a thumbnail of every key frame'],
    ['images --stream door --live --every 5s --out door', 'one picture every five seconds of the live stream'],
  ],
  async run({ values, positionals }) {
    const { out, stream, from, to, every = '1s', format = 'jpg', force } = values;
    if (out === undefined) throw new UsageError('--out DIR is missing');
    const range = stream === undefined ? { from: timeOf('from', from), to: timeOf('to', to) } : {};
    if (range.from !== undefined && range.to !== undefined && isAfter(range.from, range.to)) {
      throw new UsageError('--from is after --to');
    }
    const { from: _, to: __, ...rest } = values;
    const { name, input, progress } = await openSource(positionals, stream === undefined ? rest : values);
    const size = { width: numberOf('width', values.width), height: numberOf('height', values.height) };
    const quality = numberOf('quality', values.quality);
    expectInterval(every);
    const folder = await OutputFolder.open(out, { names: /^(\d{4}-\d\d-\d\dT|t\d{12,}).*\.(jpg|png)$/, force });
    const output = new LineOutput();
    const names = new Names(format);
    const tracks = new TrackList();
    let written = 0;
    try {
      const pictures = readPictures(progress.watch(tracks.watch(input)), {
        ...readerOptions(name, values),
        ...range,
        every,
        track: trackOf(values.track),
        onProblem: (problem) => tell(`${name}: ${problemText(problem)}`),
        // A stream ends by itself, with what has come, when the process is told to stop.
        signal: stream === undefined ? interruption : undefined,
      });
      for await (const picture of pictures) {
        const file = names.of(picture);
        await folder.write(file, await picture.encode(format === 'jpg' ? 'jpeg' : 'png', { ...size, quality }));
        written++;
        await output.line(values.json === true ? jsonLine(picture, file) : file);
        if (stream !== undefined) await output.flush();
      }
    } catch (error) {
      await folder.abandon();
      if (error instanceof DecodeError && error.code === 'NoTrack')
        throw input.foundNothing(tracks.explain(error.message));
      throw error instanceof RangeError ? new UsageError(error.message) : error;
    } finally {
      progress.end();
      await output.flush();
    }
    if (written === 0) {
      await folder.abandon();
      throw input.foundNothing(
        `it contains no picture${from === undefined && to === undefined ? '' : ' in that range'}`,
      );
    }
    if (values.json !== true) tell(`${name}: wrote ${count(written, 'picture')} to ${out}`);
  },
});

function expectInterval(every: string): asserts every is PictureInterval & string {
  try {
    parseInterval(every as PictureInterval);
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(`--every ${every}: ${error.message}`) : error;
  }
}

function jsonLine({ timestamp, producerTimestamp, fragment, track }: Picture, file: string): string {
  return JSON.stringify({
    file,
    track: track.number,
    timestamp: exactUs(timestamp),
    producerTimestamp: producerTimestamp?.toISOString() ?? null,
    fragmentNumber: fragment?.fragmentNumber ?? null,
  });
}

/** Names of files that sort by the time of recording, or by the stream's where that is not known. */
class Names {
  readonly #extension: string;
  #last = '';
  #again = 0;

  constructor(extension: string) {
    this.#extension = extension;
  }

  of({ timestamp, producerTimestamp }: Picture): string {
    const time =
      producerTimestamp?.toISOString().replaceAll(':', '-') ?? `t${String(Math.round(timestamp)).padStart(12, '0')}`;
    this.#again = time === this.#last ? this.#again + 1 : 0;
    this.#last = time;
    return `${time}${this.#again === 0 ? '' : `-${this.#again}`}.${this.#extension}`;
  }
}

function timeOf(option: string, text: string | undefined): MediaTime | undefined {
  if (text === undefined) return undefined;
  const [, amount] = /^(\d+(?:\.\d+)?)s$/.exec(text) ?? [];
  if (amount !== undefined) return Math.round(Number(amount) * 1e6);
  return timeOption(`--${option}`, text, ', or as seconds of the file: 90s');
}

/** Whether one time is after another; where one is of the stream and the other of the wall, nobody knows before reading. */
function isAfter(from: MediaTime, to: MediaTime): boolean {
  return typeof from === typeof to && from > to;
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--${option} ${text}: must be a number`);
  return Number(text);
}

function trackOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}
