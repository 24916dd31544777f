import { unshared } from '../ebml/bytes.js';
import type { MaybePromise } from '../mkv/element-visitor.js';
import type { ByteSink } from '../visitors/copy-visitor.js';
import { Movie, writeFileType } from './movie.js';
import type { Payload } from './payload.js';
import { needsLargeOffsets } from './sample-table.js';
import type { RemuxedFragment } from './samples.js';
import { putBoxHeader } from './segments.js';

/** Keeps media until all of it is known: in a file, for example. */
export interface Mp4Spool {
  /** Takes bytes, which stay as they are. A promise is waited for. */
  write(bytes: Uint8Array): MaybePromise;
  /** Gives all that was written, in order. */
  read(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

const SMALL_HEADER = 8;
const LARGE_HEADER = 16;

/** Writes a progressive MP4: `moov` first, with the media kept in a spool until then, or last. */
export class Mp4Writer {
  /** What has been written of it. */
  readonly movie = new Movie();
  readonly #sink: ByteSink;
  readonly #spool: Mp4Spool | undefined;
  readonly #memory: Payload[] | undefined;
  #written = 0;
  #mediaSize = 0;

  /** @param spool where media waits for `moov`; `last`: it does not wait, `moov` comes last */
  constructor(sink: ByteSink, spool: Mp4Spool | 'memory' | 'last') {
    this.#sink = sink;
    this.#spool = typeof spool === 'string' ? undefined : spool;
    this.#memory = spool === 'memory' ? [] : undefined;
  }

  /** Bytes of media so far. */
  get mediaSize(): number {
    return this.#mediaSize;
  }

  /** Adds a fragment, which the movie must have checked. */
  async add(fragment: RemuxedFragment): Promise<void> {
    const payloads = fragment.runs.map(({ payload }) => payload);
    const size = payloads.reduce((sum, payload) => sum + payload.size, 0);
    if (this.#memory !== undefined) {
      // The frames stay where they are: it is the chunks that are kept.
      this.movie.add(fragment, this.#mediaSize);
      for (const payload of payloads) this.#memory.push(payload);
    } else if (this.#spool !== undefined) {
      this.movie.add(fragment, this.#mediaSize);
      await this.#spool.write(joinPayloads(payloads, size, 0));
    } else {
      if (this.#written === 0) await this.#write(writeFileType());
      this.movie.add(fragment, this.#written + SMALL_HEADER);
      const media = joinPayloads(payloads, size, SMALL_HEADER);
      putBoxHeader(media, 0, 'mdat', media.length);
      await this.#write(media);
    }
    this.#mediaSize += size;
  }

  /**
   * Writes what is left.
   *
   * @returns the size of the file
   */
  async finish(): Promise<number> {
    if (this.#spool === undefined && this.#memory === undefined) {
      await this.#write(this.movie.write(needsLargeOffsets(this.#written), () => 0));
      return this.#written;
    }
    const fileType = writeFileType();
    const mediaSize = this.#mediaSize;
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
    for (const payload of this.#memory ?? []) {
      for (const piece of payload.pieces()) {
        const pending = this.#write(piece);
        if (pending !== undefined) await pending;
      }
    }
    if (this.#spool !== undefined) for await (const piece of this.#spool.read()) await this.#write(piece);
    return this.#written;
  }

  #write(bytes: Uint8Array): MaybePromise {
    this.#written += bytes.length;
    return this.#sink(unshared(bytes));
  }
}

/** All samples in one array, with room before them. */
function joinPayloads(payloads: readonly Payload[], size: number, room: number): Uint8Array {
  const bytes = new Uint8Array(room + size);
  let at = room;
  for (const payload of payloads) {
    payload.writeTo(bytes, at);
    at += payload.size;
  }
  return bytes;
}
