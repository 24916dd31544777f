import type { Mp4InitSegment, Mp4TrackInfo } from '../mp4/index.js';
import { type OutputFile, type OutputOptions, openOutput } from './output-file.js';

/**
 * Writes initialization and media segments into files. A player of files reads the first initialization segment of a file only, and takes
 * what another one is for as wrong media: so a file is followed by another one where it does not have the tracks of what comes next. What
 * is no file, such as standard output, gets all of them: there is no other place.
 */
export class SegmentFiles {
  readonly #path: string;
  readonly #options: OutputOptions;
  /** The files, each with its name. */
  readonly #files: { readonly path: string; readonly output: OutputFile }[];
  /** The tracks that the file at hand has. */
  #tracks = new Set<Mp4TrackInfo>();
  /** An initialization segment that nothing has come for yet. */
  #pending: Uint8Array | undefined;
  #isEmpty = true;
  /** How many initialization segments have been written. */
  initializations = 0;
  /** How many bytes have been written. */
  bytes = 0;

  /** @param path the name of the output; those that follow `camera.mp4` are `camera-2.mp4`, `camera-3.mp4`, … */
  constructor(output: OutputFile, path: string, options: OutputOptions) {
    this.#path = path;
    this.#options = options;
    this.#files = [{ path, output }];
  }

  /** The names of the files so far. */
  get paths(): readonly string[] {
    return this.#files.map(({ path }) => path);
  }

  /** Takes an initialization segment. */
  init({ bytes, tracks }: Mp4InitSegment): void {
    if (this.#pending === undefined && tracks.every((track) => this.#tracks.has(track))) return;
    this.#pending = bytes;
    this.#tracks = new Set(tracks);
  }

  /**
   * Takes a media segment of the tracks of the last initialization segment.
   *
   * @throws Error when the next file cannot be opened, or is there already
   */
  async media(bytes: Uint8Array): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) {
      if (!this.#isEmpty && this.#output.beside !== undefined) await this.#next();
      this.initializations++;
      await this.#write(pending);
    }
    this.#isEmpty = false;
    await this.#write(bytes);
  }

  /** Gives all files their names but the first, whose owner does so. */
  async finish(): Promise<void> {
    for (const { output } of this.#files.slice(1)) await output.finish();
  }

  /** Leaves none of the files but the first, which its owner gives up. Never rejects. */
  async abandon(): Promise<void> {
    for (const { output } of this.#files.slice(1)) await output.abandon();
  }

  get #output(): OutputFile {
    return this.#files.at(-1)!.output;
  }

  async #next(): Promise<void> {
    const [, stem, extension] = /^(.*?)(\.[^./\\]*)?$/s.exec(this.#path) ?? [];
    const path = `${stem}-${this.#files.length + 1}${extension ?? ''}`;
    this.#files.push({ path, output: await openOutput(path, this.#options) });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.bytes += bytes.length;
    await this.#output.write(bytes);
  }
}
