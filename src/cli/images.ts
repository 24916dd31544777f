import type { Picture } from '../decode/picture.js';
import { readPictures } from '../decode/read-pictures.js';
import { type MediaTime, type PictureInterval, parseInterval } from '../decode/sampling.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions, UsageError } from './command.js';
import { interruption } from './interrupt.js';
import { OutputFolder } from './output-folder.js';
import { SERVICE_OPTIONS } from './service.js';
import { openSource, SOURCE_ARGUMENTS } from './source.js';
import { LineOutput, tell } from './terminal.js';
import { count, problemText } from './text.js';

const { from: _from, to: _to, ...STREAM_OPTIONS } = SERVICE_OPTIONS;

const OPTIONS = {
  ...READ_OPTIONS,
  out: { type: 'string', value: 'DIR', help: 'the folder for the pictures; their names sort by the time of recording' },
  every: {
    type: 'string',
    value: 'INTERVAL',
    help: 'which pictures: one for every so long (500ms, 1s, 2m), keyframe, frame (all), or every n-th (5frames); default: 1s',
  },
  format: { type: 'string', choices: ['jpg', 'png'], help: 'how they are written; default: jpg' },
  width: { type: 'string', value: 'PIXELS', help: 'their width; without --height, the height follows' },
  height: { type: 'string', value: 'PIXELS', help: 'their height; without --width, the width follows' },
  quality: { type: 'string', value: '1-100', help: 'of jpg; default: 80' },
  track: { type: 'string', value: 'N|NAME', help: 'the video track; default: the first one' },
  from: {
    type: 'string',
    value: 'TIME',
    help: 'begin here: by the producer’s clock (ISO 8601, like 2026-01-31T12:00:00Z), or in a FILE by its time (90s)',
  },
  to: { type: 'string', value: 'TIME', help: 'end here; default: at the end' },
  ...FORCE_OPTION,
  ...STREAM_OPTIONS,
} as const;

/** `kvs images`: pictures of a stream as files. */
export const images = command({
  summary: 'write pictures of a stream as JPEG or PNG files',
  details:
    'Only what has to be decoded is decoded. It needs a decoder: the package @napi-rs/webcodecs, or ffmpeg on the PATH; and the package sharp.',
  arguments: SOURCE_ARGUMENTS,
  options: OPTIONS,
  examples: [
    ['images camera.mkv --every 1s --out pictures', 'a picture for every second'],
    ['images camera.mkv --every keyframe --width 320 --out thumbnails', 'a small one of every key frame'],
    ['images --stream door --live --every 5s --out door', 'a picture every five seconds, as they come'],
  ],
  async run({ values, positionals }) {
    const { out, stream, from, to, every = '1s', format = 'jpg', force } = values;
    if (out === undefined) throw new UsageError('--out DIR is missing');
    const range = stream === undefined ? { from: timeOf('from', from), to: timeOf('to', to) } : {};
    const { from: _, to: __, ...rest } = values;
    const { name, input, progress } = await openSource(positionals, stream === undefined ? rest : values);
    const size = { width: numberOf('width', values.width), height: numberOf('height', values.height) };
    const quality = numberOf('quality', values.quality);
    expectInterval(every);
    const folder = await OutputFolder.open(out, { names: /^(\d{4}-\d\d-\d\dT|t\d{12,}).*\.(jpg|png)$/, force });
    const output = new LineOutput();
    const names = new Names(format);
    let written = 0;
    try {
      const pictures = readPictures(progress.watch(input), {
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
      throw error instanceof RangeError ? new UsageError(error.message) : error;
    } finally {
      progress.end();
      await output.flush();
    }
    if (written === 0) throw input.foundNothing('there is no picture in it');
    if (values.json !== true) tell(`${name}: ${count(written, 'picture')} written to ${out}`);
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
    timestamp,
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
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new UsageError(`--${option} ${text}: no time: neither ISO 8601 nor seconds (90s)`);
  return date;
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--${option} ${text}: no number`);
  return Number(text);
}

function trackOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}
