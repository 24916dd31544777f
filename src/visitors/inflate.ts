import { concatBytes } from '../ebml/writer.js';
import type { Block } from '../mkv/block.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { MkvParseError } from '../mkv/parse-error.js';
import type { TrackMetadata } from '../mkv/track.js';
import { frameBlock } from './adts-frames.js';
import type { Frame } from './frame.js';

/**
 * Inflates data in the zlib format (RFC 1950): of Node, `(data, maxSize) => inflateSync(data, { maxOutputLength: maxSize })`. It may throw,
 * and need not make more than `maxSize` bytes.
 */
export type Inflate = (data: Uint8Array, maxSize: number) => Uint8Array;

/** Options of {@link inflateFrame}. */
export interface InflateOptions {
  /**
   * Inflates data in the zlib format (RFC 1950), for example `inflateSync` of Node with `maxOutputLength`. Default: the platform's
   * `DecompressionStream`. It may throw, and need not make more than `maxSize` bytes.
   */
  readonly inflate?: ((data: Uint8Array, maxSize: number) => Uint8Array | PromiseLike<Uint8Array>) | undefined;
  /** How many bytes a frame may have when it is inflated; more are an error. Default 16 MiB. */
  readonly maxSize?: number | undefined;
}

const DEFAULT_MAX_SIZE = 16 * 1024 * 1024;

/**
 * Inflates a frame that is stored compressed with zlib (`frame.storage`). A frame that is not compressed is returned as it is.
 *
 * ```ts
 * for await (const stored of readFrames(payload)) console.log((await inflateFrame(stored)).data.length);
 * ```
 *
 * @returns a frame with the same times and flags, whose track says that frames are stored `plain`: one track object for each of the stream
 * @throws CodecDataError `InvalidMediaFrame` when the frame is stored in another way, is no zlib data or has more than `maxSize` bytes
 */
export async function inflateFrame(frame: Frame, options: InflateOptions = {}): Promise<Frame> {
  const { storage, track } = frame;
  if (storage === 'plain') return frame;
  if (storage !== 'zlib') throw new CodecDataError(`the frame is stored ${storage}`, 'InvalidMediaFrame');
  const { maxSize = DEFAULT_MAX_SIZE, inflate = inflateByPlatform } = options;
  const bare = await inflated(frame.data, maxSize, inflate);
  if (bare.length > maxSize) throw tooLong(maxSize);
  const data = withHeader(track, bare);
  const look = { head: data, size: data.length, whole: () => data, flagged: frame.keyframeFlag };
  return frame.withData(
    frameBlock(data, frame),
    plainTrack(track, (known) => known.observe(look)),
  );
}

function withHeader({ contentEncoding }: TrackMetadata, data: Uint8Array): Uint8Array {
  return concatBytes([contentEncoding.innerHeader, data]);
}

/**
 * A Block of a track whose frames are stored compressed, with the frames as their codec wants them.
 *
 * @param offset of its element, for errors
 * @throws MkvParseError `InvalidBlock` when a frame cannot be inflated
 */
export function inflateBlock(block: Block, track: TrackMetadata, inflate: Inflate, offset: number): Block {
  const { strippedHeader } = track.contentEncoding;
  const frames = block.frames.map((stored) => {
    try {
      const data = inflate(concatBytes([strippedHeader, stored]), DEFAULT_MAX_SIZE);
      if (data.length > DEFAULT_MAX_SIZE) throw tooLong(DEFAULT_MAX_SIZE);
      return withHeader(track, data);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new MkvParseError('InvalidBlock', offset, `a frame cannot be inflated: ${text}`);
    }
  });
  return block.withFrames(frames);
}

async function inflated(
  data: Uint8Array,
  maxSize: number,
  inflate: NonNullable<InflateOptions['inflate']>,
): Promise<Uint8Array> {
  try {
    return await inflate(data, maxSize);
  } catch (error) {
    if (error instanceof CodecDataError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new CodecDataError(`the frame cannot be inflated: ${text}`, 'InvalidMediaFrame');
  }
}

function tooLong(maxSize: number): CodecDataError {
  return new CodecDataError(`a frame of more than ${maxSize} bytes when inflated`, 'InvalidMediaFrame');
}

async function inflateByPlatform(data: Uint8Array, maxSize: number): Promise<Uint8Array> {
  const { readable, writable } = new DecompressionStream('deflate');
  const writer = writable.getWriter();
  // What goes wrong with the data shows when it is read.
  writer.write(new Uint8Array(data)).catch(() => {});
  writer.close().catch(() => {});
  const reader = readable.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatBytes(parts);
    size += value.length;
    if (size > maxSize) {
      await reader.cancel().catch(() => {});
      throw tooLong(maxSize);
    }
    parts.push(value);
  }
}

/** The tracks of inflated frames, by how they were described. */
const plainTracks = new WeakMap<TrackMetadata, TrackMetadata>();

function plainTrack(track: TrackMetadata, look: (known: TrackMetadata) => TrackMetadata): TrackMetadata {
  const seen = look(plainTracks.get(track.origin) ?? track.asPlain());
  plainTracks.set(track.origin, seen);
  return seen;
}
