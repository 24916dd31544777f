import type { Bytes } from '../ebml/bytes.js';
import type { MkvReaderOptions } from '../mkv/reader.js';
import {
  makeTransformStream,
  type StreamClasses,
  type TransformControllerLike,
  type TransformStreamLike,
} from '../mkv/streams.js';
import { ChunkMerger } from './chunk-merger.js';
import type { OutputSegmentMergerOptions } from './merge-options.js';
import type { OutputSegmentMerger } from './output-segment-merger.js';

/** Options of {@link segmentMergerStream}. All elements are read: `elements` has no meaning here. */
export type SegmentMergerStreamOptions = OutputSegmentMergerOptions &
  Omit<MkvReaderOptions, 'elements'> &
  StreamClasses;

/** The result of {@link segmentMergerStream}: a transform stream with its merger. */
export interface SegmentMergerStream extends TransformStreamLike<Uint8Array, Bytes> {
  /** Counts what has been merged. */
  readonly merger: Pick<OutputSegmentMerger, 'counters' | 'stopped' | 'truncated'>;
}

/**
 * Creates a transform stream that merges documents as {@link OutputSegmentMerger} does, for `pipeThrough`.
 *
 * ```ts
 * const merged = response.body.pipeThrough(segmentMergerStream({ packClusters: true }));
 * ```
 *
 * What comes out are views of the chunks that went in, where nothing had to change. The stream ends early when the merger is done, and
 * errors with `MkvParseError` when the bytes are wrong.
 *
 * @throws TypeError when the runtime has no `TransformStream` and none is given
 */
export function segmentMergerStream(options: SegmentMergerStreamOptions = {}): SegmentMergerStream {
  const chunks = new ChunkMerger(options);
  const { merger } = chunks;
  const give = (controller: TransformControllerLike<Bytes>, pieces: readonly Bytes[]) => {
    for (const piece of pieces) controller.enqueue(piece);
    if (merger.stopped !== undefined) controller.terminate();
  };
  const { readable, writable } = makeTransformStream<Uint8Array, Bytes>(options, {
    transform: (chunk, controller) => give(controller, chunks.push(chunk)),
    flush: (controller) => {
      give(controller, chunks.end());
      if (options.seekable !== undefined) give(controller, chunks.finish());
    },
  });
  return {
    readable,
    writable,
    merger: {
      get counters() {
        return merger.counters;
      },
      get stopped() {
        return merger.stopped;
      },
      get truncated() {
        return chunks.truncated;
      },
    },
  };
}
