import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeForeign, explainForeign, FOREIGN_HEAD_SIZE } from '../mkv/foreign.js';
import { blocking, interruption, untilInterrupted } from './interrupt.js';
import { reasonOf } from './system-error.js';

/** The id of an EBML header. */
const EBML = [0x1a, 0x45, 0xdf, 0xa3];

const CHUNK_SIZE = 256 * 1024;

/** The bytes that a command reads. What has been read is remembered as far as messages need it. */
export class Input implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #head: number[] = [];
  readonly #endsItself: boolean;
  /** How many bytes have been read. */
  bytes = 0;

  /** @param endsItself whether the source ends, with what has come, when the process is told to stop; others end with an error then */
  constructor(source: AsyncIterable<Uint8Array>, endsItself = false) {
    this.#source = endsItself ? source : untilInterrupted(source);
    this.#endsItself = endsItself;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    const head = this.#head;
    for await (const chunk of this.#source) {
      this.bytes += chunk.length;
      if (head.length < FOREIGN_HEAD_SIZE) head.push(...chunk.subarray(0, FOREIGN_HEAD_SIZE - head.length));
      yield chunk;
    }
  }

  /** The error, or one that says which other format the input is of. */
  explain(error: unknown): unknown {
    return explainForeign(error, Uint8Array.from(this.#head));
  }

  /** What it is, where its beginning is known to be no Matroska: `text`, `MP4`. */
  get foreign(): string | undefined {
    return describeForeign(Uint8Array.from(this.#head));
  }

  /** Whether it begins as Matroska does. */
  get isMatroska(): boolean {
    return EBML.every((byte, index) => this.#head[index] === byte);
  }

  /**
   * The error for an input in which nothing of what was asked for has been found; that of the interruption where the process was told to
   * stop before anything came.
   *
   * @param what is missing: `there is no fragment in it`
   */
  foundNothing(what: string): Error {
    if (interruption.aborted) return interruption.reason;
    if (this.bytes === 0) return new Error(this.#endsItself ? 'no fragments were received' : 'the input is empty');
    const { foreign } = this;
    return new Error(foreign === undefined ? what : `this is ${foreign}, not Matroska`);
  }
}

/**
 * The bytes of a file, of standard input for `-`, or of a URL. What cannot be read fails at the first read. Reading ends, with an
 * error, when the process is told to stop.
 */
export function openInput(file: string): Input {
  return new Input(sourceOf(file));
}

async function* sourceOf(file: string): AsyncGenerator<Uint8Array, void> {
  const scheme = /^([a-z][a-z\d+.-]+):\/\//i.exec(file)?.[1]?.toLowerCase();
  if (file === '-') yield* process.stdin;
  else if (scheme === 'http' || scheme === 'https') yield* download(file);
  else if (scheme === undefined) yield* readFile(file);
  else if (scheme === 'file') yield* readFile(fileURLToPath(file));
  else throw new Error(`${scheme} URLs are not supported; use http, https or file`);
}

async function* readFile(path: string): AsyncGenerator<Uint8Array, void> {
  try {
    const isFile = (await stat(path)).isFile();
    const chunks = createReadStream(path, { highWaterMark: CHUNK_SIZE });
    if (isFile) yield* chunks;
    else yield* blockingChunks(chunks);
  } catch (error) {
    throw error instanceof Error && 'code' in error ? new Error(reasonOf(error), { cause: error }) : error;
  }
}

/** The chunks of what is no ordinary file, such as a named pipe. */
async function* blockingChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await blocking(iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    void iterator.return?.();
  }
}

async function* download(url: string): AsyncGenerator<Uint8Array, void> {
  const response = await fetch(url, { signal: interruption }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause: error });
  });
  if (!response.ok) throw new Error(`the server responded with ${response.status} ${response.statusText}`.trimEnd());
  if (response.body !== null) yield* response.body;
}
