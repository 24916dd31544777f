import type { EbmlElementType } from '../../src/ebml/element-type.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { dataNode, masterNode, type TreeNode, writeTree } from '../ebml-tree.js';
import { bigEndian } from '../mutate-bytes.js';

/** Shorthands to write patterns with. */

export const hex = (digits: string) => Uint8Array.from(Buffer.from(digits.replace(/\s/g, ''), 'hex'));
export const ascii = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
/** One or many: lists are given as they are, for a call takes no more than some 100,000 arguments. */
export type Many<T> = T | readonly T[];

function flatten<T extends object>(items: readonly Many<T>[]): T[] {
  const all: T[] = [];
  for (const item of items) {
    if (isList(item)) for (const one of item) all.push(one);
    else all.push(item);
  }
  return all;
}

function isList<T>(item: Many<T>): item is readonly T[] {
  return Array.isArray(item);
}

export const join = (...parts: Many<Uint8Array>[]) => concatBytes(flatten(parts));
export const write = (...nodes: Many<TreeNode>[]) => writeTree(flatten(nodes));

/** `count` times what `make` gives for 0, 1, 2 … */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

export function repeat(count: number, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(count * bytes.length);
  for (let i = 0; i < count; i++) all.set(bytes, i * bytes.length);
  return all;
}

export function uint(type: EbmlElementType, value: number | bigint): TreeNode {
  const length = Math.max(1, Math.ceil(value.toString(16).length / 2));
  return dataNode(type, bigEndian(BigInt(value), length));
}

export const text = (type: EbmlElementType, value: string) => dataNode(type, new TextEncoder().encode(value));
export const data = (type: EbmlElementType, bytes: Uint8Array) => dataNode(type, bytes);
export const master = (type: EbmlElementType, ...children: Many<TreeNode>[]) => masterNode(type, flatten(children));
export const unknownSize = (node: TreeNode): TreeNode => ({ ...node, size: 'unknown', width: 8 });

export const ebmlHeader = () => master(Mkv.EBML, text(Mkv.DocType, 'matroska'));
export const info = () => master(Mkv.Info, uint(Mkv.TimestampScale, 1_000_000));

export interface TrackFields {
  readonly number?: number;
  readonly audio?: boolean;
  readonly codecId?: string;
  readonly codecPrivate?: Uint8Array;
  readonly more?: readonly TreeNode[];
}

export function trackEntry(fields: TrackFields = {}): TreeNode {
  const { number = 1, audio = false, codecId = audio ? 'A_AAC' : 'V_MPEG4/ISO/AVC', codecPrivate, more = [] } = fields;
  const rate = new Uint8Array(8);
  new DataView(rate.buffer).setFloat64(0, 48_000);
  return master(
    Mkv.TrackEntry,
    uint(Mkv.TrackNumber, number),
    uint(Mkv.TrackUID, number),
    uint(Mkv.TrackType, audio ? 2 : 1),
    text(Mkv.CodecID, codecId),
    ...(codecPrivate === undefined ? [] : [data(Mkv.CodecPrivate, codecPrivate)]),
    audio
      ? master(Mkv.Audio, data(Mkv.SamplingFrequency, rate), uint(Mkv.Channels, 2))
      : master(Mkv.Video, uint(Mkv.PixelWidth, 320), uint(Mkv.PixelHeight, 240)),
    more,
  );
}

export const tracks = (...entries: Many<TreeNode>[]) => master(Mkv.Tracks, ...entries);

/** A SimpleBlock whose track number fits two bytes. */
export function simpleBlock(frame: Uint8Array, relative = 0, track = 1, flags = 0x80): TreeNode {
  return data(Mkv.SimpleBlock, blockData(frame, relative, track, flags));
}

export function blockData(frame: Uint8Array, relative: number, track: number, flags: number): Uint8Array {
  const number = track < 127 ? [0x80 | track] : [0x40 | (track >> 8), track & 255];
  return join(Uint8Array.of(...number, (relative >> 8) & 255, relative & 255, flags), frame);
}

export const cluster = (timestamp: number, ...children: Many<TreeNode>[]) =>
  master(Mkv.Cluster, uint(Mkv.Timestamp, timestamp), ...children);

export const simpleTag = (name: string, value: string, ...more: Many<TreeNode>[]) =>
  master(Mkv.SimpleTag, text(Mkv.TagName, name), text(Mkv.TagString, value), ...more);

export const tags = (...simple: Many<TreeNode>[]) => master(Mkv.Tags, master(Mkv.Tag, ...simple));

export const kvs = (name: string, value: string) => simpleTag(`AWS_KINESISVIDEO_${name}`, value);

/** What the service puts before the frames of a fragment. */
export const fragmentTags = (number: number) =>
  tags(kvs('FRAGMENT_NUMBER', String(number)), kvs('SERVER_TIMESTAMP', '1.5'), kvs('PRODUCER_TIMESTAMP', '1.5'));

/** What it puts behind them. */
export const trailingTags = (number: number) =>
  tags(kvs('MILLIS_BEHIND_NOW', '0'), kvs('CONTINUATION_TOKEN', String(number)));

/** A document whose Segment has these children. */
export function segment(...children: Many<TreeNode>[]): Uint8Array {
  return write(ebmlHeader(), unknownSize(master(Mkv.Segment, ...children)));
}

/** A stream of one H.264 track with these Clusters and the like. */
export function video(codecPrivate: Uint8Array | undefined, ...children: Many<TreeNode>[]): Uint8Array {
  const track = trackEntry(codecPrivate === undefined ? {} : { codecPrivate });
  return segment(info(), tracks(track), ...children);
}
