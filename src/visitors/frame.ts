import type { Block } from '../mkv/block.js';
import type { FrameStorage } from '../mkv/content-encoding.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from './fragment-metadata.js';

/** One frame of a track: an access unit of video, a packet of audio, whatever the track is made of. Times are in microseconds. */
export class Frame {
  /** The track it is of. */
  readonly track: TrackMetadata;
  /** The fragment it came in, the same object for all its frames; `undefined` in a document not of Kinesis Video Streams. */
  readonly fragment: FragmentMetadata | undefined;
  /**
   * When it is to be presented: Cluster Timestamp and Block offset in units of TimestampScale (RFC 9559 section 11). The later frames of
   * a laced Block follow by their duration; where none is known, they have the Block's time.
   */
  readonly timestamp: number;
  /** How long: BlockDuration, else the track's DefaultDuration, else `undefined`. */
  readonly duration: number | undefined;
  /** Whether decoding can begin here: the flag of a SimpleBlock; in a BlockGroup, that there is no ReferenceBlock. */
  readonly keyframe: boolean;
  /** DiscardPadding: how much of the end (negative: of the beginning) of the decoded frame is to be thrown away. */
  readonly discardPadding: number | undefined;
  // Not private to the engine (#): frames are made by the million, and plain fields are made faster.
  private readonly block: Block;
  private readonly index: number;

  /** @internal */
  constructor(
    track: TrackMetadata,
    fragment: FragmentMetadata | undefined,
    timestamp: number,
    duration: number | undefined,
    keyframe: boolean,
    discardPadding: number | undefined,
    block: Block,
    index: number,
  ) {
    this.track = track;
    this.fragment = fragment;
    this.timestamp = timestamp;
    this.duration = duration;
    this.keyframe = keyframe;
    this.discardPadding = discardPadding;
    this.block = block;
    this.index = index;
  }

  /**
   * The frame's bytes: a view of the chunk they came in where they lie in one (see `copyChunks`), made anew at each access. Where they
   * span chunks, they are put together when this is read for the first time. Where headers were stripped from the track's frames, a copy
   * with the header in front.
   */
  get data(): Uint8Array {
    const stored = this.block.frame(this.index);
    const { strippedHeader } = this.track.contentEncoding;
    if (strippedHeader.length === 0) return stored;
    const whole = new Uint8Array(strippedHeader.length + stored.length);
    whole.set(strippedHeader);
    whole.set(stored, strippedHeader.length);
    return whole;
  }

  /**
   * The frame's bytes where they lie, without putting them together: views that are `data` one after another. Several where the frame
   * spans chunks and `data` has not been read, or where headers were stripped; to write or to hash them, these are as good as one. Frames
   * of laced Blocks, small ones, and those that come in chunks below 1 KiB or with `copyChunks` are in one piece from the start.
   */
  get parts(): readonly Uint8Array[] {
    const stored = this.block.frameParts(this.index);
    const { strippedHeader } = this.track.contentEncoding;
    return strippedHeader.length === 0 ? stored : [strippedHeader, ...stored];
  }

  /** The length of `data`, in bytes. */
  get size(): number {
    return this.track.contentEncoding.strippedHeader.length + this.block.frameSize(this.index);
  }

  /** `plain` when `data` is what the codec wants; else how it is compressed, or that it is encrypted. */
  get storage(): FrameStorage {
    return this.track.contentEncoding.storage;
  }

  /** Whether it is to be decoded but not shown. */
  get invisible(): boolean {
    return this.block.invisible;
  }

  /** Whether it may be left out when time is short. Only SimpleBlocks say so. */
  get discardable(): boolean {
    return this.block.simple && this.block.discardable;
  }

  /** The track's CodecDelay: how much of the decoder's first output is not meant to be heard. */
  get codecDelay(): number {
    return this.track.codecDelay;
  }
}
