import type { Bytes } from '../ebml/bytes.js';
import { concatBytes } from '../ebml/writer.js';
import type { ByteStream } from '../mkv/byte-stream.js';
import { AbortableSource } from '../mkv/pull.js';
import type { MkvStreamOptions } from '../mkv/streams.js';
import { ChunkMerger } from './chunk-merger.js';
import type { OutputRewrite, OutputSegmentMergerOptions } from './merge-options.js';

/** Options of {@link mergeSeekable}. All elements are read: `elements` has no meaning here. */
export type MergeSeekableOptions = Omit<OutputSegmentMergerOptions, 'seekable' | 'keepPositions'> &
  Omit<MkvStreamOptions, 'elements'>;

/**
 * Merges the documents of a stream into one in which players can seek: with Duration, Cues and SeekHead. All of it is held in memory;
 * {@link OutputSegmentMerger} with `seekable` writes it to a file instead. Where one document is not enough, each has its own, one behind
 * the other. What is missing of a Cluster that the end of the stream has cut off is filled with a Void element.
 *
 * @throws MkvParseError when the bytes are wrong, whatever the source throws when it fails, the signal's reason when it is aborted
 */
export async function mergeSeekable(stream: ByteStream, options: MergeSeekableOptions = {}): Promise<Bytes> {
  const source = new AbortableSource(stream, options.signal);
  const rewrites: OutputRewrite[] = [];
  const chunks = new ChunkMerger({ ...options, seekable: (rewrite) => void rewrites.push(rewrite) });
  const pieces: Uint8Array[] = [];
  const take = (more: readonly Uint8Array[]) => {
    for (const piece of more) pieces.push(piece);
  };
  try {
    for (let chunk = await source.read(); chunk !== undefined; chunk = await source.read()) {
      take(chunks.push(chunk));
      if (chunks.merger.stopped !== undefined) break;
    }
    if (chunks.merger.stopped === undefined) take(chunks.end());
    take(chunks.finish());
    await source.cancel();
  } catch (error) {
    void source.cancel(error);
    throw error;
  }
  const bytes = concatBytes(pieces);
  for (const rewrite of rewrites) bytes.set(rewrite.bytes, rewrite.position);
  return bytes;
}
