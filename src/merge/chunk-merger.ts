import type { Bytes } from '../ebml/bytes.js';
import type { EbmlHandler } from '../ebml/handler.js';
import type { EbmlParser } from '../ebml/parser.js';
import { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { openMkvParser } from '../mkv/mkv-parser.js';
import type { MkvReaderOptions } from '../mkv/reader-options.js';
import { DocumentMerger } from './document-merger.js';
import type { OutputSegmentMergerOptions } from './merge-options.js';
import { PieceQueue } from './piece-queue.js';

/**
 * Merges bytes that are pushed: parser and merger in one, for streams. What a chunk brings forth leaves with it. What stands in a Cluster
 * goes through without becoming an element, and without being put together when it spans chunks.
 */
export class ChunkMerger {
  /** What does the merging. */
  readonly merger: DocumentMerger;
  readonly #parser: EbmlParser<MkvStartMasterElement>;
  readonly #queue = new PieceQueue();
  #failure: { readonly error: unknown } | undefined;

  constructor(options: OutputSegmentMergerOptions & MkvReaderOptions = {}) {
    this.merger = new DocumentMerger(this.#queue, options);
    this.#parser = openMkvParser(this.#handler(), { ...options, elements: undefined });
    this.#parser.pause();
  }

  /** Whether the input ended inside an element, wherever that stood. */
  get truncated(): boolean {
    return this.merger.truncated || this.#parser.truncated;
  }

  /** Takes the next bytes and gives what they become. Throws `MkvParseError` when they are wrong. */
  push(chunk: Uint8Array): readonly Bytes[] {
    this.#parser.push(chunk);
    return this.#drain();
  }

  /** Says that no more bytes come, and gives what is left. Throws as {@link ChunkMerger.push}. */
  end(): readonly Bytes[] {
    this.#parser.end();
    return this.#drain();
  }

  /** Gives what makes the output whole when the input was cut off. */
  closeTruncated(): readonly Bytes[] {
    this.merger.closeTruncated();
    return this.#take();
  }

  /** Gives what belongs at the end of the last document; to be called behind {@link ChunkMerger.end}. */
  finish(): readonly Bytes[] {
    this.merger.finish();
    return this.#take();
  }

  #drain(): readonly Bytes[] {
    if (this.merger.stopped === undefined) {
      const parser = this.#parser;
      parser.resume();
      parser.pause();
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure.error;
    }
    return this.#take();
  }

  #take(): readonly Bytes[] {
    const pieces = this.#queue.take();
    this.merger.takeRewrites()?.();
    return pieces;
  }

  #handler(): EbmlHandler<MkvStartMasterElement> {
    const { merger } = this;
    const takeData = (element: MkvDataElement) => {
      try {
        merger.data(element);
        this.#check();
      } catch (error) {
        this.#fail(error);
      }
    };
    return {
      masterStart: (type, offset, headerSize, dataSize, parent) => {
        const start = new MkvStartMasterElement(type, offset, headerSize, dataSize, parent);
        try {
          merger.start(start);
          this.#check();
        } catch (error) {
          this.#fail(error);
        }
        return start;
      },
      takeMaster: (type, bytes, start, end, offset, headerSize, parent) =>
        type === Mkv.Tags &&
        merger.takeTags(new MkvStartMasterElement(type, offset, headerSize, end - start, parent), bytes, start, end),
      masterEnd: (start, offset, truncated) => {
        try {
          merger.end(start, offset, truncated);
          this.#check();
        } catch (error) {
          this.#fail(error);
        }
      },
      data: (type, offset, headerSize, dataSize, run, start, parent) => {
        if (merger.passData(type, headerSize, dataSize, run, start)) return;
        takeData(new MkvDataElement(type, offset, headerSize, dataSize, run, start, parent));
      },
    };
  }

  #check(): void {
    if (this.merger.stopped !== undefined) this.#parser.pause();
  }

  /** What `onNewDocument` throws is thrown when the parser has come to rest. */
  #fail(error: unknown): void {
    this.#failure = { error };
    this.#parser.pause();
  }
}
