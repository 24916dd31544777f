import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Frame } from '../visitors/frame.js';
import { UsageError } from './command.js';
import { FrameFiles } from './frame-file.js';
import { type OutputFile, openOutput } from './output-file.js';
import { OutputFolder } from './output-folder.js';
import { tell } from './terminal.js';
import { seconds } from './text.js';

/** Where frames go besides being listed. */
export interface FrameOutput {
  /** Whether standard output is taken, so that nothing is listed there. */
  readonly takesStandardOutput: boolean;
  write(frame: Frame): Promise<void>;
  /** Says that all frames have been written. */
  finish(): Promise<void>;
  /** Gives up. Never rejects. */
  abandon(): Promise<void>;
}

/** How frames are written. */
export interface FrameOutputOptions {
  /** Names the input in messages. */
  readonly name: string;
  /** The input file, where there is one. */
  readonly input: string | undefined;
  readonly force: boolean | undefined;
  /** Whether a frame that cannot be written is left out. */
  readonly recover: boolean | undefined;
}

/** Names that an elementary stream's file may end with, and what its frames then are, see {@link FrameFiles}. */
const ELEMENTARY: Readonly<Record<string, string>> = {
  '.h264': '.h264',
  '.264': '.h264',
  '.avc': '.h264',
  '.h265': '.h265',
  '.265': '.h265',
  '.hevc': '.h265',
  '.aac': '.aac',
  '.adts': '.aac',
  '.mjpeg': '.jpg',
  '.mjpg': '.jpg',
  '.mp3': '.mp3',
  '.ac3': '.ac3',
  '.eac3': '.eac3',
  '.ec3': '.eac3',
  '.pcm': '.pcm',
  '.raw': '.pcm',
  '.alaw': '.alaw',
  '.mulaw': '.mulaw',
  '.ulaw': '.mulaw',
};

/** Names of files that are no elementary streams, and what writes them. */
const OTHERS: readonly (readonly [name: RegExp, command: string | undefined])[] = [
  [/\.(wav|wave)$/i, 'audio'],
  [/\.(mp4|m4v|m4a|mov|cmfv|m4s)$/i, 'remux'],
  [/\.(mkv|mka|mk3d|webm)$/i, 'merge'],
  [/\.(jpe?g|png)$/i, 'images'],
  [/\.(m3u8|mpd)$/i, 'hls'],
  [/\.(avi|flac|ivf|obu|av1|vp[89]|ogg|oga|opus|ts|m2ts|bin|json|txt|csv)$/i, undefined],
];

/** Opens what frames are written to: one elementary stream for `-` and for a name like `FILE.h264`, else a folder. */
export async function openFrameOutput(path: string, options: FrameOutputOptions): Promise<FrameOutput> {
  const { name, input, force } = options;
  const files = new FrameFiles((text) => tell(`${name}: ${text}`));
  const extension = ELEMENTARY[extname(path).toLowerCase()];
  const isFolder = await stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (!isFolder) expectNoOther(path);
  if (path === '-' || (extension !== undefined && !isFolder)) {
    return new ElementaryStream(await openOutput(path, { input, force }), files, extension, options);
  }
  const folder = await OutputFolder.open(path, { names: /^frame-\d{9}-track/, force });
  return new FrameFolder(folder, files);
}

/** @throws UsageError when the name is that of a file of another format: it would become a folder */
function expectNoOther(path: string): void {
  const other = OTHERS.find(([name]) => name.test(path));
  if (other === undefined) return;
  const [, command] = other;
  const instead = command === undefined ? '' : `; use 'kvs ${command}' to write ${extname(path)}`;
  const formats = [...new Set(Object.values(ELEMENTARY))].map((format) => (format === '.jpg' ? '.mjpeg' : format));
  throw new UsageError(`--out ${path}: must be a directory, or a file that ends with ${formats.join(', ')}${instead}`);
}

/** A file for each frame; in the order of their names they are in the order of the stream. */
class FrameFolder implements FrameOutput {
  readonly takesStandardOutput = false;
  readonly #folder: OutputFolder;
  readonly #files: FrameFiles;
  #count = 0;

  constructor(folder: OutputFolder, files: FrameFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  async write(frame: Frame): Promise<void> {
    const { extension, data } = this.#files.make(frame);
    this.#count++;
    const name = `frame-${String(this.#count).padStart(9, '0')}-track${frame.track.number}${extension}`;
    await this.#folder.write(name, data);
  }

  async finish(): Promise<void> {}

  async abandon(): Promise<void> {
    await this.#folder.abandon();
  }
}

/** The frames of one track behind each other, as programs for its codec alone read them. */
class ElementaryStream implements FrameOutput {
  readonly #output: OutputFile;
  readonly #files: FrameFiles;
  readonly #options: FrameOutputOptions;
  /** What the frames must be; of standard output, what those of the first track are. */
  #extension: string | undefined;
  /** The track that is written. */
  #track: number | undefined;
  #count = 0;

  constructor(output: OutputFile, files: FrameFiles, extension: string | undefined, options: FrameOutputOptions) {
    this.#output = output;
    this.#files = files;
    this.#extension = extension;
    this.#options = options;
  }

  get takesStandardOutput(): boolean {
    return this.#output.isStandardOutput;
  }

  async write(frame: Frame): Promise<void> {
    const { number } = frame.track;
    if (this.#track !== undefined && this.#track !== number) return;
    const { extension, data } = this.#files.make(frame);
    this.#extension ??= extension;
    if (extension !== this.#extension) {
      // Another track may have them.
      if (this.#track === undefined) return;
      const text = `the frame at ${seconds(frame.timestamp)} of track ${number} does not have the format ${this.#extension}`;
      if (this.#options.recover !== true) throw new Error(text);
      tell(`${this.#options.name}: left out: ${text}`);
      return;
    }
    if (extension === '.bin') {
      throw new Error(
        `track ${number} (${frame.track.codecId}) cannot be written as an elementary stream; use a directory for its frames`,
      );
    }
    this.#track = number;
    this.#count++;
    await this.#output.write(data);
  }

  async finish(): Promise<void> {
    if (this.#count === 0) throw new Error(`no track can be written as ${this.#extension ?? 'an elementary stream'}`);
    await this.#output.finish();
  }

  abandon(): Promise<void> {
    return this.#output.abandon();
  }
}
