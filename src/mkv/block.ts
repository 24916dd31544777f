import { vintLength } from '../ebml/vint.js';
import { MkvParseError } from './parse-error.js';

/** How the frames of a Block share its data (RFC 9559 section 10.3). */
export type Lacing = 'none' | 'xiph' | 'fixed-size' | 'ebml';

const LACINGS: readonly Lacing[] = ['none', 'xiph', 'fixed-size', 'ebml'];

const FLAG_KEYFRAME = 0x80;
const FLAG_INVISIBLE = 0x08;
const FLAG_LACING = 0x06;
const FLAG_DISCARDABLE = 0x01;

/** Track number, 16 bits of timestamp, flags. */
const FIXED_PART = 3;

/**
 * The value of a SimpleBlock or Block element (RFC 9559 sections 10.1 and 10.2): which track, when, and the frames.
 *
 * The frames are views of the element's data, no copies.
 */
export class Block {
  /** TrackNumber of the track, 1 and up. */
  readonly trackNumber: number;
  /** Time after the Cluster's Timestamp, -32768 to 32767, in units of TimestampScale. */
  readonly relativeTimestamp: number;
  /** Whether this is the value of a SimpleBlock: only then do `keyframe` and `discardable` mean anything. */
  readonly simple: boolean;
  /** How many frames the Block has, 1 to 256. */
  readonly frameCount: number;
  private readonly flags: number;
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly end: number;
  /** Where each frame ends; `undefined` for a single one. */
  private readonly ends: Uint32Array | undefined;

  /**
   * Reads the Block that lies in `bytes` from `start` to `end`.
   *
   * @param offset where `start` lies in the stream, for errors
   * @param simple whether it is a SimpleBlock's
   * @throws MkvParseError `InvalidBlock` when header or lacing do not fit the size
   */
  constructor(bytes: Uint8Array, start: number, end: number, offset: number, simple: boolean) {
    const numberLength = start < end ? vintLength(bytes[start]!) : 9;
    const at = start + numberLength;
    if (numberLength > 8 || at + FIXED_PART > end) {
      throw invalid(offset, `a Block of ${end - start} bytes is too short for its header, or has none`);
    }
    let trackNumber = bytes[start]! & (0xff >>> numberLength);
    for (let i = start + 1; i < at; i++) trackNumber = trackNumber * 256 + bytes[i]!;
    if (trackNumber > Number.MAX_SAFE_INTEGER) throw invalid(offset, 'a track number beyond 2^53 - 1');
    const flags = bytes[at + 2]!;
    this.trackNumber = trackNumber;
    this.relativeTimestamp = ((bytes[at]! << 24) | (bytes[at + 1]! << 16)) >> 16;
    this.simple = simple;
    this.flags = flags;
    this.bytes = bytes;
    this.end = end;
    if ((flags & FLAG_LACING) === 0) {
      this.frameCount = 1;
      this.start = at + FIXED_PART;
      this.ends = undefined;
    } else {
      const ends = readLaces(bytes, at + FIXED_PART, end, (flags & FLAG_LACING) >> 1, offset - start);
      this.frameCount = ends.length - 1;
      this.start = ends[0]!;
      this.ends = ends;
    }
  }

  /** Whether all frames are key frames, by the flag of a SimpleBlock. A Block in a BlockGroup has none: see ReferenceBlock. */
  get keyframe(): boolean {
    return (this.flags & FLAG_KEYFRAME) !== 0;
  }

  /** Whether the frames are to be decoded but not shown. */
  get invisible(): boolean {
    return (this.flags & FLAG_INVISIBLE) !== 0;
  }

  /** Whether the frames may be left out when time is short, by the flag of a SimpleBlock. */
  get discardable(): boolean {
    return (this.flags & FLAG_DISCARDABLE) !== 0;
  }

  /** How the frames share the data. */
  get lacing(): Lacing {
    return LACINGS[(this.flags & FLAG_LACING) >> 1]!;
  }

