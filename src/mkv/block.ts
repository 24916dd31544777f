import { ByteRun, type DataRun } from '../ebml/byte-run.js';
import type { Bytes } from '../ebml/bytes.js';
import { count } from '../ebml/plural.js';
import { readVint, vintLength } from '../ebml/vint.js';
import { concatBytes } from '../ebml/writer.js';
import { MkvParseError } from './parse-error.js';

/** How the frames of a Block share its data (RFC 9559 section 10.3). */
export type Lacing =
  /** The Block has one frame. */
  | 'none'
  /** Sizes of frames are sums of bytes of 255, as in Ogg. */
  | 'xiph'
  /** All frames have the same size. */
  | 'fixed-size'
  /** Sizes of frames are EBML variable-size integers: the first one, then differences. */
  | 'ebml';

const LACINGS: readonly Lacing[] = ['none', 'xiph', 'fixed-size', 'ebml'];

const FLAG_KEYFRAME = 0x80;
const FLAG_INVISIBLE = 0x08;
const FLAG_LACING = 0x06;
const FLAG_DISCARDABLE = 0x01;
/** Beyond the flags that are written: the value of a SimpleBlock. */
const SIMPLE = 0x100;

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
  // Few fields: fragments of a great many small Blocks are held in memory.
  private readonly flags: number;
  private readonly run: DataRun;
  private readonly start: number;
  private readonly end: number;
  /** Where each frame ends; `undefined` for a single one. */
  private readonly ends: Uint32Array | undefined;

  /**
   * Reads the Block that lies in `run` from `start` to `end`.
   *
   * @param offset where `start` lies in the stream, for errors
   * @param simple whether it is a SimpleBlock's
   * @throws MkvParseError `InvalidBlock` when header or lacing do not fit the size
   * @internal
   */
  constructor(run: DataRun, start: number, end: number, offset: number, simple: boolean) {
    const { head, headStart } = run;
    const first = headStart + start;
    const numberLength = vintLength(head[first]!);
    const at = start + numberLength + FIXED_PART;
    if (numberLength > 8 || at > end) throw invalid(offset, `no Block header in ${count(end - start, 'byte')}`);
    this.trackNumber = readVint(head, first, numberLength);
    if (this.trackNumber > Number.MAX_SAFE_INTEGER) throw invalid(offset, 'a track number beyond 2^53 - 1');
    const after = first + numberLength;
    const flags = head[after + 2]!;
    this.relativeTimestamp = ((head[after]! << 24) | (head[after + 1]! << 16)) >> 16;
    this.flags = simple ? flags | SIMPLE : flags;
    this.run = run;
    this.end = end;
    const lacing = (flags & FLAG_LACING) >> 1;
    this.ends = lacing === 0 ? undefined : readLaces(run.bytes, at, end, lacing, offset - start);
    this.start = this.ends === undefined ? at : this.ends[0]!;
  }

  /** Whether this is the value of a SimpleBlock: only then do `keyframe` and `discardable` mean anything. */
  get simple(): boolean {
    return (this.flags & SIMPLE) !== 0;
  }

  /** How many frames the Block has, 1 to 256. */
  get frameCount(): number {
    return this.ends === undefined ? 1 : this.ends.length - 1;
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
  get frames(): Bytes[] {
    return Array.from({ length: this.frameCount }, (_, index) => this.frame(index));
  }

  /**
   * The length of a frame in bytes.
   *
   * @throws RangeError when `index` is not below `frameCount`
   */
  frameSize(index: number): number {
    const { frameCount, ends } = this;
    if (!(index >= 0 && index < frameCount)) throw new RangeError(`no frame ${index} in a Block of ${frameCount}`);
    return ends === undefined ? this.end - this.start : ends[index + 1]! - ends[index]!;
  }

  /**
   * One frame, as a view of the element's data.
   *
   * @throws RangeError when `index` is not below `frameCount`
   */
  frame(index: number): Bytes {
    return this.run.view(this.startOf(index), this.frameSize(index));
  }

  /**
   * One frame where it lies: views of the element's data that are the frame one after another, several where it spans chunks; a frame of no
   * bytes may have none. Nothing is copied, but the data of a laced Block has been put together already, to find its frames.
   *
   * @throws RangeError when `index` is not below `frameCount`
   */
  frameParts(index: number): Bytes[] {
    return this.run.views(this.startOf(index), this.frameSize(index));
  }

  /**
   * The first bytes of a frame, as a view, without putting the frame together: `least` of them, or all where it has fewer.
   *
   * @throws RangeError when `index` is not below `frameCount`
   * @internal
   */
  frameHead(index: number, least: number): Bytes {
    const size = Math.min(this.frameSize(index), least);
    const start = this.startOf(index);
    if (this.run instanceof ByteRun) return this.run.view(start, size);
    const views = this.run.views(start, size);
    return views.length === 1 ? views[0]! : concatBytes(views);
  }

  /**
   * The same Block with other frames, as many.
   *
   * @internal
   */
  withFrames(frames: readonly Uint8Array[]): Block {
    const ends = new Uint32Array(frames.length + 1);
    for (const [index, { length }] of frames.entries()) ends[index + 1] = ends[index]! + length;
    const other: Block = Object.create(Block.prototype);
    const run = new ByteRun(concatBytes(frames));
    Object.assign(other, this, { run, start: 0, end: ends.at(-1), ends: this.ends && ends });
    return other;
  }

  private startOf(index: number): number {
    return this.ends?.[index] ?? this.start;
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
function readLaces(bytes: Bytes, start: number, end: number, lacing: number, shift: number): Uint32Array {
  if (start >= end) throw invalid(shift + end - 1, 'a laced Block without the number of its frames');
  const count = bytes[start]! + 1;
  const isFixed = LACINGS[lacing] === 'fixed-size';
  const isXiph = LACINGS[lacing] === 'xiph';
  let at = start + 1;
  let size = isFixed ? (end - at) / count : 0;
  if (!Number.isInteger(size))
    throw invalid(shift + start, `${end - at} bytes do not part into ${count} frames of one size`);
  const sizes = new Float64Array(count).fill(size);
  if (!isFixed) {
    // Counted from the start: a size beyond 2^53 leaves the same inexact rest wherever the Block lies.
    let rest = end - start;
    for (let i = 0; i < count - 1; i++) {
      let length = 1;
      if (isXiph) {
        size = 0;
        do size += bytes[at]!;
        while (bytes[at++] === 255 && at < end);
      } else {
        // The first size as it is, the others as signed differences from the one before.
        length = vintLength(bytes[at]!);
        const value = readVint(bytes, at, length);
        size = i === 0 ? value : size + value - (2 ** (7 * length - 1) - 1);
        at += length;
      }
      if (length > 8 || at > end) throw invalid(shift + end - 1, 'the lacing of a Block goes on past its end');
      sizes[i] = size;
      rest -= size;
    }
    sizes[count - 1] = rest - (at - start);
  }
  const ends = new Uint32Array(count + 1);
  ends[0] = at;
  for (let i = 0; i < count; i++) {
    if (sizes[i]! < 0) throw invalid(shift + at - 1, `a lace of ${sizes[i]} bytes`);
    ends[i + 1] = ends[i]! + sizes[i]!;
  }
  return ends;
}
