import { type MkvReaderOptions, StreamingMkvReader } from '../mkv/reader.js';
import { DocumentMerger } from './document-merger.js';
import type { OutputSegmentMergerOptions } from './merge-options.js';
import { PieceQueue } from './piece-queue.js';

/** Merges bytes that are pushed: reader and merger in one, for streams. What a chunk brings forth leaves with it. */
export class ChunkMerger {
  /** What does the merging. */
  readonly merger: DocumentMerger;
  readonly #reader: StreamingMkvReader;
  readonly #queue = new PieceQueue();

  constructor(options: OutputSegmentMergerOptions & MkvReaderOptions = {}) {
    this.#reader = new StreamingMkvReader({ ...options, elements: undefined });
    this.merger = new DocumentMerger(this.#queue, options);
  }

  /** Takes the next bytes and gives what they become. Throws `MkvParseError` when they are wrong. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.#reader.push(chunk);
    return this.#drain();
  }

  /** Says that no more bytes come, and gives what is left. Throws as {@link ChunkMerger.push}. */
  end(): readonly Uint8Array[] {
    this.#reader.end();
    return this.#drain();
  }

  /** Gives what makes the output whole when the input was cut off. */
  closeTruncated(): readonly Uint8Array[] {
    this.merger.closeTruncated();
    return this.#queue.take();
  }

  #drain(): readonly Uint8Array[] {
    const { merger } = this;
    while (merger.stopped === undefined) {
      const element = this.#reader.nextIfAvailable();
      if (element === undefined) break;
      if (element.kind === 'data') merger.data(element);
      else if (element.kind === 'start') merger.start(element);
      else merger.end(element);
    }
    return this.#queue.take();
  }
}
