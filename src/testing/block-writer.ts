import { putSize, putUint, sizeLength } from '../ebml/vint.js';
import { concatBytes, type EbmlWriteOptions, writeElement, writeMaster } from '../ebml/writer.js';
import type { Lacing } from '../mkv/block.js';
import { Mkv } from '../mkv/elements.js';

/** One or more frames of a track that are stored together: a SimpleBlock, or a BlockGroup with its Block. */
export interface BlockInput {
  /** TrackNumber, 1 and up. */
  readonly track: number;
  /** Presentation time of the first frame in microseconds. It is rounded to the document's TimestampScale. */
  readonly timestamp: number;
  /** The frames' bytes: one, or, with lacing, up to 256. */
  readonly frames: readonly Uint8Array[];
  /** How several frames share the block (RFC 9559 section 10.3). Default: `'none'`, which holds exactly one. */
  readonly lacing?: Lacing | undefined;
  /** Default `false`. In a BlockGroup: no ReferenceBlock is written. */
  readonly keyframe?: boolean | undefined;
  /** To be decoded but not shown. */
  readonly invisible?: boolean | undefined;
  /** May be left out; only a SimpleBlock can say it. */
  readonly discardable?: boolean | undefined;
  /** BlockDuration in microseconds; puts the block into a BlockGroup. */
  readonly duration?: number | undefined;
  /** DiscardPadding in nanoseconds; puts the block into a BlockGroup. */
  readonly discardPadding?: number | undefined;
  /** Put the block into a BlockGroup anyway. */
  readonly group?: boolean | undefined;
}

/**
 * Writes a SimpleBlock (RFC 9559 section 5.1.3.4), or a BlockGroup (section 5.1.3.5) where the block needs one.
 *
 * @param clusterTimestamp the Cluster's Timestamp in units of `timestampScale`
 * @param timestampScale nanoseconds per unit
 * @throws RangeError when the block is too far from its Cluster, or its frames do not fit its lacing
 */
export function writeBlock(
  block: BlockInput,
  clusterTimestamp: number,
  timestampScale: number,
  options: EbmlWriteOptions = {},
): Uint8Array {
  const toTicks = (microseconds: number) => Math.round((microseconds * 1000) / timestampScale);
  const relative = toTicks(block.timestamp) - clusterTimestamp;
  if (relative < -0x8000 || relative > 0x7fff) {
    throw new RangeError(`a block ${relative} units from its Cluster's Timestamp: 16 bits hold -32768 to 32767`);
  }
  const inGroup = block.group === true || block.duration !== undefined || block.discardPadding !== undefined;
  const content = blockContent(block, relative, !inGroup);
  if (!inGroup) return writeElement(Mkv.SimpleBlock, content, options);
  const children = [writeElement(Mkv.Block, content, options)];
  if (block.duration !== undefined) children.push(writeElement(Mkv.BlockDuration, toTicks(block.duration)));
  if (block.keyframe !== true) children.push(writeElement(Mkv.ReferenceBlock, -1));
  if (block.discardPadding !== undefined) children.push(writeElement(Mkv.DiscardPadding, block.discardPadding));
  return writeMaster(Mkv.BlockGroup, children, options);
}

const LACING_FLAGS: Readonly<Record<Lacing, number>> = { none: 0, xiph: 0x02, 'fixed-size': 0x04, ebml: 0x06 };

function blockContent(block: BlockInput, relative: number, simple: boolean): Uint8Array {
  const { frames, lacing = 'none' } = block;
  const numberLength = sizeLength(block.track);
  const head = new Uint8Array(numberLength + 3);
  putSize(head, 0, block.track, numberLength);
  putUint(head, numberLength, relative & 0xffff, 2);
  let flags = LACING_FLAGS[lacing];
  if (block.invisible === true) flags |= 0x08;
  if (simple && block.keyframe === true) flags |= 0x80;
  if (simple && block.discardable === true) flags |= 0x01;
  head[numberLength + 2] = flags;
  return concatBytes([head, laceHead(frames, lacing), ...frames]);
}

/** The number of frames and their sizes, as the lacing wants them. */
function laceHead(frames: readonly Uint8Array[], lacing: Lacing): Uint8Array {
  const sizes = frames.map((frame) => frame.length);
  if (lacing === 'none') {
    if (sizes.length !== 1) throw new RangeError(`${sizes.length} frames in a block without lacing`);
    return new Uint8Array(0);
  }
  if (sizes.length < 1 || sizes.length > 256) throw new RangeError(`${sizes.length} frames in a laced block`);
  const count = Uint8Array.of(sizes.length - 1);
  const stored = sizes.slice(0, -1);
  switch (lacing) {
    case 'fixed-size':
      if (sizes.some((size) => size !== sizes[0])) throw new RangeError('frames of several sizes in fixed-size lacing');
      return count;
    case 'xiph':
      return concatBytes([count, ...stored.map(xiphSize)]);
    case 'ebml':
      return concatBytes([
        count,
        ...stored.map((size, i) => (i === 0 ? ebmlSize(size) : ebmlDifference(size - (stored[i - 1] ?? 0)))),
      ]);
  }
}

function xiphSize(size: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor(size / 255) + 1).fill(255);
  bytes[bytes.length - 1] = size % 255;
  return bytes;
}

function ebmlSize(size: number): Uint8Array {
  const bytes = new Uint8Array(sizeLength(size));
  putSize(bytes, 0, size, bytes.length);
  return bytes;
}

/** A signed difference: the range of each width is shifted so that its middle is 0. */
function ebmlDifference(difference: number): Uint8Array {
  let length = 1;
  while (Math.abs(difference) > 2 ** (7 * length - 1) - 1) length++;
  const bytes = new Uint8Array(length);
  putSize(bytes, 0, difference + 2 ** (7 * length - 1) - 1, length);
  return bytes;
}
