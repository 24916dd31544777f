import type { Bytes } from '../ebml/bytes.js';
import type { Block } from '../mkv/block.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { frameDataFor } from '../mkv/codec/frame-data.js';
import { codecDuration } from '../mkv/codec/frame-duration.js';
import { isKeyframe } from '../mkv/codec/keyframe.js';
import type { FrameStorage } from '../mkv/content-encoding.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { ClusterTime } from './cluster-clock.js';
import type { FragmentMetadata } from './fragment-metadata.js';

/** The argument for the constructors of chunks of WebCodecs; assignable to `EncodedVideoChunkInit` and `EncodedAudioChunkInit`. */
export interface EncodedChunkSettings {
  /** `'key'` when decoding can begin here, else `'delta'`. */
  type: 'key' | 'delta';
  /** In microseconds. */
  timestamp: number;
  /** In microseconds. */
  duration?: number;
  /** The frame, as the decoder wants it. */
  data: Uint8Array;
}

/** One frame of a track: an access unit of video, a packet of audio, or other data. Times are in microseconds. */
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
  /** The Cluster it lies in: its Timestamp, and TimestampScale. */
  readonly cluster: ClusterTime;
  /** DiscardPadding: how much of the end (negative: of the beginning) of the decoded frame is to be thrown away. */
  readonly discardPadding: number | undefined;
  // Not private to the engine (#): frames are made by the million, and plain fields are made faster.
  private readonly block: Block;
  /** Twice its index in the Block, and 1 more when it is flagged as a key frame. */
  private readonly place: number;
  private length: number | undefined;

  /** @internal */
  constructor(
    track: TrackMetadata,
    fragment: FragmentMetadata | undefined,
    timestamp: number,
    duration: number | undefined,
    flagged: boolean,
    discardPadding: number | undefined,
    block: Block,
    index: number,
    cluster: ClusterTime,
  ) {
    this.track = track;
    this.fragment = fragment;
    this.timestamp = timestamp;
    this.length = duration;
    this.discardPadding = discardPadding;
    this.block = block;
    this.place = index * 2 + (flagged ? 1 : 0);
    this.cluster = cluster;
  }

  /**
   * Says which frame of its Block is before it.
   *
   * @internal
   */
  follow(before: Frame | undefined): void {
    if (this.length === undefined && before !== undefined && this.storage === 'plain') {
      this.length = codecDuration(this.track, this.track.format, this, before);
    }
  }

  /**
   * The duration: BlockDuration, else the track's DefaultDuration, else that of the codec (Opus, AAC, MP3, AC-3, Vorbis, FLAC, PCM, G.711);
   * `undefined` if it is not known.
   */
  get duration(): number | undefined {
    if (this.length !== undefined || this.storage !== 'plain') return this.length;
    return codecDuration(this.track, this.track.format, this);
  }

  /**
   * The duration that the stream says; that of its codec only in a laced Block, whose frames are counted by it.
   *
   * @internal
   */
  get writtenDuration(): number | undefined {
    return this.length;
  }

  /**
   * Whether decoding can begin here. The frame itself decides, if it can: an IDR picture of H.264 or one with a recovery point, an IRAP
   * picture of H.265, a key frame of VP8, VP9 or AV1; every frame of the usual audio codecs. Otherwise `keyframeFlag`.
   */
  get keyframe(): boolean {
    return this.storage === 'plain' ? isKeyframe(this.track.format, this, this.keyframeFlag) : this.keyframeFlag;
  }

  /** The stream's own statement about `keyframe`: the flag of a SimpleBlock; in a BlockGroup, the absence of ReferenceBlock. */
  get keyframeFlag(): boolean {
    return (this.place & 1) === 1;
  }

  /**
   * When the producer recorded it, by the producer's clock: the fragment's producer timestamp, and how far the frame is behind the
   * fragment's first Cluster. To the nearest millisecond; `undefined` where the fragment has no such time.
   */
  get producerTimestamp(): Date | undefined {
    return this.wallClock(this.fragment?.producerTimestamp);
  }

  /** The same by the service's clock, counted from when the service began to receive the fragment. */
  get serverTimestamp(): Date | undefined {
    return this.wallClock(this.fragment?.serverTimestamp);
  }

  private wallClock(begin: Date | undefined): Date | undefined {
    const first = this.fragment?.clusterTimestamp;
    if (begin === undefined || first === undefined) return undefined;
    const time = new Date(begin.getTime() + Math.round((this.timestamp - first) / 1000));
    return Number.isNaN(time.getTime()) ? undefined : time;
  }

  /**
   * What `EncodedVideoChunk` and `EncodedAudioChunk` of WebCodecs are made of: times, kind, and the data in the format that the track's
   * decoder configuration says. The data is `data` itself if it has that format already, else a copy.
   *
   * @param config the configuration that the decoder has, of which `description` counts; default the track's own
   * @throws CodecDataError `InvalidMediaFrame` when the frame is not what its codec wants, or has no picture; when it is stored compressed
   * or encrypted
   */
  toEncodedChunk(config?: { readonly description?: Uint8Array | undefined }): EncodedChunkSettings {
    const { timestamp, duration, keyframe } = this;
    const type = keyframe ? 'key' : 'delta';
    const data = this.dataFor(config);
    return duration === undefined ? { type, timestamp, data } : { type, timestamp, duration, data };
  }

  /** The data of {@link Frame.toEncodedChunk} alone, for a decoder with the `description` of `config`. */
  dataFor(config?: { readonly description?: Uint8Array | undefined }): Uint8Array {
    if (this.storage !== 'plain') throw new CodecDataError(`the frame is stored ${this.storage}`, 'InvalidMediaFrame');
    const { format } = this.track;
    const description = config === undefined ? format.description : config.description;
    return frameDataFor(format, this.data, description, this.keyframe);
  }

  /**
   * Its place in its Block, from 0.
   *
   * @internal
   */
  get index(): number {
    return this.place >> 1;
  }

  /**
   * The same frame with other data.
   *
   * @param block has the data alone, and the flags
   * @internal
   */
  withData(block: Block, track: TrackMetadata): Frame {
    const { fragment, timestamp, length, keyframeFlag, discardPadding, cluster } = this;
    return new Frame(track, fragment, timestamp, length, keyframeFlag, discardPadding, block, 0, cluster);
  }

  /**
   * A frame that is a part of this one.
   *
   * @param block has the part's data alone, and the flags; what is stripped from the track's frames is left out as in others
   * @internal
   */
  part(block: Block, timestamp: number, padding: number | undefined): Frame {
    const { track, fragment, keyframeFlag, cluster } = this;
    return new Frame(track, fragment, timestamp, undefined, keyframeFlag, padding, block, 0, cluster);
  }

  /**
   * The frame's first bytes: `least` of them, or all where it has fewer; all where headers were stripped.
   *
   * @internal
   */
  head(least: number): Bytes {
    if (this.track.contentEncoding.strippedHeader.length > 0) return this.data;
    return this.block.frameHead(this.index, least);
  }

  /**
   * The frame's bytes: a view of the chunk they came in where they lie in one (see `copyChunks`), created anew at each access. Where they
   * span chunks, they are put together when this is read for the first time. Where headers were stripped from the track's frames, a copy
   * with the header in front.
   */
  get data(): Bytes {
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
  get parts(): readonly Bytes[] {
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
