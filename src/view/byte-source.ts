import { concatBytes } from '../ebml/writer.js';
import { firstIndex } from './lower-bound.js';

/** Where the bytes of a stream are. */
export interface ByteSource {
  /** How many bytes there are; `undefined` where they grow. */
  readonly size: number | undefined;
  /** Bytes at an offset: fewer where there are fewer, none where they are no longer held. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A source all of which is there. */
export interface WholeSource extends ByteSource {
  readonly size: number;
  /** All bytes from the first on, in chunks. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Few bytes at first, so that something is shown soon. */
const FIRST_CHUNK = 64 * 1024;
/** Enough that reading costs little, and few enough that what is asked meanwhile is answered soon. */
const LARGEST_CHUNK = 512 * 1024;

/** Reads a whole source of known size, in growing parts. */
async function* readInParts(
  size: number,
  signal: AbortSignal,
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (let offset = 0, length = FIRST_CHUNK; offset < size; length = Math.min(length * 2, LARGEST_CHUNK)) {
    signal.throwIfAborted();
    yield await read(offset, length);
    offset += length;
  }
}

const NO_BYTES = new Uint8Array(0);

/** A file that a user has chosen: it is read in slices. */
export class BlobSource implements WholeSource {
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  get size(): number {
    return this.#blob.size;
  }

  chunks(signal: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>> {
    return readInParts(this.size, signal, (offset, length) => this.read(offset, length));
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const slice = this.#blob.slice(offset, offset + length);
    const bytes = await slice.arrayBuffer().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`the file cannot be read, or has changed since it was opened: ${why}`, { cause: error });
    });
    return new Uint8Array(bytes);
  }
}

/** A file of a server that answers Range requests. */
export class UrlSource implements WholeSource {
  readonly #url: string;
  readonly size: number;

  constructor(url: string, size: number) {
    this.#url = url;
    this.size = size;
  }

  chunks(signal: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>> {
    return readInParts(this.size, signal, (offset, length) => this.#fetch(offset, length, signal));
  }

  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#fetch(offset, length);
  }

  async #fetch(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const end = Math.min(offset + length, this.size);
    if (offset >= end) return NO_BYTES;
    const response = await fetch(this.#url, {
      headers: { range: `bytes=${offset}-${end - 1}` },
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status !== 206)
      throw new Error(`the server answers ${response.status} in place of a part of the file`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length !== end - offset) throw new Error('the file has changed since it was opened');
    return bytes;
  }
}

/** The newest bytes of a stream that grows, in memory. */
export class LiveBytes implements ByteSource {
  readonly size = undefined;
  readonly #chunks: { readonly offset: number; readonly bytes: Uint8Array<ArrayBuffer> }[] = [];
  /** Offset behind the last byte. */
  end = 0;

  /** Adds bytes at the end. */
  append(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#chunks.push({ offset: this.end, bytes });
    this.end += bytes.length;
  }

  /** Lets go of the chunks that lie before an offset. */
  dropBefore(offset: number): void {
    this.#chunks.splice(0, this.#chunkAt(offset));
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const first = this.#chunks[0];
    if (first === undefined || offset < first.offset) return NO_BYTES;
    const whole = new Uint8Array(Math.max(0, Math.min(length, this.end - offset)));
    const end = offset + whole.length;
    let at = this.#chunkAt(offset);
    for (let chunk = this.#chunks[at]; chunk !== undefined && chunk.offset < end; chunk = this.#chunks[++at]) {
      const from = Math.max(offset, chunk.offset);
      const to = Math.min(end, chunk.offset + chunk.bytes.length);
      whole.set(chunk.bytes.subarray(from - chunk.offset, to - chunk.offset), from - offset);
    }
    return whole;
  }

  /** The place of the chunk that holds the byte at an offset, or is the first behind it. */
  #chunkAt(offset: number): number {
    return firstIndex(this.#chunks.length, (at) => (this.#chunks[at + 1]?.offset ?? this.end) > offset);
  }
}

const PAGE = 64 * 1024;
const MOST_PAGES = 64;

/** Reads small parts of a source, which mostly lie close to each other, with few requests: in pages, of which the latest are kept. */
export class PageReader {
  readonly #source: ByteSource;
  readonly #pages = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Bytes at an offset: fewer at the end of the source. */
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    // The pages of a stream that grows are not what they were; it is in memory anyway.
    if (this.#source.size === undefined || length > PAGE) return this.#source.read(offset, length);
    const page = Math.floor(offset / PAGE);
    const start = offset - page * PAGE;
    const first = await this.#page(page);
    if (start + length <= PAGE) return first.subarray(start, start + length);
    const second = await this.#page(page + 1);
    return concatBytes([first.subarray(start), second.subarray(0, start + length - PAGE)]);
  }

  #page(page: number): Promise<Uint8Array<ArrayBuffer>> {
    const known = this.#pages.get(page);
    // The last one that was used is the last to go.
    this.#pages.delete(page);
    const bytes = known ?? this.#source.read(page * PAGE, PAGE);
    this.#pages.set(page, bytes);
    if (known === undefined) bytes.catch(() => this.#pages.delete(page));
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MOST_PAGES && oldest !== undefined) this.#pages.delete(oldest);
    return bytes;
  }
}