  /** All frames, as views of the element's data. */
  get frames(): Uint8Array[] {
    return Array.from({ length: this.frameCount }, (_, index) => this.frame(index));
  }

  /**
   * The length of a frame in bytes.
   *
   * @throws RangeError when `index` is not below `frameCount`
   */
  frameSize(index: number): number {
    return this.frameEnd(index) - this.frameStart(index);
  }

  /**
   * One frame, as a view of the element's data.
   *
   * @throws RangeError when `index` is not below `frameCount`
   */
  frame(index: number): Uint8Array {
    const from = this.frameStart(index);
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + from, this.frameEnd(index) - from);
  }

  private frameStart(index: number): number {
    if (!(index >= 0 && index < this.frameCount))
      throw new RangeError(`no frame ${index} in a Block of ${this.frameCount}`);
    return this.ends === undefined ? this.start : this.ends[index]!;
  }

  private frameEnd(index: number): number {
    return this.ends === undefined ? this.end : this.ends[index + 1]!;
  }
}

function invalid(offset: number, text: string): MkvParseError {
  return new MkvParseError('InvalidBlock', offset, text);
}

/**
 * Reads the lacing that begins at `start`.
 *
 * @param shift what to add to a position for its offset in the stream
 * @returns where the first frame begins and where each frame ends
 */
function readLaces(bytes: Uint8Array, start: number, end: number, lacing: number, shift: number): Uint32Array {
  if (start >= end) throw invalid(shift + end - 1, 'a laced Block without the number of its frames');
  const count = bytes[start]! + 1;
  const sizes = new Float64Array(count);
  let from = start + 1;
  if (lacing === 2) {
    const size = (end - from) / count;
    if (!Number.isInteger(size))
      throw invalid(shift + start, `${end - from} bytes do not part into ${count} frames of one size`);
    sizes.fill(size);
  } else {
    from = lacing === 1 ? readXiphSizes(bytes, from, end, sizes) : readEbmlSizes(bytes, from, end, sizes);
    if (from < 0) throw invalid(shift + end - 1, 'the lacing of a Block goes on past its end');
    let last = end - from;
    for (let i = 0; i < count - 1; i++) last -= sizes[i]!;
    sizes[count - 1] = last;
  }
  const ends = new Uint32Array(count + 1);
  ends[0] = from;
  for (let i = 0, position = from; i < count; i++) {
    const size = sizes[i]!;
    if (size < 0) throw invalid(shift + from - 1, `the laces of a Block do not fit it: one of them has ${size} bytes`);
    position += size;
    ends[i + 1] = position;
  }
  return ends;
}

/** Reads all sizes but the last; returns the position after them, -1 when they go on past `end`. */
function readXiphSizes(bytes: Uint8Array, start: number, end: number, sizes: Float64Array): number {
  let at = start;
  for (let i = 0; i < sizes.length - 1; i++) {
    let size = 0;
    let byte: number;
    do {
      if (at >= end) return -1;
      byte = bytes[at++]!;
      size += byte;
    } while (byte === 255);
    sizes[i] = size;
  }
  return at;
}

/** As {@link readXiphSizes}: the first size as it is, the others as signed differences from the one before. */
function readEbmlSizes(bytes: Uint8Array, start: number, end: number, sizes: Float64Array): number {
  let at = start;
  let size = 0;
  for (let i = 0; i < sizes.length - 1; i++) {
    if (at >= end) return -1;
    const length = vintLength(bytes[at]!);
    if (length > 8 || at + length > end) return -1;
    let value = bytes[at]! & (0xff >>> length);
    for (let k = 1; k < length; k++) value = value * 256 + bytes[at + k]!;
    at += length;
    size = i === 0 ? value : size + value - (2 ** (7 * length - 1) - 1);
    sizes[i] = size;
  }
  return at;
}
