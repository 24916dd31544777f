import type { MaybePromise } from '../mkv/element-visitor.js';
import type { ByteSink } from '../visitors/copy-visitor.js';
import type { RemuxedFragment } from './fragment-remuxer.js';
import { Movie, writeFileType } from './movie.js';
import { needsLargeOffsets } from './sample-table.js';
import { putBoxHeader } from './segments.js';

/** Keeps media until all of it is known: in a file, for example. */
export interface Mp4Spool {
  /** Takes bytes, which stay as they are. A promise is waited for. */
  write(bytes: Uint8Array): MaybePromise;
  /** Gives all that was written, in order. */
  read(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A spool in memory. */
export class MemorySpool implements Mp4Spool {
  readonly #pieces: Uint8Array[] = [];

  write(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  read(): Iterable<Uint8Array> {
    return this.#pieces;
  }
}

const SMALL_HEADER = 8;
const LARGE_HEADER = 16;

/** Writes a progressive MP4: `moov` first, with the media kept in a spool until then, or last. */
export class Mp4Writer {
  /** What has been written of it. */
  readonly movie = new Movie();
  readonly #sink: ByteSink;
  readonly #spool: Mp4Spool | undefined;
  #written = 0;
  #spooled = 0;

  /** @param spool where media waits for `moov`; without it, `moov` comes last */
  constructor(sink: ByteSink, spool: Mp4Spool | undefined) {
    this.#sink = sink;
    this.#spool = spool;
  }

  /** Bytes of media so far. */
  get mediaSize(): number {
    return this.#spool === undefined ? this.#written : this.#spooled;
  }

  /** Adds a fragment, which the movie must have checked. */
  async add(fragment: RemuxedFragment): Promise<void> {
    if (this.#spool !== undefined) {
      const media = this.movie.add(fragment, this.#spooled);
      this.#spooled += media.length;
      await this.#spool.write(media);
      return;
    }
    if (this.#written === 0) await this.#write(writeFileType());
    const media = this.movie.add(fragment, this.#written + SMALL_HEADER, SMALL_HEADER);
    putBoxHeader(media, 0, 'mdat', media.length);
    await this.#write(media);
  }

  /**
   * Writes what is left.
   *
   * @returns the size of the file
   */
  async finish(): Promise<number> {
    if (this.#spool === undefined) {
      await this.#write(this.movie.write(needsLargeOffsets(this.#written), () => 0));
      return this.#written;
    }
    const fileType = writeFileType();
    const mediaSize = this.#spooled;
    const header = needsLargeOffsets(mediaSize + LARGE_HEADER) ? LARGE_HEADER : SMALL_HEADER;
    const baseOf = (size: number) => fileType.length + size + header;
    let movie = this.movie.write(header === LARGE_HEADER, baseOf);
    if (header === SMALL_HEADER && needsLargeOffsets(baseOf(movie.length) + mediaSize)) {
      movie = this.movie.write(true, baseOf);
    }
    await this.#write(fileType);
    await this.#write(movie);
    const head = new Uint8Array(header);
    putBoxHeader(head, 0, 'mdat', header === LARGE_HEADER ? 1 : header + mediaSize);
    if (header === LARGE_HEADER) new DataView(head.buffer).setBigUint64(8, BigInt(header + mediaSize));
    await this.#write(head);
    for await (const piece of this.#spool.read()) await this.#write(piece);
    return this.#written;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#written += bytes.length;
    await this.#sink(bytes);
  }
}
